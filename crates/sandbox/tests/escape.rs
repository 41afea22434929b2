//! What a confined process cannot do, whoever runs the worker: as root these tests run once more as
//! an ordinary user.

use std::fs::Permissions;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use windlass_sandbox::{
    Bounds, Cancel, CommandStatus, Death, Executor, LANDLOCK_ABI_WHOLE, Launcher, LauncherSpawn,
    Limits, Outcome, Profile, Request, Spawn, User, UserCommand, output_file,
};

const CHILD: &str = env!("CARGO_BIN_EXE_sandbox-test-child");
const MOST: Bounds = Bounds { memory_bytes: 1 << 30, output_bytes: 1 << 20 };
/// `nobody`, on every Linux.
const NOBODY: u32 = 65_534;

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Says that a test did not run; an error where the machine is said to have what it needs.
fn not_run(feature: &str) {
    let _ = writeln!(std::io::stderr(), "not run: {feature}");
    let required = std::env::var("WINDLASS_REQUIRE").unwrap_or_default();
    assert!(!required.split(',').any(|name| name == feature), "{feature} is required here");
}

/// Runs one of these tests again as an ordinary user.
fn again_as_nobody(test: &str) {
    if !is_root() {
        return not_run("root");
    }
    let program = std::env::current_exe().expect("a path");
    let ran = Command::new(program)
        .args(["--exact", test, "--nocapture"])
        .uid(NOBODY)
        .gid(NOBODY)
        .current_dir("/")
        .env("TMPDIR", std::env::temp_dir())
        .output();
    let output = match ran {
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => {
            return not_run("a build folder that everybody may enter");
        }
        ran => ran.expect("ran"),
    };
    let text = String::from_utf8_lossy(&output.stdout);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{text}\n{said}");
}

fn executor() -> Executor {
    Executor::spawn(&Spawn::new(CHILD, ["--child"], MOST)).expect("spawned")
}

fn ask(executor: &mut Executor, frame: &str) -> String {
    let output = output_file(&std::env::temp_dir()).expect("a file");
    let request = Request { frame: frame.as_bytes().to_vec(), inputs: Vec::new(), output };
    let limits = Limits {
        total: Duration::from_secs(60),
        progress: None,
        memory_bytes: 1 << 30,
        output_bytes: 1 << 20,
    };
    match executor.run(request, &limits, &mut |_| {}, &Cancel::new()) {
        Outcome::Done(answer) => String::from_utf8(answer).expect("text"),
        other => panic!("{frame}: {other:?}"),
    }
}

/// User and group ids of an executor: real, effective, saved, of files; then further groups.
fn ids(executor: &Executor) -> (Vec<u32>, Vec<u32>) {
    let status = std::fs::read_to_string(format!("/proc/{}/status", executor.pid()));
    let status = status.expect("read");
    let line = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("a line");
        let ids = line.split_ascii_whitespace().map(|id| id.parse::<u32>().expect("a number"));
        ids.collect::<Vec<_>>()
    };
    (line("Uid:"), [line("Gid:"), line("Groups:")].concat())
}

/// A file that everybody may read and write, for the layers beyond permissions.
fn open_file() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).expect("opened");
    let path = folder.path().join("file");
    std::fs::write(&path, "content").expect("written");
    std::fs::set_permissions(&path, Permissions::from_mode(0o666)).expect("opened");
    (folder, path.display().to_string())
}

#[test]
fn an_executor_opens_no_files_but_libraries() {
    let mut executor = executor();
    if executor.layers().landlock_abi == 0 {
        return not_run("landlock");
    }
    let (_folder, file) = open_file();
    let parent = std::process::id();
    for path in [
        "/etc/shadow",
        "/etc/passwd",
        &file,
        &format!("/proc/{parent}/environ"),
        &format!("/proc/{parent}/mem"),
        &format!("/proc/{parent}/cmdline"),
        "/proc/self/environ",
        "/sys/kernel",
    ] {
        assert_eq!(ask(&mut executor, &format!("read {path}")), "open: EACCES", "{path}");
    }
    let library = std::fs::canonicalize("/bin/sh").expect("a shell");
    assert_eq!(ask(&mut executor, &format!("read {}", library.display())), "done");
    assert_eq!(ask(&mut executor, "read /dev/urandom"), "done");
}

