//! Real processes over a connection that a test holds or resets at a byte, as routers do.

use crate::cluster::{SLOW, all_results_are_right, joined, master, run_on, slow_inputs};
use crate::lab::{Lab, Ran, not_run, signal, until};
use crate::security::{self, first_token, own_address, token};
use crate::service::Service;
use rustix::net::sockopt::set_socket_linger;
use rustix::process::Signal;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
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
    /// To the master so many bytes pass in a second.
    pace_bytes: AtomicU64,
}

impl Proxy {
    fn start(target: &str) -> Proxy {
        Proxy::start_at("127.0.0.1:0", target)
    }

    fn start_at(place: &str, target: &str) -> Proxy {
        let listener = TcpListener::bind(place).expect("a port");
        let address = listener.local_addr().expect("bound").to_string();
        let line = Arc::new(Line {
            target: target.to_owned(),
            held: Mutex::new(false),
            changed: Condvar::new(),
            bytes_max: AtomicU64::new(u64::MAX),
            reset_count: AtomicU64::new(0),
            pace_bytes: AtomicU64::new(u64::MAX),
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

    /// No more than this passes to the master in a second, by any one connection.
    fn pace(&self, bytes: u64) {
        self.line.pace_bytes.store(bytes, Ordering::Relaxed);
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
            if to_master {
                let pace_bytes = self.pace_bytes.load(Ordering::Relaxed);
                thread::sleep(Duration::from_micros(count as u64 * 1_000_000 / pace_bytes));
            }
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

/// A cluster that is spoken to from afar, by a line of 1 MB/s, and a file of 12 MB to send there.
struct Far {
    home: Lab,
    far: Lab,
    proxy: Proxy,
    _running: [Service; 2],
}

impl Far {
    const BYTES: u64 = 12 << 20;

    fn start() -> Option<Far> {
        let Some(place) = own_address() else {
            not_run("address", "this machine has no address but loopback");
            return None;
        };
        let (home, far) = (Lab::new(), Lab::new());
        let (serving, address) = security::master_at(&home, &["master", "--listen", &place]);
        let token = first_token(&serving);
        let join = ["worker", "--join", &address, "--token", &token, "--name", "w1"];
        let worker = Service::start(&mut home.command(&join));
        worker.wait_for("works for the master");
        let large = far.input("large.bin", "");
        let made = std::fs::File::options().write(true).open(large);
        made.and_then(|file| file.set_len(Far::BYTES)).expect("grows");
        let proxy = Proxy::start_at(&place, &address);
        proxy.pace(1 << 20);
        Some(Far { home, far, proxy, _running: [serving, worker] })
    }

    fn command(&self, name: &str) -> Command {
        let args = [name, "--master", &self.proxy.address, "in", "--op", "command"];
        let mut command = self.far.command(&args);
        command.args(["--param", "cmd=wc -c"]).env("WINDLASS_TOKEN", token(&self.home, "client"));
        command
    }
}

/// More lies in the buffers on the way than passes while a sign of life is waited for.
#[test]
fn an_upload_by_a_slow_line_is_no_lost_connection() {
    let Some(cluster) = Far::start() else { return };
    let ran = Ran::of(cluster.command("run").output().expect("starts"));
    ran.ended(0);
    assert!(!ran.stderr.contains("lost"), "{}", ran.stderr);
    let counted = cluster.far.path("processed_results/command/large.out");
    let counted = std::fs::read_to_string(counted).expect("a result");
    assert_eq!(counted.trim(), Far::BYTES.to_string());
}

#[test]
fn an_upload_is_left_by_who_is_stopped_and_gone_on_with_after_a_cut() {
    let Some(cluster) = Far::start() else { return };
    let mut stopped = Service::start(&mut cluster.command("submit"));
    let some_has_come = || {
        let begun = std::fs::read_dir(cluster.home.path("state/blobs/partial"));
        begun.is_ok_and(|mut begun| begun.next().is_some())
    };
    until("some of it has come", some_has_come);
    signal(&stopped.child, Signal::INT);
    assert_eq!(stopped.ended().code(), Some(130), "{}", stopped.said());
    assert!(stopped.said().contains("Job 1 waits in the cluster for the rest of its files"));
    cluster.proxy.reset_at(2 << 20);
    let mut cut = Service::start(&mut cluster.command("submit"));
    until("it was reset", || cluster.proxy.reset_count() > 0);
    cluster.proxy.reset_at(u64::MAX);
    cluster.proxy.pace(u64::MAX);
    assert!(cut.ended().success(), "{}", cut.said());
    assert!(cut.said().contains("Job 1 goes on: 1 file"), "{}", cut.said());
}

/// As many paths as are asked about at once take longer than a sign of life is waited for.
#[test]
fn many_files_behind_a_slow_forwarded_port_are_no_lost_connection() {
    let lab = Lab::new();
    let folder = "f".repeat(200);
    for number in 0..700 {
        lab.input(format!("{folder}/{number:040}.txt"), "x");
    }
    let (_master, address) = master(&lab);
    let _worker = joined(&lab, "w1", &address, "1");
    let proxy = Proxy::start(&address);
    proxy.pace(40 << 10);
    let ran = run_on(&lab, &proxy.address, &["in", "--op", "noop"]).output().expect("starts");
    let ran = Ran::of(ran);
    ran.ended(0);
    assert!(!ran.stderr.contains("lost"), "{}", ran.stderr);
}
