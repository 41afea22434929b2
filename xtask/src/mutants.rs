//! `cargo xtask mutants`: the simulator must notice each decision that we break on purpose.
//!
//! A mutant is a patch in `crates/sim/mutants`, its first line a comment that names what it breaks.
//! It is applied to a copy of the crates that the simulator is made of, never to the tree itself.
//! The simulator ends at the first seed that fails.

use crate::tidy::{Package, packages};
use crate::{ChoreError, cargo, say};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

const PATCHES: &str = "crates/sim/mutants";
const SIMULATOR: &str = "windlass-sim";
/// Seeds within which a mutant must be caught.
const SEED_COUNT: &str = "2000";
/// First seed where none is given.
const BASE_DEFAULT: &str = "0";
/// A simulator that runs longer hangs; the unbroken one needs a twentieth of it.
const RUN_MAX: Duration = Duration::from_secs(300);
const POLL: Duration = Duration::from_millis(20);
/// What the simulator ends with when a seed fails.
const SEED_FAILED: i32 = 1;
/// What a Rust program ends with when it panics: an assertion of `core` itself noticed the mutant.
const PANICKED: i32 = 101;

/// How a mutant fared.
#[derive(PartialEq, Eq, Debug)]
enum Verdict {
    Caught,
    Survived,
    /// It proves nothing: the simulator hung or died of something else.
    Unclear(String),
}

