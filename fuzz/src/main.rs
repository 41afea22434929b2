//! `fuzz [--seconds N] [--seed S] [--keep] [TARGET…]`: searches under each target for so long.
//!
//! A broken promise is told with a file that holds the bytes, and ends the program with 1.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]

use std::process::ExitCode;
use std::time::{Duration, Instant};
use windlass_fuzz::{Fault, Search, TARGETS, Target};

struct Options {
    seconds: u64,
    seed: u64,
    keeps: bool,
    names: Vec<String>,
}

fn main() -> ExitCode {
    let Some(options) = options() else {
        let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
        eprintln!("usage: fuzz [--seconds N] [--seed S] [--keep] [TARGET…]");
        eprintln!("targets: {}", names.join(" "));
        return ExitCode::from(2);
    };
    // A panic is told once, with the bytes that led to it.
    std::panic::set_hook(Box::new(|_| {}));
    let is_asked = |target: &&Target| {
        options.names.is_empty() || options.names.iter().any(|name| name == target.name)
    };
    let mut code = ExitCode::SUCCESS;
    for target in TARGETS.iter().filter(is_asked) {
        if let Err(fault) = search(target, &options) {
            tell(&fault);
            code = ExitCode::FAILURE;
        }
    }
    code
}

fn options() -> Option<Options> {
    let mut options = Options { seconds: 10, seed: 1, keeps: false, names: Vec::new() };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--seconds" => options.seconds = arguments.next()?.parse().ok()?,
            "--seed" => options.seed = arguments.next()?.parse().ok()?,
            "--keep" => options.keeps = true,
            name if TARGETS.iter().any(|target| target.name == name) => {
                options.names.push(argument);
            }
            _ => return None,
        }
    }
    Some(options)
}

fn search(target: &'static Target, options: &Options) -> Result<(), Fault> {
    let end = Instant::now() + Duration::from_secs(options.seconds);
    let mut search = Search::new(target, options.seed)?;
    let mut count = 0_u64;
    while Instant::now() < end {
        search.step()?;
        count += 1;
    }
    println!("{}: {count} inputs, {} outcomes", target.name, search.outcome_count());
    if options.keeps {
        match search.keep() {
            Ok(kept) => println!("{}: {kept} kept", target.name),
            Err(error) => eprintln!("{}: not kept: {error}", target.name),
        }
    }
    Ok(())
}

fn tell(fault: &Fault) {
    let path = std::env::temp_dir().join(format!("windlass-fuzz-{}", fault.target));
    eprintln!("{}: {}", fault.target, fault.what);
    match std::fs::write(&path, &fault.bytes) {
        Ok(()) => eprintln!("{} bytes in {}", fault.bytes.len(), path.display()),
        Err(error) => eprintln!("the bytes cannot be kept: {error}"),
    }
}
