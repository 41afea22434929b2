//! Whose certificate it is: a worker from another machine has the name in it, and no other.

use crate::lab::{Lab, not_run, until};
use crate::security::{first_token, id_of, master, master_at, token};
use crate::service::Service;
use serde_json::Value;
use std::net::UdpSocket;

/// The name that a worker says it works under.
fn name_of(worker: &Service) -> String {
    let line = worker.line("Worker ");
    line.split(' ').nth(1).expect("a name").to_owned()
}

/// An IPv6 address of this machine that others reach it by, if it has one; `None` beyond that: it
/// has no IPv6. Nothing is sent to find it.
fn own_ipv6_address() -> Option<Option<String>> {
    UdpSocket::bind("[::1]:0").ok()?;
    let other = || {
        let socket = UdpSocket::bind("[::]:0").ok()?;
        socket.connect("[2001:db8::1]:9").ok()?;
        let ip = socket.local_addr().ok()?.ip();
        (!ip.is_loopback() && !ip.is_unspecified()).then(|| format!("[{ip}]:0"))
    };
    Some(other())
}

fn works(lab: &Lab, args: &[&str]) -> Service {
    let worker = Service::start(&mut lab.command(args));
    worker.wait_for("works for the master");
    worker
}

#[test]
fn a_worker_without_a_name_comes_back_as_who_it_was() {
    let (home, far) = (Lab::new(), Lab::new());
    let Some((serving, address)) = master(&home) else { return };
    let joins = first_token(&serving);
    let (join, with_token) =
        (["worker", "--join", &address], ["worker", "--join", &address, "--token", &joins]);
    let mut first = works(&far, &with_token);
    let name = name_of(&first);
    first.kill();
    let mut again = works(&far, &join);
    assert_eq!(name_of(&again), name);

    // While it works its name is nobody else's, and a second one needs a token.
    far.run(&join).ended(5).said(&name).said("in use").said("--token");
    let second = works(&far, &with_token);
    assert_ne!(name_of(&second), name);

    // With another token it is still who it was.
    again.kill();
    home.run(&["token", "rm", &id_of(&home, "worker")]).ended(0);
    let another = token(&home, "worker");
    let joined = works(&far, &["worker", "--join", &address, "--token", &another]);
    assert_eq!(name_of(&joined), name);
}

/// On an address of the newer protocol, which is written in brackets.
#[test]
fn masters_and_workers_meet_by_ipv6_too() {
    let Some(other) = own_ipv6_address() else {
        return not_run("ipv6", "this machine has no IPv6");
    };
    let lab = Lab::new();
    lab.input("a.txt", "words");
    let (serving, near) = master_at(&lab, &["master", "--listen", "[::1]:0"]);
    assert!(near.starts_with("[::1]:"), "{near}");
    assert!(!serving.said().contains("wlw_"), "loopback needs no token: {}", serving.said());
    let _worker = works(&lab, &["worker", "--join", &near]);
    lab.run(&["run", "--master", &near, "--op", "text", "in"]).ended(0);

    let (home, far) = (Lab::new(), Lab::new());
    let Some(place) = other else {
        return not_run("ipv6", "this machine has no IPv6 address but loopback");
    };
    let (serving, address) = master_at(&home, &["master", "--listen", &place]);
    far.run(&["worker", "--join", &address]).ended(5).said("windlass token create");
    let line = serving.line("windlass worker --join [");
    let args: Vec<&str> = line.split(' ').skip(1).chain(["--name", "six"]).collect();
    works(&far, &args).kill();
    // What was kept is found again by such an address.
    let _again = works(&far, &["worker", "--join", &address]);
    far.run(&["login", &address, "--token", &token(&home, "client")]).ended(0);
    far.input("a.txt", "words");
    far.run(&["run", "--master", &address, "--op", "text", "in"]).ended(0);
}

#[test]
fn a_worker_whose_renewal_is_refused_goes_on_and_is_renewed_later() {
    let (home, far) = (Lab::new(), Lab::new());
    let Some((serving, address)) = master(&home) else { return };
    let joins = first_token(&serving);
    works(&far, &["worker", "--join", &address, "--token", &joins, "--name", "a"]).kill();
    let path = far.path(format!("state/credentials/worker-a@{address}"));
    let read = || -> Value {
        serde_json::from_slice(&std::fs::read(&path).expect("is kept")).expect("JSON")
    };
    // Half a day later, and it asks for what its master does not give: another name.
    let mut old = read();
    (old["renew_at_s"], old["worker"]) = (0.into(), "b".into());
    std::fs::write(&path, old.to_string()).expect("is ours");
    let as_a = ["worker", "--join", &address, "--name", "a"];
    let mut refused = works(&far, &as_a);
    for number in 0..3 {
        far.input(format!("{number}.txt"), "words");
    }
    let client = token(&home, "client");
    let run = ["run", "--master", &address, "--op", "text", "in", "--token", &client];
    far.run(&run).ended(0);
    assert_eq!(read(), old, "it was refused");
    assert!(!refused.said().contains("connecting again"), "{}", refused.said());
    refused.kill();

    // It asks for its own.
    old["worker"] = "a".into();
    std::fs::write(&path, old.to_string()).expect("is ours");
    let _renewed = works(&far, &as_a);
    until("it is renewed", || read()["renew_at_s"] != 0);
    assert_ne!(read()["certificate"], old["certificate"]);
}

#[test]
fn a_certificate_is_for_one_name_alone() {
    let (home, far) = (Lab::new(), Lab::new());
    let Some((serving, address)) = master(&home) else { return };
    let joins = first_token(&serving);
    let as_a = ["worker", "--join", &address, "--token", &joins, "--name", "a"];
    works(&far, &as_a).kill();
    let as_b = ["worker", "--join", &address, "--name", "b"];
    far.run(&as_b).ended(5).said("kept here for a alone").said("--token");
    let file = |name: &str| far.path(format!("state/credentials/worker-{name}@{address}"));

    // As a worker that lies: what is kept says another name than the certificate.
    let mut kept: Value =
        serde_json::from_slice(&std::fs::read(file("a")).expect("is kept")).expect("JSON");
    kept["worker"] = "b".into();
    std::fs::write(file("b"), kept.to_string()).expect("is ours");
    far.run(&as_b).ended(4).said("its certificate is worker a's").said("--name a");
    assert!(home.run(&["worker", "list"]).ended(0).stdout.contains('a'));
    far.run(&["worker", "--join", &address, "--name", "no/name"]).ended(2).said("1 to 64");

    // A token lets it take the other name, beside the first.
    std::fs::remove_file(file("b")).expect("is ours");
    let as_b = ["worker", "--join", &address, "--token", &joins, "--name", "b"];
    let (_a, b) = (works(&far, &["worker", "--join", &address, "--name", "a"]), works(&far, &as_b));
    assert_eq!(name_of(&b), "b");
    let listed = home.run(&["worker", "list", "--json"]);
    let listed: Value = serde_json::from_str(&listed.ended(0).stdout).expect("JSON");
    assert_eq!(listed["workers"].as_array().map(Vec::len), Some(2), "{listed:#}");
}
