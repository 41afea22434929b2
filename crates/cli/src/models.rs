//! `windlass models`: the models that the user has, each in one file of a folder of his own, and
//! how a run brings one along.

mod arguments;
mod library;
mod source;

pub(crate) use arguments::ModelsArguments;

use crate::{CliError, print, say, settings};
use arguments::{AddArguments, ModelsCommand};
use library::Library;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use windlass_client::cluster::Cluster;
use windlass_client::memorandum::Asked;
use windlass_client::run::RunError;
use windlass_core::BlobId;
use windlass_core::model::{ModelRef, is_name};
use windlass_core::params::ParamKind;
use windlass_ops::models::{Facts, Pack, examine};

pub(crate) fn models(arguments: &ModelsArguments) -> Result<u8, CliError> {
    let library = Library::of_user()?;
    let as_json = arguments.json;
    match &arguments.command {
        None | Some(ModelsCommand::List) => list(&library, as_json),
        Some(ModelsCommand::Add(add)) => self::add(&library, add, as_json),
        Some(ModelsCommand::Show { name }) => show(&library, name, as_json),
        Some(ModelsCommand::Rm { name }) => {
            library.remove(name)?;
            say(&format!("Model {name} is removed; jobs that use it keep their own copy.\n"));
            Ok(0)
        }
    }
}

fn add(library: &Library, arguments: &AddArguments, as_json: bool) -> Result<u8, CliError> {
    let AddArguments { source, name, replace } = arguments;
    let pack = source::pack(source)?;
    let facts = facts(&source.display().to_string(), &pack)?;
    let name = match name {
        Some(name) => name.clone(),
        None => source::name(source).ok_or_else(|| {
            CliError::usage(format!("{} makes no name of a model: give --name", source.display()))
        })?,
    };
    let id = BlobId::of(pack.bytes());
    match library.names()?.contains(&name).then(|| library.read(&name)) {
        Some(Ok(known)) if BlobId::of(known.bytes()) == id => {
            say(&format!("Model {name} is there already.\n"));
        }
        Some(_) if !replace => {
            return Err(CliError::failed(format!(
                "add model {name}: there is another one of this name; give --replace, or another \
                 --name"
            )));
        }
        _ => {
            library.write(&name, &pack)?;
            say(&format!(
                "Model {name} is added: windlass run FILES --op embedding --param model={name}\n"
            ));
        }
    }
    print(&match as_json {
        true => to_text(&to_json(&name, &pack, Ok(&facts))),
        false => described(&name, &pack, &facts),
    });
    Ok(0)
}

fn list(library: &Library, as_json: bool) -> Result<u8, CliError> {
    let names = library.names()?;
    let models = names.iter().map(|name| Ok((name, library.read(name)?)));
    let models: Vec<(&String, Pack)> = models.collect::<Result<_, CliError>>()?;
    if as_json {
        let listed = models.iter().map(|(name, pack)| {
            let facts = examine(pack).map_err(|error| error.to_string());
            to_json(name, pack, facts.as_ref().map_err(String::as_str))
        });
        print(&to_text(&json!({ "version": 1, "models": listed.collect::<Vec<_>>() })));
        return Ok(0);
    }
    if models.is_empty() {
        say(&format!(
            "There is no model in {}: `windlass models add` takes one.\n",
            library.folder().display()
        ));
        return Ok(0);
    }
    let width = names.iter().map(String::len).max().unwrap_or(0);
    let mut text = String::new();
    for (name, pack) in &models {
        let what = match examine(pack) {
            Ok(facts) => format!("{}, vectors of {}", facts.kind, facts.dimension_count),
            Err(error) => format!("cannot be used: {error}"),
        };
        let megabytes = pack.bytes().len().div_ceil(1 << 20);
        let hash = BlobId::of(pack.bytes()).to_hex();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{name:width$}  {megabytes:>5} MB  {}…  {what}", &hash[..12]);
    }
    print(&text);
    Ok(0)
}

fn show(library: &Library, name: &str, as_json: bool) -> Result<u8, CliError> {
    let pack = library.read(name)?;
    let facts = facts(name, &pack)?;
    print(&match as_json {
        true => to_text(&to_json(name, &pack, Ok(&facts))),
        false => described(name, &pack, &facts),
    });
    Ok(0)
}

fn facts(what: &str, pack: &Pack) -> Result<Facts, CliError> {
    examine(pack).map_err(|error| {
        CliError::failed(format!(
            "use {what} as a model: {error}; what is wanted is the folder of a model2vec, \
             BERT or XLM-RoBERTa model with its tokenizer.json, config.json and model.safetensors"
        ))
    })
}

