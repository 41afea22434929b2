//! How documents are cut into terms and terms are weighed: the parameters, read once.

use super::stop_words::StopWords;
use crate::document;
use crate::models::Reach;
use std::sync::LazyLock;
use windlass_core::Failure;
use windlass_core::params::{ParamKind, ParamSpec, Params};

const fn param(
    name: &'static str,
    kind: ParamKind,
    default: &'static str,
    doc: &'static str,
) -> ParamSpec {
    ParamSpec { name, kind, default: Some(default), required: false, doc }
}

/// Runs of more terms than that say nothing of a text.
const NGRAM_MAX: i64 = 10;

/// The declared parameters.
pub(super) const PARAMS: &[ParamSpec] = &[
    param(
        "analyzer",
        ParamKind::Choice(&["word", "char", "char_wb"]),
        "word",
        "What terms are made of: words, characters, or characters within words.",
    ),
    param("binary", ParamKind::Bool, "false", "Count a term once in a document at most."),
    param(
        "form",
        ParamKind::Choice(&["dense", "sparse"]),
        "dense",
        "Write the weights of all features, or only those that are not 0.",
    ),
    document::LANGUAGE,
    param("lowercase", ParamKind::Bool, "true", "Take capital letters for small ones."),
    param("max_df", ParamKind::CountOrShare, "1.0", "Leave out terms of more documents than that."),
    param(
        "max_features",
        ParamKind::Int { min: 0, max: 10_000_000 },
        "100",
        "Keep so many of the most frequent terms; 0 keeps all.",
    ),
    param("min_df", ParamKind::CountOrShare, "1", "Leave out terms of fewer documents than that."),
    ParamSpec {
        name: "model",
        kind: ParamKind::Model,
        default: None,
        required: false,
        doc: "Vectors by this model instead of TF-IDF; those below that are about terms are unused.",
    },
    param(
        "nearest",
        ParamKind::Int { min: 0, max: 1_000 },
        "10",
        "How many of the nearest documents are listed for each.",
    ),
    param(
        "ngram_max",
        ParamKind::Int { min: 1, max: NGRAM_MAX },
        "1",
        "Longest run that is a term.",
    ),
    param(
        "ngram_min",
        ParamKind::Int { min: 1, max: NGRAM_MAX },
        "1",
        "Shortest run that is a term.",
    ),
    param(
        "norm",
        ParamKind::Choice(&["l2", "l1", "none"]),
        "l2",
        "Scale each vector so that its squares (l2) or its absolute values (l1) sum up to 1.",
    ),
    document::OCR,
    param(
        "read",
        ParamKind::Choice(&["beginning", "all"]),
        "beginning",
        "How much of a text a model reads: as much as it is made for, or all, piece by piece.",
    ),
    param("smooth_idf", ParamKind::Bool, "true", "Count one more document, which has every term."),
    param(
        "stop_words",
        ParamKind::Words,
        "english",
        "Words that are left out: english, none, or a list of them.",
    ),
    param(
        "strip_accents",
        ParamKind::Choice(&["none", "ascii", "unicode"]),
        "none",
        "Take off accents: from everything (unicode), or leave nothing but ASCII.",
    ),
    param("sublinear_tf", ParamKind::Bool, "false", "Weigh a count n as 1 + ln(n)."),
    param("use_idf", ParamKind::Bool, "true", "Weigh terms of many documents less."),
];

/// What terms are made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Analyzer {
    #[default]
    Word,
    Char,
    CharWithinWords,
}

/// How accents are taken off.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Accents {
    #[default]
    Kept,
    Ascii,
    Unicode,
}

/// What a vector is divided by.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Norm {
    #[default]
    None,
    Sum,
    Length,
}

/// Documents, as a number or a share of all.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum DocumentCount {
    Count(f64),
    Share(f64),
}

