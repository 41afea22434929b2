//! `windlass ops`: the operations from their own specs and help pages.

use crate::CliError;
use crate::arguments::{OpsArguments, OpsCommand};
use crate::settings;
use serde_json::{Value, json};
use std::fmt::Write as _;
use windlass_core::catalogue::{Accepts, OperationSpec};
use windlass_core::params::{ParamKind, ParamSpec};
use windlass_ops::{Lack, OPERATIONS, Operation};

pub(crate) fn ops(arguments: &OpsArguments) -> Result<u8, CliError> {
    let text = match (&arguments.command, arguments.json) {
        (None, false) => list(),
        (None, true) => to_text(&OPERATIONS.iter().map(to_json).collect::<Vec<_>>().into()),
        (Some(OpsCommand::Show { name }), false) => page(settings::operation(name)?),
        (Some(OpsCommand::Show { name }), true) => to_text(&to_json(settings::operation(name)?)),
    };
    crate::print(&text);
    Ok(0)
}

fn list() -> String {
    let width = OPERATIONS.iter().map(|operation| operation.spec.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    for operation @ Operation { spec, .. } in OPERATIONS {
        let _ = writeln!(text, "{:width$}  {}{}", spec.name, spec.summary, also(operation));
        if let Some(Lack { what, install }) = operation.lack() {
            let _ = writeln!(text, "{:width$}  not on this machine: {what}; {install}", "");
        }
    }
    text.push_str(
        "\n`windlass ops show NAME` tells more; `windlass run --op NAME FILES…` does it.\n",
    );
    text
}

/// The plain names of an operation, for its line.
fn also(operation: &Operation) -> String {
    let names: Vec<&str> = operation.plain_names().collect();
    if names.is_empty() { String::new() } else { format!(" (also: {})", names.join(", ")) }
}

fn page(operation: &Operation) -> String {
    let spec = operation.spec;
    let mut text = format!("{} (version {}){}\n\n", spec.name, spec.version, also(operation));
    let _ = writeln!(text, "{}", operation.doc().trim());
    if let Some(Lack { what, install }) = operation.lack() {
        let _ = writeln!(text, "\nNot on this machine: {what}; {install}");
    }
    let _ = writeln!(text, "\nTakes: {}", takes(spec));
    let _ = writeln!(text, "Limits: {}", limits(spec));
    if !spec.params.is_empty() {
        text.push_str("\nParameters (--param name=value):\n");
        for param in spec.params {
            let _ = writeln!(text, "  {}  {}", param.name, accepted(param));
            let _ = writeln!(text, "      {}", param.doc);
        }
    }
    text
}

fn takes(spec: &OperationSpec) -> String {
    match &spec.accepts {
        Accepts::Media(kinds) => {
            kinds.iter().map(|kind| kind.label()).collect::<Vec<_>>().join(", ")
        }
        Accepts::AnyFile => "any file".to_owned(),
        Accepts::FilesOrCount => "any file, or no files at all".to_owned(),
        Accepts::Nothing => "no files".to_owned(),
    }
}

fn limits(spec: &OperationSpec) -> String {
    let mut text = format!("{} s in all", spec.attempt_ms_max / 1_000);
    if let Some(progress_ms) = spec.progress_ms_max {
        let _ = write!(text, ", {} s without progress", progress_ms / 1_000);
    }
    let _ = write!(text, ", {} MB of results", spec.output_bytes_max >> 20);
    text
}

fn accepted(param: &ParamSpec) -> String {
    let kind = match &param.kind {
        ParamKind::Int { min, max } => format!("{min} to {max}"),
        ParamKind::Bool => "true or false".to_owned(),
        ParamKind::Choice(words) => words.join(", "),
        ParamKind::Text => "text".to_owned(),
        ParamKind::CountOrShare => "a number, or a share as 0.5 or 50%".to_owned(),
        ParamKind::Words => "words, or @FILE".to_owned(),
        ParamKind::Model => "a model's name, or its folder".to_owned(),
    };
    match param.default {
        Some(default) => format!("{kind} (default {default})"),
        None if param.required => format!("{kind} (required)"),
        None => kind,
    }
}

fn to_json(operation: &Operation) -> Value {
    let spec = operation.spec;
    let params: Vec<Value> = spec
        .params
        .iter()
        .map(|param| {
            json!({
                "name": param.name,
                "accepts": accepted(param),
                "default": param.default,
                "required": param.required,
                "doc": param.doc,
            })
        })
        .collect();
    json!({
        "name": spec.name,
        "plain_names": operation.plain_names().collect::<Vec<_>>(),
        "version": spec.version,
        "summary": spec.summary,
        "takes": takes(spec),
        "doc": operation.doc(),
        "params": params,
    })
}

fn to_text(value: &Value) -> String {
    format!("{value:#}\n")
}
