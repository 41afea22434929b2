//! Commands that fail in every way, and operations that meet what they cannot read.

use crate::lab::{Lab, Ran, not_run};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;

/// A user without rights, on every Linux.
const NOBODY: u32 = 65_534;

fn command(lab: &Lab, cmd: &str, params: &[&str]) -> crate::lab::Ran {
    let cmd = format!("cmd={cmd}");
    let mut args = vec!["run", "in", "--op", "command", "--param", &cmd];
    for param in params {
        args.extend(["--param", param]);
    }
    lab.run(&args)
}

#[test]
fn a_command_that_fails_shows_its_last_words() {
    let lab = Lab::new();
    lab.input("a.txt", "x");
    command(&lab, "echo no such luck >&2; exit 7", &[]).ended(3).said("exit code 7");
    assert!(lab.row("a.txt")["cause"].as_str().expect("a cause").contains("no such luck"));
}

#[test]
fn a_command_that_crashes_is_tried_three_times() {
    let lab = Lab::new();
    lab.input("a.txt", "x");
    let log = lab.path("open/log");
    let write = format!("write={}", lab.path("open").display());
    command(&lab, &format!("echo x >> '{}'; kill -SEGV $$", log.display()), &[&write]).ended(3);
    assert_eq!(std::fs::read_to_string(log).expect("a log").lines().count(), 3);
    let row = lab.row("a.txt");
    assert!(row["cause"].as_str().expect("a cause").contains("signal 11"), "{row:#}");
    assert_eq!(row["attempts"], 3);
}

/// The launcher is a worker's own: its process id tells which worker ran the command.
#[test]
fn a_poison_file_is_quarantined_with_its_cause_and_the_others_are_unharmed() {
    let lab = Lab::new();
    for number in 0..20 {
        lab.input(format!("good{number}.txt"), "x");
    }
    let poison = lab.input("poison.txt", "deadly");
    let log = lab.path("open/log");
    let cmd = format!(
        "cmd=case $WINDLASS_NAME in poison*) echo $PPID >> '{}'; echo its last words >&2; \
         kill -SEGV $$;; esac",
        log.display()
    );
    let write = format!("write={}", lab.path("open").display());
    let args = ["run", "in", "--op", "command", "--workers", "2", "--param", &cmd];
    let ran = lab.run(&[&args[..], &["--param", &write]].concat());
    let hash = blake3::hash(&std::fs::read(poison).expect("read")).to_hex();
    ran.ended(3).said("signal 11 (SIGSEGV)").said("its last words").said(&hash);
    let row = lab.row("poison.txt");
    let cause = row["cause"].as_str().expect("a cause");
    for told in ["SIGSEGV", "its last words", hash.as_str(), "attempts used up: 3"] {
        assert!(cause.contains(told), "{told}: {cause}");
    }
    assert_eq!((&row["kind"], &row["attempts"]), (&"crashed".into(), &3.into()));
    let summary = lab.summary();
    assert_eq!(summary["totals"]["succeeded"], 20);
    let log = std::fs::read_to_string(log).expect("a log");
    let workers: std::collections::BTreeSet<&str> = log.lines().collect();
    assert_eq!((log.lines().count(), workers.len()), (3, 2), "{log}");
}

#[test]
fn a_command_that_hangs_is_killed_with_all_that_it_started() {
    let lab = Lab::new();
    lab.input("a.txt", "x");
    let pid = lab.path("open/pid");
    let hang = format!("sleep 1000 & echo $! > '{}'; wait", pid.display());
    let write = format!("write={}", lab.path("open").display());
    command(&lab, &hang, &["timeout_s=1", &write]).ended(3).said("timeout_s");
    let pid = std::fs::read_to_string(pid).expect("a pid");
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    assert!(stat.is_empty() || stat.contains(") Z "), "the grandchild lives: {stat}");
}

#[test]
fn a_command_that_writes_ten_gigabytes_is_stopped_and_cleaned_up() {
    let lab = Lab::new();
    lab.input("a.txt", "x");
    let flood = "head -c 10000000000 /dev/zero";
    command(&lab, flood, &["output_mb=4"]).ended(3).said("output_mb");
    command(&lab, &format!("{flood} > f"), &["output_mb=4"]).ended(3);
    assert_eq!(lab.row("a.txt")["outcome"], "failed");
    let scratch = std::fs::read_dir(lab.path("state/scratch")).expect("a folder");
    assert_eq!(scratch.count(), 0);
}

