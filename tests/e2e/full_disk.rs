//! The disk of the state fills up: a run says so, waits, and ends well when there is room.

use crate::cluster::master;
use crate::lab::{Lab, not_run, signal, until};
use crate::service::Service;
use rustix::process::Signal;
use std::io::Read;
use std::path::PathBuf;
use std::process::Command;

/// A file system of 4 MB at a folder of the lab's; `None` where nothing may be mounted here.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(lab: &Lab, folder: &str) -> Option<SmallDisk> {
        let folder = lab.path(folder);
        std::fs::create_dir_all(&folder).expect("a folder");
        let mut mount = Command::new("mount");
        let mounted = mount.args(["-t", "tmpfs", "-o", "size=4m", "windlass-test"]).arg(&folder);
        if mounted.output().is_ok_and(|output| output.status.success()) {
            return Some(SmallDisk(folder));
        }
        not_run("mount", "a tmpfs of 4 MB is needed");
        None
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).output();
    }
}

/// Fills the disk of a state that nobody holds, or of a folder in it; answers the file that takes
/// the room.
fn fill(lab: &Lab, folder: &str) -> PathBuf {
    // The reserve is used up and the disk is full: only what makes room may be written now.
    std::fs::remove_file(lab.path("state/journal/reserve")).expect("there was a reserve");
    let filler = lab.path(folder).join("filler");
    let mut full = std::fs::File::create(&filler).expect("a file");
    std::io::copy(&mut std::io::repeat(7).take(8 << 20), &mut full).expect_err("it is full");
    drop(full);
    filler
}

#[test]
fn a_full_disk_is_told_and_waited_for() {
    let lab = Lab::new();
    let Some(_mounted) = SmallDisk::mount(&lab, "state") else { return };
    let noop = ["run", "--op", "noop", "--param", "count=3"];
    lab.run(&noop).ended(0);
    let filler = fill(&lab, "state");
    let log = lab.path("log");
    let mut child = lab
        .command(&noop)
        .stderr(std::fs::File::create(&log).expect("a file"))
        .spawn()
        .expect("the binary starts");
    let said = || std::fs::read_to_string(&log).expect("a log");
    let notice = format!("the disk of {} is full; waiting for room", lab.path("state").display());
    until("the full disk is told", || said().contains(&notice));
    assert!(child.try_wait().expect("it can be asked").is_none(), "it waits");
    // The state can be looked at meanwhile.
    lab.run(&["state", "show"]).ended(0);
    std::fs::remove_file(&filler).expect("the filler goes");
    let mut ended = None;
    until("it ends", || {
        ended = child.try_wait().expect("it can be asked");
        ended.is_some()
    });
    assert!(ended.is_some_and(|ended| ended.success()), "{}", said());
    assert_eq!(lab.summary()["totals"]["succeeded"], 3);
}

/// What is submitted has bytes for the store before it has records for the journal.
#[test]
fn a_full_store_is_waited_for_here_and_in_a_cluster() {
    let lab = Lab::new();
    let Some(_mounted) = SmallDisk::mount(&lab, "state") else { return };
    lab.run(&["run", "--op", "noop", "--param", "count=3"]).ended(0);
    for (count, in_cluster) in [("count=4", false), ("count=5", true)] {
        let filler = fill(&lab, "state");
        let up = in_cluster.then(|| {
            let up = ["up", "--listen", "127.0.0.1:0", "--workers", "1"];
            let up = Service::start(&mut lab.command(&up));
            up.wait_for("Ctrl-C ends it");
            up
        });
        let run = ["run", "--op", "noop", "--param", count];
        let mut run = Service::start(&mut lab.command(&run));
        run.wait_for("is full; waiting for room");
        std::fs::remove_file(&filler).expect("the filler goes");
        assert!(run.ended().success(), "{}", run.said());
        // Nobody holds the state any longer, and the next one to do so makes a new reserve.
        drop(up);
    }
}

