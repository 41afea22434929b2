//! Results that come over a connection which breaks: they go on where they were, and nothing half
//! is ever under a result's name.

use crate::cluster::{joined, master, run_on};
use crate::lab::{Lab, Ran, not_run, signal, until};
use crate::service::Service;
use rustix::process::Signal;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const RESULT_BYTES: u64 = 24 << 20;
/// What a cut connection may have had under way: the receive windows of a stream and of a socket.
const UNDER_WAY_BYTES_MAX: u64 = 3 << 20;

/// What becomes of a connection's answers.
#[derive(Clone, Copy)]
enum Fate {
    /// All comes. So for the first, by which a client asks for all but bytes of blobs.
    Pass,
    /// After so many bytes it is cut.
    Cut(u64),
    /// After so many bytes nothing comes any more.
    Hold(u64),
    /// About so many bytes come in a second.
    Slow(u64),
}

/// Passes bytes to a master and back. Each connection has the next fate; those behind the last pass
/// all.
struct Proxy {
    /// As of another machine: who asks there does not look for the master's files here.
    address: String,
    /// As of this one.
    near: String,
    answered_bytes: Arc<AtomicU64>,
    connection_count: Arc<AtomicU64>,
}

impl Proxy {
    fn start(master: &str, fates: &[Fate]) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("bound").port();
        let [address, near] = ["0.0.0.0", "127.0.0.1"].map(|host| format!("{host}:{port}"));
        let answered_bytes = Arc::new(AtomicU64::new(0));
        let connection_count = Arc::new(AtomicU64::new(0));
        let connections = Arc::clone(&connection_count);
        let (master, counter) = (master.to_owned(), Arc::clone(&answered_bytes));
        let fates = fates.to_vec();
        std::thread::spawn(move || {
            let mut fates = fates.into_iter();
            for client in listener.incoming().map_while(Result::ok) {
                let Ok(server) = TcpStream::connect(&master) else { continue };
                connections.fetch_add(1, Ordering::Relaxed);
                let (up, down) = (pair(&client, &server), pair(&server, &client));
                std::thread::spawn(move || pass(up, None, &AtomicU64::new(0)));
                let (fate, counter) = (fates.next(), Arc::clone(&counter));
                std::thread::spawn(move || pass(down, fate, &counter));
            }
        });
        Proxy { address, near, answered_bytes, connection_count }
    }

    fn answered_bytes(&self) -> u64 {
        self.answered_bytes.load(Ordering::Relaxed)
    }
}

fn pair(from: &TcpStream, to: &TcpStream) -> (TcpStream, TcpStream) {
    (from.try_clone().expect("a descriptor"), to.try_clone().expect("a descriptor"))
}

