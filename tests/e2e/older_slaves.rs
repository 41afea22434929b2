//! Slaves of the older file service: programs of that system as workers of a master of ours, and
//! our workers as a slave of such a master.

use crate::cluster::{joined, served_by};
use crate::lab::{Lab, not_run, until};
use crate::older::{answer_of, parsed, sent};
use crate::service::Service;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Python with Flask and requests, which `make deps` fetches, where they are.
pub(crate) fn python(lab: &Lab) -> Option<Command> {
    let library = std::env::var_os("WINDLASS_LIB").map(PathBuf::from).or_else(|| {
        let data = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from);
        let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".local/share"));
        Some(data.or_else(home)?.join("windlass/lib"))
    });
    let older = library.map(|library| library.join("older-python"));
    let Some(older) = older.filter(|older| older.join("flask").is_dir()) else {
        not_run("older-python", "Flask and requests; `make deps` fetches them");
        return None;
    };
    let mut python = lab.command_of(Path::new("python3"), &["-u"]);
    python.env("PYTHONPATH", older).env("PYTHONDONTWRITEBYTECODE", "1");
    Some(python)
}

pub(crate) fn program(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/foreign").join(name)
}

/// A slave with a port, that behaves like this.
fn slave(lab: &Lab, master: &str, port: &str, behaviour: &[&str]) -> Option<(Service, String)> {
    let mut command = python(lab)?;
    // A URL with a slash at its end, as some were written.
    command.arg(program("older_slave.py")).arg(format!("http://{master}/")).arg(port);
    let slave = Service::start(command.args(behaviour));
    let line = slave.line("port ");
    Some((slave, line.trim_start_matches("port ").to_owned()))
}

/// A master without workers of its own.
fn master(lab: &Lab, options: &[&str]) -> (Service, String) {
    served_by(lab, &[&["master", "--listen", "127.0.0.1:0"], options].concat())
}

fn workers(lab: &Lab) -> Value {
    parsed(&lab.run(&["worker", "list", "--json"]).ended(0).stdout)
}

fn connected_count(lab: &Lab) -> usize {
    let list = workers(lab);
    let list = list["workers"].as_array().expect("workers").clone();
    list.iter().filter(|worker| worker["connected"] == true).count()
}

/// The files that a slave got, each request by itself.
fn got(slave: &Service) -> Vec<Vec<String>> {
    let said = slave.said();
    let requests = said.lines().filter_map(|line| line.strip_prefix("got "));
    requests.map(|line| line.split(' ').map(str::to_owned).collect()).collect()
}

fn saved(lab: &Lab, path: &str) -> Value {
    parsed(&std::fs::read_to_string(lab.path(path)).expect("it was saved"))
}

fn has_curl() -> bool {
    let is_there = Command::new("curl").arg("--version").output().is_ok();
    if !is_there {
        not_run("curl", "it is not installed");
    }
    is_there
}

