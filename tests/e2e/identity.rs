//! Whose certificate it is: a worker from another machine has the name in it, and no other.

use crate::lab::Lab;
use crate::security::{first_token, id_of, master, token};
use crate::service::Service;
use serde_json::Value;

/// The name that a worker says it works under.
fn name_of(worker: &Service) -> String {
    let line = worker.line("Worker ");
    line.split(' ').nth(1).expect("a name").to_owned()
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