fn pass((mut from, mut to): (TcpStream, TcpStream), fate: Option<Fate>, counter: &AtomicU64) {
    let mut left = match fate {
        Some(Fate::Cut(bytes) | Fate::Hold(bytes)) => bytes,
        Some(Fate::Pass | Fate::Slow(_)) | None => u64::MAX,
    };
    let mut piece = vec![0; 64 << 10];
    while left > 0 {
        let wanted = piece.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let Ok(count @ 1..) = from.read(&mut piece[..wanted]) else { break };
        if to.write_all(&piece[..count]).is_err() {
            break;
        }
        counter.fetch_add(count as u64, Ordering::Relaxed);
        left -= count as u64;
        if let Some(Fate::Slow(pace)) = fate {
            std::thread::sleep(Duration::from_micros(count as u64 * 1_000_000 / pace));
        }
    }
    if let (Some(Fate::Hold(_)), 0) = (fate, left) {
        loop {
            std::thread::park();
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}

/// Bytes without a pattern, the same each time.
fn noise() -> Vec<u8> {
    let mut state = 1_u64;
    let mut bytes = Vec::with_capacity(usize::try_from(RESULT_BYTES).expect("fits"));
    while (bytes.len() as u64) < RESULT_BYTES {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        bytes.extend(state.to_be_bytes());
    }
    bytes
}

const CAT: [&str; 5] = ["in", "--op", "command", "--param", "cmd=cat"];

/// A job whose result is long, done.
fn long_result(lab: &Lab) -> String {
    lab.input("long.bin", noise());
    let mut args = vec!["submit"];
    args.extend(CAT);
    let id = lab.run(&args).ended(0).stdout.trim().to_owned();
    lab.run(&["job", "wait", &id]).ended(0);
    id
}

fn get(lab: &Lab, id: &str, out: &str, proxy: &Proxy) -> Command {
    let mut command = get_from(lab, id, out, &proxy.address);
    command.arg("--insecure");
    command
}

fn get_from(lab: &Lab, id: &str, out: &str, master: &str) -> Command {
    let args = ["result", "get", id, "long.out", "--out", out, "--master", master];
    let mut command = lab.command(&args);
    command.env_remove("WINDLASS_STATE");
    command
}

/// What a broken download left.
fn part(lab: &Lab) -> Option<u64> {
    let entries = std::fs::read_dir(lab.path("got/command")).ok()?;
    let is_part = |path: &Path| path.extension().is_some_and(|it| it == "part");
    let mut parts = entries.flatten().filter(|entry| is_part(&entry.path()));
    parts.next()?.metadata().ok().map(|facts| facts.len())
}

#[track_caller]
fn is_whole(lab: &Lab, folder: &str) {
    let got = std::fs::read(lab.path(folder).join("command/long.out")).expect("a result");
    assert!(got == noise(), "{} bytes that are not the result", got.len());
}

#[test]
fn a_download_that_breaks_goes_on_where_it_was() {
    let lab = Lab::new();
    let (_master, address) = master(&lab);
    let _worker = joined(&lab, "w1", &address, "1");
    let id = long_result(&lab);
    let cuts = [Fate::Pass, Fate::Cut(7 << 20), Fate::Cut(9 << 20)];
    let proxy = Proxy::start(&address, &cuts);
    Ran::of(get(&lab, &id, "got", &proxy).output().expect("starts")).ended(0);
    is_whole(&lab, "got");
    assert_eq!(lab.results_in("got/command"), ["long.out"]);
    let twice = proxy.answered_bytes() - RESULT_BYTES;
    assert!(twice < 2 * UNDER_WAY_BYTES_MAX, "{twice} bytes came twice");
    // To a pipe nothing can be taken back, and nothing has to be.
    let proxy = Proxy::start(&address, &cuts);
    let out = get(&lab, &id, "-", &proxy).output().expect("starts");
    assert!(out.stdout == noise(), "{} bytes came: {:?}", out.stdout.len(), Ran::of(out).stderr);
}

#[test]
fn a_client_killed_in_the_middle_goes_on_when_it_is_started_again() {
    let lab = Lab::new();
    let (_master, address) = master(&lab);
    let _worker = joined(&lab, "w1", &address, "1");
    let id = long_result(&lab);
    let mut fates = vec![Fate::Pass, Fate::Hold(12 << 20)];
    fates.extend([Fate::Hold(0); 20]);
    let first = Proxy::start(&address, &fates);
    let mut client = get(&lab, &id, "got", &first).spawn().expect("starts");
    until("half of it has come", || part(&lab).is_some_and(|bytes| bytes > 8 << 20));
    signal(&client, Signal::KILL);
    client.wait().expect("it ended");
    let had = part(&lab).expect("it is kept");
    assert_eq!(lab.results_in("got/command"), [""; 0]);
    let second = Proxy::start(&address, &[]);
    Ran::of(get(&lab, &id, "got", &second).output().expect("starts")).ended(0);
    is_whole(&lab, "got");
    assert_eq!(part(&lab), None);
    let rest = second.answered_bytes() - (RESULT_BYTES - had);
    assert!(rest < UNDER_WAY_BYTES_MAX, "{rest} bytes more than were missing came");
}

#[test]
fn a_run_that_waits_brings_its_results_over_a_connection_that_breaks() {
    let lab = Lab::new();
    lab.input("long.bin", noise());
    let (_master, address) = master(&lab);
    let _worker = joined(&lab, "w1", &address, "1");
    let proxy = Proxy::start(&address, &[Fate::Pass, Fate::Cut(8 << 20), Fate::Cut(8 << 20)]);
    let mut run = run_on(&lab, &proxy.address, &CAT);
    Ran::of(run.arg("--insecure").output().expect("starts")).ended(0);
    is_whole(&lab, "processed_results");
    let twice = proxy.answered_bytes() - RESULT_BYTES;
    assert!(twice < 2 * UNDER_WAY_BYTES_MAX, "{twice} bytes came twice");
}

#[test]
fn a_line_that_never_holds_is_given_up_with_what_has_come() {
    let lab = Lab::new();
    let (_master, address) = master(&lab);
    let _worker = joined(&lab, "w1", &address, "1");
    let id = long_result(&lab);
    let mut fates = vec![Fate::Pass, Fate::Cut(8 << 20)];
    fates.extend([Fate::Cut(0); 40]);
    let proxy = Proxy::start(&address, &fates);
    let ran = Ran::of(get(&lab, &id, "got", &proxy).output().expect("starts"));
    ran.ended(4).said("got/command/long.out").said("the same command goes on behind them");
    assert!(part(&lab).is_some_and(|bytes| bytes > 4 << 20));
    assert_eq!(lab.results_in("got/command"), [""; 0]);
}

/// The whole comes in half a minute; it is not waited for.
#[test]
fn a_run_that_is_stopped_while_its_results_come_says_how_to_fetch_them() {
    let lab = Lab::new();
    lab.input("long.bin", noise());
    let (_master, address) = master(&lab);
    let _worker = joined(&lab, "w1", &address, "1");
    let slow = Proxy::start(&address, &[Fate::Pass, Fate::Slow(800 << 10)]);
    let mut run = run_on(&lab, &slow.address, &CAT);
    let mut run = Service::start(run.args(["--insecure", "--out", "got"]));
    until("some of it has come", || part(&lab).is_some_and(|bytes| bytes > 1 << 20));
    signal(&run.child, Signal::INT);
    assert_eq!(run.ended().code(), Some(130), "{}", run.said());
    let said = run.said();
    assert!(said.contains("the results of 1 file are made and not fetched"), "{said}");
    assert!(said.contains("Job 1 has ended"), "{said}");
    assert!(said.contains("windlass result export 1 --master"), "{said}");
    let had = part(&lab).expect("it is kept");
    assert!(had < RESULT_BYTES / 2, "{had} bytes came before it ended");
    let proxy = Proxy::start(&address, &[]);
    Ran::of(get(&lab, "1", "got", &proxy).output().expect("starts")).ended(0);
    is_whole(&lab, "got");
    let rest = proxy.answered_bytes() - (RESULT_BYTES - had);
    assert!(rest < UNDER_WAY_BYTES_MAX, "{rest} bytes more than were missing came");
}

/// Results wait for each other's turn, and not each for as long.
#[test]
fn a_lost_line_is_found_out_once_and_not_by_each_result() {
    const COUNT: u8 = 6;
    let lab = Lab::new();
    for number in 0..COUNT {
        lab.input(format!("{number}.bin"), [&[number], &noise()[..1 << 20]].concat());
    }
    let (_master, address) = master(&lab);
    let _worker = joined(&lab, "w1", &address, "1");
    let mut args = vec!["submit"];
    args.extend(CAT);
    let id = lab.run(&args).ended(0).stdout.trim().to_owned();
    lab.run(&["job", "wait", &id]).ended(0);
    // The lists of what there is come, and the beginning of a result.
    let mut fates = vec![Fate::Pass, Fate::Cut(200 << 10)];
    fates.extend([Fate::Cut(0); 60]);
    let proxy = Proxy::start(&address, &fates);
    let args = ["result", "export", &id, "--out", "got", "--insecure", "--master", &proxy.address];
    let mut export = lab.command(&args);
    let ran = Ran::of(export.env_remove("WINDLASS_STATE").output().expect("starts"));
    ran.ended(4).said("the connection broke");
    let count = proxy.connection_count.load(Ordering::Relaxed);
    assert!(count < 2 * 6, "{count} connections");
}

/// Of a master on this machine no bytes are asked for that can be read where they lie.
#[test]
fn results_of_this_machine_are_read_where_they_lie() {
    let lab = Lab::new();
    let (_master, address) = master(&lab);
    let _worker = joined(&lab, "w1", &address, "1");
    let id = long_result(&lab);
    let proxy = Proxy::start(&address, &[]);
    Ran::of(get_from(&lab, &id, "got", &proxy.near).output().expect("starts")).ended(0);
    is_whole(&lab, "got");
    let out = get_from(&lab, &id, "-", &proxy.near).output().expect("starts");
    assert!(out.stdout == noise(), "{} bytes came: {:?}", out.stdout.len(), Ran::of(out).stderr);
    // A reader that goes away is no error.
    let mut early = get_from(&lab, &id, "-", &proxy.near);
    let mut early = early.stdout(Stdio::piped()).spawn().expect("starts");
    let mut first = [0; 9];
    early.stdout.take().expect("piped").read_exact(&mut first).expect("more than that");
    assert!(early.wait().expect("it ended").success());
    assert!(proxy.answered_bytes() < 1 << 20, "{} bytes came", proxy.answered_bytes());
}

/// Whether it is read where it lies or asked of the master.
#[test]
fn a_damaged_result_is_told_and_never_under_its_name() {
    let lab = Lab::new();
    let (_master, address) = master(&lab);
    let _worker = joined(&lab, "w1", &address, "1");
    lab.input("short.bin", "short");
    let id = long_result(&lab);
    let blobs = walk(&lab.path("state/blobs"));
    let is_it = |path: &&PathBuf| path.metadata().is_ok_and(|facts| facts.len() == RESULT_BYTES);
    let blob = blobs.iter().find(is_it).expect("a blob has the result");
    let file = std::fs::OpenOptions::new().write(true).open(blob).expect("it is there");
    file.write_all_at(b"rot", 5 << 20).expect("written");
    let proxy = Proxy::start(&address, &[]);
    for out in ["got", "-"] {
        for master in [&proxy.near, &proxy.address] {
            let mut get = get_from(&lab, &id, out, master);
            let ran = Ran::of(get.arg("--insecure").output().expect("starts"));
            ran.ended(1).said("its bytes are not those of its name");
            if out == "got" {
                ran.said("--fresh");
            }
        }
    }
    assert_eq!(lab.results_in("got/command"), [""; 0]);
    // One that is lost keeps none of the others back.
    let all = lab.run(&["result", "export", &id, "--out", "all"]);
    all.ended(3).said("its result is lost").said("--fresh");
    assert!(lab.results_in("all/command").contains(&"short.out".to_owned()));
    assert!(!lab.results_in("all/command").contains(&"long.out".to_owned()));
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder").flatten();
    let below = |entry: std::fs::DirEntry| match entry.path() {
        path if path.is_dir() => walk(&path),
        path => vec![path],
    };
    entries.flat_map(below).collect()
}

#[test]
fn a_store_of_this_machine_that_is_not_seen_is_asked_for_its_results() {
    if !rustix::process::geteuid().is_root() {
        return not_run("mount", "this user may not mount");
    }
    let lab = Lab::new();
    let (_master, address) = master(&lab);
    let _worker = joined(&lab, "w1", &address, "1");
    let id = long_result(&lab);
    let proxy = Proxy::start(&address, &[]);
    let hidden = format!(
        "mount -t tmpfs none '{}' && unset WINDLASS_STATE && exec '{}' result get {id} long.out \
         --out got --master {}",
        lab.path("state/blobs").display(),
        env!("CARGO_BIN_EXE_windlass"),
        proxy.near,
    );
    let mut command = lab.command_of(Path::new("unshare"), &["-m", "sh", "-c", &hidden]);
    Ran::of(command.output().expect("starts")).ended(0);
    is_whole(&lab, "got");
    assert!(proxy.answered_bytes() > RESULT_BYTES);
}
