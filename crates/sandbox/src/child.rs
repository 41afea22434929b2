//! The executor's side: confines itself, says that it is ready, answers requests until the socket
//! closes.

use crate::channel::{Channel, Received};
use crate::confine::{bound, confine_executor};
use crate::death::Bounds;
use crate::frame::FromChild;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

/// Least time between two progress frames.
const PROGRESS_PERIOD: Duration = Duration::from_millis(20);

/// One request as the executor sees it.
#[derive(Debug)]
pub struct Task<'a> {
    /// The caller's bytes.
    pub frame: &'a [u8],
    /// What it is about, open for reading, in the order in which the request has them.
    pub inputs: Vec<File>,
    /// Where results go.
    pub output: File,
}

/// Answers requests until the parent closes the socket, which comes as this process' stdin.
///
/// To be called first in `main`, before anything opens files or starts threads: it closes every
/// descriptor but stdio. A panic in `handle` ends the process, at the cost of one attempt.
///
/// # Errors
/// The process was not started by an [`crate::Executor`], or the socket fails.
pub fn serve(
    mut handle: impl FnMut(Task<'_>, &mut dyn FnMut(u64, u64)) -> Vec<u8>,
) -> io::Result<()> {
    let socket = prepare()?;
    ignore_file_size_signal();
    // Where the kernel runs out of memory, this process goes first; not every container lets it
    // ask.
    let _ = std::fs::write("/proc/self/oom_score_adj", "1000");
    // The socket is sent on while a request, borrowed from the receiving end's buffer, is in work.
    let sender = Channel::new(rustix::io::fcntl_dupfd_cloexec(&socket, 0)?);
    let mut receiver = Channel::new(socket);
    let bounds_max = match receiver.receive()? {
        Received::Frame(frame, _) => Bounds::decode(frame).ok_or_else(|| astray("no limits"))?.0,
        Received::Closed => return Ok(()),
    };
    let layers = confine_executor(bounds_max)?;
    let mut bounds = bounds_max;
    sender.send(&[&FromChild::Ready(layers).encode()], &[])?;
    loop {
        let (frame, descriptors) = match receiver.receive()? {
            Received::Frame(frame, descriptors) => (frame, descriptors),
            Received::Closed => return Ok(()),
        };
        let (wanted, frame) = Bounds::decode(frame).ok_or_else(|| astray("no limits"))?;
        if bounds != wanted {
            bound(wanted, bounds_max)?;
            bounds = wanted;
        }
        let mut descriptors = descriptors.into_iter().map(File::from);
        let output = descriptors.next().ok_or_else(|| astray("a request without output"))?;
        let inputs = descriptors.collect();
        let mut sent_at = None::<Instant>;
        let mut progress = |done: u64, total: u64| {
            if sent_at.is_some_and(|at| at.elapsed() < PROGRESS_PERIOD) {
                return;
            }
            sent_at = Some(Instant::now());
            // A parent that is gone shows at the answer.
            let _ = sender.send(&[&FromChild::Progress { done, total }.encode()], &[]);
        };
        let answer = handle(Task { frame, inputs, output }, &mut progress);
        sender.send(&[&FromChild::Done(&answer).encode()], &[])?;
    }
}

/// What is done with the rights of the worker, before they are given up: inherited descriptors are
/// closed, the socket is taken from stdin.
pub(crate) fn prepare() -> io::Result<OwnedFd> {
    close_inherited();
    rustix::process::chdir("/")?;
    let socket = rustix::io::fcntl_dupfd_cloexec(io::stdin(), 3)?;
    rustix::net::sockopt::socket_type(&socket).map_err(|_| astray("stdin is not a socket"))?;
    rustix::stdio::dup2_stdin(File::open("/dev/null")?)?;
    Ok(socket)
}

fn astray(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("not started as an executor: {what}"))
}

/// Closes whatever the worker's own parents left open without close-on-exec.
#[expect(unsafe_code, reason = "closing descriptors that this process never saw is libc's alone")]
fn close_inherited() {
    // SAFETY: nothing in this process owns a descriptor above stderr yet, as `serve` demands to be
    // called first. A kernel before 5.9 refuses, and then only what others leaked stays open.
    unsafe { libc::syscall(libc::SYS_close_range, 3_u32, u32::MAX, 0_u32) };
}

/// Makes a write beyond the output limit fail with an error that the operation can report, rather
/// than end the process.
#[expect(unsafe_code, reason = "signal dispositions are set by libc")]
fn ignore_file_size_signal() {
    // SAFETY: ignoring a signal installs no handler, so no code of ours can run in signal context.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
}
