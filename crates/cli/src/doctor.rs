//! `windlass doctor`: which layers of confinement hold on this machine, what its disk does, and
//! which libraries of it operations can use.

use crate::CliError;
use crate::arguments::DoctorArguments;
use crate::cluster::SOCKET;
use crate::settings;
use console::Style;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::os::unix::fs::DirBuilderExt;
use windlass_core::media::Media;
use windlass_core::params::Params;
use windlass_core::view::{ClusterView, StallKind};
use windlass_ops::{Extra, Lack, OPERATIONS, Operation};
use windlass_wire::{Address, Client};
use windlass_worker::{LANDLOCK_ABI_WHOLE, Layers, Probe, User};

/// Below this a run of any size is in danger.
const FREE_BYTES_MIN: u64 = 1 << 30;

/// One line: what was tried and what came of it.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Finding {
    name: &'static str,
    found: String,
    /// What is lost and what to do, where it does not hold.
    missing: Option<String>,
    /// Whether all that was promised is kept without it.
    is_optional: bool,
}

impl Finding {
    /// Something that has to hold.
    fn needed(name: &'static str, found: String, missing: Option<String>) -> Finding {
        Finding { name, found, missing, is_optional: false }
    }

    /// Something that is used where it is there.
    fn optional(name: &'static str, found: String, missing: Option<String>) -> Finding {
        Finding { name, found, missing, is_optional: true }
    }

    fn is_fault(&self) -> bool {
        self.missing.is_some() && !self.is_optional
    }
}

pub(crate) fn doctor(arguments: &DoctorArguments) -> Result<u8, CliError> {
    let state = settings::state_dir(arguments.state.as_deref())?;
    let in_state = |error| CliError::failed(format!("make the state {}: {error}", state.display()));
    // As a run would make it: its owner's alone.
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&state).map_err(in_state)?;
    let program = std::env::current_exe().map_err(in_state)?;
    let mut findings = findings(&windlass_worker::probe(&program, &state));
    findings.extend(OPERATIONS.iter().flat_map(libraries));
    if let Ok(client) = Client::connect(&Address::Unix(state.join(SOCKET))) {
        findings.extend(client.status().ok().map(|view| clock(&view)));
    }
    let text = match arguments.json {
        true => format!("{:#}\n", to_json(&findings)),
        false => to_text(&findings),
    };
    crate::print(&text);
    Ok(u8::from(findings.iter().any(Finding::is_fault)))
}

fn findings(probe: &Probe) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut add = |name, found: String, missing: Option<&str>| {
        findings.push(Finding::needed(name, found, missing.map(str::to_owned)));
    };
    match &probe.executor {
        Ok((layers, took)) => {
            let ms = took.as_secs_f64() * 1_000.0;
            add("executor", format!("ready in {ms:.1} ms"), None);
            let (found, missing) = user(layers.user);
            add("user", found.to_owned(), missing);
            let (found, missing) = landlock(*layers);
            add("files and signals", found, missing);
            let (found, missing) = filter(*layers);
            add("system calls", found.to_owned(), missing);
        }
        Err(error) => add("executor", error.clone(), Some(UNSTARTABLE)),
    }
    match &probe.command {
        Ok(layers) => {
            let is_whole = layers.landlock_abi >= LANDLOCK_ABI_WHOLE && layers.has_filter;
            let missing = "Commands are held only in part: see the lines above.";
            let found = if is_whole {
                "write their scratch folder only, read no keys or tokens, no network"
            } else {
                "-"
            };
            add("commands", found.to_owned(), (!is_whole).then_some(missing));
        }
        Err(error) => add("commands", error.clone(), Some(UNSTARTABLE)),
    }
    match &probe.sync {
        Ok(took) => {
            let ms = took.as_secs_f64() * 1_000.0;
            add("state", format!("a small file is durable in {ms:.1} ms"), None);
        }
        Err(error) => add("state", error.clone(), Some("Name another folder with --state DIR.")),
    }
    match &probe.free_bytes {
        Ok(bytes) => {
            let missing = "Results may not fit: free space, or name another folder with --state.";
            let found = format!("{} MB free", bytes >> 20);
            add("disk", found, (*bytes < FREE_BYTES_MIN).then_some(missing));
        }
        Err(error) => add("disk", error.clone(), Some("Name another folder with --state DIR.")),
    }
    findings
}

/// What an operation takes of this machine beside this program: a hint where it is missing, since
/// everything else works.
fn libraries(operation: &Operation) -> Vec<Finding> {
    let name = operation.spec.name;
    let mut findings = Vec::new();
    if let Some(Lack { what, install }) = operation.lack() {
        let missing = format!("Workers here do not offer {name}. On Debian and Ubuntu: {install}");
        findings.push(Finding::optional(name, what, Some(missing)));
    } else {
        let basis = operation.basis(&Params::default(), Media::Unknown).into_iter();
        let there: Vec<String> =
            basis.filter(|(_, told)| !told.is_empty()).map(|it| it.0).collect();
        if !there.is_empty() {
            findings.push(Finding::optional(name, there.join(", "), None));
        }
    }
    findings.extend(operation.extras().into_iter().map(|Extra { what_for, found }| match found {
        Ok(found) => Finding::optional(name, format!("{found}: {what_for}"), None),
        Err(Lack { what, install }) => {
            let missing = format!("Without it: no {what_for}. To get it: {install}");
            Finding::optional(name, what, Some(missing))
        }
    }));
    findings
}

