//! Connections that begin a request and never end it: many at once, while others are served.

use crate::cluster::{http_get, served_by};
use crate::lab::{Lab, until};
use crate::older::asked;
use serde_json::json;
use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;

/// As many as `bench/half_open.py` opens, where this process may have so many descriptors.
const COUNT_MAX: u64 = 9_000;
/// Descriptors that a test has for other things.
const OTHER_COUNT: u64 = 200;

/// How many this process may open.
fn count() -> u64 {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let wanted = COUNT_MAX + OTHER_COUNT;
    let current = Some(maximum.map_or(wanted, |maximum| maximum.min(wanted)));
    // What cannot be raised stays.
    let _ = setrlimit(Resource::Nofile, Rlimit { current, maximum });
    let may = getrlimit(Resource::Nofile).current.unwrap_or(wanted);
    let count = may.saturating_sub(OTHER_COUNT).min(COUNT_MAX);
    let mut said = std::io::stderr();
    let _ = writeln!(said, "half-open connections at each port: {count}, of {COUNT_MAX} wanted");
    count
}

/// Opens so many that say this, asks something else all the while, and waits until they are closed.
fn open(place: &str, count: u64, said: &[u8], mut ask: impl FnMut()) {
    let mut open: Vec<TcpStream> = Vec::new();
    for number in 0..count {
        let mut stream = TcpStream::connect(place).expect("it listens");
        // One that had to make room may be gone already.
        let _ = stream.write_all(said);
        stream.set_nonblocking(true).expect("it can");
        open.push(stream);
        if number % 500 == 0 {
            ask();
        }
    }
    ask();
    until("all of them are closed", || {
        open.retain_mut(|stream| match stream.read(&mut [0; 1_024]) {
            Ok(0) => false,
            Ok(_) => true,
            Err(error) => error.kind() == ErrorKind::WouldBlock,
        });
        open.is_empty()
    });
    ask();
}

#[test]
fn half_open_connections_are_all_closed_and_disturb_nobody() {
    let lab = Lab::new();
    let args = ["master", "--listen", "127.0.0.1:0", "--xmlrpc", "127.0.0.1:0"];
    let (service, place) = served_by(&lab, &args);
    let line = service.line("Serving clients of the look-up service on ");
    let older = line.rsplit(' ').next().expect("a place").to_owned();
    let count = count();
    let alive = || assert!(http_get(&place, "/check_status").ends_with(r#"{"status":"alive"}"#));
    open(&place, count, b"POST /assign_task HTTP/1.1\r\nHost: localhost\r\nX-", alive);
    let fault = || assert_eq!(asked(&older, &[json!(["getbyname", 7])])[0]["error"], true);
    open(&older, count, b"POST /RPC2 HTTP/1.1\r\n", fault);
    drop(service);
}
