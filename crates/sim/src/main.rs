//! `sim [--seed N] [--seeds N] [--base B]`: one seed, or many on all cores.

use std::io::Write;
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;
use windlass_sim::Failed;

const USAGE: &str = "usage: sim [--seed N] [--seeds N] [--base B]\n";
const SEED_COUNT_DEFAULT: u64 = 2_000;

fn main() -> ExitCode {
    let mut count = SEED_COUNT_DEFAULT;
    let mut base = 0;
    let mut args = std::env::args().skip(1);
    while let Some(flag) = args.next() {
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
    let (ran, failed) = run_all(base, count);
    if let Some(failed) = failed {
        let seed = failed.seed;
        say(&format!("{failed}\nreplay: cargo xtask sim --seed {seed}\n{ran} ran, 1 failed\n"));
        return ExitCode::FAILURE;
    }
    let ms = began.elapsed().as_secs_f64() * 1_000.0;
    let ms_a_seed = ms / ran.max(1) as f64;
    say(&format!("{ran} passed, 0 failed, from seed {base}: {ms_a_seed:.2} ms a seed\n"));
    ExitCode::SUCCESS
}

/// Runs the seeds on all cores until one fails; how many were run, and the first that failed.
fn run_all(base: u64, count: u64) -> (u64, Option<Failed>) {
    let thread_count = thread::available_parallelism().map_or(1, usize::from) as u64;
    let next = AtomicU64::new(0);
    let first_failed = AtomicU64::new(u64::MAX);
    let run_some = || {
        let mut failed = None;
        loop {
            let offset = next.fetch_add(1, Ordering::Relaxed);
            // Seeds below a failed one still run, so that equal calls report equal seeds.
            if offset >= count.min(first_failed.load(Ordering::Relaxed)) {
                return failed;
            }
            if let Err(error) = windlass_sim::run(base.wrapping_add(offset)) {
                first_failed.fetch_min(offset, Ordering::Relaxed);
                failed = Some((offset, error));
            }
        }
    };
    let failed = thread::scope(|scope| {
        let threads: Vec<_> =
            (0..thread_count.min(count).max(1)).map(|_| scope.spawn(run_some)).collect();
        let ended = threads.into_iter().map(|thread| match thread.join() {
            Ok(failed) => failed,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        ended.flatten().min_by_key(|(offset, _)| *offset)
    });
    let ran = count.min(next.load(Ordering::Relaxed));
    (ran, failed.map(|(_, failed)| failed))
}

fn say(text: &str) {
    // A reader that closed the pipe early has seen what it wanted.
    let _ = std::io::stdout().write_all(text.as_bytes());
}