/// Runs the named mutants, or all of them. `--base B` sets the first seed.
pub(crate) fn run(root: &Path, arguments: &[String]) -> Result<ExitCode, ChoreError> {
    let (base, names) = match arguments {
        [flag, base, names @ ..] if flag == "--base" => (base.as_str(), names),
        names => (BASE_DEFAULT, names),
    };
    let patches = patches(root, names)?;
    let bench = Workbench::new(root, simulator_crates(&packages(root)?));
    let began = Instant::now();
    let (mut passed, mut failed) = (0, 0);
    for patch in &patches {
        let name = stem(patch);
        let about = about(patch)?;
        let start = Instant::now();
        let verdict = bench.try_mutant(patch, base)?;
        let seconds = start.elapsed().as_secs_f64();
        match &verdict {
            Verdict::Caught => passed += 1,
            Verdict::Survived | Verdict::Unclear(_) => failed += 1,
        }
        let word = match verdict {
            Verdict::Caught => "caught".to_owned(),
            Verdict::Survived => "SURVIVED".to_owned(),
            Verdict::Unclear(text) => format!("UNCLEAR ({text})"),
        };
        say(&format!("mutant {name}: {word}: {about} ({seconds:.1} s)\n"));
    }
    let seconds = began.elapsed().as_secs();
    say(&format!("{passed} passed, {failed} failed ({seconds} s)\n"));
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn patches(root: &Path, names: &[String]) -> Result<Vec<PathBuf>, ChoreError> {
    let folder = root.join(PATCHES);
    let mut patches = Vec::new();
    for entry in fs::read_dir(&folder).map_err(ChoreError::at(&folder))? {
        let path = entry.map_err(ChoreError::at(&folder))?.path();
        let is_patch = path.extension().is_some_and(|extension| extension == "patch");
        if is_patch && (names.is_empty() || names.contains(&stem(&path))) {
            patches.push(path);
        }
    }
    patches.sort();
    // None at all would pass silently and prove nothing.
    if patches.is_empty() || patches.len() < names.len() {
        let text = format!("{} of the named mutants found in {PATCHES}", patches.len());
        return Err(ChoreError::Program { program: "mutants".to_owned(), text });
    }
    Ok(patches)
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// The patch's first line, without the comment sign.
fn about(patch: &Path) -> Result<String, ChoreError> {
    let text = fs::read_to_string(patch).map_err(ChoreError::at(patch))?;
    Ok(text.lines().next().unwrap_or_default().trim_start_matches(['#', ' ']).to_owned())
}

/// Folders of the simulator and of all that it is made of.
fn simulator_crates(packages: &[Package]) -> Vec<String> {
    let mut names = vec![SIMULATOR.to_owned()];
    let mut folders = Vec::new();
    let mut next = 0;
    while let Some(name) = names.get(next).cloned() {
        next += 1;
        let Some(package) = packages.iter().find(|package| package.name == name) else { continue };
        folders.push(package.manifest.trim_end_matches("/Cargo.toml").to_owned());
        for below in &package.ours {
            if !names.contains(below) {
                names.push(below.clone());
            }
        }
    }
    folders
}

/// A copy of the workspace in which one mutant after the other is built. Only what a mutant changes
/// is written anew, so that cargo builds only that again.
struct Workbench {
    root: PathBuf,
    copy: PathBuf,
    build: PathBuf,
    crates: Vec<String>,
}

impl Workbench {
    fn new(root: &Path, crates: Vec<String>) -> Workbench {
        let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
        let work = root.join(target).join("mutants");
        let (copy, build) = (work.join("tree"), work.join("build"));
        Workbench { root: root.to_owned(), copy, build, crates }
    }

    fn try_mutant(&self, patch: &Path, base: &str) -> Result<Verdict, ChoreError> {
        self.restore()?;
        let patch_file = patch.to_string_lossy();
        let patching = ["-p1", "--batch", "--forward", "--fuzz=0", "--input", &*patch_file];
        must_work(Command::new("patch").current_dir(&self.copy).args(patching), "patch")?;

        let mut building = Command::new(cargo());
        building.current_dir(&self.copy).env("CARGO_TARGET_DIR", &self.build);
        building.env("CARGO_INCREMENTAL", "1");
        // Else whatever could take something over from the changed part is made anew.
        building.env("CARGO_PROFILE_CI_LTO", "off");
        // Not `--locked`: the copy has fewer members, so cargo drops their packages from the lock.
        building.args(["build", "--offline", "--quiet", "--profile", "ci", "-p", SIMULATOR]);
        must_work(building.args(["--bin", "sim"]), "cargo build")?;

        let mut sim = Command::new(self.build.join("ci/sim"));
        sim.args(["--seeds", SEED_COUNT, "--base", base]);
        sim.stdout(Stdio::null()).stderr(Stdio::null());
        judge(sim)
    }

    /// Makes the copy what the workspace is: the crates, the lock file, and the root manifest with
    /// these crates as its only members.
    fn restore(&self) -> Result<(), ChoreError> {
        for folder in &self.crates {
            restore_folder(&self.root.join(folder), &self.copy.join(folder))?;
        }
        let lock = self.root.join("Cargo.lock");
        let bytes = fs::read(&lock).map_err(ChoreError::at(&lock))?;
        // Cargo shortens the copy's lock file; that is no reason to write it anew.
        if write_if_different(&self.copy.join("whole.lock"), &bytes)? {
            fs::copy(&lock, self.copy.join("Cargo.lock")).map_err(ChoreError::at(&lock))?;
        }
        let manifest = self.root.join("Cargo.toml");
        let text = fs::read_to_string(&manifest).map_err(ChoreError::at(&manifest))?;
        let text = with_members(&text, &self.crates);
        write_if_different(&self.copy.join("Cargo.toml"), text.as_bytes()).map(drop)
    }
}

fn restore_folder(from: &Path, to: &Path) -> Result<(), ChoreError> {
    fs::create_dir_all(to).map_err(ChoreError::at(to))?;
    let mut names = Vec::new();
    for entry in fs::read_dir(from).map_err(ChoreError::at(from))? {
        let path = entry.map_err(ChoreError::at(from))?.path();
        let name = path.file_name().unwrap_or_default().to_owned();
        let target = to.join(&name);
        if path.is_dir() {
            restore_folder(&path, &target)?;
        } else {
            let bytes = fs::read(&path).map_err(ChoreError::at(&path))?;
            write_if_different(&target, &bytes)?;
        }
        names.push(name);
    }
    // What was renamed or removed since must not be built.
    for entry in fs::read_dir(to).map_err(ChoreError::at(to))? {
        let path = entry.map_err(ChoreError::at(to))?.path();
        if path.is_file() && !names.iter().any(|name| Some(name.as_os_str()) == path.file_name()) {
            fs::remove_file(&path).map_err(ChoreError::at(&path))?;
        }
    }
    Ok(())
}

/// Writes a file unless it is there with this content; whether it did.
fn write_if_different(path: &Path, bytes: &[u8]) -> Result<bool, ChoreError> {
    if fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(false);
    }
    fs::write(path, bytes).map_err(ChoreError::at(path))?;
    Ok(true)
}

fn with_members(manifest: &str, crates: &[String]) -> String {
    let replaced = |line: &str| match line.starts_with("members = ") {
        true => format!("members = {crates:?}\n"),
        false => format!("{line}\n"),
    };
    manifest.lines().map(replaced).collect()
}

/// Runs a program whose failure ends the chore, and says what it said.
fn must_work(command: &mut Command, program: &str) -> Result<(), ChoreError> {
    let output = command.output().map_err(ChoreError::starting(program))?;
    if output.status.success() {
        return Ok(());
    }
    let text = [output.stdout, output.stderr].concat();
    let text = format!("{command:?}\n{}", String::from_utf8_lossy(&text));
    Err(ChoreError::Program { program: program.to_owned(), text })
}

fn judge(mut sim: Command) -> Result<Verdict, ChoreError> {
    let mut child = sim.spawn().map_err(ChoreError::starting("sim"))?;
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().map_err(ChoreError::starting("sim"))? {
            return Ok(match status.code() {
                Some(0) => Verdict::Survived,
                Some(SEED_FAILED | PANICKED) => Verdict::Caught,
                _ => Verdict::Unclear(status.to_string()),
            });
        }
        if start.elapsed() > RUN_MAX {
            // It may have ended by itself in between.
            let _ = child.kill();
            let _ = child.wait();
            return Ok(Verdict::Unclear(format!("no end after {} s", RUN_MAX.as_secs())));
        }
        std::thread::sleep(POLL);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Verdict {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        judge(command).expect("a shell starts")
    }

    #[test]
    fn only_a_failed_seed_or_assertion_catches() {
        assert_eq!(shell("exit 1"), Verdict::Caught);
        assert_eq!(shell("exit 0"), Verdict::Survived);
        assert_eq!(shell("exit 101"), Verdict::Caught);
        assert!(matches!(shell("exit 2"), Verdict::Unclear(_)));
        assert!(matches!(shell("kill -9 $$"), Verdict::Unclear(_)));
    }

    #[test]
    fn only_what_differs_is_written() {
        let path = std::env::temp_dir().join(format!("windlass-mutants-{}", std::process::id()));
        assert!(write_if_different(&path, b"one").expect("can be written"));
        assert!(!write_if_different(&path, b"one").expect("is there"));
        assert!(write_if_different(&path, b"two").expect("can be written"));
        assert_eq!(fs::read(&path).expect("is there"), b"two");
        fs::remove_file(&path).expect("is there");
    }

    #[test]
    fn the_copy_has_the_simulators_crates_and_no_others() {
        let package = |name: &str, ours: &[&str]| Package {
            name: format!("windlass-{name}"),
            manifest: format!("crates/{name}/Cargo.toml"),
            ours: ours.iter().map(|name| format!("windlass-{name}")).collect(),
        };
        let packages = [
            package("core", &[]),
            package("journal", &["core"]),
            package("ops", &["core"]),
            package("sim", &["core", "journal"]),
        ];
        let crates = simulator_crates(&packages);
        assert_eq!(crates, ["crates/sim", "crates/core", "crates/journal"]);
        let manifest = "[workspace]\nmembers = [\"crates/*\"]\n[profile.ci]\n";
        assert_eq!(
            with_members(manifest, &crates[..1]),
            "[workspace]\nmembers = [\"crates/sim\"]\n[profile.ci]\n"
        );
    }
}