/// What is known of a model, a line each.
fn described(name: &str, pack: &Pack, facts: &Facts) -> String {
    let Facts { kind, dimension_count, token_count, read_token_count_max } = facts;
    let read = read_token_count_max.map_or("all".to_owned(), |count| count.to_string());
    let mut text = format!(
        "name        {name}\n\
         kind        {kind}\n\
         vectors     {dimension_count} numbers\n\
         vocabulary  {token_count} tokens\n\
         reads       {read} tokens of a text\n\
         BLAKE3      {}\n",
        BlobId::of(pack.bytes())
    );
    for (file, size) in pack.files() {
        let hash = sha256(pack.file(file).unwrap_or_default());
        let _ = writeln!(text, "file        {file}, {size} bytes, SHA-256 {hash}");
    }
    text
}

fn to_json(name: &str, pack: &Pack, facts: Result<&Facts, &str>) -> Value {
    let files = pack.files().map(|(file, size)| {
        let sha256 = sha256(pack.file(file).unwrap_or_default());
        json!({ "name": file, "bytes": size, "sha256": sha256 })
    });
    let mut model = json!({
        "version": 1,
        "name": name,
        "blake3": BlobId::of(pack.bytes()).to_hex(),
        "bytes": pack.bytes().len(),
        "files": files.collect::<Vec<_>>(),
    });
    match facts {
        Ok(Facts { kind, dimension_count, token_count, read_token_count_max }) => {
            model["kind"] = json!(kind);
            model["vector_size"] = json!(dimension_count);
            model["token_count"] = json!(token_count);
            model["read_token_count_max"] = json!(read_token_count_max);
        }
        Err(cause) => model["unusable"] = json!(cause),
    }
    model
}

/// As `sha256sum` and the pages that models come from show it.
fn sha256(bytes: &[u8]) -> String {
    let hash = ring::digest::digest(&ring::digest::SHA256, bytes);
    hash.as_ref().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Values of parameters that are models, as jobs have them: `NAME@BLAKE3/BYTES` in place of a name
/// of the user's, or of a folder.
pub(crate) fn resolved(value: &str) -> Result<ModelRef, CliError> {
    if let Some(model) = ModelRef::parse(value) {
        return Ok(model);
    }
    let (name, pack) = found(value)?;
    let size = pack.bytes().len() as u64;
    Ok(ModelRef { name, id: BlobId::of(pack.bytes()), size })
}

/// The model that a user means: one of his by its name, else what is at this path.
fn found(value: &str) -> Result<(String, Pack), CliError> {
    let library = Library::of_user()?;
    if is_name(value) && library.names()?.iter().any(|name| name == value) {
        return Ok((value.to_owned(), library.read(value)?));
    }
    let path = Path::new(value);
    if !path.exists() {
        return Err(library.unknown(value));
    }
    let pack = source::pack(path)?;
    facts(value, &pack)?;
    Ok((source::name(path).unwrap_or_else(|| "model".to_owned()), pack))
}

/// Makes sure that the cluster has the models of what is asked for, before a job names them.
///
/// # Errors
/// The model has changed since the command was read, or the cluster cannot take it.
pub(crate) fn bring(
    cluster: &Cluster,
    given: &[(String, String)],
    asked: &Asked,
) -> Result<(), RunError> {
    let given: BTreeMap<&str, &str> =
        given.iter().map(|(name, value)| (&**name, &**value)).collect();
    for name in params() {
        let model = asked.params.get(name).and_then(|value| ModelRef::parse(value));
        let (Some(model), Some(value)) = (model, given.get(name)) else { continue };
        if cluster.has_blob(model.id)? {
            continue;
        }
        let unusable =
            |why: &str| RunError::Unusable(format!("failed to use model {value}: {why}"));
        if ModelRef::parse(value).is_some() {
            return Err(unusable(
                "the cluster does not have it; name a model of yours, or a folder",
            ));
        }
        let (_, pack) = found(value).map_err(|error| RunError::Unusable(error.text))?;
        if cluster.put_blob(pack.bytes())? != model.id {
            return Err(unusable("it has changed meanwhile; run the command again"));
        }
    }
    Ok(())
}

/// The parameters that are models.
fn params() -> impl Iterator<Item = &'static str> {
    let params = settings::operations().into_iter().flat_map(|spec| spec.params);
    params.filter(|param| param.kind == ParamKind::Model).map(|param| param.name)
}

fn to_text(value: &Value) -> String {
    format!("{value:#}\n")
}
