//! `sim [--seed N] [--seeds N] [--base B]`: one seed with its events, or many.

use std::io::Write;
use std::process::ExitCode;

const USAGE: &str = "usage: sim [--seed N] [--seeds N] [--base B]\n";
const SEED_COUNT_DEFAULT: u64 = 2_000;

fn main() -> ExitCode {
    let mut one = None;
    let mut count = SEED_COUNT_DEFAULT;
    let mut base = 0;
    let mut args = std::env::args().skip(1);
    while let Some(flag) = args.next() {
        let value = args.next().and_then(|value| value.parse::<u64>().ok());
        match (flag.as_str(), value) {
            ("--seed", Some(seed)) => one = Some(seed),
            ("--seeds", Some(seeds)) => count = seeds,
            ("--base", Some(seed)) => base = seed,
            _ => {
                say(USAGE);
                return ExitCode::from(2);
            }
        }
    }
    let seeds = match one {
        Some(seed) => seed..=seed,
        None => base..=base.saturating_add(count.saturating_sub(1)),
    };
    let mut passed = 0_u64;
    for seed in seeds {
        if let Err(failed) = windlass_sim::run(seed) {
            say(&format!(
                "{failed}\nreplay: cargo xtask sim --seed {seed}\n{passed} passed, 1 failed\n"
            ));
            return ExitCode::FAILURE;
        }
        passed += 1;
    }
    say(&format!("{passed} passed, 0 failed\n"));
    ExitCode::SUCCESS
}

fn say(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}
