//! `sim [--seed N] [--seeds N] [--base B] [--stats]`: one seed, or many on all cores.

use std::io::Write;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;
use windlass_sim::{Failed, Tally};

const USAGE: &str = "usage: sim [--seed N] [--seeds N] [--base B] [--stats]\n";
const SEED_COUNT_DEFAULT: u64 = 2_000;
/// Ends so where a fault never bit; unlike a failed seed it says nothing against the cluster.
const NEVER_BIT: u8 = 3;

fn main() -> ExitCode {
    let mut count = SEED_COUNT_DEFAULT;
    let mut base = 0;
    let mut args = std::env::args().skip(1);
    let mut stats = false;
    while let Some(flag) = args.next() {
        if flag == "--stats" {
            stats = true;
            continue;
        }
        let value = args.next().and_then(|value| value.parse::<u64>().ok());
        match (flag.as_str(), value) {
            ("--seed", Some(seed)) => (base, count) = (seed, 1),
            ("--seeds", Some(seeds)) => count = seeds,
            ("--base", Some(seed)) => base = seed,
            _ => {
                say(USAGE);
                return ExitCode::from(2);
            }
        }
    }
    let began = Instant::now();
    let (ran, tally, failed) = run_all(base, count);
    if let Some(failed) = failed {
        let seed = failed.seed;
        say(&format!("{failed}\nreplay: cargo xtask sim --seed {seed}\n{ran} ran, 1 failed\n"));
        return ExitCode::FAILURE;
    }
    if stats {
        say(&tally.to_string());
    }
    let missing: Vec<_> = tally.missing().collect();
    if ran >= SEED_COUNT_DEFAULT && !missing.is_empty() {
        say(&format!("{ran} passed, but these never happened: {}\n", missing.join("; ")));
        return ExitCode::from(NEVER_BIT);
    }
    let ms = began.elapsed().as_secs_f64() * 1_000.0;
    let ms_a_seed = ms / ran.max(1) as f64;
    say(&format!("{ran} passed, 0 failed, from seed {base}: {ms_a_seed:.2} ms a seed\n"));
    ExitCode::SUCCESS
}

/// Runs the seeds on all cores until one fails; how many were run, what bit in them, and the first
/// that failed.
fn run_all(base: u64, count: u64) -> (u64, Tally, Option<Failed>) {
    let thread_count = thread::available_parallelism().map_or(1, usize::from) as u64;
    let next = AtomicU64::new(0);
    let first_failed = AtomicU64::new(u64::MAX);
    let run_some = || {
        let (mut tally, mut failed) = (Tally::default(), None);
        loop {
            let offset = next.fetch_add(1, Ordering::Relaxed);
            // Seeds below a failed one still run, so that equal calls report equal seeds.
            if offset >= count.min(first_failed.load(Ordering::Relaxed)) {
                return (tally, failed);
            }
            match windlass_sim::run(base.wrapping_add(offset)) {
                Ok(bites) => tally.add(&bites),
                Err(error) => {
                    first_failed.fetch_min(offset, Ordering::Relaxed);
                    failed = Some((offset, error));
                }
            }
        }
    };
    let ended: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> =
            (0..thread_count.min(count).max(1)).map(|_| scope.spawn(run_some)).collect();
        let ended = threads.into_iter().map(|thread| match thread.join() {
            Ok(ended) => ended,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        ended.collect()
    });
    let mut tally = Tally::default();
    ended.iter().for_each(|(bites, _)| tally.add(bites));
    let failed = ended.into_iter().filter_map(|(_, failed)| failed);
    let failed = failed.min_by_key(|(offset, _)| *offset);
    let ran = count.min(next.load(Ordering::Relaxed));
    (ran, tally, failed.map(|(_, failed)| failed))
}

fn say(text: &str) {
    // A reader that closed the pipe early has seen what it wanted.
    let _ = std::io::stdout().write_all(text.as_bytes());
}
