//! Programs of older systems, spoken to as they speak.

use crate::cluster::{http_get, served_by};
use crate::lab::{Lab, not_run, until};
use crate::service::Service;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::Path;
use std::process::{Command, Stdio};
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
pub(crate) fn answer_of(stream: &mut TcpStream, said: &[u8]) -> String {
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

/// What Python's own client gets for each of these calls.
pub(crate) fn asked(place: &str, calls: &[Value]) -> Vec<Value> {
    let program =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/foreign/older_lookups.py");
    let mut python = Command::new("python3");
    python.arg(program).arg(format!("http://{place}/RPC2"));
    let mut python =
        python.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("python3 starts");
    let lines: String = calls.iter().map(|call| format!("{call}\n")).collect();
    let mut input = python.stdin.take().expect("is piped");
    input.write_all(lines.as_bytes()).expect("it is taken");
    drop(input);
    let out = python.wait_with_output().expect("it ends").stdout;
    let out = String::from_utf8(out).expect("text");
    out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

pub(crate) const AM: &str = r#"{
  "1": {"record_id": 1, "name": "alice", "location": "Kansas", "year": 2002},
  "2": {"record_id": 2, "name": "bob", "location": "New York City", "year": 2002},
  "3": {"record_id": 2, "name": "alice", "location": "Rome", "year": 1999}
}"#;
pub(crate) const NZ: &str =
    r#"{"1": {"record_id": 1, "name": "zoe", "location": "New York City", "year": 2002}}"#;

#[test]
fn clients_of_the_look_up_service_get_what_they_got() {
    let lab = Lab::new();
    lab.input("data-am.json", AM);
    lab.input("data-nz.json", NZ);
    let (service, place) = served(&lab, "--xmlrpc", "clients of the look-up service");
    let nothing_yet = asked(&place, &[json!(["getbyname", "alice"])]);
    assert_eq!(nothing_yet[0]["error"], true);
    assert!(nothing_yet[0]["message"].as_str().is_some_and(|it| it.contains("records load")));
    let load = ["records", "load", "people", "in/data-am.json", "in/data-nz.json"];
    let how = ["--key", "name", "--shard", "am=a-m", "--shard", "nz=n-z"];
    lab.run(&[&load[..], &how[..]].concat()).ended(0);
    until("both groups answer", || {
        asked(&place, &[json!(["getbylocation", "x"])])[0].get("error").is_none()
    });

    let (am, nz): (Value, Value) = (parsed(AM), parsed(NZ));
    let found = |rows: &[&Value]| json!({"error": false, "result": rows});
    let both = |am: &[&Value], nz: &[&Value]| json!({"worker1_result": found(am), "worker2_result": found(nz)});
    let invalid = json!({"error": true, "message": "Invalid name"});
    let cases = [
        (json!(["getbyname", "alice"]), found(&[&am["1"], &am["3"]])),
        (json!(["getbyname", "zoe"]), found(&[&nz["1"]])),
        (json!(["getbyname", "Zoe"]), found(&[])),
        (json!(["getbyname", "1st"]), invalid.clone()),
        (json!(["getbyname", ""]), invalid.clone()),
        (json!(["getbyname", 7]), invalid),
        (json!(["getbylocation", "New York City"]), both(&[&am["2"]], &[&nz["1"]])),
        (json!(["getbylocation", "Nowhere"]), both(&[], &[])),
        (json!(["getbylocation", ["a list"]]), both(&[], &[])),
        (json!(["getbyyear", "New York City", 2002]), both(&[&am["2"]], &[&nz["1"]])),
        (json!(["getbyyear", "New York City", "2002"]), both(&[], &[])),
        (json!(["getbyyear", "Kansas", null]), both(&[], &[])),
    ];
    let (calls, expected): (Vec<Value>, Vec<Value>) = cases.into_iter().unzip();
    for ((call, expected), found) in calls.iter().zip(&expected).zip(asked(&place, &calls)) {
        assert_eq!(found, *expected, "{call}");
    }
    service.wait_for("get by name called: alice");
    service.wait_for("worker chose: w1");
    let faults = asked(&place, &[json!(["getall"]), json!(["getbyname"])]);
    assert!(faults[0]["fault"].as_str().is_some_and(|it| it.contains("getall")), "{faults:?}");
    assert!(faults[1]["fault"].as_str().is_some_and(|it| it.contains("parameters")), "{faults:?}");
}

pub(crate) fn parsed(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

#[test]
fn a_group_that_nobody_serves_is_named_and_the_other_one_answers() {
    let lab = Lab::new();
    lab.input("data-am.json", AM);
    lab.input("data-nz.json", NZ);
    let args = ["master", "--listen", "127.0.0.1:0", "--xmlrpc", "127.0.0.1:0"];
    let service = Service::start(&mut lab.command(&args));
    let listening = service.line("Listening on ");
    let master = listening.rsplit(' ').next().expect("a place");
    let line = service.line("Serving clients of the look-up service on ");
    let place = line.rsplit(' ').next().expect("a place");
    let worker = ["worker", "--join", master, "--name", "w1-1", "--slots", "1"];
    let worker =
        Service::start(&mut lab.command(&[&worker[..], &["--group", "people:am"]].concat()));
    worker.wait_for("works for the master");
    let load = ["records", "load", "people", "in/data-am.json", "in/data-nz.json"];
    let how = ["--key", "name", "--shard", "am=a-m", "--shard", "nz=n-z"];
    lab.run(&[&load[..], &how[..]].concat()).ended(0);
    let by_name = |name: &str| asked(place, &[json!(["getbyname", name])]).remove(0);
    until("the group of alice answers", || by_name("alice")["error"] == false);
    let unavailable = json!({"error": true, "message": "Worker is unavailable"});
    assert_eq!(by_name("zoe"), unavailable);
    let (am, row) = (parsed(AM), |row: &Value| json!({"error": false, "result": [row]}));
    let expected = json!({
        "worker1_result": row(&am["2"]),
        "worker2_result": unavailable,
        "error": true,
        "message": "Worker is unavailable",
    });
    assert_eq!(asked(place, &[json!(["getbylocation", "New York City"])]), [expected]);
    service.wait_for("worker chose: w1-1");
}

#[test]
fn a_page_in_a_browser_is_refused() {
    let lab = Lab::new();
    let (_service, place) = served(&lab, "--xmlrpc", "clients of the look-up service");
    for header in ["Origin: http://page.example", "Host: page.example"] {
        let mut stream = TcpStream::connect(&place).expect("it listens");
        let request = format!(
            "POST / HTTP/1.1\r\n{header}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        );
        let answer = answer_of(&mut stream, request.as_bytes());
        assert!(answer.starts_with("HTTP/1.1 403 "), "{header}: {answer}");
    }
}

/// What `curl` gets when it sends these parts of a form.
pub(crate) fn sent(place: &str, parts: &[&str]) -> (u32, Value) {
    let mut curl = Command::new("curl");
    curl.args(["-s", "-S", "-w", "\n%{http_code}"]);
    curl.args(parts.iter().flat_map(|part| ["-F", part]))
        .arg(format!("http://{place}/assign_task"));
    let out = String::from_utf8(curl.output().expect("curl starts").stdout).expect("text");
    let (answer, code) = out.rsplit_once('\n').expect("a code");
    (code.parse().expect("a number"), parsed(answer))
}

#[test]
fn clients_of_the_file_service_send_forms_and_get_paths() {
    if Command::new("curl").arg("--version").output().is_err() {
        return not_run("curl", "it is not installed");
    }
    let lab = Lab::new();
    let (service, place) = served_by(&lab, &["up", "--listen", "127.0.0.1:0", "--workers", "1"]);
    service.wait_for("a worker joined");
    assert!(http_get(&place, "/").ends_with("Master is working"));
    assert!(http_get(&place, "/check_status").ends_with(r#"{"status":"alive"}"#));
    let heap = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples/heap");
    let heap = heap.to_str().expect("a plain path");

    // Without a type, pictures are meant; names lose the folders that they had elsewhere.
    let anchor = format!("images=@{heap}/images/anchor.png;filename=C:\\x\\anchor.png");
    let photo = format!("images=@{heap}/images/photo.webp;filename=../anchor.webp");
    let (code, answer) = sent(&place, &[&anchor, &photo, "images=no picture;filename=a.txt"]);
    assert_eq!((code, &answer["message"]), (200, &json!("Image processing complete")));
    assert_eq!(
        (&answer["task_type"], &answer["total_files_processed"]),
        (&json!("image"), &json!(2))
    );
    let saved = json!([
        "processed_results/image/processed_anchor.png",
        "processed_results/image/processed_anchor-2.png",
    ]);
    assert_eq!(answer["saved_files"], saved);
    for path in saved.as_array().expect("a list") {
        let path = path.as_str().expect("text");
        assert!(std::fs::read(lab.path(path)).expect("it is there").starts_with(b"\x89PNG"));
    }
    let failed = &answer["failed_files"][0];
    assert_eq!(
        (&failed["file"], &failed["cause"]),
        (&json!("a.txt"), &json!("image does not take text"))
    );

    // The type may come behind the files.
    let (code, answer) =
        sent(&place, &["texts=I love it. It is great!;filename=b.txt", "task_type=text"]);
    assert_eq!((code, &answer["message"]), (200, &json!("Text processing complete")));
    let path = answer["saved_files"][0].as_str().expect("a path");
    assert_eq!(path, "processed_results/text/b_analysis.json");
    let analysis = std::fs::read_to_string(lab.path(path)).expect("it is there");
    assert_eq!(parsed(&analysis)["sentiment_score"], 2);

    let texts = ["texts=cats and dogs;filename=c.txt", "texts=dogs and mice;filename=d.txt"];
    let (code, answer) = sent(&place, &[&texts[..], &["task_type=embedding"]].concat());
    assert_eq!((code, &answer["total_files_processed"]), (200, &json!(2)));
    // Words without meaning alone: the work ends before it comes to vectors.
    let (code, answer) = sent(&place, &["task_type=embedding", "texts=of the;filename=e.txt"]);
    assert_eq!((code, &answer["saved_files"]), (200, &json!([])));
    assert_eq!(answer["failed_files"][0]["file"], "e.txt");

    let unknown = (400, json!({"error": "Unknown task type: x"}));
    assert_eq!(sent(&place, &["task_type=x", "texts=y;filename=b.txt"]), unknown);
    let none = (400, json!({"error": "No files provided for text processing"}));
    assert_eq!(sent(&place, &["task_type=text", "images=y;filename=b.txt"]), none);
    assert_eq!(sent(&place, &["task_type=text"]), none);
}

#[test]
fn the_file_service_without_workers_says_so_and_pages_are_refused() {
    if Command::new("curl").arg("--version").output().is_err() {
        return not_run("curl", "it is not installed");
    }
    let lab = Lab::new();
    let (_service, place) = served_by(&lab, &["master", "--listen", "127.0.0.1:0"]);
    let nobody = (503, json!({"error": "No slaves available"}));
    assert_eq!(sent(&place, &["task_type=x", "texts=y;filename=b.txt"]), nobody);
    assert_eq!(sent(&place, &["texts=y;filename=b.txt", "task_type=text"]), nobody);
    let mut stream = TcpStream::connect(&place).expect("it listens");
    let request = "POST /assign_task HTTP/1.1\r\nHost: localhost\r\nOrigin: http://page.example\r\n\
                   Connection: close\r\nContent-Length: 0\r\n\r\n";
    assert!(answer_of(&mut stream, request.as_bytes()).starts_with("HTTP/1.1 403 "));
}

/// A worker of the older factorial service, and its port.
fn older_worker() -> (Service, String) {
    let program =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/foreign/older_factorial_worker.py");
    let worker = Service::start(Command::new("python3").arg("-u").arg(program));
    until("it says its port", || worker.said().ends_with('\n'));
    let port = worker.said().trim().to_owned();
    (worker, port)
}

#[test]
fn workers_of_the_factorial_service_take_turns_and_the_dead_are_passed_over() {
    let lab = Lab::new();
    let (mut first, first_port) = older_worker();
    let (second, second_port) = older_worker();
    // Nobody listens at the first port of the system.
    lab.input("worker_ports.txt", format!("1\n{first_port}\n{second_port}\n"));
    let args = ["master", "--listen", "127.0.0.1:0", "--tcp-factorial", "127.0.0.1:0"];
    let workers = ["--tcp-workers", "in/worker_ports.txt"];
    let service = Service::start(&mut lab.command(&[&args[..], &workers].concat()));
    let line = service.line("Serving clients of the factorial service on ");
    let place = line.rsplit(' ').next().expect("a place");
    let answer = |number: &str| {
        answer_of(&mut TcpStream::connect(place).expect("it listens"), number.as_bytes())
    };
    let listed = || lab.run(&["worker", "list"]).ended(0).stdout.clone();
    // Nobody is probed: who is named is listed until a call fails there.
    until("all are listed", || listed().matches("an older factorial worker").count() == 3);
    for (number, factorial) in [("5\n", "120"), ("6\n", "720"), ("7\n", "5040"), ("8\n", "40320")] {
        assert_eq!(answer(number), factorial);
    }
    until("both were asked", || {
        [&first, &second].iter().all(|worker| worker.said().contains("asked for"))
    });
    first.kill();
    for _ in 0..4 {
        assert_eq!(answer("9\n"), "362880");
    }
    // The file is read again when it changes; without workers, and with none of ours, nobody can.
    drop(second);
    assert_eq!(answer("9\n"), "Error: Worker communication failed.");
    lab.input("worker_ports.txt", "");
    until("nobody is there", || answer("9\n") == "Error: No workers available.");
}

#[test]
fn all_of_them_are_opened_at_once_and_told_with_what_to_run() {
    let lab = Lab::new();
    let ports = ["--tcp-factorial", "127.0.0.1:0", "--xmlrpc", "127.0.0.1:0"];
    let args = ["up", "--listen", "127.0.0.1:0", "--workers", "0", "--older"];
    let service = Service::start(&mut lab.command(&[&args[..], &ports].concat()));
    service.wait_for("Ctrl-C ends it");
    for line in [
        "Serving clients and slaves of the file service on 127.0.0.1:",
        "curl -F task_type=text -F texts=@FILE http://127.0.0.1:",
        "MASTER_URL=http://127.0.0.1:",
        "Serving clients of the factorial service on 127.0.0.1:",
        "printf 52 | nc 127.0.0.1 ",
        "Serving clients of the look-up service on 127.0.0.1:",
        ".getbyname('alice')",
        "windlass run --op word-count --param tokens=ws --param workers=older FILES",
    ] {
        assert!(service.said().contains(line), "{line} in {}", service.said());
    }
}

#[test]
fn what_the_older_client_did_has_plain_names() {
    let lab = Lab::new();
    lab.input("a.txt", "one two two");
    lab.run(&["run", "in", "--op", "word-count", "--workers", "1"]).ended(0);
    assert_eq!(lab.result("word_count", "a_word_count.json")["total"], 3);
    let shown = lab.run(&["ops", "show", "pdf-to-text"]).ended(0).stdout.clone();
    assert!(shown.starts_with("document (version"), "{shown}");
    let list = lab.run(&["ops"]).ended(0).stdout.clone();
    assert!(list.contains("(also: word-count)") && list.contains("(also: pdf-to-text)"), "{list}");
    lab.run(&["run", "in", "--op", "wordcount"]).ended(2).said("word-count");
}

/// Most memory that a process has had, in MB.
fn peak_mb(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("Linux says it");
    let kb = line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number");
    kb / 1_024
}

#[test]
fn two_gigabytes_go_through_a_form_in_little_memory() {
    const BYTES: u64 = 2_000_000_000;
    if Command::new("curl").arg("--version").output().is_err() {
        return not_run("curl", "it is not installed");
    }
    let lab = Lab::new();
    let (service, place) = served_by(&lab, &["up", "--listen", "127.0.0.1:0", "--workers", "1"]);
    service.wait_for("a worker joined");
    let large = lab.input("large.bin", "");
    let file = std::fs::File::options().write(true).open(&large).expect("it is there");
    file.set_len(BYTES).expect("it grows");
    let part = format!("documents=@{};filename=large.pdf", large.display());
    let (code, answer) = sent(&place, &["task_type=document", &part]);
    assert_eq!((code, &answer["failed_files"][0]["file"]), (200, &json!("large.pdf")));
    let peak = peak_mb(service.child.id());
    assert!(peak < 150, "{peak} MB");
}
