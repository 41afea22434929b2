//! The launcher: a small process, one for each slot, that starts the user's programs and lets none
//! of their children escape. It is confined itself, and its children inherit that. Whatever they
//! leave becomes its own child (PR_SET_CHILD_SUBREAPER), also what made a session of its own; so
//! when the kernel says that it has no child left, nothing of the command is left.

use crate::channel::{Channel, Received};
use crate::child::prepare;
use crate::confine::limit;
use crate::frame::{CommandRequest, FromChild, KILL};
use crate::hidden::{AGE_MAX, Scope, resolved};
use crate::landlock::{self, CHANGE, Files, Handled, READ, READ_AND_WRITE, Ruleset};
use crate::launch::{Launch, Leader, Stdio};
use crate::layers::{Layers, User};
use crate::syscalls;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Resource, Signal, WaitOptions};
use std::collections::BTreeMap;
use std::ffi::{CString, OsString};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Processes that one command may have at a time.
pub(crate) const PROCESS_COUNT_MAX: usize = 1_024;
/// Between two counts of them; most commands end before the first.
const COUNT_PERIOD: Duration = Duration::from_millis(250);
/// A count may take this share of the time: it reads all of `/proc`.
const COUNT_SHARE: u32 = 20;
/// How long killed processes may take to vanish.
const BURIAL_MAX: Duration = Duration::from_secs(10);

/// linux/capability.h: SYS_MODULE, SYS_RAWIO, SYS_PTRACE, SYS_PACCT, SYS_ADMIN, SYS_BOOT,
/// SYS_RESOURCE, SYS_TIME, MKNOD, MAC_OVERRIDE, MAC_ADMIN, SYSLOG, PERFMON, BPF.
const GIVEN_UP_CAPABILITIES: &[libc::c_ulong] =
    &[16, 17, 19, 20, 21, 22, 24, 25, 27, 32, 33, 34, 38, 39];

/// Files for data that everybody may write.
const DATA_DEVICES: &[&str] =
    &["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"];

/// What the commands of a launcher may do beside reading what the user may read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Profile {
    /// Whether they may use sockets.
    pub network: bool,
    /// Where they may write, beside their scratch folder.
    pub writable: Vec<PathBuf>,
    /// Folders whose files they may not read; one that is not there yet neither.
    pub hidden: Vec<PathBuf>,
}

impl Profile {
    /// A path where they may write and that is above, at or in a hidden folder, if there is one:
    /// writing there is not to be allowed.
    #[must_use]
    pub fn exposing(&self) -> Option<&Path> {
        let hidden: Vec<PathBuf> = self.hidden.iter().map(|path| resolved(path)).collect();
        let exposes = |path: &&PathBuf| {
            let path = resolved(path);
            hidden.iter().any(|it| it.starts_with(&path) || path.starts_with(it))
        };
        self.writable.iter().find(exposes).map(PathBuf::as_path)
    }
}

/// Starts commands one after another until the parent closes the socket, which comes as this
/// process' stdin. To be called first in `main`, like [`crate::serve`].
///
/// # Errors
/// The process was not started by a [`crate::Launcher`], the socket fails, or a command leaves
/// processes that do not die.
pub fn serve_launches() -> io::Result<()> {
    let mut channel = Channel::new(prepare()?);
    let (profile, scratch) = match channel.receive()? {
        Received::Frame(frame, _) => Profile::decode(frame).ok_or_else(astray)?,
        Received::Closed => return Ok(()),
    };
    let folder = CString::new(scratch.as_os_str().as_bytes())?;
    let (layers, mut scope) = confine(profile, &scratch)?;
    channel.send(&[&FromChild::Ready(layers).encode()], &[])?;
    let inherited = std::env::vars_os().collect::<BTreeMap<_, _>>();
    loop {
        if scope.is_kept() && !comes_within(&channel, AGE_MAX)? {
            scope.forget();
        }
        let asked = match channel.receive()? {
            // The command that it is meant for has ended.
            Received::Frame(KILL, _) => continue,
            Received::Frame(frame, stdio) => read(frame, stdio, &inherited)?,
            Received::Closed => return Ok(()),
        };
        let Asked { file_bytes_max, launch, stdio } = asked;
        let started = match scope.ruleset() {
            Ok(ruleset) => launch.start(&stdio, &folder, file_bytes_max, ruleset),
            Err(error) => Err(error),
        };
        drop(stdio);
        let leader = match started {
            Ok(leader) => leader,
            Err(error) => {
                let errno = error.raw_os_error().unwrap_or(0);
                channel.send(&[&FromChild::Unstarted { errno }.encode()], &[])?;
                continue;
            }
        };
        let is_bomb = follow(&leader, &mut channel)?;
        let status = bury(&leader)?;
        // A parent that is gone shows at the next receive.
        let _ = channel.send(&[&FromChild::Ended { is_bomb, status }.encode()], &[]);
    }
}

