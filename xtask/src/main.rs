//! `cargo xtask`: the project's own chores. Run it without arguments for the list.

mod r#gen;
mod mutants;
mod sim;
mod tidy;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use thiserror::Error;

const USAGE: &str = "\
usage: cargo xtask tidy                check the tree against the project's own rules
       cargo xtask sim [ARGUMENTS]     run the simulator: --seed N, --seeds N, --base B
       cargo xtask mutants [NAMES]     break the code on purpose: the simulator must notice
       cargo xtask gen                 write the code of the files in proto/ anew
       cargo xtask seed-base           the first seed that this commit stands for
";

/// Why a chore could not be done at all.
#[derive(Debug, Error)]
enum ChoreError {
    #[error("read or write {}: {source}", path.display())]
    File { path: PathBuf, source: std::io::Error },
    #[error("start {program}: {source}")]
    Start { program: String, source: std::io::Error },
    #[error("run {program}: {text}")]
    Program { program: String, text: String },
}

impl ChoreError {
    /// For `map_err` on file operations.
    fn at(path: &Path) -> impl FnOnce(std::io::Error) -> ChoreError + use<> {
        let path = path.to_owned();
        move |source| ChoreError::File { path, source }
    }

    /// For `map_err` on starting a program.
    fn starting(program: &str) -> impl FnOnce(std::io::Error) -> ChoreError + use<> {
        let program = program.to_owned();
        move |source| ChoreError::Start { program, source }
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let rest = arguments.get(1..).unwrap_or_default();
    let done = match arguments.first().map(String::as_str) {
        Some("tidy") if rest.is_empty() => tidy::run(&root()),
        Some("gen") if rest.is_empty() => r#gen::run(&root()),
        Some("sim") => sim::run(&root(), rest),
        Some("seed-base") if rest.is_empty() => {
            say(&format!("{}\n", sim::base_of_commit(&root())));
            return ExitCode::SUCCESS;
        }
        Some("mutants") => mutants::run(&root(), rest),
        _ => {
            say(USAGE);
            return ExitCode::from(2);
        }
    };
    done.unwrap_or_else(|error| {
        let _ = writeln!(std::io::stderr(), "xtask: failed to {error}");
        ExitCode::FAILURE
    })
}

/// The workspace's folder.
fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().expect("a package lies in its workspace").to_owned()
}

/// The cargo that started this program.
fn cargo() -> String {
    std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned())
}

fn say(text: &str) {
    // A reader that closed the pipe early has seen what it wanted.
    let _ = std::io::stdout().write_all(text.as_bytes());
}
