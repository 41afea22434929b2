//! A mount namespace with a recorded disk in it. Nothing of it is seen outside, and nothing is left
//! when it goes, however the test ends: the kernel unmounts what the last process leaves behind.

use super::content::Content;
use super::disk::{Disk, Recording, Witness};
use super::fuse;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Small enough to be copied often, large enough for a state.
pub(crate) const DISK_BYTES: u64 = 64 << 20;
/// Of so many disks one is looked at by e2fsck after its recovery.
pub(crate) const CHECKED_EVERY: usize = 5;

pub(crate) struct Cell {
    holder: Child,
    disk: Arc<Mutex<Disk>>,
    mount_dir: PathBuf,
    /// The file that the disk is; only its name lies outside.
    file: tempfile::NamedTempFile,
}

/// An empty ext4 as Debian makes it, but for the sizes.
pub(crate) fn empty_ext4() -> Result<Content, String> {
    let file = tempfile::NamedTempFile::new().map_err(|error| error.to_string())?;
    file.as_file().set_len(DISK_BYTES).map_err(|error| error.to_string())?;
    // By itself mkfs gives a disk of this size blocks of 1 KiB.
    let mut command = Command::new("mkfs.ext4");
    command.args(["-q", "-F", "-b", "4096", "-J", "size=4", "-E", "lazy_itable_init=0"]);
    done(command.arg(file.path()))?;
    let bytes = std::fs::read(file.path()).map_err(|error| error.to_string())?;
    Ok(Content::of(&bytes))
}

/// What e2fsck finds wrong with the file system of an unmounted disk.
pub(crate) fn checked(content: &Content) -> Result<(), String> {
    let file = tempfile::NamedTempFile::new().map_err(|error| error.to_string())?;
    file.as_file().set_len(DISK_BYTES).map_err(|error| error.to_string())?;
    content.save(file.as_file()).map_err(|error| error.to_string())?;
    done(Command::new("e2fsck").args(["-f", "-n"]).arg(file.path()))
}

impl Cell {
    /// Mounts a disk of this content at `mount_dir`, a directory that is there; recovers what a
    /// loss of power left, as every mount does.
    ///
    /// # Errors
    /// What this machine has not, or does not allow.
    pub(crate) fn mount(
        content: Content,
        mount_dir: &Path,
        witness: Witness,
    ) -> Result<Cell, String> {
        let device = OpenOptions::new().read(true).write(true).open(fuse::DEVICE);
        let device = device.map_err(|error| format!("{}: {error}", fuse::DEVICE))?;
        let file = tempfile::NamedTempFile::new().map_err(|error| error.to_string())?;
        let disk = Arc::new(Mutex::new(Disk::new(content, DISK_BYTES, witness)));
        let cell = Cell { holder: hold()?, disk, mount_dir: mount_dir.to_path_buf(), file };
        cell.attach(device)?;
        done(
            cell.command("mount")
                .args(["-t", "ext4", "-o", "loop"])
                .args([cell.file.path(), mount_dir]),
        )?;
        Ok(cell)
    }

    /// Mounts the disk as a file.
    fn attach(&self, device: File) -> Result<(), String> {
        let server = device.try_clone().map_err(|error| error.to_string())?;
        let options = "fd=0,rootmode=100600,user_id=0,group_id=0";
        let mut command = self.command("mount");
        command.args(["-i", "-t", "fuse", "-o", options, "disk"]).arg(self.file.path());
        done(command.stdin(device))?;
        let disk = Arc::clone(&self.disk);
        // It ends with the connection, when the kernel has let go of the file system.
        let serve = move || fuse::serve(server, &disk);
        std::thread::Builder::new().name("disk".to_owned()).spawn(serve).expect("a thread");
        Ok(())
    }

    /// A program in here. Its working directory is the root.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--mount=/proc/{}/ns/mnt", self.holder.id())).arg("--").arg(program);
        command
    }

    /// Where a path of in here is seen from outside.
    pub(crate) fn seen(&self, path: &Path) -> PathBuf {
        let path = path.strip_prefix("/").expect("an absolute path");
        Path::new(&format!("/proc/{}/root", self.holder.id())).join(path)
    }

    pub(crate) fn take_recording(&self) -> Recording {
        self.disk().take_recording()
    }

    /// What lies on the disk after an orderly end.
    pub(crate) fn unmount(self) -> Result<Content, String> {
        done(self.command("umount").arg(&self.mount_dir))?;
        let content = self.disk().content().clone();
        Ok(content)
    }

    fn disk(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Cell {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

/// A process in a new mount namespace, which ends when this one closes its input.
fn hold() -> Result<Child, String> {
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "sh", "-c", "echo; exec cat"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut holder = command.spawn().map_err(|error| format!("unshare: {error}"))?;
    let out = holder.stdout.take().expect("it was asked for");
    match BufReader::new(out).read_line(&mut String::new()) {
        Ok(1) => Ok(holder),
        _ => {
            let _ = holder.kill();
            let _ = holder.wait();
            Err("unshare: no mount namespace can be made here".to_owned())
        }
    }
}

/// Runs a tool; what it said if it failed.
fn done(command: &mut Command) -> Result<(), String> {
    let name = format!("{:?}", command.get_program());
    let output = command.output().map_err(|error| format!("{name}: {error}"))?;
    let said = [output.stdout, output.stderr].map(|it| String::from_utf8_lossy(&it).into_owned());
    if output.status.success() { Ok(()) } else { Err(format!("{command:?}: {}", said.concat())) }
}
