//! The kinds of models whose layers are those of BERT.

use serde_json::Value;

/// What distinguishes those that are computed alike.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Family {
    /// Places are counted from 0.
    Bert,
    /// RoBERTa in many languages: places are counted from behind the number of the token that
    /// fills up short texts.
    XlmRoberta,
}

impl Family {
    /// By the `model_type` of a `config.json`.
    pub(super) fn of(model_type: &str) -> Option<Family> {
        match model_type {
            "bert" => Some(Family::Bert),
            "xlm-roberta" => Some(Family::XlmRoberta),
            _ => None,
        }
    }

    /// The token that fills up short texts, behind whose number places are counted; it has the
    /// place of its number.
    pub(super) fn filling(self, config: &Value) -> Option<u32> {
        match self {
            Family::Bert => None,
            Family::XlmRoberta => {
                let filling = config["pad_token_id"].as_u64().unwrap_or(1);
                Some(u32::try_from(filling).unwrap_or(u32::MAX))
            }
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Family::Bert => "BERT",
            Family::XlmRoberta => "XLM-RoBERTa",
        }
    }
}
