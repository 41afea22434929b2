//! One master and four workers through all that can happen to them at once, and a cut network.

use crate::cluster::{SLOW, all_results_are_right, joined, master, master_at, run_on, slow_inputs};
use crate::lab::{Lab, Ran, not_run, signal, until};
use crate::security::{self, first_token, own_address, token};
use crate::service::Service;
use rustix::process::Signal;
use serde_json::Value;
use std::process::Command;

fn job(lab: &Lab) -> Value {
    let shown = lab.run(&["job", "show", "1", "--json"]);
    serde_json::from_str(&shown.ended(0).stdout).expect("JSON")
}

#[test]
fn five_hundred_files_come_through_deaths_hangs_drains_and_a_new_master() {
    const COUNT: usize = 500;
    let lab = Lab::new();
    slow_inputs(&lab, COUNT);
    let (mut first, address) = master(&lab);
    let mut workers: Vec<Service> =
        ["w1", "w2", "w3", "w4"].map(|name| joined(&lab, name, &address, "2")).into();
    let mut args = vec!["in"];
    args.extend(SLOW);
    let run = run_on(&lab, &address, &args).spawn().expect("starts");
    let done = |count| {
        until(&format!("{count} files are done"), || lab.results("command").len() > count);
    };

    done(60);
    workers[0].kill();
    done(120);
    signal(&workers[1].child, Signal::STOP);
    done(180);
    lab.run(&["worker", "drain", "w3", "--wait"]).ended(0);
    done(240);
    first.kill();
    let (_second, _) = master_at(&lab, &address);
    // The dead one's next start takes its place, the hung one goes on.
    workers[0] = joined(&lab, "w1", &address, "2");
    signal(&workers[1].child, Signal::CONT);
    done(320);
    lab.run(&["worker", "resume", "w3"]).ended(0);
    done(400);
    workers[3].kill();

    Ran::of(run.wait_with_output().expect("it ends")).ended(0);
    all_results_are_right(&lab, COUNT);
    let phase = &job(&lab)["phases"][0];
    assert_eq!((&phase["succeeded"], &phase["failed"]), (&COUNT.into(), &0.into()), "{phase:#}");
    lab.run(&["state", "verify"]).ended(0);
}

/// Two addresses that reach each other over a cable of their own, until it is cut.
struct Cable {
    namespace: String,
    near_end: String,
    /// Of this side.
    address: String,
}

impl Cable {
    /// `None` where the kernel or the user has no network namespaces; the test is then not run.
    fn laid() -> Option<Cable> {
        let number = std::process::id();
        let subnet = format!("10.{}.{}", 64 + number / 250 % 128, number % 250);
        let cable = Cable {
            namespace: format!("windlass-{number}"),
            near_end: format!("wlc{number}"),
            address: format!("{subnet}.1"),
        };
        let Cable { namespace, near_end, address } = &cable;
        let far_end = "far";
        let steps = [
            format!("netns add {namespace}"),
            format!("link add {near_end} type veth peer name {far_end} netns {namespace}"),
            format!("addr add {address}/24 dev {near_end}"),
            format!("link set {near_end} up"),
            format!("-n {namespace} addr add {subnet}.2/24 dev {far_end}"),
            format!("-n {namespace} link set {far_end} up"),
            format!("-n {namespace} link set lo up"),
        ];
        for step in steps {
            if let Err(why) = ip(&step) {
                not_run("netns", &format!("ip {step}: {why}"));
                return None;
            }
        }
        Some(cable)
    }

    /// Nothing comes through any more, and nobody is told.
    fn cut(&self) {
        ip(&format!("link set {} down", self.near_end)).expect("it is up");
    }

    fn mend(&self) {
        ip(&format!("link set {} up", self.near_end)).expect("it is down");
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        let _ = ip(&format!("link del {}", self.near_end));
        let _ = ip(&format!("netns del {}", self.namespace));
    }
}

