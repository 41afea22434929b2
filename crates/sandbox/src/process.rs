//! A child process with its group: awaited together with other things, killed whole, reaped.

use crate::cancel::Wake;
use crate::stderr::Stderr;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

/// How long killed members of a group may take to vanish.
const GROUP_END_MAX: Duration = Duration::from_millis(100);

/// A child that leads a process group of its own. Dropping it kills and reaps the group.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    pid: Pid,
    /// Readable once the leader has ended.
    pidfd: OwnedFd,
    pub(crate) stderr: Stderr,
    status: Option<ExitStatus>,
}

/// What there is to do after a wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Ready {
    /// The socket has a frame, or is closed.
    pub(crate) socket: bool,
    /// The leader has ended.
    pub(crate) exited: bool,
    /// Somebody asks to look at the cancel flag.
    pub(crate) woken: bool,
}

impl Process {
    /// Takes over a child that was started as leader of its group, with its stderr piped.
    pub(crate) fn new(mut child: Child, stderr_tail_bytes_max: usize) -> io::Result<Process> {
        let made = Process::parts(&mut child, stderr_tail_bytes_max);
        match made {
            Ok((pid, pidfd, stderr)) => Ok(Process { child, pid, pidfd, stderr, status: None }),
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                Err(error)
            }
        }
    }

    fn parts(child: &mut Child, tail_bytes_max: usize) -> io::Result<(Pid, OwnedFd, Stderr)> {
        let pid = Pid::from_child(child);
        let pidfd = rustix::process::pidfd_open(pid, PidfdFlags::empty())?;
        let pipe = child.stderr.take().ok_or_else(|| io::Error::other("stderr is not piped"))?;
        Ok((pid, pidfd, Stderr::new(pipe.into(), tail_bytes_max)?))
    }

    pub(crate) fn pid(&self) -> Pid {
        self.pid
    }

    /// Sleeps until something happens or `timeout` is over; reads stderr on the way.
    pub(crate) fn wait(
        &mut self,
        socket: Option<BorrowedFd<'_>>,
        wake: Option<&Wake>,
        timeout: Duration,
    ) -> io::Result<Ready> {
        let mut ready = Ready::default();
        let stderr_ready = {
            let pidfd = self.pidfd.as_fd();
            let mut entries = [
                PollFd::from_borrowed_fd(pidfd, PollFlags::IN),
                entry(socket, pidfd),
                entry(wake.map(AsFd::as_fd), pidfd),
                entry(self.stderr.pipe(), pidfd),
            ];
            let timeout = Timespec::try_from(timeout).unwrap_or(Timespec { tv_sec: 1, tv_nsec: 0 });
            match poll(&mut entries, Some(&timeout)) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            let is_ready = |index: usize| !entries[index].revents().is_empty();
            let has_stderr = self.stderr.pipe().is_some();
            ready.exited = is_ready(0);
            ready.socket = socket.is_some() && is_ready(1);
            ready.woken = wake.is_some() && is_ready(2);
            has_stderr && is_ready(3)
        };
        if stderr_ready {
            self.stderr.drain();
        }
        Ok(ready)
    }

    /// Whether the leader has ended already.
    pub(crate) fn has_exited(&mut self) -> bool {
        self.wait(None, None, Duration::ZERO).map_or(true, |ready| ready.exited)
    }

    /// Kills the whole group, reaps the leader and reads what stderr still holds. Tells how the
    /// leader ended; one that had ended by itself keeps its own status.
    pub(crate) fn end(&mut self) -> io::Result<ExitStatus> {
        if let Some(status) = self.status {
            return Ok(status);
        }
        // The leader is not reaped yet, so that the group's number cannot belong to anybody else.
        // Linux lets no member fork its way past this signal.
        let _ = rustix::process::kill_process_group(self.pid, Signal::KILL);
        let status = self.child.wait()?;
        self.status = Some(status);
        self.await_group();
        self.stderr.drain();
        Ok(status)
    }

    /// Waits until the killed members are gone: they might still write into what is removed next.
    /// Bounded, since an init process that reaps nobody leaves them as zombies for ever.
    fn await_group(&self) {
        let began = Instant::now();
        while rustix::process::test_kill_process_group(self.pid).is_ok()
            && began.elapsed() < GROUP_END_MAX
        {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// One place of a poll; a descriptor that is not there is stood in for by another, asked for
/// nothing.
fn entry<'a>(descriptor: Option<BorrowedFd<'a>>, other: BorrowedFd<'a>) -> PollFd<'a> {
    match descriptor {
        Some(descriptor) => PollFd::from_borrowed_fd(descriptor, PollFlags::IN),
        None => PollFd::from_borrowed_fd(other, PollFlags::empty()),
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.end();
    }
}
