//! Executors that are real processes: what they answer, and what their deaths look like.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use windlass_sandbox::{
    Bounds, Cancel, Death, Event, Executor, FRAME_BYTES_MAX, Limits, Outcome, Request, Spawn,
    SpawnError, output_file,
};

const CHILD: &str = env!("CARGO_BIN_EXE_sandbox-test-child");
const MOST: Bounds = Bounds { memory_bytes: 1 << 30, output_bytes: 1 << 20 };
/// Long enough for a loaded machine; nothing here waits so long unless it fails.
const PATIENCE: Duration = Duration::from_secs(60);

const LIMITS: Limits =
    Limits { total: PATIENCE, progress: None, memory_bytes: 1 << 30, output_bytes: 1 << 20 };

fn executor() -> Executor {
    Executor::spawn(&Spawn::new(CHILD, ["--child"], MOST)).expect("spawned")
}

fn output() -> File {
    output_file(&std::env::temp_dir()).expect("a file")
}

fn ask_within(executor: &mut Executor, frame: &str, limits: &Limits) -> Outcome {
    let request =
        Request { frame: frame.as_bytes().to_vec(), inputs: Vec::new(), output: output() };
    executor.run(request, limits, &mut |_| {}, &Cancel::new())
}

fn ask(executor: &mut Executor, frame: &str) -> Outcome {
    ask_within(executor, frame, &LIMITS)
}

fn done(text: &str) -> Outcome {
    Outcome::Done(text.as_bytes().to_vec())
}

fn death(frame: &str) -> Death {
    death_within(frame, &LIMITS)
}

fn death_within(frame: &str, limits: &Limits) -> Death {
    let mut executor = executor();
    let pid = executor.pid();
    let outcome = ask_within(&mut executor, frame, limits);
    assert!(!exists(pid), "the executor is reaped");
    match outcome {
        Outcome::Died(death) => death,
        other => panic!("{frame}: {other:?}"),
    }
}

/// Whether a process exists and is more than a zombie.
fn exists(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    !matches!(stat.rsplit(") ").next().and_then(|rest| rest.chars().next()), None | Some('Z'))
}

/// Waits for what another process does in its own time.
fn eventually(mut what: impl FnMut() -> bool) -> bool {
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        if what() {
            return true;
        }
        std::thread::yield_now();
    }
    false
}

#[test]
fn one_executor_answers_many_requests() {
    let mut executor = executor();
    let pid = executor.pid();
    for number in 0..100 {
        assert_eq!(ask(&mut executor, &format!("echo {number}")), done(&number.to_string()));
    }
    assert_eq!(executor.pid(), pid);
    drop(executor);
    assert!(!exists(pid));
}

#[test]
fn inputs_and_output_pass_as_descriptors() {
    let mut executor = executor();
    for texts in [&["first"][..], &["second ", "and longer"]] {
        let inputs = texts.iter().map(|text| {
            let mut input = output();
            input.write_all(text.as_bytes()).expect("written");
            input.rewind().expect("rewound");
            input
        });
        let (inputs, text) = (inputs.collect(), texts.concat());
        let mut result = output();
        let kept = result.try_clone().expect("a second descriptor");
        let request = Request { frame: b"copy".to_vec(), inputs, output: kept };
        let outcome = executor.run(request, &LIMITS, &mut |_| {}, &Cancel::new());
        assert_eq!(outcome, done(&text.len().to_string()));
        result.rewind().expect("rewound");
        let mut copied = String::new();
        result.read_to_string(&mut copied).expect("read");
        assert_eq!(copied, text);
    }
}

#[test]
fn a_child_sees_its_own_descriptors_only() {
    // One without close-on-exec, as careless parents leave them.
    let leaked = File::open("/proc/self/status").expect("opened");
    rustix::io::fcntl_setfd(&leaked, rustix::io::FdFlags::empty()).expect("set");
    let mut executor = executor();
    let Outcome::Done(first) = ask(&mut executor, "descriptors") else { panic!("no answer") };
    let first = String::from_utf8(first).expect("text");
    let kinds = first.lines().map(|line| line.split([':', '(']).next().unwrap_or(line));
    let kinds = kinds.collect::<Vec<_>>();
    assert!(!first.contains("/status"), "{first}");
    assert_eq!(kinds.iter().filter(|kind| **kind == "/dev/null").count(), 2, "{first}");
    assert_eq!(kinds.iter().filter(|kind| **kind == "pipe").count(), 1, "{first}");
    assert_eq!(kinds.iter().filter(|kind| **kind == "socket").count(), 2, "{first}");
    for _ in 0..10 {
        let Outcome::Done(later) = ask(&mut executor, "descriptors") else { panic!("no answer") };
        assert_eq!(later.split(|byte| *byte == b'\n').count(), first.split('\n').count());
    }
}

