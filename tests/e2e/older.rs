//! Programs of older systems, spoken to as they speak.

use crate::lab::{Lab, until};
use crate::service::Service;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

/// A cluster of one worker that serves programs of an older system on a free port, and where.
fn served(lab: &Lab, option: &str, serves: &str) -> (Service, String) {
    let args = ["up", "--listen", "127.0.0.1:0", "--workers", "1", option, "127.0.0.1:0"];
    let service = Service::start(&mut lab.command(&args));
    let line = service.line(&format!("Serving {serves} on "));
    let place = line.rsplit(' ').next().expect("a place").to_owned();
    (service, place)
}

/// What comes back of a connection on which this is said.
fn answer_of(stream: &mut TcpStream, said: &[u8]) -> String {
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("it can");
    stream.write_all(said).expect("it is taken");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

#[test]
fn clients_of_the_factorial_service_get_digits_or_its_errors() {
    let lab = Lab::new();
    let (service, place) = served(&lab, "--tcp-factorial", "clients of the factorial service");
    let connect = || TcpStream::connect(&place).expect("it listens");
    // One that asks its user first holds up nobody.
    let mut silent = connect();
    let digits = "80658175170943878571660636856403766975289505440883277824000000000000";
    // Neither an end mark nor the end of the stream: a pause tells that the number is whole.
    until("the worker has joined", || !answer_of(&mut connect(), b"5").contains("No workers"));
    assert_eq!(answer_of(&mut connect(), b"52"), digits);
    assert_eq!(answer_of(&mut connect(), b"52\n"), digits);
    let mut closing = connect();
    closing.write_all(b"20").expect("it is taken");
    closing.shutdown(Shutdown::Write).expect("it can");
    assert_eq!(answer_of(&mut closing, b""), "2432902008176640000");
    let wrong = "Error: parameter n=-3: a whole number from 0 to 10000000 is wanted";
    assert_eq!(answer_of(&mut connect(), b"-3"), wrong);
    assert_eq!(answer_of(&mut connect(), b"0"), "1");
    let long = answer_of(&mut connect(), b"20000\n");
    assert!(long.len() == 77_338 && long.ends_with("000"), "{} digits", long.len());
    assert_eq!(answer_of(&mut silent, b"3"), "6");
    // A port that is taken is told with the option that names another one, and stops nothing.
    let other = Lab::new();
    let args = ["up", "--listen", "127.0.0.1:0", "--workers", "0", "--tcp-factorial", &place];
    let other = Service::start(&mut other.command(&args));
    other.wait_for("another program listens there; name another address with --tcp-factorial");
    other.wait_for("Ctrl-C ends it");
    drop(service);
}

#[test]
fn without_workers_the_factorial_service_says_so() {
    let lab = Lab::new();
    let args = ["master", "--listen", "127.0.0.1:0", "--tcp-factorial", "127.0.0.1:0"];
    let service = Service::start(&mut lab.command(&args));
    let line = service.line("Serving clients of the factorial service on ");
    let place = line.rsplit(' ').next().expect("a place");
    let mut stream = TcpStream::connect(place).expect("it listens");
    assert_eq!(answer_of(&mut stream, b"5"), "Error: No workers available.");
}