/// The parameters.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Settings {
    pub(super) analyzer: Analyzer,
    pub(super) lowercase: bool,
    pub(super) accents: Accents,
    pub(super) stop_words: StopWords,
    pub(super) ngrams: (usize, usize),
    pub(super) binary: bool,
    pub(super) min_df: DocumentCount,
    pub(super) max_df: DocumentCount,
    pub(super) feature_count_max: Option<usize>,
    pub(super) use_idf: bool,
    pub(super) smooth_idf: bool,
    pub(super) sublinear_tf: bool,
    pub(super) norm: Norm,
    pub(super) is_sparse: bool,
    pub(super) nearest_count: usize,
    /// Of a model alone.
    pub(super) reach: Reach,
}

impl Settings {
    /// As declared; every parameter has a default.
    ///
    /// # Errors
    /// `parameters_conflict` where the shortest run is longer than the longest.
    pub(super) fn of(params: &Params) -> Result<Settings, Failure> {
        let mut settings = DEFAULTS.clone();
        params.0.iter().for_each(|(name, value)| settings.take(name, value));
        let (shortest, longest) = settings.ngrams;
        if shortest > longest {
            let cause = format!("ngram_min={shortest} is more than ngram_max={longest}");
            let next_step = "Give an ngram_max that is at least as large.";
            return Err(Failure::rejected("parameters_conflict", cause, next_step));
        }
        Ok(settings)
    }

    /// As this parameter says.
    fn take(&mut self, name: &str, value: &str) {
        let number = || value.parse::<usize>().unwrap_or(0);
        let is_true = value == "true";
        match name {
            "analyzer" => {
                self.analyzer = match value {
                    "char" => Analyzer::Char,
                    "char_wb" => Analyzer::CharWithinWords,
                    _ => Analyzer::Word,
                }
            }
            "lowercase" => self.lowercase = is_true,
            "strip_accents" => {
                self.accents = match value {
                    "ascii" => Accents::Ascii,
                    "unicode" => Accents::Unicode,
                    _ => Accents::Kept,
                }
            }
            "stop_words" => self.stop_words = StopWords::of(value),
            "ngram_min" => self.ngrams.0 = number(),
            "ngram_max" => self.ngrams.1 = number(),
            "binary" => self.binary = is_true,
            "min_df" => self.min_df = DocumentCount::of(value),
            "max_df" => self.max_df = DocumentCount::of(value),
            "max_features" => self.feature_count_max = Some(number()).filter(|count| *count > 0),
            "use_idf" => self.use_idf = is_true,
            "smooth_idf" => self.smooth_idf = is_true,
            "sublinear_tf" => self.sublinear_tf = is_true,
            "norm" => {
                self.norm = match value {
                    "l1" => Norm::Sum,
                    "none" => Norm::None,
                    _ => Norm::Length,
                }
            }
            "form" => self.is_sparse = value == "sparse",
            "nearest" => self.nearest_count = number(),
            "read" => self.reach = if value == "all" { Reach::All } else { Reach::Beginning },
            _ => {}
        }
    }
}

/// Where a parameter is not given; only tests and strange clients leave some out.
static DEFAULTS: LazyLock<Settings> = LazyLock::new(|| {
    let mut settings = Settings::default();
    let defaults = PARAMS.iter().filter_map(|spec| Some((spec.name, spec.default?)));
    defaults.for_each(|(name, value)| settings.take(name, value));
    settings
});

impl Default for DocumentCount {
    fn default() -> DocumentCount {
        DocumentCount::Count(0.0)
    }
}

impl DocumentCount {
    fn of(value: &str) -> DocumentCount {
        let number = value.parse().unwrap_or(0.0);
        if value.contains('.') || value.contains('e') {
            return DocumentCount::Share(number);
        }
        DocumentCount::Count(number)
    }

    /// How many documents of so many it means; not rounded, as in scikit-learn.
    pub(super) fn of_all(self, document_count: u64) -> f64 {
        match self {
            DocumentCount::Count(count) => count,
            DocumentCount::Share(share) => share * document_count as f64,
        }
    }
}
