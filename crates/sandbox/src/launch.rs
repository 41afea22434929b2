//! Starts a program out of a small process: clone, what must be set in between, exec.
//!
//! The child shares this process' memory until it has become the program (CLONE_VM, CLONE_VFORK),
//! which costs a tenth of a fork. Until then it makes system calls on a stack of its own and
//! nothing else: no allocation, no lock.

use crate::landlock::restrict_by;
use rustix::process::Pid;
use std::ffi::{CStr, CString, OsStr, OsString};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::ptr;

/// The child makes a few dozen calls, none deep.
const STACK_BYTES: usize = 64 * 1024;
const SHELL: &CStr = c"/bin/sh";

/// A program that was started, leader of a session of its own.
#[derive(Debug)]
pub(crate) struct Leader {
    pub(crate) pid: Pid,
    /// Readable once it has ended.
    pub(crate) pidfd: OwnedFd,
}

/// What to start, with all that the child needs made beforehand.
#[derive(Debug)]
pub(crate) struct Launch {
    /// The words of a line that no shell would read differently.
    words: Option<Vec<CString>>,
    shell_words: [CString; 3],
    environment: Vec<CString>,
}

/// What a program gets for stdio; without stdin it has this process' own, `/dev/null`.
#[derive(Debug)]
pub(crate) struct Stdio {
    pub(crate) stdin: Option<OwnedFd>,
    pub(crate) stdout: OwnedFd,
    pub(crate) stderr: OwnedFd,
}

/// What the child reads, and the one word that it writes.
struct Plan<'a> {
    programs: [(*const libc::c_char, *const *const libc::c_char); 2],
    environment: *const *const libc::c_char,
    descriptors: [libc::c_int; 3],
    folder: &'a CStr,
    file_bytes_max: u64,
    scope: Option<BorrowedFd<'a>>,
    parent: libc::pid_t,
    error: libc::c_int,
}

impl Launch {
    /// A line for `/bin/sh -c`. One that names a program by its path, with words that no shell
    /// would change, is started without a shell, to the same effect.
    pub(crate) fn new(
        line: &OsStr,
        environment: impl Iterator<Item = (OsString, OsString)>,
    ) -> io::Result<Launch> {
        let line = text(line.as_bytes())?;
        let environment = environment
            .map(|(name, value)| text(&[name.as_bytes(), b"=", value.as_bytes()].concat()));
        Ok(Launch {
            words: plain_words(line.to_bytes()).map(|words| {
                words.map(|word| CString::new(word).expect("a part of a C string")).collect()
            }),
            shell_words: [c"sh".to_owned(), c"-c".to_owned(), line],
            environment: environment.collect::<io::Result<Vec<_>>>()?,
        })
    }

    /// Starts it in `folder`, where it may write no file above `file_bytes_max`; the ruleset, if
    /// any, is put on it beside those that this process has.
    #[expect(unsafe_code, reason = "the standard library forks, which takes ten times as long")]
    pub(crate) fn start(
        &self,
        stdio: &Stdio,
        folder: &CStr,
        file_bytes_max: u64,
        scope: Option<BorrowedFd<'_>>,
    ) -> io::Result<Leader> {
        let shell_words = pointers(&self.shell_words);
        let words = self.words.as_ref().map(|words| pointers(words));
        let environment = pointers(&self.environment);
        let program = words.as_ref().map_or((ptr::null(), ptr::null()), |w| (w[0], w.as_ptr()));
        let stdin = stdio.stdin.as_ref().map_or(0, AsRawFd::as_raw_fd);
        let mut plan = Plan {
            programs: [program, (SHELL.as_ptr(), shell_words.as_ptr())],
            environment: environment.as_ptr(),
            descriptors: [stdin, stdio.stdout.as_raw_fd(), stdio.stderr.as_raw_fd()],
            folder,
            file_bytes_max,
            scope,
            parent: rustix::process::getpid().as_raw_nonzero().get(),
            error: 0,
        };
        let mut stack = vec![0_u8; STACK_BYTES];
        let mut pidfd: libc::c_int = -1;
        let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_PIDFD | libc::SIGCHLD;
        // SAFETY: this process has one thread, which sleeps until the child has become another
        // program or ended; so everything that the plan points to outlives the child's use of it,
        // and nothing is used by both at once. The stack grows down from its end, on 16 bytes.
        let pid = unsafe {
            let end = stack.as_mut_ptr().add(STACK_BYTES);
            let top = end.sub(end.addr() % 16);
            let plan = (&raw mut plan).cast();
            libc::clone(become_program, top.cast(), flags, plan, &raw mut pidfd)
        };
        let Some(pid) = Pid::from_raw(pid.max(0)) else {
            return Err(io::Error::last_os_error());
        };
        // SAFETY: the kernel has just made this descriptor, close-on-exec, and nobody else has it.
        let pidfd = unsafe { OwnedFd::from_raw_fd(pidfd) };
        if plan.error != 0 {
            let _ = rustix::process::waitpid(Some(pid), rustix::process::WaitOptions::empty());
            return Err(io::Error::from_raw_os_error(plan.error));
        }
        Ok(Leader { pid, pidfd })
    }
}