/// What its master was asked for by then it does; nobody has to wait for that.
#[test]
fn a_run_that_waits_for_a_clusters_room_stops_at_once_and_goes_on_later() {
    let lab = Lab::new();
    let Some(_mounted) = SmallDisk::mount(&lab, "state/journal") else { return };
    let noop = ["run", "--op", "noop", "--param", "count=3"];
    lab.run(&noop).ended(0);
    let filler = fill(&lab, "state/journal");
    let up = ["up", "--listen", "127.0.0.1:0", "--workers", "1"];
    let up = Service::start(&mut lab.command(&up));
    up.wait_for("Ctrl-C ends it");
    until("it is there", || lab.run(&["worker", "list"]).stdout.contains("w1 "));
    // What room a last page of the log has is taken, and nothing of the run will be done.
    let mut drain = Service::start(&mut lab.command(&["worker", "drain", "w1"]));
    drain.wait_for("waits until there is room");
    let mut run = Service::start(&mut lab.command(&noop));
    run.wait_for("is full; waiting for room");
    signal(&run.child, Signal::INT);
    assert_eq!(run.ended().code(), Some(130), "{}", run.said());
    assert!(run.said().contains("the same command goes on from here"), "{}", run.said());
    std::fs::remove_file(&filler).expect("the filler goes");
    assert!(drain.ended().success(), "{}", drain.said());
    lab.run(&["worker", "resume", "w1"]).ended(0);
    lab.run(&noop).ended(0);
    assert_eq!(lab.summary()["totals"]["succeeded"], 3);
}

#[test]
fn a_drain_that_waits_for_room_says_so() {
    let lab = Lab::new();
    let Some(_mounted) = SmallDisk::mount(&lab, "state") else { return };
    lab.run(&["run", "--op", "noop", "--param", "count=3"]).ended(0);
    let filler = fill(&lab, "state");
    let args = ["up", "--listen", "127.0.0.1:0", "--workers", "1"];
    let mut up = Service::start(&mut lab.command(&args));
    up.wait_for("Ctrl-C ends it");
    // It joins by a thread of its own.
    until("it is there", || lab.run(&["worker", "list"]).stdout.contains("w1 "));
    let mut drain = Service::start(&mut lab.command(&["worker", "drain", "w1"]));
    drain.wait_for("The disk of the state is full: to drain worker w1 waits until there is room");
    let status = lab.run(&["cluster", "status"]).ended(0).stdout.clone();
    assert!(status.contains("still get work although they are to be drained: w1"), "{status}");
    up.wait_for("a drain waits: the disk of the state is full");
    std::fs::remove_file(&filler).expect("the filler goes");
    assert!(drain.ended().success(), "{}", drain.said());
    up.wait_for("a worker is drained");
    up.kill();
}

#[test]
fn a_command_that_fails_on_a_full_disk_is_tried_again() {
    let lab = Lab::new();
    let Some(mounted) = SmallDisk::mount(&lab, "scratch") else { return };
    let (_master, address) = master(&lab);
    let scratch = mounted.0.to_str().expect("UTF-8");
    let args = ["worker", "--join", &address, "--name", "w1", "--slots", "1", "--scratch", scratch];
    let worker = Service::start(&mut lab.command(&args));
    worker.wait_for("works for the master");
    let filler = mounted.0.join("filler");
    std::fs::write(&filler, vec![7; 3 << 20]).expect("it fits");
    lab.input("a.txt", "some words");
    let cmd = "cmd=head -c 2000000 /dev/zero";
    let mut args = vec!["run", "--master", &address, "in", "--op", "command", "--param", cmd];
    args.extend(["--param", "output_mb=4"]);
    let mut run = Service::start(&mut lab.command(&args));
    let told = format!("the command failed, and its worker's disk at {scratch}/");
    until("it is told", || {
        lab.run(&["job", "logs", "1", "--master", &address]).stdout.contains(&told)
    });
    std::fs::remove_file(&filler).expect("the filler goes");
    assert!(run.ended().success(), "{}", run.said());
    let made = lab.path("processed_results/command/a.out").metadata().expect("a result");
    assert_eq!(made.len(), 2_000_000);
}

/// A ruleset names what lies beside the secrets of a state, one by one.
#[test]
fn what_is_deleted_beside_a_state_frees_its_room_though_commands_have_run() {
    let lab = Lab::new();
    let Some(mounted) = SmallDisk::mount(&lab, "state") else { return };
    lab.input("a.txt", "x");
    let up = Service::start(&mut lab.command(&["up", "--listen", "127.0.0.1:0"]));
    up.wait_for("Ctrl-C ends it");
    let filler = lab.path("state/filler");
    std::fs::write(&filler, vec![7; 1 << 20]).expect("there is room");
    lab.run(&["run", "in", "--op", "command", "--param", "cmd=true"]).ended(0);
    let free = || rustix::fs::statvfs(&mounted.0).expect("mounted").f_bfree * 4_096;
    let before = free();
    std::fs::remove_file(&filler).expect("removed");
    until("its room is free", || free() > before + (1 << 19));
}
