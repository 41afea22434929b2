//! Landlock: what a process and all its children may open, connect to and signal, told to the
//! kernel for good. Only the three system calls (landlock(7)); what is allowed is the caller's.

use rustix::fs::{Mode, OFlags};
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::path::Path;

/// Rights over files, as `landlock_ruleset_attr` numbers them.
const EXECUTE: u64 = 1 << 0;
const WRITE_FILE: u64 = 1 << 1;
const READ_FILE: u64 = 1 << 2;
const READ_DIR: u64 = 1 << 3;
/// Removing and making entries of every kind but devices.
const CHANGE_FOLDERS: u64 = 1 << 4 | 1 << 5 | 1 << 7 | 1 << 8 | 1 << 9 | 1 << 10 | 1 << 12;
const MAKE_DEVICES: u64 = 1 << 6 | 1 << 11;
/// Moving between folders, from interface 2 on.
const REFER: u64 = 1 << 13;
/// From interface 3 on.
const TRUNCATE: u64 = 1 << 14;
/// Talking to devices beyond reading and writing, from interface 5 on.
const IOCTL_DEVICES: u64 = 1 << 15;

/// Binding and connecting TCP, from interface 4 on.
const TCP: u64 = 1 << 0 | 1 << 1;
/// Abstract unix sockets and signals of processes outside, from interface 6 on.
const SCOPE_SOCKETS: u64 = 1 << 0;
const SCOPE_SIGNALS: u64 = 1 << 1;

/// `LANDLOCK_CREATE_RULESET_VERSION`.
const ASK_VERSION: u32 = 1;
/// `LANDLOCK_RULE_PATH_BENEATH`.
const RULE_PATH_BENEATH: u32 = 1;

/// What may be done below a path.
pub(crate) const READ: u64 = EXECUTE | READ_FILE | READ_DIR;
/// What may be done with a device file that is data, like `/dev/null`.
pub(crate) const READ_AND_WRITE: u64 = READ_FILE | WRITE_FILE | TRUNCATE;
/// Everything but making devices.
pub(crate) const CHANGE: u64 =
    READ | WRITE_FILE | CHANGE_FOLDERS | REFER | TRUNCATE | IOCTL_DEVICES;
/// Reading alone, where only that is handled.
pub(crate) const READ_BESIDE: u64 = READ_FILE;
/// The part of the rights that a rule over a file, not a folder, may name.
const OF_FILES: u64 = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEVICES;

/// Which rights over files a ruleset forbids unless a rule allows them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Files {
    /// None.
    Free,
    /// Reading. Moving between folders as well, which the kernel forbids wherever a ruleset is
    /// about files and does not name it.
    ReadBeside,
    /// All.
    All,
}

/// What a ruleset forbids unless a rule allows it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Handled {
    pub(crate) files: Files,
    /// Also talking to devices, which a program on a GPU cannot do without.
    pub(crate) devices: bool,
    pub(crate) tcp: bool,
    pub(crate) sockets_outside: bool,
    pub(crate) signals_outside: bool,
}

/// Rules that wait to be put on a process.
#[derive(Debug)]
pub(crate) struct Ruleset {
    descriptor: OwnedFd,
    handled_files: u64,
}

#[repr(C)]
struct RulesetAttribute {
    handled_access_fs: u64,
    handled_access_net: u64,
    scoped: u64,
}

#[repr(C, packed)]
struct PathBeneathAttribute {
    allowed_access: u64,
    parent_fd: i32,
}

/// The interface's version that this kernel has; 0 where it has none or has it switched off.
#[expect(unsafe_code, reason = "landlock has no wrapper in libc")]
pub(crate) fn abi() -> u32 {
    // SAFETY: asked for its version, the call takes no pointer.
    let version = unsafe {
        let nothing = std::ptr::null::<RulesetAttribute>();
        libc::syscall(libc::SYS_landlock_create_ruleset, nothing, 0_usize, ASK_VERSION)
    };
    u32::try_from(version).unwrap_or(0)
}

