//! Another address than loopback: who comes in, with what, and who does not.

use crate::lab::{Lab, Ran, not_run, until};
use crate::service::Service;
use std::io::{Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// An address of this machine that others reach it by; nothing is sent to find it.
pub(crate) fn own_address() -> Option<String> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    let ip = socket.local_addr().ok()?.ip();
    (!ip.is_loopback() && !ip.is_unspecified()).then(|| format!("{ip}:0"))
}

/// A master at an address that others reach, if there is one.
pub(crate) fn master(lab: &Lab) -> Option<(Service, String)> {
    let Some(place) = own_address() else {
        not_run("address", "this machine has no address but loopback");
        return None;
    };
    Some(master_at(lab, &["master", "--listen", &place]))
}

pub(crate) fn master_at(lab: &Lab, args: &[&str]) -> (Service, String) {
    let service = Service::start(&mut lab.command(args));
    let line = service.line("Listening on ");
    service.wait_for("Ctrl-C ends it");
    let address = line.trim_start_matches("Listening on ").to_owned();
    (service, address)
}

/// The token in the line that a master prints when it is started for the first time.
pub(crate) fn first_token(master: &Service) -> String {
    let line = master.line("windlass worker --join ");
    line.rsplit(' ').next().expect("the token is the last word").to_owned()
}

pub(crate) fn token(lab: &Lab, role: &str) -> String {
    let made = lab.run(&["token", "create", "--role", role, "--name", "of a test"]);
    made.ended(0).stdout.trim().to_owned()
}

/// The id of a token that is listed.
pub(crate) fn id_of(lab: &Lab, role: &str) -> String {
    let listed = lab.run(&["token", "list", "--json"]);
    let listed: serde_json::Value = serde_json::from_str(&listed.ended(0).stdout).expect("JSON");
    let tokens = listed["tokens"].as_array().expect("tokens");
    let token = tokens.iter().find(|token| token["role"] == role).expect("there is one");
    token["id"].as_str().expect("an id").to_owned()
}

fn inputs(lab: &Lab, count: usize) {
    for number in 0..count {
        lab.input(format!("f{number:03}.txt"), format!("file {number}"));
    }
}

/// Every file under a folder.
fn files(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        match entry.file_type().expect("a type").is_dir() {
            true => files(&entry.path(), found),
            false => found.push(entry.path()),
        }
    }
}

#[test]
fn the_printed_line_joins_a_worker_and_a_login_lets_runs_in() {
    let (home, far, guest) = (Lab::new(), Lab::new(), Lab::new());
    let Some((mut serving, address)) = master(&home) else { return };
    serving.wait_for(&format!("windlass login {address}, then windlass run --master {address} "));
    let line = serving.line("windlass worker --join ");
    let mut args: Vec<&str> = line.split(' ').skip(1).collect();
    args.extend(["--name", "far", "--slots", "2"]);
    let mut worker = Service::start(&mut far.command(&args));
    worker.wait_for("works for the master");
    // Everybody may read it, the commands of jobs too.
    let shown = std::fs::read(format!("/proc/{}/cmdline", worker.child.id())).expect("it runs");
    let shown = String::from_utf8_lossy(&shown);
    assert!(shown.contains("--name") && !shown.contains("wlw_"), "{shown}");

    inputs(&guest, 6);
    let client = token(&home, "client");
    guest.run(&["run", "--master", &address, "in"]).ended(5).said("windlass login");
    let args = ["run", "--master", &address, "--op", "text", "in"];
    let mut with_variable = guest.command(&args);
    Ran::of(with_variable.env("WINDLASS_TOKEN", &client).output().expect("starts")).ended(0);
    assert_eq!(guest.results("text").len(), 6);
    guest.run(&["login", &address, "--token", &client]).ended(0).said("Logged in");
    guest.run(&["run", "--master", &address, "--op", "text", "--fresh", "in"]).ended(0);
    assert_eq!(
        guest.run(&["call", "--master", &address, "factorial", "5"]).ended(0).stdout,
        "120\n"
    );

    // It restarts without the token, and so does the master, who prints none again.
    worker.kill();
    serving.kill();
    let (again, _) = master_at(&home, &["master", "--listen", &address]);
    assert!(!again.said().contains("wlw_"), "{}", again.said());
    let join = ["worker", "--join", &address, "--name", "far"];
    let worker = Service::start(&mut far.command(&join));
    worker.wait_for("works for the master");
    guest.run(&["run", "--master", &address, "--op", "text", "--fresh", "in"]).ended(0);
}