impl AsFd for Leader {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }
}

/// Sets what is the program's own, then becomes it: a session (no terminal: a program that asks for
/// a password fails instead of stopping), death with this process, its limits and stdio.
#[expect(unsafe_code, reason = "runs between clone and exec")]
extern "C" fn become_program(plan: *mut libc::c_void) -> libc::c_int {
    // SAFETY: `start` passes a live plan and waits; every call below takes numbers or pointers that
    // the plan keeps alive, and only the descriptors and dispositions of this process change.
    unsafe {
        let plan = &mut *plan.cast::<Plan<'_>>();
        plan.error = match prepare(plan) {
            true => {
                for (program, words) in plan.programs {
                    if !program.is_null() {
                        libc::execve(program, words, plan.environment);
                    }
                }
                *libc::__errno_location()
            }
            false => *libc::__errno_location(),
        };
        libc::_exit(127)
    }
}

/// Whether everything could be set.
#[expect(unsafe_code, reason = "runs between clone and exec")]
unsafe fn prepare(plan: &Plan<'_>) -> bool {
    let limit = libc::rlimit64 { rlim_cur: plan.file_bytes_max, rlim_max: plan.file_bytes_max };
    // SAFETY: as in `become_program`.
    unsafe {
        // Rust's runtime ignores it.
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
        libc::setsid() != -1
            && libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) == 0
            && libc::getppid() == plan.parent
            && libc::syscall(libc::SYS_setrlimit, libc::RLIMIT_FSIZE, &raw const limit) == 0
            && libc::chdir(plan.folder.as_ptr()) == 0
            && (0..3).all(|to| {
                let from = plan.descriptors[to as usize];
                from == to || libc::dup2(from, to) == to
            })
            && plan.scope.is_none_or(|scope| restrict_by(scope) == 0)
    }
}

fn text(bytes: &[u8]) -> io::Result<CString> {
    CString::new(bytes).map_err(|_| {
        io::Error::new(io::ErrorKind::InvalidInput, "a zero byte in a command or a variable")
    })
}

/// A list as exec takes it, ending in null.
fn pointers(words: &[CString]) -> Vec<*const libc::c_char> {
    words.iter().map(|word| word.as_ptr()).chain([ptr::null()]).collect()
}

/// The words of a line that is a path of a program and arguments without any sign that means
/// something to a shell.
fn plain_words(line: &[u8]) -> Option<impl Iterator<Item = &[u8]>> {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b" \t_./:@+,=-".contains(byte);
    let words = || line.split(|byte| b" \t".contains(byte)).filter(|word| !word.is_empty());
    let program = words().next()?;
    // Without a slash it could be a word of the shell's own; with `=` it sets a variable.
    let is_path = program.contains(&b'/') && !program.contains(&b'=');
    (is_path && line.iter().all(is_plain)).then(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_no_shell_would_read_differently_goes_without_one() {
        let words = |line: &'static str| {
            plain_words(line.as_bytes()).map(|words| words.map(String::from_utf8_lossy).collect())
        };
        assert_eq!(words("/bin/true"), Some(vec!["/bin/true".into()]));
        assert_eq!(words(" ./a  -b=c "), Some(vec!["./a".into(), "-b=c".into()]));
        for line in [
            "true",
            "",
            "A=/b c",
            "/bin/a $X",
            "/bin/a 'b'",
            "/bin/a; b",
            "/a > b",
            "/a *",
            "/a\nb",
        ] {
            assert_eq!(words(line), None::<Vec<std::borrow::Cow<'_, str>>>, "{line}");
        }
    }
}
