//! Results of workers on the master's machine: their bytes are left in its store, or sent where
//! that cannot be.

use crate::cluster::{http_get, joined, master, run_on};
use crate::lab::{Lab, Ran, not_run};
use crate::service::Service;
use std::fs;
use std::path::Path;

const RESULT_BYTES: usize = 300_000;
const COPY: [&str; 6] = ["in", "--op", "noop", "--param", "result=copy", "--fresh"];
const CAT: [&str; 6] = ["in", "--op", "command", "--param", "cmd=cat; echo", "--fresh"];

/// Bytes that are in no other result.
fn noise(seed: usize) -> Vec<u8> {
    (0..RESULT_BYTES).map(|at| ((at * 7_919 + seed) ^ (at >> 8)) as u8).collect()
}

/// Runs both operations on files that no other round has, and answers how many bytes of results
/// the master was sent in all rounds.
fn sent_bytes(lab: &Lab, address: &str, round: usize) -> u64 {
    let [one, other] = [10 * round, 10 * round + 1];
    lab.input("a.bin", noise(one));
    lab.input("b.bin", noise(other));
    // What two tasks make is one blob.
    lab.input("c.bin", noise(one));
    // Long enough, and inline.
    lab.input("short.txt", "some words");
    for (args, made) in [(COPY, "noop/a_noop.bin"), (CAT, "command/b.out")] {
        Ran::of(run_on(lab, address, &args).output().expect("starts")).ended(0);
        let expected = match args == COPY {
            true => noise(one),
            // What `noop` made of it is there already; this is not.
            false => [noise(other), b"\n".to_vec()].concat(),
        };
        let made = fs::read(lab.path("processed_results").join(made)).expect("a result");
        assert!(made == expected, "{} bytes", made.len());
    }
    let metrics = http_get(address, "/metrics");
    let count = metrics.split("windlass_bytes_total{direction=\"in\"} ").nth(1);
    let count = count.and_then(|rest| rest.lines().next()).expect("it is counted");
    count.parse::<f64>().expect("a number") as u64
}

/// Files of what has come in part.
fn partials(blobs: &Path) -> usize {
    fs::read_dir(blobs.join("partial")).expect("a folder").count()
}

#[test]
fn results_of_this_machine_are_not_sent() {
    let lab = Lab::new();
    let (_master, address) = master(&lab);
    let _worker = joined(&lab, "w1", &address, "2");
    let sent = sent_bytes(&lab, &address, 1);
    assert!(sent < RESULT_BYTES as u64 / 2, "{sent} bytes were sent");
    assert_eq!(partials(&lab.path("state/blobs")), 0);
}

#[test]
fn where_nothing_can_be_left_results_are_sent() {
    let lab = Lab::new();
    let (_master, address) = master(&lab);
    let _worker = joined(&lab, "w1", &address, "2");
    fs::remove_dir(lab.path("state/blobs/partial")).expect("it is empty");
    let sent = sent_bytes(&lab, &address, 1);
    assert!(sent > 4 * RESULT_BYTES as u64, "{sent} bytes were sent");
}

/// As behind a forwarded port, with another store at the same path.
#[test]
fn results_that_were_left_with_somebody_else_are_sent() {
    if !rustix::process::geteuid().is_root() {
        return not_run("mount", "this user may not mount");
    }
    let lab = Lab::new();
    let (_master, address) = master(&lab);
    let hidden = format!(
        "mount -t tmpfs none '{0}' && mkdir '{0}/partial' && \
         exec '{1}' worker --join {address} --name w1 --slots 2",
        lab.path("state/blobs").display(),
        env!("CARGO_BIN_EXE_windlass"),
    );
    let mut command = lab.command_of(Path::new("unshare"), &["-m", "sh", "-c", &hidden]);
    let worker = Service::start(&mut command);
    worker.wait_for("works for the master");
    let sent = sent_bytes(&lab, &address, 1);
    assert!(sent > 4 * RESULT_BYTES as u64, "{sent} bytes were sent");
    let blobs = lab.path("state/blobs");
    let seen = format!("/proc/{}/root{}", worker.child.id(), blobs.display());
    assert_eq!(partials(Path::new(&seen)), 0);
    // After three times in vain nothing is left there any more.
    sent_bytes(&lab, &address, 2);
    let changed =
        || fs::metadata(format!("{seen}/partial")).expect("seen").modified().expect("told");
    let before = changed();
    sent_bytes(&lab, &address, 3);
    assert_eq!(changed(), before);
}