#[test]
fn an_executor_opens_no_files_but_libraries_for_an_ordinary_user() {
    again_as_nobody("an_executor_opens_no_files_but_libraries");
}

/// Root's home is closed to the user that root's executors become.
#[test]
fn an_executor_reads_a_folder_of_libraries_in_a_closed_home() {
    let home = tempfile::tempdir().expect("a folder");
    std::fs::set_permissions(home.path(), Permissions::from_mode(0o700)).expect("closed");
    let libraries = home.path().join("lib");
    std::fs::create_dir(&libraries).expect("made");
    std::fs::set_permissions(&libraries, Permissions::from_mode(0o755)).expect("opened");
    for file in [libraries.join("library.so"), home.path().join("secret")] {
        std::fs::write(&file, "content").expect("written");
        std::fs::set_permissions(&file, Permissions::from_mode(0o644)).expect("opened");
    }
    let mut spawn = Spawn::new(CHILD, ["--child"], MOST);
    spawn.environment.push(("WINDLASS_LIB".into(), libraries.into()));
    let mut executor = Executor::spawn(&spawn).expect("spawned");
    assert_eq!(ask(&mut executor, "read-named WINDLASS_LIB/library.so"), "done");
    assert_eq!(ask(&mut executor, "read-named WINDLASS_LIB/nothing.so"), "open: ENOENT");
    let has_landlock = executor.layers().landlock_abi > 0;
    if has_landlock || executor.layers().user == User::Own {
        assert_eq!(ask(&mut executor, "read-named WINDLASS_LIB/../secret"), "open: EACCES");
    }
}

#[test]
fn an_executor_reads_a_folder_of_libraries_in_a_closed_home_for_an_ordinary_user() {
    again_as_nobody("an_executor_reads_a_folder_of_libraries_in_a_closed_home");
}

#[test]
fn an_executor_has_no_calls_but_those_it_needs() {
    let mut executor = executor();
    if !executor.layers().has_filter {
        return not_run("seccomp");
    }
    let (_folder, file) = open_file();
    let parent = std::process::id();
    for (attempt, expected) in [
        ("socket tcp", "socket: EACCES"),
        ("socket tcp6", "socket: EACCES"),
        ("socket udp", "socket: EACCES"),
        ("socket unix", "socket: EACCES"),
        (&format!("signal {parent}"), "kill: EPERM"),
        (&format!("signal-by-file {parent}"), "owner: EPERM"),
        (&format!("attach {parent}"), "ptrace: ENOSYS"),
        (&format!("memory {parent}"), "readv: ENOSYS"),
        (&format!("create {file}"), "open: EACCES"),
        (&format!("remove {file}"), "remove: ENOSYS"),
        ("fork", "clone: EPERM"),
        ("clone3", "clone3: ENOSYS"),
        ("replace /bin/true", "exec: EPERM"),
        ("root", "setresuid: ENOSYS"),
        ("kernel", "bpf: ENOSYS"),
        ("unknown", "1000: ENOSYS"),
        ("limits", "setrlimit: EPERM"),
    ] {
        assert_eq!(ask(&mut executor, attempt), expected, "{attempt}");
    }
    // The standard library starts programs in several ways; none of them works.
    assert!(ask(&mut executor, "program /bin/true").starts_with("spawn: "));
}

#[test]
fn an_executor_has_no_calls_but_those_it_needs_for_an_ordinary_user() {
    again_as_nobody("an_executor_has_no_calls_but_those_it_needs");
}

#[test]
fn executors_of_root_have_a_user_each() {
    if !is_root() {
        return not_run("root");
    }
    let (mut one, other) = (executor(), executor());
    for executor in [&one, &other] {
        assert_eq!(executor.layers().user, User::Own);
    }
    let (first, second) = (ids(&one), ids(&other));
    assert_ne!(first, second);
    for (users, groups) in [first, second] {
        assert!(users[0] >= 60_578 && users == vec![users[0]; 4], "{users:?}");
        assert_eq!(users, groups, "of the group of the same number, and no other");
    }
    // Their threads are counted.
    let count = ask(&mut one, "threads").parse::<u32>().expect("a number");
    assert!((8..320).contains(&count), "{count}");
}

