//! Connections that say nothing, or not all of it: each is closed within its limit, and whoever
//! means well does not notice them.

use crate::lab::{Lab, Ran, not_run, until};
use crate::security::{master, master_at, token};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Half-open connections at a time, more than a process commonly has descriptors.
const FLOOD_COUNT: usize = 2_000;

fn opened(address: &str, said: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).expect("connects");
    stream.set_nonblocking(true).expect("a socket");
    stream.write_all(said).expect("there is room for a few bytes");
    stream
}

/// Whether the other end has closed it; what it said before does not matter.
fn is_closed(stream: &mut TcpStream) -> bool {
    let mut bytes = [0; 4_096];
    loop {
        match stream.read(&mut bytes) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => return error.kind() != std::io::ErrorKind::WouldBlock,
        }
    }
}

#[test]
fn whoever_falls_silent_is_sent_away_on_loopback_too() {
    let lab = Lab::new();
    let (_serving, address) = master_at(&lab, &["master", "--listen", "127.0.0.1:0"]);
    let said = [
        &b""[..],
        b"P",
        &PREFACE[..PREFACE.len() - 1],
        PREFACE,
        b"GET /livez HTTP/1.1\r\n",
        b"\x16",
        b"\x16\x03\x01\x02\x00",
    ];
    let mut silent: Vec<TcpStream> = said.iter().map(|said| opened(&address, said)).collect();
    until("all of them are closed", || {
        lab.run(&["cluster", "status", "--master", &address]).ended(0);
        silent.retain_mut(|stream| !is_closed(stream));
        silent.is_empty()
    });
}

/// Programs that do a handshake and say no more.
#[test]
fn whoever_falls_silent_behind_a_handshake_is_sent_away() {
    if Command::new("openssl").arg("version").output().is_err() {
        return not_run("openssl", "it is not installed");
    }
    let (home, guest) = (Lab::new(), Lab::new());
    let Some((_serving, address)) = master(&home) else { return };
    guest.run(&["login", &address, "--token", &token(&home, "client")]).ended(0);
    let mut silent: Vec<_> = [&b""[..], b"PRI", PREFACE]
        .into_iter()
        .map(|said| {
            let mut openssl = Command::new("openssl");
            openssl.args(["s_client", "-quiet", "-alpn", "h2", "-connect", &address]);
            openssl.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
            let mut child = openssl.spawn().expect("starts");
            child.stdin.as_mut().expect("is piped").write_all(said).expect("it listens");
            child
        })
        .collect();
    until("all of them are closed", || {
        guest.run(&["cluster", "status", "--master", &address]).ended(0);
        silent.retain_mut(|child| child.try_wait().expect("it is ours").is_none());
        silent.is_empty()
    });
}

#[test]
fn two_thousand_half_open_connections_stop_nobody() {
    let (home, guest) = (Lab::new(), Lab::new());
    // With the descriptors that a process has by default, whoever runs this.
    let few = Rlimit { current: Some(1_024), maximum: getrlimit(Resource::Nofile).maximum };
    setrlimit(Resource::Nofile, few).expect("lower than it was");
    let Some((_serving, address)) = master(&home) else { return };
    let most = getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX).min(1 << 16);
    if most < 2 * FLOOD_COUNT as u64 {
        return not_run("descriptors", "too few open files are allowed here");
    }
    let many = Rlimit { current: Some(most), ..few };
    setrlimit(Resource::Nofile, many).expect("as many as are allowed");
    guest.run(&["login", &address, "--token", &token(&home, "client")]).ended(0);
    let join = ["worker", "--join", &address, "--token", &token(&home, "worker")];
    let worker = crate::service::Service::start(&mut guest.command(&join));
    worker.wait_for("works for the master");

    let hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
    let said = [&b""[..], b"\x16", hello, b"PRI * HT", b"GET /livez HT"];
    let mut silent: Vec<TcpStream> =
        (0..FLOOD_COUNT).map(|number| opened(&address, said[number % said.len()])).collect();
    let call = ["call", "--master", &address, "factorial", "5"];
    let mut answered_count = 0;
    until("all of them are closed", || {
        let called = Ran::of(guest.command(&call).output().expect("starts"));
        assert_eq!(called.ended(0).stdout, "120\n");
        silent.retain_mut(|stream| !is_closed(stream));
        answered_count += usize::from(!silent.is_empty());
        silent.is_empty()
    });
    assert!(answered_count > 0, "they were gone before anybody called");
    assert!(!worker.said().contains("connecting again"), "{}", worker.said());
}