/// Whether the parent says something in this time, or closes the socket.
fn comes_within(channel: &Channel, time: Duration) -> io::Result<bool> {
    let mut entries = [PollFd::new(channel, PollFlags::IN)];
    let timeout = Timespec::try_from(time).map_err(io::Error::other)?;
    Ok(rustix::io::retry_on_intr(|| poll(&mut entries, Some(&timeout)))? > 0)
}

/// What this process gives up, and with it everything that it starts. Also what each command gives
/// up on top.
fn confine(profile: Profile, scratch: &Path) -> io::Result<(Layers, Scope)> {
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    rustix::thread::set_no_new_privs(true)?;
    limit(Resource::Core, 0)?;
    // Of these processes alone: others of the same user count, but are not held to it. Root is not
    // held to any; see `follow`.
    limit(Resource::Nproc, own_task_count() + 4 * PROCESS_COUNT_MAX as u64)?;
    give_up_capabilities();
    let landlock_abi = landlock::abi();
    let handled = Handled {
        files: Files::All,
        devices: false,
        tcp: !profile.network,
        sockets_outside: !profile.network,
        signals_outside: true,
    };
    if let Some(ruleset) = Ruleset::new(landlock_abi, handled)? {
        ruleset.allow(Path::new("/"), READ)?;
        DATA_DEVICES.iter().try_for_each(|file| ruleset.allow(Path::new(file), READ_AND_WRITE))?;
        ruleset.allow(scratch, CHANGE)?;
        profile.writable.iter().try_for_each(|path| ruleset.allow(path, CHANGE))?;
        ruleset.restrict()?;
    }
    let has_filter = syscalls::command_filter(profile.network, landlock_abi > 0).install()?;
    let own = profile.writable.into_iter().chain([scratch.to_owned()]).collect();
    let scope = Scope::new(landlock_abi, profile.hidden, own);
    Ok((Layers { user: User::Worker, landlock_abi, has_filter }, scope))
}

/// Root's commands are root's, but the machine is not theirs: without these capabilities they also
/// may not look into processes past Landlock (CAP_PERFMON reads any environment, since Linux 6.15).
#[expect(unsafe_code, reason = "one number of the kernel's, which rustix wraps by older names")]
fn give_up_capabilities() {
    for capability in GIVEN_UP_CAPABILITIES {
        // SAFETY: two numbers. Who has none, or a kernel that does not know this one, refuses.
        unsafe { libc::prctl(libc::PR_CAPBSET_DROP, *capability, 0, 0, 0) };
    }
}

/// A request to start a command.
struct Asked {
    file_bytes_max: u64,
    launch: Launch,
    stdio: Stdio,
}

fn read(
    frame: &[u8],
    stdio: Vec<OwnedFd>,
    inherited: &BTreeMap<OsString, OsString>,
) -> io::Result<Asked> {
    let request = CommandRequest::decode(frame).ok_or_else(astray)?;
    let CommandRequest { file_bytes_max, line, variables } = request;
    let mut environment = inherited.clone();
    environment.extend(variables);
    let launch = Launch::new(&line, environment.into_iter())?;
    let mut stdio = stdio.into_iter();
    let (Some(stderr), Some(stdout)) = (stdio.next(), stdio.next()) else { return Err(astray()) };
    let stdio = Stdio { stdin: stdio.next(), stdout, stderr };
    Ok(Asked { file_bytes_max, launch, stdio })
}