fn ip(step: &str) -> Result<(), String> {
    let ran =
        Command::new("ip").args(step.split(' ')).output().map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&ran.stderr).trim().to_owned();
    if ran.status.success() { Ok(()) } else { Err(said) }
}

#[test]
fn a_worker_behind_a_cut_network_is_given_up_and_comes_back() {
    const COUNT: usize = 60;
    let Some(cable) = Cable::laid() else { return };
    let (lab, far_lab) = (Lab::new(), Lab::new());
    slow_inputs(&lab, COUNT);
    let place = format!("{}:0", cable.address);
    let serving = Service::start(&mut lab.command(&["master", "--listen", &place]));
    let line = serving.line("windlass worker --join ");
    let joining: Vec<&str> = line.split(' ').skip(1).collect();
    let join = |lab: &Lab, name: &str, inside: Option<&str>| {
        let mut args = joining.clone();
        args.extend(["--name", name, "--slots", "1"]);
        let own = lab.command(&args);
        let mut command = match inside {
            None => own,
            Some(namespace) => {
                let mut command = lab.command_of("ip".as_ref(), &["netns", "exec", namespace]);
                command.arg(own.get_program()).args(&args);
                command
            }
        };
        let worker = Service::start(&mut command);
        worker.wait_for("works for the master");
        worker
    };
    let near = join(&lab, "near", None);
    let _far = join(&far_lab, "far", Some(&cable.namespace));
    let mut args = vec!["run", "in"];
    args.extend(SLOW);
    let run = lab.start(&args);
    until("some files are done", || lab.results("command").len() > 10);
    cable.cut();
    Ran::of(run.wait_with_output().expect("it ends")).ended(0);
    all_results_are_right(&lab, COUNT);
    serving.wait_for("worker=far why=");

    drop(near);
    cable.mend();
    // Nobody else is there to do it.
    let late = lab.input("late.txt", "late");
    let late = late.to_str().expect("a plain path");
    let mut args = vec!["run", late, "--out", "late"];
    args.extend(SLOW);
    lab.run(&args).ended(0);
    assert!(lab.results_in("late/command").contains(&"late.out".to_owned()));
}

#[test]
fn an_upload_goes_on_where_it_broke_off() {
    const BYTES: u64 = 600 << 20;
    let Some(place) = own_address() else {
        return not_run("address", "this machine has no address but loopback");
    };
    let (home, far) = (Lab::new(), Lab::new());
    let (mut first, address) = security::master_at(&home, &["master", "--listen", &place]);
    let join = ["worker", "--join", &address, "--token", &first_token(&first), "--name", "w1"];
    let worker = Service::start(&mut home.command(&join));
    worker.wait_for("works for the master");
    let large = far.input("large.bin", "");
    std::fs::File::options()
        .write(true)
        .open(large)
        .and_then(|file| file.set_len(BYTES))
        .expect("grows");
    let args = ["run", "--master", &address, "in", "--op", "command", "--param", "cmd=wc -c"];
    let mut command = far.command(&args);
    let run = command.env("WINDLASS_TOKEN", token(&home, "client")).spawn().expect("starts");
    let partial = home.path("state/blobs/partial");
    let come = || {
        let entries = std::fs::read_dir(&partial).into_iter().flatten().flatten();
        entries.map(|entry| entry.metadata().map_or(0, |it| it.len())).sum::<u64>()
    };
    until("some of it has come", || come() > 16 << 20);
    first.kill();
    assert!(come() < BYTES, "it was too quick");
    let (second, _) = security::master_at(&home, &["master", "--listen", &address]);
    Ran::of(run.wait_with_output().expect("it ends")).ended(0);
    second.wait_for("an upload goes on where it broke off");
    let counted = std::fs::read_to_string(far.path("processed_results/command/large.out"));
    assert_eq!(counted.expect("a result").trim(), BYTES.to_string());
    assert_eq!(come(), 0);
}