#[test]
fn deaths_tell_their_cause() {
    let said = |tail: &str, what: &str| assert!(tail.contains(what), "{tail}");
    match death("panic the page has no end") {
        Death::Exit { code: 101, stderr_tail } => said(&stderr_tail, "the page has no end"),
        other => panic!("{other:?}"),
    }
    assert_eq!(death("exit 7"), Death::Exit { code: 7, stderr_tail: String::new() });
    assert!(matches!(death("abort"), Death::Signal { signal: 6, .. }));
    assert!(matches!(death("fault"), Death::Signal { signal: 11, .. }));
    match death("chatter 20") {
        Death::Signal { signal: 6, stderr_tail } => {
            said(&stderr_tail, "all is well");
            assert!(stderr_tail.len() <= 4_096);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn memory_beyond_the_limit_is_told_as_such() {
    let limit = LIMITS.memory_bytes;
    assert_eq!(death("allocate 10000000000"), Death::OutOfMemory { limit });
    let mut executor = executor();
    assert_eq!(ask(&mut executor, "allocate 100000000"), done("100000000"));
    // The next request may have less, the one after it more again.
    let less = Limits { memory_bytes: 50 << 20, ..LIMITS };
    assert!(matches!(
        ask_within(&mut executor, "allocate 100000000", &less),
        Outcome::Died(Death::OutOfMemory { limit }) if limit == 50 << 20
    ));
    assert_eq!(ask(&mut executor, "allocate 100000000"), done("100000000"));
}

#[test]
fn output_beyond_the_limit_is_an_error_that_the_operation_sees() {
    let mut executor = executor();
    assert_eq!(ask(&mut executor, "write 1048576"), done("written"));
    let Outcome::Done(answer) = ask(&mut executor, "write 1048577") else { panic!("it died") };
    assert_eq!(String::from_utf8_lossy(&answer), "File too large (os error 27)");
}

#[test]
fn an_attempt_ends_when_its_time_is_up() {
    let total = Duration::from_millis(50);
    let limits = Limits { total, ..LIMITS };
    assert_eq!(death_within("hang", &limits), Death::TotalTimeout(total));
    assert_eq!(death_within("spin 100000", &limits), Death::TotalTimeout(total));
}

#[test]
fn an_attempt_that_stands_still_ends_and_one_that_moves_does_not() {
    let progress = Duration::from_millis(400);
    let limits = Limits { progress: Some(progress), ..LIMITS };
    assert_eq!(death_within("hang", &limits), Death::ProgressTimeout(progress));
    let mut executor = executor();
    for (frame, answer) in [("spin 1000", "spun"), ("trickle 1000", "trickled")] {
        let request = Request { frame: frame.into(), inputs: Vec::new(), output: output() };
        let mut events = Vec::new();
        let mut note = |event| events.push(event);
        assert_eq!(executor.run(request, &limits, &mut note, &Cancel::new()), done(answer));
        assert!(events.contains(&Event::Alive), "{frame}");
    }
}

#[test]
fn progress_is_passed_on() {
    let mut executor = executor();
    let request = Request { frame: b"progress 21".to_vec(), inputs: Vec::new(), output: output() };
    let mut events = Vec::new();
    let outcome = executor.run(request, &LIMITS, &mut |event| events.push(event), &Cancel::new());
    assert_eq!(outcome, done("shown"));
    assert_eq!(events, [Event::Progress { done: 21, total: 42 }]);
}

#[test]
fn cancel_ends_an_attempt_from_another_thread() {
    let mut executor = executor();
    let pid = executor.pid();
    let cancel = Cancel::new();
    let other = cancel.clone();
    // An early look: the first event shows that the attempt is under way.
    let limits = Limits { progress: Some(Duration::from_millis(200)), ..LIMITS };
    let (is_running, running) = std::sync::mpsc::channel();
    let request = Request { frame: b"spin 3600000".to_vec(), inputs: Vec::new(), output: output() };
    let outcome = std::thread::scope(|scope| {
        scope.spawn(move || {
            running.recv().expect("an event");
            other.cancel();
        });
        let mut on_event = |_| {
            let _ = is_running.send(());
        };
        executor.run(request, &limits, &mut on_event, &cancel)
    });
    assert_eq!(outcome, Outcome::Cancelled);
    assert!(!exists(pid));
    // The flag stays set: an attempt under it does not even begin.
    let request = Request { frame: b"hang".to_vec(), inputs: Vec::new(), output: output() };
    let mut next = self::executor();
    assert_eq!(next.run(request, &LIMITS, &mut |_| {}, &cancel), Outcome::Cancelled);
}

#[test]
fn an_executor_that_turns_away_is_killed() {
    let closed = death("close");
    assert_eq!(closed, Death::Protocol("it closed its socket and went on".to_owned()));
    // An answer that is too long for a frame ends the executor, which says so.
    match death(&format!("long {FRAME_BYTES_MAX}")) {
        Death::Exit { code: 1, stderr_tail } => assert!(stderr_tail.contains("131073 bytes")),
        other => panic!("{other:?}"),
    }
    let long = format!("long {}", FRAME_BYTES_MAX - 1);
    assert_eq!(ask(&mut executor(), &long), done(&"x".repeat(FRAME_BYTES_MAX - 1)));
}

#[test]
fn a_death_while_idle_is_not_charged_to_the_next_request() {
    let mut executor = executor();
    let pid = executor.pid();
    // Of the shell, as a machine need not have the program.
    let kill = format!("kill -KILL {pid}");
    let killed = Command::new("sh").args(["-c", &kill]).status().expect("ran");
    assert!(killed.success());
    assert!(eventually(|| !exists(pid)));
    assert_eq!(ask(&mut executor, "echo here"), done("here"));
    assert_ne!(executor.pid(), pid);
}

#[test]
fn executors_die_with_their_worker() {
    let mut parent = Command::new(CHILD)
        .arg("--parent")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("started");
    let mut line = String::new();
    let stdout = parent.stdout.take().expect("piped");
    BufReader::new(stdout).read_line(&mut line).expect("read");
    let pid = line.trim().parse::<u32>().expect("a number");
    assert!(exists(pid));
    parent.kill().expect("killed");
    parent.wait().expect("reaped");
    assert!(eventually(|| !exists(pid)));
}

#[test]
fn a_program_that_is_no_executor_is_refused() {
    let missing = Executor::spawn(&Spawn::new("/nonexistent/program", ["x"], MOST));
    assert!(matches!(missing, Err(SpawnError::Start { .. })));
    match Executor::spawn(&Spawn::new(CHILD, ["--gone"], MOST)) {
        Err(SpawnError::NotReady { stderr_tail, .. }) => {
            assert!(stderr_tail.contains("gone at once"), "{stderr_tail}");
        }
        other => panic!("{other:?}"),
    }
}

/// A control group that may use so much memory; removed when dropped.
struct MemoryGroup(PathBuf);

impl MemoryGroup {
    /// `None` where the kernel has none, or this user may not make one.
    fn new(bytes_max: u64) -> Option<MemoryGroup> {
        let groups = std::fs::read_to_string("/proc/self/cgroup").ok()?;
        let of = |line: &str| {
            let mut fields = line.splitn(3, ':').skip(1);
            let (controllers, path) = (fields.next()?, fields.next()?.trim_start_matches('/'));
            let is_memory = controllers.split(',').any(|name| name == "memory");
            let root = match controllers {
                "" => "/sys/fs/cgroup",
                _ if is_memory => "/sys/fs/cgroup/memory",
                _ => return None,
            };
            Some(Path::new(root).join(path))
        };
        let name = format!("windlass-test-{}", std::process::id());
        groups.lines().filter_map(of).find_map(|parent| {
            let group = parent.join(&name);
            std::fs::create_dir(&group).ok()?;
            let group = MemoryGroup(group);
            let limits = ["memory.max", "memory.limit_in_bytes"].map(|file| group.0.join(file));
            let limit = limits.iter().find(|file| file.exists())?;
            std::fs::write(limit, bytes_max.to_string()).ok()?;
            let _ = std::fs::write(group.0.join("memory.swap.max"), "0");
            Some(group)
        })
    }

    fn take_in(&self, process: u32) {
        std::fs::write(self.0.join("cgroup.procs"), process.to_string()).expect("moved");
    }
}

impl Drop for MemoryGroup {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir(&self.0);
    }
}

#[test]
fn what_the_kernel_kills_for_memory_is_told_as_such() {
    let Some(group) = MemoryGroup::new(100 << 20) else { return not_run("memory-group") };
    let mut executor = executor();
    group.take_in(executor.pid());
    let outcome = ask(&mut executor, "allocate 500000000");
    assert_eq!(outcome, Outcome::Died(Death::KilledForMemory));
    // A SIGKILL by somebody else is a signal like others.
    let death = killed_while_it_spins(self::executor());
    assert!(matches!(death, Death::Signal { signal: 9, .. }), "{death:?}");
}

fn killed_while_it_spins(mut executor: Executor) -> Death {
    let pid = i32::try_from(executor.pid()).ok().and_then(rustix::process::Pid::from_raw);
    let pid = pid.expect("a process");
    let limits = Limits { progress: Some(Duration::from_millis(200)), ..LIMITS };
    let request = Request { frame: b"spin 3600000".to_vec(), inputs: Vec::new(), output: output() };
    let mut kill = |_| {
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
    };
    match executor.run(request, &limits, &mut kill, &Cancel::new()) {
        Outcome::Died(death) => death,
        other => panic!("{other:?}"),
    }
}

/// Says that a test did not run; an error where the machine is said to have what it needs.
fn not_run(feature: &str) {
    let _ = writeln!(std::io::stderr(), "not run: {feature}");
    let required = std::env::var("WINDLASS_REQUIRE").unwrap_or_default();
    assert!(!required.split(',').any(|name| name == feature), "{feature} is required here");
}