#[test]
fn slaves_that_register_before_they_listen_share_the_files() {
    let lab = Lab::new();
    if !has_curl() {
        return;
    }
    let (_master, place) = master(&lab, &[]);
    let Some((one, port)) = slave(&lab, &place, "0", &[]) else { return };
    assert_eq!(one.said().matches("registered {'status': 'success'}").count(), 2);
    let Some((two, _)) = slave(&lab, &place, "0", &[]) else { return };
    until("both work", || connected_count(&lab) == 2);
    let list = lab.run(&["worker", "list"]).ended(0).stdout.clone();
    assert!(list.contains(&format!("older-slave-127.0.0.1-{port}")), "{list}");
    assert!(list.contains("of an older system"), "{list}");

    let parts: Vec<String> =
        (0..12).map(|n| format!("texts=I am number {n};filename=f{n:02}.txt")).collect();
    let mut parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    parts.insert(0, "task_type=text");
    let (code, answer) = sent(&place, &parts);
    assert_eq!((code, &answer["total_files_processed"]), (200, &json!(12)), "{answer}");
    assert_eq!(answer["saved_files"][3], "processed_results/text/f03_analysis.json");
    assert_eq!(answer["failed_files"], json!([]));
    for number in 0..12 {
        let analysis = saved(&lab, &format!("processed_results/text/f{number:02}_analysis.json"));
        assert_eq!(analysis["word_count"], 4);
    }
    // What they say is heard a little later than what they answer.
    until("all requests are told", || got(&one).len() + got(&two).len() >= 12);
    let (by_one, by_two) = (got(&one), got(&two));
    let got_before = by_one.len() + by_two.len();
    assert_eq!(got_before, 12);
    assert!(by_one.len() >= 3 && by_two.len() >= 3, "{} and {}", by_one.len(), by_two.len());
    let mut both = by_one.iter().chain(&by_two);
    assert!(both.clone().all(|request| request[0] == "text" && request.len() == 2));
    assert!(both.any(|request| request[1] == "f11.txt:14"));

    // What a slave made is for its own clients alone, and so are the slaves.
    let name = format!("older-slave-127.0.0.1-{port}");
    let shown = lab.run(&["worker", "show", &name]).ended(0).stdout.clone();
    assert!(shown.contains("text, version older/1"), "{shown}");
    lab.input("f00.txt", "I am number 0");
    let _own = joined(&lab, "own", &place, "1");
    lab.run(&["run", "in/f00.txt", "--op", "text", "--out", "own"]).ended(0);
    let own = saved(&lab, "own/text/f00_analysis.json");
    assert_eq!((&own["character_count"], own.get("made_by")), (&json!(13), None));
    assert_eq!(got_before, got(&one).len() + got(&two).len());
}

#[test]
fn all_texts_of_a_request_for_vectors_go_to_one_slave_in_one_call() {
    let lab = Lab::new();
    if !has_curl() {
        return;
    }
    let (_master, place) = master(&lab, &[]);
    let Some((one, _)) = slave(&lab, &place, "0", &[]) else { return };
    let Some((two, _)) = slave(&lab, &place, "0", &["--drop", "a.txt"]) else { return };
    until("both work", || connected_count(&lab) == 2);
    let texts =
        ["texts=a b;filename=a.txt", "texts=b c;filename=b.txt", "texts=c d;filename=a.txt"];
    let (code, answer) = sent(&place, &[&texts[..], &["task_type=embedding"]].concat());
    assert_eq!((code, &answer["total_files_processed"]), (200, &json!(3)), "{answer}");
    let expected = json!([
        "processed_results/embedding/a_embedding.json",
        "processed_results/embedding/b_embedding.json",
        "processed_results/embedding/a-2_embedding.json",
    ]);
    assert_eq!(answer["saved_files"], expected);
    let vector = saved(&lab, "processed_results/embedding/b_embedding.json");
    assert_eq!(vector["texts"], 3);
    // The one that misses a file is asked no second time, and the other one once at most.
    let (one, two) = (got(&one), got(&two));
    assert!(one.len() <= 1 && two.len() <= 1, "{one:?} {two:?}");
    let all = vec!["embedding".to_owned(), "a.txt:3".into(), "b.txt:3".into(), "a-2.txt:3".into()];
    assert!(one.iter().chain(&two).all(|request| *request == all), "{one:?} {two:?}");
}

