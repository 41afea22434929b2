//! How one vector comes out of those of all tokens.

use super::encoder::{Modules, json};
use super::{ModelError, Pack, damaged};
use serde_json::Value;

const POOLING: &str = "1_Pooling/config.json";

/// What is taken of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Pooling {
    Mean,
    First,
}

impl Pooling {
    pub(super) fn of(pack: &Pack, modules: &Modules) -> Result<Pooling, ModelError> {
        let pooling = json(pack, POOLING)?;
        if pooling.is_null() {
            return match modules.is_listed {
                true => Err(ModelError::Missing(vec![POOLING])),
                false => Ok(Pooling::Mean),
            };
        }
        let Some(fields) = pooling.as_object() else {
            return Err(damaged(POOLING, "it is no list of settings"));
        };
        let chosen = fields.iter().filter(|(_, value)| value.as_bool() == Some(true));
        let chosen: Vec<&str> = chosen
            .filter_map(|(name, _)| name.strip_prefix("pooling_mode_"))
            .chain(fields.get("pooling_mode").and_then(Value::as_str))
            .collect();
        match &chosen[..] {
            ["mean_tokens" | "mean"] => Ok(Pooling::Mean),
            ["cls_token" | "cls"] => Ok(Pooling::First),
            other => Err(ModelError::Unsupported(format!(
                "it pools by {}; mean_tokens and cls_token are known here",
                if other.is_empty() { "nothing".to_owned() } else { other.join(" and ") }
            ))),
        }
    }
}
