//! `windlass records`: sets are loaded, listed and dropped; `query` has a file of its own.

mod arguments;
mod query;
mod streams;

pub(crate) use arguments::RecordsArguments;

use crate::place::Place;
use crate::{CliError, print, say};
use arguments::{LoadArguments, RecordsCommand};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::fs::File;
use std::io::Seek;
use std::time::{Duration, Instant};
use streams::Streams;
use windlass_client::cluster::{Cluster, ClusterError};
use windlass_client::records::{Loading, RecordsError, check_new};
use windlass_core::LoadId;
use windlass_core::limits::RECORD_INDEXED_FIELD_COUNT_MAX;
use windlass_core::lookups::{HoldingView, InstanceView, RecordsView};
use windlass_core::records::{FieldName, RecordSet, SetName, Shards};
use windlass_core::words::counted;
use windlass_records::{Report, named};

/// How long a load waits for the workers to serve it.
const READY_PATIENCE: Duration = Duration::from_secs(30);
/// How often it looks.
const READY_LOOK: Duration = Duration::from_millis(20);

pub(crate) fn records(arguments: &RecordsArguments) -> Result<u8, CliError> {
    let place = |worker_count| {
        let place = &arguments.place;
        let (master, state) = (place.master.as_deref(), place.state.as_deref());
        Place::of(master, &place.access, state, worker_count)
    };
    match &arguments.command {
        RecordsCommand::Load(load) => with_cluster(&place(0)?, |cluster| self::load(load, cluster)),
        RecordsCommand::Query { name, conditions } => query::query(arguments, name, conditions),
        RecordsCommand::List { json } => place(0)?.with_recorded(|cluster| {
            let sets = cluster.records().map_err(CliError::of_cluster)?;
            print(&if *json { json_list(&sets) } else { table(&sets) });
            Ok(0)
        }),
        RecordsCommand::Drop { name } => place(0)?.with_recorded(|cluster| {
            cluster.drop_records(name).map_err(|error| refused("drop", name, error))?;
            say(&format!("Record set {name} is dropped.\n"));
            Ok(0)
        }),
    }
}

/// Does something with the cluster that is there, or with the state alone.
fn with_cluster(
    place: &Place,
    act: impl FnOnce(&Cluster) -> Result<u8, CliError>,
) -> Result<u8, CliError> {
    let attached = place.attach()?;
    let done = act(&attached.cluster());
    attached.stop(&mut || {}, &|| false);
    done
}

fn load(arguments: &LoadArguments, cluster: &Cluster) -> Result<u8, CliError> {
    let shards = Shards::new(arguments.shards.clone());
    let shards = shards.map_err(|error| CliError::usage(error.to_string()))?;
    if !arguments.replace {
        check_new(cluster, &arguments.name).map_err(|error| unloaded(arguments, error))?;
    }
    let streams = streams::kept(&arguments.files)?;
    let set = described(arguments, shards, &streams)?;
    let (name, group_count) = (set.name.clone(), set.shards.as_slice().len());
    let loading = Loading {
        set,
        files: arguments.files.clone(),
        streams,
        is_strict: arguments.strict,
        replaces: arguments.replace,
    };
    let mut report = Report::default();
    let load = loading.load(cluster, &mut report);
    say(&bad_rows(&report));
    let load = load.map_err(|error| unloaded(arguments, error))?;
    say(&absent_fields(&report));
    let missing = wait_until_served(cluster, load)?;
    if arguments.json {
        print(&format!("{:#}\n", json_report(&name, load, &report)));
        return Ok(0);
    }
    let Report { row_count, bad_row_count, .. } = report;
    let (rows, groups) = (counted(row_count, "row"), counted(group_count as u64, "group"));
    let mut text = format!("{name}: {rows} in {groups}");
    if bad_row_count > 0 {
        let _ = write!(text, ", {} left out", counted(bad_row_count, "bad row"));
    }
    text.push('\n');
    if !missing.is_empty() {
        let _ = writeln!(
            text,
            "No worker serves {} yet; start some: `windlass up`, or `windlass worker --join HOST:PORT`.",
            missing.join(", ")
        );
    }
    say(&text);
    Ok(0)
}

