//! What an attacker would try who has taken over an executor. Each answers `done`, or where it was
//! stopped and by which error.

use std::fs::File;
use std::io::{Error, Read, Write};
use std::process::Command;

/// Threads that nobody needs.
const THREAD_COUNT_MAX: usize = 2_000;

type Tried = Result<(), (&'static str, Error)>;

pub(crate) fn attempt(word: &str, rest: &str) -> String {
    let tried = match word {
        "read" => read(rest),
        "read-named" => read_named(rest),
        "create" => File::create(rest).map(drop).map_err(at("open")),
        "remove" => std::fs::remove_file(rest).map_err(at("remove")),
        "program" => Command::new(rest).status().map(drop).map_err(at("spawn")),
        "replace" => replace(rest),
        "socket" => socket(rest),
        "signal" => called("kill", libc::SYS_kill, [number(rest), 0, 0, 0]),
        "signal-by-file" => signal_by_file(number(rest)),
        "attach" => {
            called("ptrace", libc::SYS_ptrace, [libc::PTRACE_ATTACH.into(), number(rest), 0, 0])
        }
        "memory" => called("readv", libc::SYS_process_vm_readv, [number(rest), 0, 0, 0]),
        "fork" => called("clone", libc::SYS_clone, [libc::SIGCHLD.into(), 0, 0, 0]),
        "clone3" => called("clone3", libc::SYS_clone3, [0, 0, 0, 0]),
        "root" => called("setresuid", libc::SYS_setresuid, [0, 0, 0, 0]),
        "kernel" => called("bpf", libc::SYS_bpf, [0, 0, 0, 0]),
        "unknown" => called("1000", 1_000, [0, 0, 0, 0]),
        "limits" => raise(),
        "threads" => return threads(),
        _ => return "unknown".to_owned(),
    };
    match tried {
        Ok(()) => "done".to_owned(),
        Err((stage, error)) => {
            format!("{stage}: {}", error.raw_os_error().map_or(error.to_string(), name))
        }
    }
}

fn name(errno: i32) -> String {
    match errno {
        libc::EPERM => "EPERM".to_owned(),
        libc::EACCES => "EACCES".to_owned(),
        libc::ENOSYS => "ENOSYS".to_owned(),
        libc::ENOENT => "ENOENT".to_owned(),
        errno => format!("{errno}"),
    }
}

fn at(stage: &'static str) -> impl Fn(Error) -> (&'static str, Error) {
    move |error| (stage, error)
}

fn number(text: &str) -> libc::c_long {
    text.parse().expect("a number")
}

fn read(path: &str) -> Tried {
    let mut file = File::open(path).map_err(at("open"))?;
    file.read(&mut [0; 8]).map(drop).map_err(at("read"))
}

/// Reads `NAME/path`, where the variable NAME names a folder.
fn read_named(rest: &str) -> Tried {
    let (name, path) = rest.split_once('/').expect("a name and a path");
    let folder = std::env::var(name).expect("a folder");
    read(&format!("{folder}/{path}"))
}

fn replace(program: &str) -> Tried {
    use std::os::unix::process::CommandExt;
    Err(("exec", Command::new(program).exec()))
}

fn socket(kind: &str) -> Tried {
    let (domain, kind) = match kind {
        "tcp" => (libc::AF_INET, libc::SOCK_STREAM),
        "udp" => (libc::AF_INET, libc::SOCK_DGRAM),
        "tcp6" => (libc::AF_INET6, libc::SOCK_STREAM),
        "unix" => (libc::AF_UNIX, libc::SOCK_STREAM),
        kind => panic!("{kind}"),
    };
    called("socket", libc::SYS_socket, [domain.into(), kind.into(), 0, 0])
}

/// Asks the kernel to signal another process whenever a pipe can be read.
fn signal_by_file(process: libc::c_long) -> Tried {
    let (reader, mut writer) = std::io::pipe().map_err(at("pipe"))?;
    use std::os::fd::AsRawFd;
    let reader = reader.as_raw_fd().into();
    called("owner", libc::SYS_fcntl, [reader, libc::F_SETOWN.into(), process, 0])?;
    called("async", libc::SYS_fcntl, [reader, libc::F_SETFL.into(), libc::O_ASYNC.into(), 0])?;
    writer.write_all(b"x").map_err(at("write"))
}

/// Helps itself to all the memory that there is, by each of the calls for it.
#[expect(unsafe_code, reason = "libc uses the newer call alone")]
fn raise() -> Tried {
    let limit = rustix::process::Rlimit { current: None, maximum: None };
    let raised = rustix::process::setrlimit(rustix::process::Resource::As, limit);
    let Err(rustix::io::Errno::PERM) = raised else { return Ok(()) };
    let limit = libc::rlimit64 { rlim_cur: u64::MAX, rlim_max: u64::MAX };
    // SAFETY: the kernel reads one live value.
    match unsafe { libc::syscall(libc::SYS_setrlimit, libc::RLIMIT_AS, &raw const limit) } {
        0 => Ok(()),
        _ => Err(("setrlimit", Error::last_os_error())),
    }
}

#[expect(unsafe_code, reason = "no library offers what an attacker would call")]
fn called(stage: &'static str, call: libc::c_long, arguments: [libc::c_long; 4]) -> Tried {
    let [a, b, c, d] = arguments;
    // SAFETY: no argument is a pointer that is followed: all of them are numbers or null.
    match unsafe { libc::syscall(call, a, b, c, d) } {
        -1 => Err((stage, Error::last_os_error())),
        _ => Ok(()),
    }
}

/// How many threads can be had.
fn threads() -> String {
    let mut threads = Vec::new();
    while threads.len() < THREAD_COUNT_MAX {
        // A small stack, so that memory is not what ends it.
        let builder = std::thread::Builder::new().stack_size(16 * 1024);
        match builder.spawn(std::thread::park) {
            Ok(thread) => threads.push(thread),
            Err(_) => break,
        }
    }
    let count = threads.len();
    for thread in threads {
        thread.thread().unpark();
        thread.join().expect("it only waited");
    }
    count.to_string()
}