#[test]
fn what_a_slave_misses_spoils_hangs_at_or_dies_of_is_done_elsewhere() {
    let lab = Lab::new();
    if !has_curl() {
        return;
    }
    let (service, place) = master(&lab, &["--slave-timeout", "1"]);
    let bad = ["--drop", "d.png", "--hang", "h.png", "--nonsense", "n.png", "--fall", "f.png"];
    let Some((bad, _)) = slave(&lab, &place, "0", &bad) else { return };
    until("it works", || connected_count(&lab) == 1);
    // Alone it is tried with each three times; what it dies of waits for another one.
    let (code, answer) = sent(&place, &["images=x;filename=t.txt", "task_type=image"]);
    assert_eq!((code, &answer["failed_files"][0]["file"]), (200, &json!("t.txt")));
    let anchor = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples/heap/images/anchor.png");
    let anchor = anchor.to_str().expect("a plain path");
    let part = |name: &str| format!("images=@{anchor};filename={name}");
    let parts: Vec<String> = ["d.png", "n.png", "h.png"].map(part).into();
    let (code, answer) = sent(&place, &parts.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!((code, &answer["saved_files"]), (200, &json!([])));
    let causes: Vec<String> = answer["failed_files"]
        .as_array()
        .expect("failed")
        .iter()
        .map(|failed| failed["cause"].as_str().expect("a cause").to_owned())
        .collect();
    assert!(causes[0].contains("nothing about d.png"), "{causes:?}");
    assert!(causes[1].contains("no picture"), "{causes:?}");
    assert!(causes[2].contains("has not answered within 1 s"), "{causes:?}");

    let Some((good, _)) = slave(&lab, &place, "0", &[]) else { return };
    until("both work", || connected_count(&lab) == 2);
    let names = ["d.png", "n.png", "h.png", "f.png", "a.png", "b.png"];
    let parts: Vec<String> = names.map(part).into();
    let (code, answer) = sent(&place, &parts.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!((code, &answer["failed_files"]), (200, &json!([])), "{}", service.said());
    assert_eq!(answer["saved_files"].as_array().map(Vec::len), Some(6));
    for name in ["d", "n", "h", "f", "a", "b"] {
        let path = lab.path(format!("processed_results/image/processed_{name}.png"));
        assert!(std::fs::read(path).expect("it was saved").starts_with(b"\x89PNG"));
    }
    assert!(got(&good).iter().any(|request| request[1].starts_with("h.png")));
    drop(bad);
}

/// A request that ends with its connection.
fn post(path: &str, content_type: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {content_type}\r\n\
         Connection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

#[test]
fn there_is_room_for_so_many_slaves() {
    let lab = Lab::new();
    let (_master, place) = master(&lab, &[]);
    let registered = |number: usize| {
        // Nobody listens there.
        let ip = format!("127.9.{}.{}", number / 256, number % 256);
        let said = json!({"slave_ip": ip, "slave_port": 9}).to_string();
        let mut stream = TcpStream::connect(&place).expect("it listens");
        answer_of(&mut stream, post("/register", "application/json", &said).as_bytes())
    };
    for number in 0..1_024 {
        let answer = registered(number);
        assert!(answer.starts_with("HTTP/1.1 200 "), "{number}: {answer}");
    }
    let answer = registered(1_024);
    assert!(answer.starts_with("HTTP/1.1 503 "), "{answer}");
    assert!(answer.contains("too many slaves"), "{answer}");
    // One that is known may say so again.
    assert!(registered(7).starts_with("HTTP/1.1 200 "));
}

#[test]
fn there_is_room_for_so_many_requests() {
    let lab = Lab::new();
    let (_master, place) = master(&lab, &[]);
    let Some((_slave, _)) = slave(&lab, &place, "0", &["--hang", "h.txt"]) else { return };
    until("it works", || connected_count(&lab) == 1);
    let body = "--b\r\nContent-Disposition: form-data; name=\"task_type\"\r\n\r\ntext\r\n\
                --b\r\nContent-Disposition: form-data; name=\"texts\"; filename=\"h.txt\"\r\n\r\n\
                a b\r\n--b--\r\n";
    let request = post("/assign_task", "multipart/form-data; boundary=b", body);
    let asked = || {
        let mut stream = TcpStream::connect(&place).expect("it listens");
        stream.write_all(request.as_bytes()).expect("it is taken");
        stream
    };
    let waiting: Vec<TcpStream> = (0..129).map(|_| asked()).collect();
    // Whichever comes last.
    let refused = |mut stream: &TcpStream| {
        let mut head = [0; 13];
        stream.set_read_timeout(Some(Duration::from_millis(1))).expect("it can");
        stream.read(&mut head).is_ok_and(|count| head[..count] == *b"HTTP/1.1 503 ")
    };
    until("one is refused", || waiting.iter().any(refused));
}

#[test]
fn a_silent_slave_gets_nothing_and_comes_back_by_itself() {
    let lab = Lab::new();
    if !has_curl() {
        return;
    }
    let (mut first, place) = master(&lab, &[]);
    let nobody = (503, json!({"error": "No slaves available"}));
    let text = ["task_type=text", "texts=a b c;filename=a.txt"];
    assert_eq!(sent(&place, &text), nobody);
    let Some((mut before, port)) = slave(&lab, &place, "0", &[]) else { return };
    until("it works", || connected_count(&lab) == 1);
    before.kill();
    first.wait_for("gets no work until it gives a sign of life");
    until("it is gone", || connected_count(&lab) == 0);
    assert_eq!(sent(&place, &text), nobody);
    // At the same place, and it need not say so: its master is another one.
    let (_elsewhere, other) = master(&Lab::new(), &[]);
    let Some((_slave, again)) = slave(&lab, &other, &port, &[]) else { return };
    assert_eq!(again, port);
    until("it works again", || connected_count(&lab) == 1);
    let (code, answer) = sent(&place, &text);
    assert_eq!((code, &answer["total_files_processed"]), (200, &json!(1)));
    // Also after a new start of its master.
    first.kill();
    let (_second, place) = served_by(&lab, &["master", "--listen", &place]);
    until("it works for the next one", || connected_count(&lab) == 1);
    let (code, _) = sent(&place, &text);
    assert_eq!(code, 200);
}

/// What is answered to this body.
fn registered(place: &str, body: &str) -> (u32, Value) {
    let mut curl = Command::new("curl");
    curl.args(["-s", "-w", "\n%{http_code}", "-H", "Content-Type: application/json", "-d", body]);
    let out = curl.arg(format!("http://{place}//register")).output().expect("curl starts").stdout;
    let out = String::from_utf8(out).expect("text");
    let (answer, code) = out.rsplit_once('\n').expect("a code");
    (code.parse().expect("a number"), parsed(answer))
}

#[test]
fn a_registration_says_where_the_slave_will_be() {
    let lab = Lab::new();
    if !has_curl() {
        return;
    }
    let (_master, place) = master(&lab, &[]);
    let missing = (400, json!({"error": "slave_ip and slave_port are required"}));
    for body in ["{}", "", "[1]", r#"{"slave_ip": "127.0.0.1"}"#, r#"{"slave_port": 3000}"#] {
        assert_eq!(registered(&place, body), missing, "{body}");
    }
    for body in [
        r#"{"slave_ip": "a b", "slave_port": 3000}"#,
        r#"{"slave_ip": "127.0.0.1", "slave_port": "x"}"#,
        r#"{"slave_ip": "127.0.0.1", "slave_port": 70000}"#,
    ] {
        assert_eq!(registered(&place, body).0, 400, "{body}");
    }
    let success = (200, json!({"status": "success"}));
    for body in [
        r#"{"slave_ip": "127.0.0.1", "slave_port": 1}"#,
        r#"{"slave_ip": "127.0.0.1", "slave_port": "1"}"#,
    ] {
        assert_eq!(registered(&place, body), success, "{body}");
    }
    assert_eq!(connected_count(&lab), 0);
}

/// Our workers as a slave of a master, and where they listen.
fn own_slave(lab: &Lab, variables: &[(&str, &str)]) -> (Service, String) {
    let mut command = lab.command(&["worker", "--older-slave", "--slots", "1"]);
    let command = command.envs(variables.iter().copied()).stdin(Stdio::null());
    let slave = Service::start(command);
    let line = slave.line("Working as a slave of the file service at ");
    let place = line.rsplit(' ').next().expect("a place").to_owned();
    (slave, place)
}

fn asked_for(place: &str, parts: &[&str]) -> (u32, Value) {
    let mut curl = Command::new("curl");
    curl.args(["-s", "-w", "\n%{http_code}"]).args(parts.iter().flat_map(|part| ["-F", part]));
    let out = curl.arg(format!("http://{place}/get_task")).output().expect("curl starts").stdout;
    let out = String::from_utf8(out).expect("text");
    let (answer, code) = out.rsplit_once('\n').expect("a code");
    (code.parse().expect("a number"), parsed(answer))
}

#[test]
fn our_workers_are_a_slave_of_an_older_master() {
    let (lab, theirs) = (Lab::new(), Lab::new());
    if !has_curl() {
        return;
    }
    let (_master, master_place) = master(&theirs, &[]);
    // What the environment says counts for more than the file.
    let file = format!("MASTER_URL='http://{master_place}/'\nSLAVE_IP=127.0.0.1\nSLAVE_PORT=1\n");
    std::fs::write(lab.path(".env"), file).expect("written");
    let (slave, place) = own_slave(&lab, &[("SLAVE_PORT", "0")]);
    slave.wait_for("registered");
    assert!(crate::cluster::http_get(&place, "/").ends_with("Slave is working"));
    assert!(crate::cluster::http_get(&place, "/check_status").ends_with(r#"{"status":"alive"}"#));
    for (task_type, error) in [
        ("image", "No images provided"),
        ("text", "No text files provided"),
        ("embedding", "No text files provided for embedding"),
        ("ocr", "No images provided for OCR"),
        ("audio", "No audio files provided"),
        ("document", "No documents provided"),
        ("x", "Unknown task type: x"),
    ] {
        let answer = asked_for(&place, &[&format!("task_type={task_type}")]);
        assert_eq!(answer, (400, json!({"error": error})));
    }
    let (code, answer) = asked_for(&place, &["other=1"]);
    assert_eq!((code, &answer["error"]), (400, &json!("No images provided")));

    until("it works for that master", || connected_count(&theirs) == 1);
    let anchor = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples/heap/images/anchor.png");
    let image = format!("images=@{};filename=C:\\x\\anchor.png", anchor.display());
    let (code, answer) = sent(&master_place, &[&image, "images=no;filename=b.png"]);
    assert_eq!((code, &answer["total_files_processed"]), (200, &json!(1)), "{answer}");
    assert_eq!(answer["saved_files"][0], "processed_results/image/processed_anchor.png");
    let texts = ["texts=cats and dogs;filename=c.txt", "texts=dogs and mice;filename=d.txt"];
    let (code, answer) = sent(&master_place, &[&texts[..], &["task_type=embedding"]].concat());
    assert_eq!((code, &answer["total_files_processed"]), (200, &json!(2)), "{answer}");
    let vector = saved(&theirs, "processed_results/embedding/c_embedding.json");
    assert_eq!(vector["features"], json!(["cats", "dogs", "mice"]));
    let (code, answer) = sent(&master_place, &["task_type=text", "texts=good!;filename=e.txt"]);
    assert_eq!((code, &answer["total_files_processed"]), (200, &json!(1)));
    let analysis = saved(&theirs, "processed_results/text/e_analysis.json");
    assert_eq!(analysis["sentiment_score"], 1);
}

#[test]
fn a_client_in_python_gets_what_it_got() {
    let lab = Lab::new();
    let Some(mut client) = python(&lab) else { return };
    let args = ["up", "--listen", "127.0.0.1:0", "--workers", "1"];
    let (service, place) = served_by(&lab, &args);
    service.wait_for("a worker joined");
    lab.input("a.txt", "I love it.");
    client.arg(program("older_client.py")).arg(format!("http://{place}"));
    client.args(["text", "texts", "in/a.txt"]);
    let out = String::from_utf8(client.output().expect("python3 starts").stdout).expect("text");
    let (code, answer) = out.split_once('\n').expect("two lines");
    let expected = json!({
        "message": "Text processing complete",
        "total_files_processed": 1,
        "saved_files": ["processed_results/text/a_analysis.json"],
        "task_type": "text",
        "failed_files": [],
    });
    assert_eq!((code, parsed(answer)), ("200", expected));
}
