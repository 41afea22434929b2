//! A model that is loaded: which kind it is by its files, and the vector that it makes of a text.

use super::bert::Bert;
use super::family::Family;
use super::pooled::StaticVectors;
use super::{Facts, ModelError, Pack, damaged};
use serde_json::Value;

/// A loaded model.
#[derive(Debug)]
pub(crate) struct Encoder(Kind);

#[derive(Debug)]
enum Kind {
    Static(Box<StaticVectors>),
    Bert(Box<Bert>),
}

/// How much of a text is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Reach {
    /// As much as the model says, which is what its library does.
    #[default]
    Beginning,
    /// All, in pieces of that length: the mean of their vectors, by the tokens in each.
    All,
}

/// A text's vector.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Encoded {
    pub(crate) vector: Vec<f32>,
    /// Tokens that it is made of.
    pub(crate) token_count: usize,
    /// Whether the text is longer than what the model reads.
    pub(crate) is_cut: bool,
}

impl Encoder {
    /// Reads a model.
    ///
    /// # Errors
    /// See [`ModelError`].
    pub(crate) fn of(pack: &Pack) -> Result<Encoder, ModelError> {
        let modules = Modules::of(pack)?;
        let folder = "0_StaticEmbedding/";
        if pack.files().any(|(name, _)| name.starts_with(folder)) {
            let files = ["0_StaticEmbedding/tokenizer.json", "0_StaticEmbedding/model.safetensors"];
            let [tokenizer, tensors] = pack.needed(files)?;
            let config = json(pack, "config_sentence_transformers.json")?;
            let made = StaticVectors::of(tokenizer, tensors, &config, modules.normalises)?;
            return Ok(Encoder(Kind::Static(Box::new(made))));
        }
        let [tokenizer, tensors] = pack.needed(["tokenizer.json", "model.safetensors"])?;
        let config = json(pack, "config.json")?;
        let model_type = config["model_type"].as_str();
        match (model_type, model_type.and_then(Family::of)) {
            (_, Some(family)) => {
                let sentences = json(pack, "config_sentence_transformers.json")?;
                if !sentences["default_prompt_name"].is_null() {
                    let cause = "it puts words of its own before each text (a default prompt)";
                    return Err(ModelError::Unsupported(cause.to_owned()));
                }
                let bert = Bert::of(family, pack, tokenizer, tensors, &config, &modules)?;
                Ok(Encoder(Kind::Bert(Box::new(bert))))
            }
            (None | Some("model2vec"), None) => {
                let made = StaticVectors::of(tokenizer, tensors, &config, modules.normalises)?;
                Ok(Encoder(Kind::Static(Box::new(made))))
            }
            (Some(other), None) => Err(ModelError::Unsupported(format!(
                "it is a model of the kind {other}; bert, xlm-roberta and model2vec are known here"
            ))),
        }
    }

    /// The vector of a text. `alive` hears of the parts of the work that are done.
    pub(crate) fn encode(
        &self,
        text: &str,
        reach: Reach,
        alive: &mut dyn FnMut(usize, usize),
    ) -> Encoded {
        match &self.0 {
            Kind::Static(model) => model.encode(text, reach),
            Kind::Bert(model) => model.encode(text, reach, alive),
        }
    }

    pub(crate) fn facts(&self) -> Facts {
        match &self.0 {
            Kind::Static(model) => model.facts(),
            Kind::Bert(model) => model.facts(),
        }
    }
}

/// The modules that sentence-transformers puts behind each other.
#[derive(Debug, Default)]
pub(super) struct Modules {
    /// Whether there is such a list: without one, the mean of all tokens is the vector.
    pub(super) is_listed: bool,
    /// Whether vectors are scaled to length 1.
    pub(super) normalises: bool,
}

impl Modules {
    fn of(pack: &Pack) -> Result<Modules, ModelError> {
        let modules = json(pack, "modules.json")?;
        let Some(listed) = modules.as_array() else { return Ok(Modules::default()) };
        let mut normalises = false;
        for module in listed {
            let kind = module["type"].as_str().and_then(|kind| kind.rsplit('.').next());
            match kind {
                Some("Transformer" | "Pooling" | "StaticEmbedding") => {}
                Some("Normalize") => normalises = true,
                other => {
                    let other = other.unwrap_or("no kind");
                    let cause = format!("its modules.json has a module {other}, unknown here");
                    return Err(ModelError::Unsupported(cause));
                }
            }
        }
        Ok(Modules { is_listed: true, normalises })
    }
}

/// A file of JSON; `Null` where it is not there.
pub(super) fn json(pack: &Pack, name: &'static str) -> Result<Value, ModelError> {
    match pack.file(name) {
        None => Ok(Value::Null),
        Some(bytes) => serde_json::from_slice(bytes).map_err(|error| damaged(name, error)),
    }
}