/// Waits until the command has ended or is to end; `true`: because it has too many processes.
fn follow(leader: &Leader, channel: &mut Channel) -> io::Result<bool> {
    let mut wait = COUNT_PERIOD;
    loop {
        let timeout = Timespec::try_from(wait).map_err(io::Error::other)?;
        let (has_ended, is_told) = {
            let mut entries =
                [PollFd::new(leader, PollFlags::IN), PollFd::new(channel, PollFlags::IN)];
            rustix::io::retry_on_intr(|| poll(&mut entries, Some(&timeout)))?;
            (!entries[0].revents().is_empty(), !entries[1].revents().is_empty())
        };
        if has_ended {
            return Ok(false);
        }
        if is_told {
            // An order to kill, or the parent's end; both mean the same.
            let _ = channel.try_receive()?;
            return Ok(false);
        }
        let began = Instant::now();
        if descendants().len() > PROCESS_COUNT_MAX {
            return Ok(true);
        }
        wait = COUNT_PERIOD.max(began.elapsed() * COUNT_SHARE);
    }
}

/// Kills and reaps the command with all that it started; answers how the leader ended. One that had
/// ended by itself keeps its own status.
fn bury(leader: &Leader) -> io::Result<i32> {
    // The leader is not reaped yet, so that the group's number cannot belong to anybody else. Linux
    // lets no member of a group fork its way past this signal.
    let _ = rustix::process::kill_process_group(leader.pid, Signal::KILL);
    let ended = rustix::io::retry_on_intr(|| {
        rustix::process::waitpid(Some(leader.pid), WaitOptions::empty())
    })?;
    let status = ended.map_or(0, |(_, status)| status.as_raw());
    let began = Instant::now();
    loop {
        match rustix::process::wait(WaitOptions::NOHANG) {
            Err(rustix::io::Errno::CHILD) => return Ok(status),
            Ok(Some(_)) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
            Ok(None) if began.elapsed() > BURIAL_MAX => {
                return Err(io::Error::other("a command's processes do not die"));
            }
            Ok(None) => {
                for process in descendants() {
                    let _ = rustix::process::kill_process(process, Signal::KILL);
                }
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }
}

/// All living processes below this one.
fn descendants() -> Vec<Pid> {
    let Ok(processes) = std::fs::read_dir("/proc") else { return Vec::new() };
    let mut children = BTreeMap::<i32, Vec<i32>>::new();
    for entry in processes.flatten() {
        let name = entry.file_name();
        let Some(process) = name.to_str().and_then(|name| name.parse::<i32>().ok()) else {
            continue;
        };
        let stat = std::fs::read(entry.path().join("stat")).unwrap_or_default();
        if let Some(parent) = parent_of(&stat) {
            children.entry(parent).or_default().push(process);
        }
    }
    let mut found = Vec::new();
    let mut above = vec![rustix::process::getpid().as_raw_nonzero().get()];
    while let Some(parent) = above.pop() {
        for child in children.remove(&parent).unwrap_or_default() {
            found.extend(Pid::from_raw(child));
            above.push(child);
        }
    }
    found
}

/// Threads of all processes of this user.
fn own_task_count() -> u64 {
    let user = rustix::process::getuid().as_raw();
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let own = entries.filter(|entry| entry.metadata().is_ok_and(|data| data.uid() == user));
    own.filter_map(|entry| {
        let stat = std::fs::read(entry.path().join("stat")).ok()?;
        let end = stat.iter().rposition(|byte| *byte == b')')?;
        // Field 20 of proc(5), 17 after the state.
        let fields = std::str::from_utf8(&stat[end + 1..]).ok()?;
        fields.split_ascii_whitespace().nth(17)?.parse::<u64>().ok()
    })
    .sum()
}

/// Field 4 of `/proc/<pid>/stat` (proc(5)); `None` for a zombie, which is dead already.
fn parent_of(stat: &[u8]) -> Option<i32> {
    // The program's name, in parentheses, may hold blanks and parentheses itself.
    let end = stat.iter().rposition(|byte| *byte == b')')?;
    let mut fields = std::str::from_utf8(&stat[end + 1..]).ok()?.split_ascii_whitespace();
    match fields.next()? {
        "Z" => None,
        _ => fields.next()?.parse().ok(),
    }
}

fn astray() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "not started as a launcher")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parent_is_read_past_any_name() {
        assert_eq!(parent_of(b"12 (a) b (c) R 7 77"), Some(7));
        assert_eq!(parent_of(b"12 (a) Z 7 77"), None);
        assert_eq!(parent_of(b""), None);
    }
}
