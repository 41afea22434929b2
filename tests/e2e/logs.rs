//! What a service says in its log.

use crate::cluster::{http_get, joined, run_on};
use crate::lab::{Lab, Ran, signal, until};
use crate::service::Service;
use rustix::process::Signal;
use serde_json::Value;
use std::time::{Duration, Instant};

/// A master that logs objects, and where it listens.
fn master(lab: &Lab) -> (Service, String) {
    let args = ["master", "--listen", "127.0.0.1:0", "--log-format", "json"];
    let service = Service::start(&mut lab.command(&args));
    service.wait_for("Listening on ");
    let listening = events(&service).into_iter().find_map(|event| {
        let message = event["message"].as_str()?.strip_prefix("Listening on ")?;
        Some(message.to_owned())
    });
    (service, listening.expect("an address"))
}

fn events(service: &Service) -> Vec<Value> {
    let said = service.said();
    let line = |line| serde_json::from_str(line).expect("every line is JSON");
    said.lines().map(line).collect()
}

/// All events with this message.
fn all(service: &Service, message: &str) -> Vec<Value> {
    events(service).into_iter().filter(|event| event["message"] == message).collect()
}

#[test]
fn who_died_and_what_failed_is_logged_and_counted() {
    let lab = Lab::new();
    let (service, address) = master(&lab);
    let _w1 = joined(&lab, "w1", &address, "1");
    let mut w2 = joined(&lab, "w2", &address, "1");
    lab.input("good.txt", "some words");
    lab.input("bad.pdf", "%PDF-1.7 and nothing behind it");
    let args = ["in", "--op", "document"];
    Ran::of(run_on(&lab, &address, &args).output().expect("starts")).ended(3);
    w2.kill();
    service.wait_for("a worker is lost");
    let find = |message: &str| {
        let found = all(&service, message).into_iter().next();
        found.unwrap_or_else(|| panic!("{message:?} is not in {}", service.said()))
    };
    assert_eq!(find("a worker is lost; what it held goes to others")["worker"], "w2");
    let failed = find("an attempt failed");
    assert_eq!((&failed["level"], &failed["kind"]), (&"WARN".into(), &"rejected".into()));
    assert!(failed["cause"].as_str().is_some_and(|cause| cause.contains("damaged PDF")));
    assert_eq!(find("a job ended")["outcome"], "failed");

    let metrics = http_get(&address, "/metrics");
    for line in [
        "windlass_tasks_total{op=\"document\",outcome=\"succeeded\"} 1",
        "windlass_tasks_total{op=\"document\",outcome=\"failed\"} 1",
        "windlass_task_duration_seconds_count{op=\"document\"} 2",
        "windlass_worker_slots{state=\"idle\"} 1.0",
        "windlass_jobs_total{state=\"failed\"} 1",
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
}

#[test]
fn why_something_does_not_move_is_told_once_and_when_it_moves_again() {
    let lab = Lab::new();
    let (service, address) = master(&lab);
    lab.run(&["submit", "--op", "noop", "--param", "count=3"]).ended(0);
    let (begins, ends) = ("something does not move", "this does not hold it up any more");
    service.wait_for(begins);
    let told = &all(&service, begins)[0];
    assert_eq!((&told["level"], &told["kind"]), (&"WARN".into(), &"no_worker".into()));
    assert_eq!(
        (&told["tasks"], &told["why"]),
        (&3.into(), &"3 tasks wait: no worker is connected".into())
    );
    assert!(told["next_step"].as_str().is_some_and(|it| it.contains("worker --join")), "{told}");
    assert!(told["for_ms"].is_u64() && told["about"] == "", "{told}");
    let _w1 = joined(&lab, "w1", &address, "1");
    service.wait_for(ends);
    let over = &all(&service, ends)[0];
    assert_eq!((&over["level"], &over["kind"]), (&"INFO".into(), &"no_worker".into()));
    assert_eq!(all(&service, begins).len(), 1, "{}", service.said());
}

#[test]
fn workers_of_a_process_that_slept_come_back() {
    let lab = Lab::new();
    let args = ["up", "--listen", "127.0.0.1:0", "--workers", "2"];
    let up = Service::start(&mut lab.command(&args));
    up.wait_for("Ctrl-C ends it");
    lab.run(&["run", "--op", "noop", "--param", "count=4"]).ended(0);
    signal(&up.child, Signal::STOP);
    let slept = Instant::now();
    until("it has slept longer than a lease", || slept.elapsed() > Duration::from_millis(3_500));
    signal(&up.child, Signal::CONT);
    up.wait_for("it gave no sign of life");
    let listed = || lab.run(&["worker", "list", "--json"]).stdout.clone();
    until("all are back", || listed().matches("\"connected\": true").count() == 2);
    lab.run(&["run", "--op", "noop", "--param", "count=5"]).ended(0);
}
