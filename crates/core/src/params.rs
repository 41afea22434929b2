//! Parameters of an operation: declared as data, checked and normalised once, at submission.

use crate::model::ModelRef;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use thiserror::Error;

/// What a parameter accepts.
#[derive(Clone, PartialEq, Debug)]
pub enum ParamKind {
    /// A whole number within these bounds, both included.
    Int {
        /// Smallest accepted value.
        min: i64,
        /// Largest accepted value.
        max: i64,
    },
    /// `true` or `false` (also yes/no, on/off, 1/0).
    Bool,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Any text.
    Text,
    /// A whole number from 0, or a share of all as `0.5` or `50%`; one with a point or a percent
    /// sign is a share, so that `1` is one and `1.0` is all.
    CountOrShare,
    /// Words separated by commas or white space; a program that takes it from a person reads
    /// `@FILE` first.
    Words,
    /// A model as [`ModelRef`] writes it; a program that takes it from a person looks up names and
    /// folders first.
    Model,
}

/// One declared parameter.
#[derive(Clone, PartialEq, Debug)]
pub struct ParamSpec {
    /// Name as written in `--param name=value`.
    pub name: &'static str,
    /// Accepted values.
    pub kind: ParamKind,
    /// Value where the user gives none; `None`: absent unless given.
    pub default: Option<&'static str>,
    /// Whether a submission without it is refused.
    pub required: bool,
    /// One sentence for the help page.
    pub doc: &'static str,
}

/// Parameters after checking: every declared one with a default is present, values in one spelling.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
pub struct Params(pub BTreeMap<String, String>);

/// Why parameters are refused; a usage error.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum ParamError {
    /// A value that the parameter does not accept.
    #[error("parameter {name}={value}: {wanted}")]
    Value {
        /// The parameter.
        name: String,
        /// What was given.
        value: String,
        /// What is accepted.
        wanted: String,
    },
    /// A required parameter is absent.
    #[error("operation {operation} needs --param {name}=…: {doc}")]
    Missing {
        /// The operation.
        operation: String,
        /// The parameter.
        name: String,
        /// Its help sentence.
        doc: String,
    },
}

impl Params {
    /// Checks the given values that `specs` declare, ignoring others, and fills in defaults.
    ///
    /// # Errors
    /// The first value that is refused, or a required parameter that is absent.
    pub fn normalise(
        operation: &str,
        specs: &[ParamSpec],
        given: &BTreeMap<String, String>,
    ) -> Result<Params, ParamError> {
        let mut params = BTreeMap::new();
        for spec in specs {
            match given.get(spec.name).map(String::as_str).or(spec.default) {
                Some(value) => {
                    params.insert(spec.name.to_owned(), spec.kind.normalise(spec.name, value)?);
                }
                None if spec.required => {
                    return Err(ParamError::Missing {
                        operation: operation.to_owned(),
                        name: spec.name.to_owned(),
                        doc: spec.doc.to_owned(),
                    });
                }
                None => {}
            }
        }
        Ok(Params(params))
    }

    /// Bytes of all names and values.
    #[must_use]
    pub fn byte_count(&self) -> usize {
        self.0.iter().map(|(name, value)| name.len() + value.len()).sum()
    }

    /// A parameter's text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// A parameter's number; normalised values always parse.
    #[must_use]
    pub fn int(&self, name: &str) -> Option<i64> {
        self.text(name)?.parse().ok()
    }

    /// Whether a boolean parameter is `true`.
    #[must_use]
    pub fn is_true(&self, name: &str) -> bool {
        self.text(name) == Some("true")
    }
}