#[test]
fn no_secret_lies_where_others_read_or_where_it_is_not_needed() {
    let (home, far) = (Lab::new(), Lab::new());
    let Some((serving, address)) = master(&home) else { return };
    let (joins, client) = (first_token(&serving), token(&home, "client"));
    let mut with_variable = far.command(&["worker", "--join", &address]);
    let worker = Service::start(with_variable.env("WINDLASS_TOKEN", &joins));
    worker.wait_for("works for the master");
    far.run(&["login", &address, "--token", &client]).ended(0);
    // A user's command has the user's environment, but for this.
    inputs(&far, 1);
    let shows = ["run", "--master", &address, "in", "--op", "command", "--param", "cmd=env"];
    far.run(&shows).ended(0);
    let out = far.path("processed_results/command/f000.out");
    let out = std::fs::read_to_string(out).expect("a result");
    assert!(out.contains("PATH=") && !out.contains("wlw_"), "{out}");
    a_command_reads_no_secret(&far, &address);
    let mut found = Vec::new();
    files(&home.path("state"), &mut found);
    for path in &found {
        let bytes = std::fs::read(path).unwrap_or_default();
        let has = |word: &str| bytes.windows(word.len()).any(|it| it == word.as_bytes());
        assert!(!has(&joins) && !has(&client), "{path:?} has a token");
        assert!(!has("PRIVATE KEY") || path.ends_with("secrets/authority.pem"), "{path:?}");
    }
    let mut kept = Vec::new();
    files(&far.path("state/credentials"), &mut kept);
    assert_eq!(kept.len(), 3, "a token, a certificate and its lock: {kept:?}");
    for path in kept.iter().chain([&home.path("state/secrets/authority.pem")]) {
        let mode = path.metadata().expect("is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{path:?}");
    }
    assert!(!worker.said().contains("wlw_"), "{}", worker.said());
}

/// Of the worker in this lab, which runs as the command does.
fn a_command_reads_no_secret(far: &Lab, address: &str) {
    if far.run(&["doctor"]).stdout.contains("no Landlock") {
        return not_run("landlock", "commands read what their user may read");
    }
    let shown = far.path("state/credentials");
    let of = |param: &str| {
        let run =
            ["run", "--master", address, "in", "--fresh", "--op", "command", "--param", param];
        far.run(&run)
    };
    of(&format!("cmd=ls {}", shown.display())).ended(0);
    for what in ["client-*", "worker-*"] {
        of(&format!("cmd=cat {}/{what}", shown.display())).ended(3);
        let error = far.row("f000.txt")["cause"].to_string();
        assert!(error.contains("Permission denied"), "{error}");
    }
    let write = format!("write={}", far.path("").display());
    let run =
        ["run", "--master", address, "in", "--op", "command", "--param", "cmd=true", "--param"];
    far.run(&[&run[..], &[&write]].concat()).ended(3);
    let error = far.row("f000.txt")["cause"].to_string();
    assert!(error.contains("the secrets of Windlass"), "{error}");
}

#[test]
fn a_revoked_token_cuts_off_who_uses_it() {
    let (home, far, guest) = (Lab::new(), Lab::new(), Lab::new());
    let Some((serving, address)) = master(&home) else { return };
    let (joins, client) = (first_token(&serving), token(&home, "client"));
    let join = ["worker", "--join", &address, "--token", &joins, "--name", "far"];
    let mut worker = Service::start(&mut far.command(&join));
    worker.wait_for("works for the master");
    guest.run(&["login", &address, "--token", &client]).ended(0);

    let slow = ["run", "--master", &address, "--op", "noop", "--param", "sleep_ms=60000"];
    let run = guest.start(&slow);
    until("the run is there", || home.run(&["job", "list"]).stdout.contains("open"));
    let call = guest.start(&["call", "noop", "--param", "sleep_ms=60000", "--master", &address]);
    until("the call is there", || home.run(&["cluster", "status"]).stdout.contains("1 call"));
    home.run(&["token", "revoke", &id_of(&home, "client")]).ended(0);
    for cut_off in [run, call] {
        Ran::of(cut_off.wait_with_output().expect("it ends")).ended(5).said("was revoked");
    }

    let id = id_of(&home, "worker");
    home.run(&["token", "rm", &id]).ended(0);
    assert_eq!(worker.ended().code(), Some(5), "{}", worker.said());
    worker.wait_for("was revoked");
    let again = far.run(&["worker", "--join", &address, "--token", &joins]);
    again.ended(5).said("was revoked").said("windlass token create");
    far.run(&["worker", "--join", &address]).ended(5).said("was revoked");
    home.run(&["token", "rm", &id]).ended(1).said("revoked already");
    assert!(home.run(&["token", "list"]).ended(0).stdout.contains("revoked"));
}

