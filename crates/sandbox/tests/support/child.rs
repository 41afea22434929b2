//! An executor for the tests: each request is a word, some followed by a number, that says how to
//! behave or misbehave.

mod escape;

use std::fs::File;
use std::io::{Read, Write};
use std::time::{Duration, Instant};
use windlass_sandbox::{Task, serve};

fn main() -> std::io::Result<()> {
    match std::env::args().nth(1).as_deref() {
        // From a command, what the shell cannot: an attempt and what it is about.
        Some("--try") => {
            let words: Vec<String> = std::env::args().skip(2).collect();
            let [word, rest] = words.as_slice() else { panic!("{words:?}") };
            let is_done = escape::attempt(word, rest) == "done";
            std::process::exit(if is_done { 0 } else { 1 });
        }
        Some("--launcher") => return windlass_sandbox::serve_launches(),
        Some("--gone") => return Err(std::io::Error::other("gone at once")),
        // Runs a command that never ends.
        Some("--commander") => {
            commander();
            return Ok(());
        }
        // Holds an executor that works, tells its process id and waits to be killed.
        Some("--parent") => {
            parent();
            return Ok(());
        }
        _ => {}
    }
    serve(|task, progress| {
        let frame = String::from_utf8_lossy(task.frame).into_owned();
        let (word, rest) = frame.split_once(' ').unwrap_or((&frame, ""));
        behave(word, rest, task, progress)
    })
}

fn behave(word: &str, rest: &str, task: Task<'_>, progress: &mut dyn FnMut(u64, u64)) -> Vec<u8> {
    let number = rest.parse::<u64>().unwrap_or(0);
    match word {
        "echo" => rest.as_bytes().to_vec(),
        "copy" => copy(task),
        "progress" => {
            progress(number, 2 * number);
            b"shown".to_vec()
        }
        "long" => vec![b'x'; number as usize],
        "descriptors" => descriptors(),
        "panic" => panic!("{rest}"),
        "exit" => std::process::exit(rest.parse().unwrap_or(1)),
        "abort" => std::process::abort(),
        "fault" => fault(),
        "allocate" => {
            let memory = vec![1_u8; number as usize];
            memory.len().to_string().into_bytes()
        }
        "write" => written(task.output, number),
        "hang" => sleep_for_ever(),
        "spin" => spin(number),
        "trickle" => trickle(task.output, number),
        "chatter" => {
            let line = "all is well\n".repeat(10_000);
            for _ in 0..number {
                let _ = std::io::stderr().write_all(line.as_bytes());
            }
            std::process::abort()
        }
        "close" => close_socket(),
        _ => escape::attempt(word, rest).into_bytes(),
    }
}

fn copy(task: Task<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    assert!(!task.inputs.is_empty());
    for mut input in task.inputs {
        input.read_to_end(&mut bytes).expect("read");
    }
    let mut output = task.output;
    output.write_all(&bytes).expect("written");
    bytes.len().to_string().into_bytes()
}

/// What every open descriptor is, one a line. The folder that lists them may not be opened.
fn descriptors() -> Vec<u8> {
    let links = (0..256).map(|descriptor| format!("/proc/self/fd/{descriptor}"));
    let mut lines = links
        .filter_map(|link| std::fs::read_link(link).ok())
        .map(|target| format!("{}\n", target.display()))
        .collect::<Vec<_>>();
    lines.sort();
    lines.concat().into_bytes()
}

fn written(mut output: File, bytes: u64) -> Vec<u8> {
    let piece = vec![0_u8; 64 * 1024];
    let mut left = bytes;
    while left > 0 {
        let count = left.min(piece.len() as u64);
        if let Err(error) = output.write_all(&piece[..count as usize]) {
            return error.to_string().into_bytes();
        }
        left -= count;
    }
    b"written".to_vec()
}

fn sleep_for_ever() -> ! {
    loop {
        std::thread::sleep(Duration::from_secs(3_600));
    }
}

fn spin(milliseconds: u64) -> Vec<u8> {
    let began = Instant::now();
    while began.elapsed() < Duration::from_millis(milliseconds) {
        std::hint::spin_loop();
    }
    b"spun".to_vec()
}

/// Writes a byte every 10 ms, which takes next to no CPU time.
fn trickle(mut output: File, milliseconds: u64) -> Vec<u8> {
    for _ in 0..milliseconds / 10 {
        output.write_all(b".").expect("written");
        std::thread::sleep(Duration::from_millis(10));
    }
    b"trickled".to_vec()
}

#[expect(unsafe_code, reason = "only a real fault tests what a fault does")]
fn fault() -> Vec<u8> {
    // SAFETY: none; this faults, as it is meant to.
    unsafe { std::ptr::without_provenance::<u8>(8).read_volatile() };
    Vec::new()
}

#[expect(unsafe_code, reason = "the socket's owner is not to be reached from here")]
fn close_socket() -> Vec<u8> {
    for descriptor in 3..64 {
        // SAFETY: the process only sleeps from here on, so no owner notices.
        unsafe { libc::close(descriptor) };
    }
    sleep_for_ever()
}

fn parent() {
    use windlass_sandbox::{Bounds, Cancel, Executor, Limits, Request, Spawn, output_file};
    let program = std::env::current_exe().expect("a path");
    let spawn =
        Spawn::new(program, ["--child"], Bounds { memory_bytes: 1 << 30, output_bytes: 1 << 20 });
    let mut executor = Executor::spawn(&spawn).expect("spawned");
    let mut stdout = std::io::stdout();
    stdout.write_all(format!("{}\n", executor.pid()).as_bytes()).expect("written");
    stdout.flush().expect("flushed");
    let limits = Limits {
        total: Duration::from_secs(60),
        progress: None,
        memory_bytes: 1 << 30,
        output_bytes: 1 << 20,
    };
    let output = output_file(&std::env::temp_dir()).expect("a file");
    let request = Request { frame: b"hang".to_vec(), inputs: Vec::new(), output };
    executor.run(request, &limits, &mut |_| {}, &Cancel::new());
}

/// Runs a command whose children leave its group and tell their ids, until this process is killed.
fn commander() {
    use windlass_sandbox::{Cancel, Launcher, LauncherSpawn, Profile, UserCommand};
    let folder = std::path::PathBuf::from(std::env::args().nth(2).expect("a folder"));
    let spawn = LauncherSpawn {
        program: std::env::current_exe().expect("a path"),
        argument: "--launcher".into(),
        profile: Profile { network: false, writable: vec![folder.clone()], hidden: Vec::new() },
        scratch: folder.join("scratch"),
    };
    let mut launcher = Launcher::spawn(spawn).expect("spawned");
    let pid = folder.join("pid");
    let line = format!(
        "setsid sh -c 'echo $$ > {pid}.new; mv {pid}.new {pid}; sleep 3600' & wait",
        pid = pid.display()
    );
    let command = UserCommand {
        line,
        stdin: None,
        stdout: launcher.output_file().expect("a file"),
        env: Vec::new(),
        total: Duration::from_secs(3_600),
        output_bytes: 1 << 20,
    };
    let _ = launcher.run(&command, &Cancel::new());
}