/// A launcher with its scratch folder in `folder`.
fn launcher(folder: &Path, network: bool, writable: Vec<PathBuf>) -> Launcher {
    Launcher::spawn(LauncherSpawn {
        program: CHILD.into(),
        argument: "--launcher".into(),
        profile: Profile { network, writable, hidden: vec![folder.join("state/secrets")] },
        scratch: folder.join("scratch"),
    })
    .expect("spawned")
}

/// Whether a line ends with exit code 0.
fn succeeds(launcher: &mut Launcher, line: &str) -> bool {
    let command = UserCommand {
        line: line.to_owned(),
        stdin: None,
        stdout: launcher.output_file().expect("a file"),
        env: Vec::new(),
        total: Duration::from_secs(60),
        output_bytes: 1 << 20,
    };
    launcher.run(&command, &Cancel::new()).expect("ran").status == CommandStatus::Exit(0)
}

#[test]
fn a_command_writes_its_scratch_folder_only() {
    let (folder, file) = open_file();
    let mut confined = launcher(folder.path(), false, Vec::new());
    if confined.layers().landlock_abi < 3 {
        return not_run("landlock");
    }
    for line in [
        "echo x > a && mkdir b && mv a b/c && ln -s c b/d && mkfifo e && rm -r b",
        "echo x > \"$TMPDIR/x\" && test -e x",
        "echo x > /dev/null && echo x > /dev/stdout && echo x > /dev/stderr",
        "(exec 3<> /dev/zero) && ls / > listing && cat /etc/passwd > copy",
    ] {
        assert!(succeeds(&mut confined, line), "{line}");
    }
    for line in [
        format!("echo x >> {file}"),
        format!("truncate -s 0 {file}"),
        format!("rm {file}"),
        format!("chmod 600 {file} && touch {file} && echo >> {file}"),
        format!("mv {file} moved"),
        format!("touch {}/new", folder.path().display()),
        "touch /tmp/windlass-escape".to_owned(),
        "touch /dev/shm/windlass-escape".to_owned(),
        "rmdir \"$PWD\"".to_owned(),
    ] {
        assert!(!succeeds(&mut confined, &line), "{line}");
    }
    assert_eq!(std::fs::read_to_string(&file).expect("still there"), "content");
    drop(confined);
    let mut allowed = launcher(folder.path(), false, vec![folder.path().to_owned()]);
    assert!(succeeds(&mut allowed, &format!("echo x > {file}")));
}

#[test]
fn a_command_writes_its_scratch_folder_only_for_an_ordinary_user() {
    again_as_nobody("a_command_writes_its_scratch_folder_only");
}