#[test]
fn each_token_is_for_its_role_and_without_one_nobody_comes_in() {
    let (home, far) = (Lab::new(), Lab::new());
    let Some((serving, address)) = master(&home) else { return };
    let (joins, client) = (first_token(&serving), token(&home, "client"));
    far.run(&["worker", "--join", &address]).ended(5).said("windlass token create");
    far.run(&["worker", "--join", &address, "--token", &client]).ended(5).said("a client's");
    far.run(&["login", &address, "--token", &joins]).ended(5).said("a worker's");
    let half = &joins[..joins.len() / 2];
    far.run(&["worker", "--join", &address, "--token", half]).ended(5).said("not whole");
    // Whoever speaks without TLS is told so, whatever he speaks.
    let plain = far.run(&["cluster", "status", "--insecure", "--master", &address]);
    plain.ended(5).said("speaks TLS");
    let mut stream = TcpStream::connect(&address).expect("connects");
    stream.write_all(b"GET /livez HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 401") && answer.contains("speaks TLS"), "{answer}");
    let mut garbage = TcpStream::connect(&address).expect("connects");
    garbage.write_all(b"\x16\x03\x01\x00\x05hello and more").expect("is sent");
    let _ = garbage.read_to_end(&mut Vec::new());
    // Its own machine's commands need nothing.
    assert!(home.run(&["cluster", "status"]).ended(0).stdout.contains("No worker"));
}

#[test]
fn a_certificate_is_renewed_before_it_ends_and_a_renewed_one_is_kept() {
    let (home, far) = (Lab::new(), Lab::new());
    let Some((serving, address)) = master(&home) else { return };
    let joins = first_token(&serving);
    let args = ["worker", "--join", &address, "--token", &joins, "--name", "w1"];
    let mut first = Service::start(&mut far.command(&args));
    first.wait_for("works for the master");
    first.kill();
    let path = far.path(format!("state/credentials/worker-w1@{address}"));
    let read = || -> serde_json::Value {
        serde_json::from_slice(&std::fs::read(&path).expect("is kept")).expect("JSON")
    };
    // As half a day later.
    let mut old = read();
    old["renew_at_s"] = 0.into();
    std::fs::write(&path, old.to_string()).expect("is ours");
    let join = ["worker", "--join", &address];
    let _second = Service::start(&mut far.command(&join));
    until("it is renewed", || read()["renew_at_s"] != 0);
    assert_ne!(read()["certificate"], old["certificate"]);
    assert_eq!((&read()["key"], &read()["worker"]), (&old["key"], &old["worker"]));
}

#[test]
fn a_handshake_that_does_not_go_on_is_ended() {
    let home = Lab::new();
    let Some((_serving, address)) = master(&home) else { return };
    let mut silent = TcpStream::connect(&address).expect("connects");
    silent.write_all(b"\x16").expect("is sent");
    silent.set_read_timeout(Some(Duration::from_secs(60))).expect("a socket");
    assert_eq!(silent.read(&mut [0]).expect("it is closed"), 0);
}

#[test]
fn another_master_in_its_place_is_not_trusted() {
    let (home, other, far) = (Lab::new(), Lab::new(), Lab::new());
    let Some((serving, _)) = master(&home) else { return };
    let Some((_impostor, address)) = master(&other) else { return };
    let joins = first_token(&serving);
    let join = ["worker", "--join", &address, "--token", &joins];
    far.run(&join).ended(5).said("not the master that made the token");
    let client = token(&home, "client");
    let login = far.run(&["login", &address, "--token", &client]);
    login.ended(5).said("not the master that made the token");
}