fn unloaded(arguments: &LoadArguments, error: RecordsError) -> CliError {
    match error {
        RecordsError::Cluster(error) => refused("load", &arguments.name, error),
        error => CliError::failed(error),
    }
}

/// The set that the command line describes.
fn described(
    arguments: &LoadArguments,
    shards: Shards,
    streams: &Streams,
) -> Result<RecordSet, CliError> {
    let indexed = match arguments.indexed.is_empty() {
        false => arguments.indexed.clone(),
        true => first_fields(arguments, streams)?,
    };
    let set = RecordSet {
        name: arguments.name.clone(),
        key: arguments.key.clone(),
        indexed,
        shards,
        replica_count: arguments.replicas,
    };
    set.check().map_err(|error| CliError::usage(error.to_string()))?;
    Ok(set)
}

/// The fields of the first row that has the key, without it.
fn first_fields(arguments: &LoadArguments, streams: &Streams) -> Result<Vec<FieldName>, CliError> {
    let key = &arguments.key;
    let mut fields = fields_of(arguments, streams, Some(key))?;
    if fields.is_empty() {
        // Where nothing is a row, each is told why.
        let others = fields_of(arguments, streams, None)?;
        return match others.is_empty() {
            true => Ok(Vec::new()),
            false => Err(CliError::failed(format!(
                "load {}: no row has a text or a number in a field {key}; the first one has these \
                 fields: {}",
                arguments.name,
                named(&others)
            ))),
        };
    }
    fields.retain(|field| field != key);
    fields.truncate(RECORD_INDEXED_FIELD_COUNT_MAX);
    Ok(fields)
}

fn fields_of(
    arguments: &LoadArguments,
    streams: &Streams,
    key: Option<&FieldName>,
) -> Result<Vec<FieldName>, CliError> {
    for path in &arguments.files {
        let opened = match streams.get(path) {
            Some(stream) => stream.try_clone().and_then(|mut it| it.rewind().map(|()| it)),
            None => File::open(path),
        };
        let file = opened
            .map_err(|error| CliError::failed(format!("read {}: {error}", path.display())))?;
        let fields = windlass_records::scalar_fields(path, file, key).map_err(CliError::failed)?;
        if !fields.is_empty() {
            return Ok(fields);
        }
    }
    Ok(Vec::new())
}

/// Waits until every group has an instance; answers those that have none and get none.
fn wait_until_served(cluster: &Cluster, load: LoadId) -> Result<Vec<String>, CliError> {
    let until = Instant::now() + READY_PATIENCE;
    loop {
        let sets = cluster.records().map_err(CliError::of_cluster)?;
        // Another load has taken its place.
        let Some(view) = sets.into_iter().find(|view| view.load == load) else {
            return Ok(Vec::new());
        };
        let groups = view.groups.iter().zip(view.set.shards.as_slice());
        let is_ready = |holding: &HoldingView| *holding == HoldingView::Ready;
        let unserved = groups.filter(|(group, _)| {
            !group.instances.iter().any(|instance| is_ready(&instance.holding))
        });
        let (mut names, mut is_loading) = (Vec::new(), false);
        for (group, shard) in unserved {
            names.push(format!("{}:{}", view.set.name, shard.group));
            let loading = |holding: &HoldingView| *holding == HoldingView::Loading;
            is_loading |= group.instances.iter().any(|instance| loading(&instance.holding));
        }
        if names.is_empty() || !is_loading || Instant::now() >= until {
            return Ok(names);
        }
        std::thread::sleep(READY_LOOK);
    }
}

fn bad_rows(report: &Report) -> String {
    let mut text = String::new();
    for bad in &report.bad_rows {
        let _ = writeln!(text, "bad row: {bad}");
    }
    let more = report.bad_row_count - report.bad_rows.len() as u64;
    if more > 0 {
        let _ = writeln!(text, "bad rows: {more} more");
    }
    text
}

fn absent_fields(report: &Report) -> String {
    match &report.absent_fields[..] {
        [] => String::new(),
        absent => format!("no row has a field {}: nothing is found by it\n", named(absent)),
    }
}