#[test]
fn a_command_gets_its_file_and_its_names() {
    let lab = Lab::new();
    let path = lab.input("a b.txt", "content");
    let cmd = "cat; echo \"|$WINDLASS_NAME|$WINDLASS_BASE|$WINDLASS_INPUT\"; ls -A | wc -l";
    command(&lab, cmd, &[]).ended(0);
    let json = lab.result("command", "a b_command.json");
    let wanted = format!("content|a b.txt|a b|{}\n0\n", path.display());
    assert_eq!(json["stdout"], wanted);
    let whole = std::fs::read(lab.path("processed_results/command/a b.out")).expect("a file");
    assert_eq!(whole, wanted.as_bytes());
}

#[test]
fn what_cannot_be_opened_fails_alone() {
    let lab = Lab::new();
    lab.input("good.txt", "x");
    let closed = lab.input("closed.txt", "x");
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o000)).expect("chmod");
    let mut run = lab.command(&["run", "in"]);
    if std::fs::read(&closed).is_ok() {
        // Root reads everything, so another user runs it.
        for path in [lab.path(""), lab.path("in"), lab.path("in/good.txt"), closed] {
            std::os::unix::fs::chown(path, Some(NOBODY), Some(NOBODY)).expect("chown");
        }
        run.uid(NOBODY).gid(NOBODY);
    }
    let output = match run.output() {
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            return not_run(
                "open-build-folder",
                "the build folder must be one that everybody may enter",
            );
        }
        output => output.expect("the binary starts"),
    };
    Ran::of(output).ended(3).said("closed.txt");
    assert_eq!(lab.row("good.txt")["outcome"], "succeeded");
}

#[test]
fn damaged_files_of_each_kind_get_an_outcome_each() {
    let lab = Lab::new();
    lab.input("short.pdf", b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog");
    lab.input("short.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x05");
    lab.input("short.jpg", b"\xff\xd8\xff\xe0\0\x10JFIF");
    lab.input("good.txt", "one");
    lab.run(&["run", "in"]).ended(3);
    for name in ["short.pdf", "short.png", "short.jpg"] {
        assert_eq!(lab.row(name)["outcome"], "failed", "{name}");
    }
    assert_eq!(lab.row("good.txt")["outcome"], "succeeded");
}

#[test]
fn a_webp_that_claims_four_gigabytes_of_metadata_is_read_without_them() {
    let lab = Lab::new();
    let samples = concat!(env!("CARGO_MANIFEST_DIR"), "/../../samples/heap/images/photo.webp");
    let photo = std::fs::read(samples).expect("a sample");
    // Frame header of VP8 (RFC 6386, 9.1): the sides stand behind tag and start code.
    let side = |at: usize| u16::from_le_bytes([photo[at], photo[at + 1]]) - 1;
    let [width, height] = [side(26).to_le_bytes(), side(28).to_le_bytes()];
    let says_exif = [8, 0, 0, 0];
    let mut webp = b"RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0".to_vec();
    webp.extend([says_exif.as_slice(), &width, &[0], &height, &[0], &photo[12..]].concat());
    webp.extend(b"EXIF\xf0\xff\xff\xff");
    let size = u32::try_from(webp.len() - 8).expect("it is small");
    webp[4..8].copy_from_slice(&size.to_le_bytes());
    lab.input("photo.webp", webp);
    lab.run(&["run", "in"]).ended(0);
    assert_eq!(lab.row("photo.webp")["attempts"], 1);
}

#[test]
fn arguments_that_cannot_be_meant_are_told_before_anything_is_done() {
    let lab = Lab::new();
    lab.input("a.txt", "x");
    std::fs::write(lab.path("taken"), "").expect("a file");
    for out in ["taken", "taken/below"] {
        lab.run(&["run", "in", "--out", out]).ended(2).said("taken is no folder");
    }
    lab.run(&["run", "in", ""]).ended(2).said("PATHS: an empty path");
    lab.run(&["job", "show", "abc"]).ended(2).said("a job's number is wanted");
    assert!(!lab.path("state").exists());
}