impl ParamKind {
    fn normalise(&self, name: &str, value: &str) -> Result<String, ParamError> {
        let refused = |wanted: String| ParamError::Value {
            name: name.to_owned(),
            value: value.to_owned(),
            wanted,
        };
        match self {
            ParamKind::Int { min, max } => match value.trim().parse::<i64>() {
                Ok(number) if (*min..=*max).contains(&number) => Ok(number.to_string()),
                _ => Err(refused(format!("a whole number from {min} to {max} is wanted"))),
            },
            ParamKind::Bool => match value.trim().to_ascii_lowercase().as_str() {
                "true" | "yes" | "on" | "1" => Ok("true".to_owned()),
                "false" | "no" | "off" | "0" => Ok("false".to_owned()),
                _ => Err(refused("true or false is wanted".to_owned())),
            },
            ParamKind::Choice(words) => match words.iter().find(|word| **word == value.trim()) {
                Some(word) => Ok((*word).to_owned()),
                None => Err(refused(format!("one of {} is wanted", words.join(", ")))),
            },
            ParamKind::Text => Ok(value.to_owned()),
            ParamKind::CountOrShare => {
                count_or_share(value.trim()).ok_or_else(|| refused(COUNT_OR_SHARE.to_owned()))
            }
            ParamKind::Words => {
                let separates = |character: char| character == ',' || character.is_whitespace();
                let words = value.split(separates).filter(|word| !word.is_empty());
                Ok(words.collect::<Vec<_>>().join(","))
            }
            ParamKind::Model => {
                let model = ModelRef::parse(value.trim());
                model.map(|model| model.to_string()).ok_or_else(|| refused(MODEL.to_owned()))
            }
        }
    }
}

const MODEL: &str = "the name of a model that `windlass models` lists, or a folder with one";

const COUNT_OR_SHARE: &str = "a whole number, or a share as 0.5 or 50% is wanted";

/// A count as its digits, a share as a number with a point.
fn count_or_share(value: &str) -> Option<String> {
    if let Ok(count) = value.parse::<u32>() {
        return Some(count.to_string());
    }
    let share = match value.strip_suffix('%') {
        Some(percent) => percent.trim_end().parse::<f64>().ok()? / 100.0,
        None => value.parse::<f64>().ok()?,
    };
    (0.0..=1.0).contains(&share).then(|| format!("{share:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPECS: &[ParamSpec] = &[
        ParamSpec {
            name: "quality",
            kind: ParamKind::Int { min: 1, max: 100 },
            default: Some("85"),
            required: false,
            doc: "",
        },
        ParamSpec { name: "cmd", kind: ParamKind::Text, default: None, required: true, doc: "x" },
    ];

    fn check(given: &[(&str, &str)]) -> Result<Params, ParamError> {
        let given = given.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        Params::normalise("op", SPECS, &given)
    }

    #[test]
    fn defaults_are_filled_in_and_spelling_is_one() {
        let params = check(&[("cmd", "cat"), ("quality", " 007")]).expect("valid");
        assert_eq!(params.int("quality"), Some(7));
        assert_eq!(check(&[("cmd", "cat")]).expect("valid").int("quality"), Some(85));
    }

    #[test]
    fn bad_values_name_the_parameter_and_what_is_wanted() {
        let error = check(&[("cmd", "cat"), ("quality", "0")]).expect_err("refused");
        assert_eq!(
            error.to_string(),
            "parameter quality=0: a whole number from 1 to 100 is wanted"
        );
        assert!(check(&[]).is_err());
    }

    #[test]
    fn one_is_a_count_and_one_point_nought_a_share() {
        let spelled = |value| ParamKind::CountOrShare.normalise("min_df", value).ok();
        for (value, expected) in
            [("007", "7"), ("1.0", "1.0"), (" .25", "0.25"), ("50 %", "0.5"), ("100%", "1.0")]
        {
            assert_eq!(spelled(value).as_deref(), Some(expected), "{value}");
        }
        for value in ["-1", "1.5", "101%", "NaN", "inf", "", "two", "-0.1"] {
            assert_eq!(spelled(value), None, "{value}");
        }
    }

    #[test]
    fn a_model_is_one_that_was_looked_up() {
        let model = ModelRef { name: "small".to_owned(), id: crate::BlobId([7; 32]), size: 9 };
        let text = model.to_string();
        assert_eq!(ParamKind::Model.normalise("model", &text), Ok(text));
        assert!(ParamKind::Model.normalise("model", "small").is_err());
    }

    #[test]
    fn words_have_one_spelling_however_they_are_separated() {
        let words = |value| ParamKind::Words.normalise("stop_words", value).expect("accepted");
        assert_eq!(words(" the, of\n\nand,"), "the,of,and");
        assert_eq!(words("english"), "english");
    }
}