/// Whether the cluster that holds the state believes the clock of its machine.
fn clock(cluster: &ClusterView) -> Finding {
    let jumped = cluster.stalls.iter().find(|stall| stall.kind == StallKind::Clock);
    let found = jumped.map_or("believed by the master", |it| it.told.as_str()).to_owned();
    Finding::needed("clock", found, jumped.map(|stall| stall.next_step.clone()))
}

/// In short, what does not confine files' parsers and commands; empty where all holds.
pub(crate) fn missing_layers(layers: Layers) -> String {
    let missing = [
        (layers.user == User::Root).then_some("they run as root"),
        (layers.landlock_abi == 0).then_some("no Landlock"),
        (1..LANDLOCK_ABI_WHOLE)
            .contains(&layers.landlock_abi)
            .then_some("an old Landlock, which lets signals through"),
        (!layers.has_filter).then_some("no seccomp"),
    ];
    missing.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

const UNSTARTABLE: &str = "No file can be processed: check free memory and processes.";

fn user(user: User) -> (&'static str, Option<&'static str>) {
    match user {
        User::Own => ("executors have a user id of their own", None),
        User::Worker => ("executors run as you, without new privileges", None),
        User::Root => (
            "executors run as root",
            Some("Root cannot change its user here: run Windlass as an ordinary user."),
        ),
    }
}

fn landlock(layers: Layers) -> (String, Option<&'static str>) {
    let missing = match layers.landlock_abi {
        0 => Some(
            "Executors read what their user may read, commands write where you may and read the keys \
             and tokens in the state: use Linux 5.13 or newer with landlock in the kernel's `lsm=` \
             list.",
        ),
        abi if abi < LANDLOCK_ABI_WHOLE => {
            Some("Some of it is not held (signals need Linux 6.12): use a newer kernel.")
        }
        _ => None,
    };
    let found = match layers.landlock_abi {
        0 => "no Landlock".to_owned(),
        abi => format!("Landlock, interface {abi}"),
    };
    (found, missing)
}

fn filter(layers: Layers) -> (&'static str, Option<&'static str>) {
    match layers.has_filter {
        true => ("seccomp: a list of what executors need", None),
        false => (
            "no seccomp",
            Some("Network and processes are not closed: use a kernel with seccomp filters."),
        ),
    }
}

fn to_text(findings: &[Finding]) -> String {
    let width = findings.iter().map(|finding| finding.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for finding @ Finding { name, found, missing, .. } in findings {
        let mark = match missing {
            None => Style::new().green().apply_to("✓ ok     "),
            Some(_) if finding.is_fault() => Style::new().red().apply_to("✗ missing"),
            Some(_) => Style::new().yellow().apply_to("· without"),
        };
        let _ = writeln!(text, "{mark}  {name:width$}  {found}");
        if let Some(missing) = missing {
            let _ = writeln!(text, "  → {missing}");
        }
    }
    text
}

fn to_json(findings: &[Finding]) -> Value {
    let lines = findings.iter().map(|Finding { name, found, missing, is_optional }| {
        json!({
            "name": name,
            "ok": missing.is_none(),
            "optional": is_optional,
            "found": found,
            "missing": missing,
        })
    });
    json!({ "version": 1, "findings": lines.collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn probe(user: User, landlock_abi: u32, has_filter: bool) -> Probe {
        let layers = Layers { user, landlock_abi, has_filter };
        Probe {
            executor: Ok((layers, Duration::from_millis(2))),
            command: Ok(layers),
            sync: Ok(Duration::from_millis(1)),
            free_bytes: Ok(FREE_BYTES_MIN),
        }
    }

    fn missing(probe: &Probe) -> Vec<&'static str> {
        let findings = findings(probe).into_iter();
        findings.filter(|finding| finding.missing.is_some()).map(|finding| finding.name).collect()
    }

    #[test]
    fn every_layer_that_does_not_hold_is_named() {
        assert!(missing(&probe(User::Worker, LANDLOCK_ABI_WHOLE, true)).is_empty());
        assert_eq!(missing(&probe(User::Root, LANDLOCK_ABI_WHOLE, true)), ["user"]);
        assert_eq!(missing(&probe(User::Own, 5, true)), ["files and signals", "commands"]);
        assert_eq!(missing(&probe(User::Own, 7, false)), ["system calls", "commands"]);
        let shown = |user, abi, filter| {
            missing_layers(Layers { user, landlock_abi: abi, has_filter: filter })
        };
        assert_eq!(shown(User::Own, LANDLOCK_ABI_WHOLE, true), "");
        assert_eq!(shown(User::Root, 0, false), "they run as root; no Landlock; no seccomp");
        assert!(shown(User::Worker, 5, true).starts_with("an old Landlock"));
        let full = Probe { free_bytes: Ok(1), ..probe(User::Own, 7, true) };
        assert_eq!(missing(&full), ["disk"]);
        let text = to_text(&findings(&full));
        assert!(text.contains("  → Results may not fit"), "{text}");
    }

    #[test]
    fn what_is_optional_and_missing_is_a_hint_and_no_fault() {
        let hint =
            Finding::optional("ocr", "no library".to_owned(), Some("Install it.".to_owned()));
        assert!(!hint.is_fault());
        assert!(Finding { is_optional: false, ..hint.clone() }.is_fault());
        let text = to_text(std::slice::from_ref(&hint));
        assert!(text.contains("· without") && text.contains("  → Install it."), "{text}");
        let json = to_json(&[hint]);
        assert_eq!(json["findings"][0]["ok"], false);
        assert_eq!(json["findings"][0]["optional"], true);
    }
}
