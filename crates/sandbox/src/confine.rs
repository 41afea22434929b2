//! What an executor puts on itself before it says that it is ready. Each layer holds without the
//! others; one that the kernel lacks is told (`Layers`), any other failure ends the process.

use crate::death::Bounds;
use crate::folders;
use crate::landlock::{self, Files, Handled, READ, READ_AND_WRITE, Ruleset};
use crate::layers::{Layers, User};
use crate::syscalls;
use rustix::io::Errno;
use rustix::process::{Gid, Resource, Rlimit, Signal, Uid};
use std::io;
use std::path::Path;

/// Descriptors that an executor may hold: the socket, an input, an output and what a library opens.
const OPEN_FILE_COUNT_MAX: u64 = 256;
/// Threads of an executor, counted where it has a user id of its own. Decoders of AV1 start one for
/// each processor, up to 256.
const THREAD_COUNT_MAX: u64 = 320;

/// User ids for executors of root are this and the process id, so that no two that live have the
/// same, and none needs an account. From the range 1879048192 to 2147352575, which systemd's list
/// of id ranges (UIDS-GIDS.md) leaves unused; a process id has at most 22 bits.
const USER_FIRST: u32 = 1_900_000_000;
/// Where a container maps only 65,536 ids: 60578 to 60705 are unused in the same list.
const USER_SMALL_FIRST: u32 = 60_578;
const USER_SMALL_COUNT: u32 = 128;

/// What libraries, and the loader of libraries, read. What a folder holds is public on every
/// system; homes, `/etc`, `/var`, `/tmp` and the state are not among them.
const READABLE: &[&str] = &[
    "/usr",
    "/lib",
    "/lib32",
    "/lib64",
    "/nix/store",
    "/gnu/store",
    "/etc/ld.so.cache",
    "/etc/fonts",
    "/etc/localtime",
    "/var/cache/fontconfig",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/sys/vm/overcommit_memory",
    "/sys/devices/system/cpu",
    "/dev/random",
    "/dev/urandom",
    "/dev/zero",
];

/// Gives up everything that an executor does not need; the socket and stdio are open already.
/// No request will have more than `bounds_max`.
pub(crate) fn confine_executor(bounds_max: Bounds) -> io::Result<Layers> {
    rustix::thread::set_no_new_privs(true)?;
    limit(Resource::As, bounds_max.memory_bytes)?;
    limit(Resource::Fsize, bounds_max.output_bytes)?;
    limit(Resource::Core, 0)?;
    limit(Resource::Nofile, OPEN_FILE_COUNT_MAX)?;
    limit(Resource::Memlock, 0)?;
    limit(Resource::Msgqueue, 0)?;
    folders::hold();
    let user = leave_root()?;
    if user == User::Own {
        // Counted per user: an ordinary user's own processes would count too.
        limit(Resource::Nproc, THREAD_COUNT_MAX)?;
    }
    // Nobody but root may look into its memory, nor may a neighbour of the same user.
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)?;
    // After the change of user, which clears it.
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    let landlock_abi = landlock::abi();
    let handled = Handled {
        files: Files::All,
        devices: true,
        tcp: true,
        sockets_outside: true,
        signals_outside: true,
    };
    if let Some(ruleset) = Ruleset::new(landlock_abi, handled)? {
        READABLE.iter().try_for_each(|path| ruleset.allow(Path::new(path), READ))?;
        ruleset.allow(Path::new("/dev/null"), READ_AND_WRITE)?;
        folders::named().iter().try_for_each(|folder| ruleset.allow(folder, READ))?;
        ruleset.restrict()?;
    }
    // Last: it forbids what the lines above do.
    let has_filter = syscalls::executor_filter().install()?;
    Ok(Layers { user, landlock_abi, has_filter })
}

/// Sets the limits of one request. The upper ones stay, as the next request may need more: code
/// that has taken over the process can raise these two to `bounds_max`, and no other.
pub(crate) fn bound(wanted: Bounds, bounds_max: Bounds) -> io::Result<()> {
    set(Resource::As, wanted.memory_bytes.min(bounds_max.memory_bytes))?;
    set(Resource::Fsize, wanted.output_bytes.min(bounds_max.output_bytes))
}

/// By the older call, which acts on this process alone: the filter forbids the newer one, which
/// could also change the limits of the worker.
#[expect(unsafe_code, reason = "libc and rustix use the newer call")]
fn set(resource: Resource, most: u64) -> io::Result<()> {
    let maximum = rustix::process::getrlimit(resource).maximum;
    let number = match resource {
        Resource::As => libc::RLIMIT_AS,
        _ => libc::RLIMIT_FSIZE,
    };
    let limit = libc::rlimit64 {
        rlim_cur: maximum.map_or(most, |maximum| maximum.min(most)),
        rlim_max: maximum.unwrap_or(libc::RLIM64_INFINITY),
    };
    // SAFETY: the kernel reads one live value.
    match unsafe { libc::syscall(libc::SYS_setrlimit, number, &raw const limit) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Lowers a limit for good; one that is lower already stays.
pub(crate) fn limit(resource: Resource, most: u64) -> io::Result<()> {
    let now = rustix::process::getrlimit(resource);
    let most = now.maximum.map_or(most, |maximum| maximum.min(most));
    let limit = Rlimit { current: Some(most), maximum: Some(most) };
    Ok(rustix::process::setrlimit(resource, limit)?)
}

/// Makes root an unprivileged user without groups; another user stays who he is.
fn leave_root() -> io::Result<User> {
    if !rustix::process::geteuid().is_root() {
        return Ok(User::Worker);
    }
    match rustix::thread::set_thread_groups(&[]) {
        Ok(()) => {}
        // A container whose root may not change who it is.
        Err(Errno::PERM) => return Ok(User::Root),
        Err(error) => return Err(error.into()),
    }
    let process = std::process::id();
    for id in [USER_FIRST + process, USER_SMALL_FIRST + process % USER_SMALL_COUNT] {
        let (user, group) = (Uid::from_raw(id), Gid::from_raw(id));
        // One thread so far, so that the thread's ids are the process'.
        let changed = rustix::thread::set_thread_res_gid(group, group, group)
            .and_then(|()| rustix::thread::set_thread_res_uid(user, user, user));
        match changed {
            Ok(()) => return Ok(User::Own),
            // The id is not mapped in this user namespace, or root may not take it.
            Err(Errno::INVAL | Errno::PERM) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(User::Root)
}