#[test]
fn a_command_does_not_read_the_secrets_of_its_worker() {
    // Everything is its own user's, whom permissions do not stop.
    let (folder, beside) = open_file();
    let state = folder.path().join("state");
    let secrets = state.join("secrets");
    let mut confined = launcher(folder.path(), false, Vec::new());
    if confined.layers().landlock_abi == 0 {
        return not_run("landlock");
    }
    assert!(succeeds(&mut confined, &format!("cat {beside} && ls {}", folder.path().display())));
    // It is made while the launcher lives, as a first token does it.
    std::fs::create_dir_all(secrets.join("deep")).expect("a folder");
    std::fs::write(secrets.join("key"), "secret").expect("written");
    std::fs::write(secrets.join("deep/key"), "secret").expect("written");
    std::os::unix::fs::symlink(&secrets, folder.path().join("link")).expect("a link");
    std::os::unix::fs::symlink(secrets.join("key"), state.join("key")).expect("a link");
    let (key, root) = (secrets.join("key"), folder.path());
    for line in [
        format!("cat {}", key.display()),
        format!("cat {}/deep/key", secrets.display()),
        format!("cat {}/link/key", root.display()),
        format!("cat {}/state/key", root.display()),
        format!("cat /proc/self/root{}", key.display()),
        format!("cd {} && cat key", secrets.display()),
        format!("ln {} stolen && cat stolen", key.display()),
        format!("ln -s {} stolen && cat stolen", key.display()),
        format!("mv {} stolen && cat stolen", key.display()),
        format!("cp -r {} stolen && cat stolen/key", secrets.display()),
        format!("exec 3<> {} && cat <&3", key.display()),
        format!("(cat {}) | grep secret", key.display()),
        format!("tar c -f stolen {}", key.display()),
    ] {
        assert!(!succeeds(&mut confined, &line), "{line}");
    }
    // Whatever lies beside it is read, also what came later than an earlier command.
    for (name, line) in [("new", "cat"), ("state/new", "grep -q plain")] {
        std::fs::write(root.join(name), "plain").expect("written");
        let line = format!("{line} {}", root.join(name).display());
        assert!(succeeds(&mut confined, &line), "{line}");
    }
    for line in [
        "cat /etc/passwd > a && mkdir b && mv a b/c && cat b/c && ln b/c d && cat d",
        "cat /proc/self/status > x && echo x | cat && cat x > /dev/null",
        "head -c 1 /dev/urandom && ls -l / > listing && cat < listing",
    ] {
        assert!(succeeds(&mut confined, line), "{line}");
    }
    let exposing = |path: &str| {
        let writable = vec![root.join(path)];
        Profile { network: false, writable, hidden: vec![secrets.clone()] }.exposing().is_some()
    };
    assert!(exposing("") && exposing("state") && exposing("link") && exposing("link/deep"));
    assert!(!exposing("scratch") && !exposing("state/new"));
    assert_eq!(std::fs::read_to_string(&key).expect("still there"), "secret");
}

#[test]
fn a_command_does_not_read_the_secrets_of_its_worker_for_an_ordinary_user() {
    again_as_nobody("a_command_does_not_read_the_secrets_of_its_worker");
}

#[test]
fn a_command_reaches_no_other_process_and_no_network() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut confined = launcher(folder.path(), false, Vec::new());
    let layers = confined.layers();
    if layers.landlock_abi < LANDLOCK_ABI_WHOLE || !layers.has_filter {
        return not_run("landlock");
    }
    let worker = std::process::id();
    for line in [
        // Its own launcher too.
        "kill -0 $PPID".to_owned(),
        format!("{CHILD} --try attach $PPID"),
        format!("{CHILD} --try attach {worker}"),
        format!("{CHILD} --try memory {worker}"),
        format!("kill -0 {worker}"),
        format!("cat /proc/{worker}/environ"),
        format!("head -c 1 /proc/{worker}/mem"),
        format!("ls -l /proc/{worker}/fd/0"),
        "cat /proc/$PPID/environ".to_owned(),
    ] {
        assert!(!succeeds(&mut confined, &line), "{line}");
    }
    assert!(succeeds(&mut confined, "sleep 60 & kill $! && cat /proc/$$/environ > x"));
    // Debuggers work on what a command has started itself.
    assert!(succeeds(&mut confined, &format!("sleep 60 & {CHILD} --try attach $!")));
    // This program makes sockets as the shell cannot.
    let socket = |kind: &str| format!("{CHILD} --try socket {kind}");
    for kind in ["tcp", "udp", "tcp6", "unix"] {
        assert!(!succeeds(&mut confined, &socket(kind)), "{kind}");
    }
    drop(confined);
    let mut networked = launcher(folder.path(), true, Vec::new());
    assert!(succeeds(&mut networked, &socket("udp")));
    assert!(!succeeds(&mut networked, "kill -0 $PPID"));
}

#[test]
fn a_command_reaches_no_other_process_and_no_network_for_an_ordinary_user() {
    again_as_nobody("a_command_reaches_no_other_process_and_no_network");
}