fn json_report(name: &SetName, load: LoadId, report: &Report) -> Value {
    let bad: Vec<Value> = report
        .bad_rows
        .iter()
        .map(|bad| {
            let (file, cause) = (bad.file.display().to_string(), bad.fault.to_string());
            json!({ "file": file, "line": bad.line, "cause": cause })
        })
        .collect();
    let absent: Vec<&str> = report.absent_fields.iter().map(FieldName::as_str).collect();
    json!({
        "version": 1,
        "name": name.as_str(),
        "load": load.0,
        "rows": report.row_count,
        "bad_rows": report.bad_row_count,
        "bad": bad,
        "absent_fields": absent,
    })
}

/// What the cluster said no to, or that it was not reached.
fn refused(act: &str, name: &SetName, error: ClusterError) -> CliError {
    let text = error.to_string();
    let why = text.strip_prefix("do that: ").or_else(|| text.strip_prefix("change the job: "));
    match why {
        Some(why) => CliError::failed(format!("{act} {name}: {why}")),
        None => CliError::of_cluster(error),
    }
}

fn table(sets: &[RecordsView]) -> String {
    if sets.is_empty() {
        return "There is no record set.\n".to_owned();
    }
    let mut text = String::new();
    for view in sets {
        let RecordSet { name, key, indexed, .. } = &view.set;
        let rows: u64 = view.groups.iter().map(|group| group.stored.row_count).sum();
        let key = named(std::slice::from_ref(key));
        let _ = write!(text, "{name}: {} by {key}", counted(rows, "row"));
        let _ = match indexed.is_empty() {
            true => writeln!(text),
            false => writeln!(text, "; also by {}", named(indexed)),
        };
        for (group, shard) in view.groups.iter().zip(view.set.shards.as_slice()) {
            let instances = group.instances.iter().map(|it| match &it.holding {
                HoldingView::Ready => format!("{} ({} asked)", it.worker, it.served_count),
                HoldingView::Loading => format!("{} (loading)", it.worker),
                HoldingView::Failed(cause) => format!("{} (failed: {cause})", it.worker),
            });
            let instances: Vec<String> = instances.collect();
            let serves = |it: &&InstanceView| !matches!(it.holding, HoldingView::Failed(_));
            let count = group.instances.iter().filter(serves).count();
            let wanted = view.set.replica_count as usize;
            let served = match count {
                _ if instances.is_empty() => "no worker serves it".to_owned(),
                _ if count < wanted => format!("{}; {wanted} are wanted", instances.join(", ")),
                _ => instances.join(", "),
            };
            let shard = shard.to_string();
            let rows = counted(group.stored.row_count, "row");
            let _ = writeln!(text, "  {shard:<16} {rows:>15}  {served}");
        }
    }
    text
}

fn json_list(sets: &[RecordsView]) -> String {
    let sets: Vec<Value> = sets.iter().map(json_set).collect();
    format!("{:#}\n", json!({ "version": 1, "records": sets }))
}

fn json_set(view: &RecordsView) -> Value {
    let groups = view.groups.iter().zip(view.set.shards.as_slice()).map(|(group, shard)| {
        let instances = group.instances.iter().map(|it| {
            let (state, cause) = match &it.holding {
                HoldingView::Ready => ("ready", None),
                HoldingView::Loading => ("loading", None),
                HoldingView::Failed(cause) => ("failed", Some(cause)),
            };
            let (worker, served) = (&it.worker.0, it.served_count);
            json!({ "worker": worker, "state": state, "cause": cause, "served": served })
        });
        json!({
            "group": shard.group.as_str(),
            "range": shard.to_string(),
            "rows": group.stored.row_count,
            "bytes": group.stored.size,
            "instances": instances.collect::<Vec<Value>>(),
        })
    });
    json!({
        "name": view.set.name.as_str(),
        "load": view.load.0,
        "loaded_at_ms": view.loaded_at.0,
        "key": view.set.key.as_str(),
        "indexed": view.set.indexed.iter().map(FieldName::as_str).collect::<Vec<&str>>(),
        "replicas": view.set.replica_count,
        "groups": groups.collect::<Vec<Value>>(),
    })
}