impl Ruleset {
    /// A ruleset of what this interface version knows of `handled`; `None` where that is nothing.
    #[expect(unsafe_code, reason = "landlock has no wrapper in libc")]
    pub(crate) fn new(abi: u32, handled: Handled) -> io::Result<Option<Ruleset>> {
        let from = |version: u32, rights: u64| if abi >= version { rights } else { 0 };
        let mut files = match handled.files {
            Files::Free => 0,
            Files::ReadBeside => from(1, READ_FILE) | from(2, REFER),
            Files::All => {
                from(1, READ | WRITE_FILE | CHANGE_FOLDERS | MAKE_DEVICES)
                    | from(2, REFER)
                    | from(3, TRUNCATE)
            }
        };
        if handled.devices {
            files |= from(5, IOCTL_DEVICES);
        }
        let mut scoped = if handled.sockets_outside { from(6, SCOPE_SOCKETS) } else { 0 };
        scoped |= if handled.signals_outside { from(6, SCOPE_SIGNALS) } else { 0 };
        let attribute = RulesetAttribute {
            handled_access_fs: files,
            handled_access_net: if handled.tcp { from(4, TCP) } else { 0 },
            scoped,
        };
        if files == 0 && attribute.handled_access_net == 0 && scoped == 0 {
            return Ok(None);
        }
        // SAFETY: the pointer and the size are of one live value, which the kernel only reads; an
        // older kernel accepts the longer form as long as what it does not know is zero.
        let made = unsafe {
            let size = size_of::<RulesetAttribute>();
            libc::syscall(libc::SYS_landlock_create_ruleset, &raw const attribute, size, 0_u32)
        };
        let made = i32::try_from(made).ok().filter(|descriptor| *descriptor >= 0);
        let descriptor = made.ok_or_else(io::Error::last_os_error)?;
        // SAFETY: the kernel has just made this descriptor, close-on-exec, and nobody else has it.
        let descriptor = unsafe { OwnedFd::from_raw_fd(descriptor) };
        Ok(Some(Ruleset { descriptor, handled_files: files }))
    }

    /// Allows `rights` at and below a path; one that is not there, or may not be seen, needs none.
    pub(crate) fn allow(&self, path: &Path, rights: u64) -> io::Result<()> {
        self.allow_opened(path, OFlags::empty(), rights)
    }

    /// The same for an entry of a folder, which is allowed nothing where it is a link.
    pub(crate) fn allow_entry(&self, path: &Path, rights: u64) -> io::Result<()> {
        self.allow_opened(path, OFlags::NOFOLLOW, rights)
    }

    /// Allows moving files between folders below a path.
    pub(crate) fn allow_moves(&self, path: &Path) -> io::Result<()> {
        self.allow(path, REFER)
    }

    #[expect(unsafe_code, reason = "landlock has no wrapper in libc")]
    fn allow_opened(&self, path: &Path, how: OFlags, rights: u64) -> io::Result<()> {
        let flags = OFlags::PATH | OFlags::CLOEXEC | how;
        let Ok(beneath) = rustix::fs::open(path, flags, Mode::empty()) else { return Ok(()) };
        let beneath = File::from(beneath);
        let metadata = beneath.metadata()?;
        if metadata.is_symlink() {
            return Ok(());
        }
        let is_folder = metadata.is_dir();
        let rights = rights & self.handled_files & if is_folder { u64::MAX } else { OF_FILES };
        if rights == 0 {
            return Ok(());
        }
        let rule = PathBeneathAttribute { allowed_access: rights, parent_fd: beneath.as_raw_fd() };
        // SAFETY: the kernel reads one live value of the rule's own type.
        let added = unsafe {
            let ruleset = self.descriptor.as_raw_fd();
            let rule = &raw const rule;
            libc::syscall(libc::SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, rule, 0_u32)
        };
        if added == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }

    /// Puts the rules on this thread and on whatever it starts from now on. Needs no_new_privs.
    pub(crate) fn restrict(&self) -> io::Result<()> {
        use std::os::fd::AsFd;
        if restrict_by(self.descriptor.as_fd()) == 0 {
            return Ok(());
        }
        Err(io::Error::last_os_error())
    }

    pub(crate) fn into_descriptor(self) -> OwnedFd {
        self.descriptor
    }
}

/// The call alone, for code between clone and exec: 0, or -1 with `errno`.
#[expect(unsafe_code, reason = "landlock has no wrapper in libc")]
pub(crate) fn restrict_by(ruleset: BorrowedFd<'_>) -> libc::c_long {
    // SAFETY: two numbers; a descriptor that is no ruleset is refused.
    unsafe { libc::syscall(libc::SYS_landlock_restrict_self, ruleset.as_raw_fd(), 0_u32) }
}