#[test]
fn the_scratch_folder_of_another_slot_is_out_of_reach() {
    let (folder, other) = (tempfile::tempdir().expect("one"), tempfile::tempdir().expect("two"));
    let mut confined = launcher(folder.path(), false, Vec::new());
    let neighbour = launcher(other.path(), false, Vec::new());
    if confined.layers().landlock_abi < 3 {
        return not_run("landlock");
    }
    let scratch = other.path().join("scratch");
    let file = scratch.join("file");
    std::fs::write(&file, "content").expect("written");
    let shown = file.display();
    for line in [
        format!("echo x > {shown}"),
        format!("rm {shown}"),
        format!("touch {}/new", scratch.display()),
        format!("mv {shown} stolen"),
        format!("ln {shown} linked && echo x > linked"),
    ] {
        assert!(!succeeds(&mut confined, &line), "{line}");
    }
    let mut executor = executor();
    for attempt in ["read", "create"] {
        let answer = ask(&mut executor, &format!("{attempt} {shown}"));
        assert_eq!(answer, "open: EACCES", "{attempt}");
    }
    assert_eq!(std::fs::read_to_string(&file).expect("still there"), "content");
    assert_eq!(std::fs::read_dir(&scratch).expect("listed").count(), 1);
    drop(neighbour);
}

#[test]
fn the_scratch_folder_of_another_slot_is_out_of_reach_for_an_ordinary_user() {
    again_as_nobody("the_scratch_folder_of_another_slot_is_out_of_reach");
}

#[test]
fn an_executor_is_held_to_its_memory_its_output_and_its_time() {
    let limits = Limits {
        total: Duration::from_secs(60),
        progress: None,
        memory_bytes: MOST.memory_bytes,
        output_bytes: MOST.output_bytes,
    };
    let outcome = |frame: &str, limits: &Limits| {
        let output = output_file(&std::env::temp_dir()).expect("a file");
        let kept = output.try_clone().expect("a second descriptor");
        let request = Request { frame: frame.as_bytes().to_vec(), inputs: Vec::new(), output };
        let ended = executor().run(request, limits, &mut |_| {}, &Cancel::new());
        (ended, kept.metadata().expect("a file").len())
    };
    let ten_gigabytes = |verb| format!("{verb} 10000000000");
    let (ended, _) = outcome(&ten_gigabytes("allocate"), &limits);
    assert_eq!(ended, Outcome::Died(Death::OutOfMemory { limit: MOST.memory_bytes }));
    let (ended, written) = outcome(&ten_gigabytes("write"), &limits);
    assert_eq!(ended, Outcome::Done(b"File too large (os error 27)".to_vec()));
    assert_eq!(written, MOST.output_bytes);
    let total = Duration::from_millis(50);
    let (ended, _) = outcome("spin 100000000", &Limits { total, ..limits });
    assert_eq!(ended, Outcome::Died(Death::TotalTimeout(total)));
}

#[test]
fn an_executor_is_held_to_its_memory_its_output_and_its_time_for_an_ordinary_user() {
    again_as_nobody("an_executor_is_held_to_its_memory_its_output_and_its_time");
}

#[test]
fn a_command_is_held_to_its_output_and_its_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut launcher = launcher(folder.path(), false, Vec::new());
    let mut status = |line: &str, total| {
        let stdout = launcher.output_file().expect("a file");
        let (line, env, output_bytes) = (line.to_owned(), Vec::new(), 1 << 20);
        let command = UserCommand { line, stdin: None, stdout, env, total, output_bytes };
        launcher.run(&command, &Cancel::new()).expect("ran").status
    };
    let minute = Duration::from_secs(60);
    for line in ["head -c 10000000000 /dev/zero", "head -c 10000000000 /dev/zero > file"] {
        assert_eq!(status(line, minute), CommandStatus::OutputTooLarge, "{line}");
    }
    let loops = "while :; do :; done";
    assert_eq!(status(loops, Duration::from_millis(50)), CommandStatus::TimedOut);
    assert_eq!(status("exit 3", minute), CommandStatus::Exit(3), "the next one runs");
}

#[test]
fn a_command_is_held_to_its_output_and_its_time_for_an_ordinary_user() {
    again_as_nobody("a_command_is_held_to_its_output_and_its_time");
}

#[test]
fn a_worker_that_is_no_root_says_so() {
    let layers = executor().layers();
    if is_root() {
        return again_as_nobody("a_worker_that_is_no_root_says_so");
    }
    assert_eq!(layers.user, User::Worker);
    assert_eq!(layers.is_whole(), layers.landlock_abi >= LANDLOCK_ABI_WHOLE && layers.has_filter);
}
