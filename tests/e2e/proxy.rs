//! Real processes over a connection that a test holds or resets at a byte, as routers do.

use crate::cluster::{SLOW, all_results_are_right, joined, master, run_on, slow_inputs};
use crate::lab::{Lab, Ran, until};
use rustix::net::sockopt::set_socket_linger;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

/// How soon a direction that has nothing to pass on notices what the test wants.
const LOOK: Duration = Duration::from_millis(20);

/// A port whose connections lead to a master, for as long as the test lets them.
struct Proxy {
    address: String,
    line: Arc<Line>,
}

struct Line {
    target: String,
    held: Mutex<bool>,
    changed: Condvar,
    /// After so many bytes to the master a connection is reset.
    bytes_max: AtomicU64,
    reset_count: AtomicU64,
}

impl Proxy {
    fn start(target: &str) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("bound").to_string();
        let line = Arc::new(Line {
            target: target.to_owned(),
            held: Mutex::new(false),
            changed: Condvar::new(),
            bytes_max: AtomicU64::new(u64::MAX),
            reset_count: AtomicU64::new(0),
        });
        let accepting = Arc::clone(&line);
        thread::spawn(move || {
            for near in listener.incoming().flatten() {
                // Nobody there: whoever connects is let go.
                if let Ok(far) = TcpStream::connect(&accepting.target) {
                    accepting.join(near, far);
                }
            }
        });
        Proxy { address, line }
    }

    /// Nothing passes from now on, and nobody is told.
    fn hold(&self) {
        *self.line.held.lock().expect("whole") = true;
    }

    fn release(&self) {
        *self.line.held.lock().expect("whole") = false;
        self.line.changed.notify_all();
    }

    /// Each connection is reset at this byte of what goes to the master.
    fn reset_at(&self, bytes: u64) {
        self.line.bytes_max.store(bytes, Ordering::Relaxed);
    }

    fn reset_count(&self) -> u64 {
        self.line.reset_count.load(Ordering::Relaxed)
    }
}

impl Line {
    fn join(self: &Arc<Line>, near: TcpStream, far: TcpStream) {
        let over = Arc::new(AtomicBool::new(false));
        let (near, far) = (Arc::new(near), Arc::new(far));
        for (from, to, to_master) in [(&near, &far, true), (&far, &near, false)] {
            from.set_read_timeout(Some(LOOK)).expect("a socket");
            let _ = from.set_nodelay(true);
            let (from, to, over) = (Arc::clone(from), Arc::clone(to), Arc::clone(&over));
            let line = Arc::clone(self);
            thread::spawn(move || {
                line.pass(&from, &to, to_master, &over);
                over.store(true, Ordering::Relaxed);
            });
        }
    }

    /// Passes bytes on in one direction until either end is done, or the connection is reset.
    fn pass(&self, mut from: &TcpStream, mut to: &TcpStream, to_master: bool, over: &AtomicBool) {
        let mut passed: u64 = 0;
        let mut bytes = [0; 4_096];
        while !over.load(Ordering::Relaxed) {
            let mut count = match from.read(&mut bytes) {
                Ok(0) => return,
                Ok(count) => count,
                Err(error) => match error.kind() {
                    ErrorKind::WouldBlock | ErrorKind::TimedOut => continue,
                    _ => return,
                },
            };
            let held = self.held.lock().expect("whole");
            drop(self.changed.wait_while(held, |held| *held).expect("whole"));
            let left = self.bytes_max.load(Ordering::Relaxed).saturating_sub(passed);
            let resets = to_master && left <= count as u64;
            if resets {
                count = usize::try_from(left).expect("less than a buffer");
            }
            if to.write_all(&bytes[..count]).is_err() {
                return;
            }
            passed += count as u64;
            if resets {
                // What is closed with this option is reset, once both directions have let go.
                for end in [from, to] {
                    set_socket_linger(end, Some(Duration::ZERO)).expect("a socket");
                }
                self.reset_count.fetch_add(1, Ordering::Relaxed);
                return;
            }
        }
    }
}

#[test]
fn what_a_worker_holds_behind_a_silent_connection_is_made_elsewhere() {
    let lab = Lab::new();
    slow_inputs(&lab, 60);
    let (_master, address) = master(&lab);
    let proxy = Proxy::start(&address);
    let cut_off = joined(&lab, "cut-off", &proxy.address, "1");
    let other = joined(&lab, "other", &address, "1");
    let mut args = vec!["in"];
    args.extend(SLOW);
    let run = run_on(&lab, &address, &args).spawn().expect("starts");
    until("some files are done", || lab.results("command").len() > 10);
    proxy.hold();
    Ran::of(run.wait_with_output().expect("it ends")).ended(0);
    all_results_are_right(&lab, 60);
    cut_off.wait_for("The connection broke");
    drop(other);
    proxy.release();
    // Nobody else is there to do it.
    let late = lab.input("late.txt", "late");
    let late = late.to_str().expect("a plain path");
    let mut args = vec![late, "--out", "late"];
    args.extend(SLOW);
    Ran::of(run_on(&lab, &address, &args).output().expect("starts")).ended(0);
}

#[test]
fn a_connection_that_is_reset_in_the_middle_of_a_message_loses_nothing() {
    let lab = Lab::new();
    slow_inputs(&lab, 120);
    let (_master, address) = master(&lab);
    let proxy = Proxy::start(&address);
    let _worker = joined(&lab, "w1", &proxy.address, "2");
    let mut args = vec!["in"];
    args.extend(SLOW);
    let run = run_on(&lab, &address, &args).spawn().expect("starts");
    until("some files are done", || lab.results("command").len() > 10);
    // An odd number, so that it is the middle of something.
    proxy.reset_at(7_001);
    until("it was reset some times", || proxy.reset_count() >= 3);
    proxy.reset_at(u64::MAX);
    Ran::of(run.wait_with_output().expect("it ends")).ended(0);
    all_results_are_right(&lab, 120);
}
