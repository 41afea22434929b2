//! `windlass state set`: the limits of a state are listed and changed.

use super::{print, settings_json, with_cluster};
use crate::CliError;
use serde_json::json;
use std::fmt::Write as _;
use std::path::Path;
use windlass_core::ledger::{Setting, SettingError, Settings};
use windlass_core::steering::Act;
use windlass_master::audit::{Audit, AuditError};

/// Columns that the names and values of limits take.
const NAME_WIDTH: usize = 28;

pub(super) fn set(state: &Path, wanted: &[(String, String)], json: bool) -> Result<u8, CliError> {
    // All are checked before the first is changed.
    let checked: Vec<(Setting, u64)> = wanted.iter().map(check).collect::<Result<_, _>>()?;
    let settings = if checked.is_empty() { current(state)? } else { change(state, &checked)? };
    if json {
        let value = json!({ "version": 1, "settings": settings_json(&settings) });
        print(&format!("{value:#}\n"));
        return Ok(0);
    }
    print(&if checked.is_empty() { list(&settings) } else { changes(&checked) });
    Ok(0)
}

/// The limits as they are, without holding the state; where there is none, as they would be.
fn current(state: &Path) -> Result<Settings, CliError> {
    match Audit::of(state) {
        Ok(audit) => Ok(audit.ledger.settings),
        Err(AuditError::NoState(_)) => Ok(Settings::default()),
        Err(error) => Err(CliError::failed(error)),
    }
}

fn check((name, value): &(String, String)) -> Result<(Setting, u64), CliError> {
    let Some(setting) = Setting::find(name) else {
        let known = list(&Settings::default());
        return Err(CliError::usage(format!("there is no setting {name}; choose\n{known}")));
    };
    let spec = setting.spec();
    let out_of_bounds = SettingError::Value { name: spec.name, min: spec.min, max: spec.max };
    let value = value.parse().ok().filter(|value| setting.check(*value).is_ok());
    let value = value.ok_or_else(|| CliError::usage(format!("{out_of_bounds} ({})", spec.doc)))?;
    Ok((setting, value))
}

fn change(state: &Path, wanted: &[(Setting, u64)]) -> Result<Settings, CliError> {
    let values = wanted.iter().map(|(setting, value)| (setting.spec().name.to_owned(), *value));
    let act = Act::Change(values.collect());
    with_cluster(state, |cluster| {
        cluster.steer(&act)?;
        cluster.settings()
    })
}

fn changes(wanted: &[(Setting, u64)]) -> String {
    let mut text = String::new();
    for (setting, value) in wanted {
        let _ = writeln!(text, "{setting} = {value}: {}", setting.spec().doc);
    }
    text.push_str(
        "It holds from now on; `windlass state compact` removes at once what is beyond it.\n",
    );
    text
}

/// Every limit with its value, meaning and bounds.
pub(super) fn list(settings: &Settings) -> String {
    let mut text = String::new();
    for setting in Setting::ALL {
        let spec = setting.spec();
        let value = settings.get(setting);
        let _ = writeln!(text, "  {:<NAME_WIDTH$}{value:<9}  {}", spec.name, spec.doc);
        let _ = writeln!(
            text,
            "  {:<NAME_WIDTH$}{:<9}  {} to {}, {} unless set",
            "", "", spec.min, spec.max, spec.default
        );
    }
    text
}