#[test]
fn a_port_for_all_addresses_is_plain_on_loopback_and_insecure_is_plain_everywhere() {
    let Some(place) = own_address() else {
        return not_run("address", "this machine has no address but loopback");
    };
    let (home, insecure, far) = (Lab::new(), Lab::new(), Lab::new());
    let (serving, address) = master_at(&home, &["master", "--listen", "0.0.0.0:0"]);
    let port = address.rsplit(':').next().expect("a port").to_owned();
    let near = format!("127.0.0.1:{port}");
    far.run(&["cluster", "status", "--master", &near]).ended(0);
    // The line names an address that others reach.
    let reached = place.replace(":0", &format!(":{port}"));
    assert!(serving.line("windlass worker --join ").contains(&reached), "{}", serving.said());
    far.run(&["cluster", "status", "--master", &reached]).ended(5);

    let (open, address) = master_at(&insecure, &["master", "--insecure", "--listen", &place]);
    open.wait_for("WARNING");
    assert!(!open.said().contains("wlw_"), "{}", open.said());
    far.run(&["cluster", "status", "--master", &address]).ended(5).said("--insecure");
    far.run(&["cluster", "status", "--insecure", "--master", &address]).ended(0);
    let join = ["worker", "--join", &address, "--token", &first_token(&serving)];
    far.run(&join).ended(5).said("speaks no TLS");
}

#[test]
fn programs_of_others_get_signs_of_life_by_tls_and_the_rest_by_role() {
    if Command::new("curl").arg("--version").output().is_err() {
        return not_run("curl", "it is not installed");
    }
    let home = Lab::new();
    let Some((serving, address)) = master(&home) else { return };
    let curl = |args: &[&str]| {
        let mut curl = Command::new("curl");
        curl.args(["-sS", "--noproxy", "*", "--cacert"]);
        curl.arg(home.path("state/secrets/authority.crt"));
        curl.arg(format!("https://{address}{}", args[0])).args(&args[1..]);
        Ran::of(curl.output().expect("starts"))
    };
    assert_eq!(curl(&["/livez"]).ended(0).stdout, "alive\n");
    assert!(curl(&["/readyz"]).ended(0).stdout.starts_with("ready"));
    // By gRPC as well, as those who spread load ask; what the services are is not for everybody.
    let frame = format!("@{}", home.input("frame", [0; 5]).display());
    let grpc = ["--http2", "-D", "-", "-H", "te: trailers", "-H", "content-type: application/grpc"];
    let grpc = |path| curl(&[&[path][..], &grpc, &["--data-binary", &frame]].concat());
    until("it serves", || {
        let told = grpc("/grpc.health.v1.Health/Check").stdout;
        told.contains("grpc-status: 0") && told.contains("\0\0\0\0\u{2}\u{8}\u{1}")
    });
    // It is refused before its body has come, which curl takes for a fault now and then.
    let reflection = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";
    until("reflection is refused", || grpc(reflection).stdout.contains("grpc-status: 16"));
    // Everything else wants a token, also what is not there.
    for path in ["/windlass.v1.Cluster/Status", "/metrics", "/nothing"] {
        let denied = curl(&[path]);
        assert!(denied.ended(0).stdout.contains("wants a token"), "{path}: {}", denied.stdout);
    }
    // The gate itself knows roles: no program need ask as ours do, which would not even try.
    let bearer = |token: &str| format!("authorization: Bearer {token}");
    let (client, worker) = (bearer(&token(&home, "client")), bearer(&first_token(&serving)));
    assert!(curl(&["/metrics", "-H", &client]).ended(0).stdout.contains("# HELP"));
    for (token, method, answer) in [
        (&worker, "Cluster/Status", "is for workers"),
        (&worker, "Blobs/Read", "is for workers"),
        (&worker, "Sessions/Open", "is for workers"),
        (&client, "Sessions/Open", "is for commands"),
        (&client, "Trust/Enrol", "is for commands"),
        (&client, "Trust/CreateToken", "own machine alone"),
        (&worker, "Trust/RevokeToken", "own machine alone"),
    ] {
        let path = format!("/windlass.v1.{method}");
        let denied = curl(&[&path, "-w", "%{http_code}", "-H", token]);
        let told = &denied.ended(0).stdout;
        assert!(told.contains(answer) && told.ends_with("403"), "{method}: {told}");
    }
}

#[test]
fn an_address_of_another_machine_is_not_listened_on() {
    let lab = Lab::new();
    // For documents, nobody's (RFC 5737).
    lab.run(&["master", "--listen", "192.0.2.1:0"])
        .ended(1)
        .said("it is none of this machine's addresses")
        .said("or 0.0.0.0 for all of them");
}
