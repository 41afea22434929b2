//! From the counts of all documents to the features, and from one document's counts to its weights.
//!
//! The formulas are those of scikit-learn 1.9.1 (`sklearn/feature_extraction/text.py`): idf =
//! ln((1 + n) / (1 + df)) + 1 of n documents, or ln(n / df) + 1 where it is not smoothed.

use super::counts::Counts;
use super::json::json;
use super::settings::{Norm, Settings};
use super::term::Term;
use super::terms::Terms;
use super::varint::{Reader, push_number};
use std::sync::OnceLock;
use windlass_core::Failure;

/// Adds up what all documents have.
#[derive(Debug, Default)]
pub(super) struct Builder {
    document_count: u64,
    terms: Terms,
    /// Of each term: documents that have it, and how often it occurs in all of them.
    sums: Vec<(u64, u64)>,
}

/// The features, before they are written.
pub(super) struct Chosen<'a>(Vec<(Term<'a>, f64)>);

/// The features with the weight of each, by code point.
#[derive(Debug)]
pub(super) struct Vocabulary {
    /// As they were written; the names are in it.
    bytes: Vec<u8>,
    features: Vec<Feature>,
    /// The head of each one's name.
    heads: Vec<u64>,
    /// The same names as a JSON list.
    listed: OnceLock<Vec<u8>>,
}

/// One of them.
#[derive(Clone, Copy, Debug)]
struct Feature {
    /// Where its name begins and ends in the bytes.
    begins: usize,
    ends: usize,
    idf: f64,
}

const VERSION: u8 = 2;

impl Builder {
    /// Adds a document.
    ///
    /// # Errors
    /// `too_many_terms`.
    pub(super) fn add(&mut self, counts: &Counts<'_>) -> Result<(), Failure> {
        self.document_count += 1;
        for (term, count) in &counts.terms {
            let number = self.terms.number(*term)?;
            if number == self.sums.len() {
                self.sums.push((0, 0));
            }
            let (df, total) = &mut self.sums[number];
            *df += 1;
            *total = total.saturating_add(*count);
        }
        Ok(())
    }

    /// Chooses the features.
    ///
    /// # Errors
    /// `no_features` where no term is left, `parameters_conflict` where none can be.
    pub(super) fn choose(&self, settings: &Settings) -> Result<Chosen<'_>, Failure> {
        let [low, high] =
            [settings.min_df, settings.max_df].map(|it| it.of_all(self.document_count));
        if high < low {
            return Err(Failure::rejected(
                "parameters_conflict",
                format!("max_df leaves {high} documents, fewer than the {low} of min_df"),
                "Give a lower min_df or a higher max_df.",
            ));
        }
        if self.terms.len() == 0 {
            return Err(Failure::rejected(
                "no_features",
                "no document has a term: perhaps they hold stop words only",
                "Try --param stop_words=none.",
            ));
        }
        let is_kept = |number: &usize| (low..=high).contains(&(self.sums[*number].0 as f64));
        let mut kept: Vec<usize> = (0..self.terms.len()).filter(is_kept).collect();
        if kept.is_empty() {
            let cause = format!(
                "none of the {} terms is in {low} to {high} of {} documents",
                self.terms.len(),
                self.document_count
            );
            let next_step = "Give a lower min_df or a higher max_df.";
            return Err(Failure::rejected("no_features", cause, next_step));
        }
        if let Some(count_max) = settings.feature_count_max.filter(|max| *max < kept.len()) {
            let rank = |number: &usize| {
                let (df, total) = self.sums[*number];
                let frequency = if settings.binary { df } else { total };
                (std::cmp::Reverse(frequency), self.terms.term(*number))
            };
            kept.select_nth_unstable_by(count_max, |a, b| rank(a).cmp(&rank(b)));
            kept.truncate(count_max);
        }
        kept.sort_unstable_by_key(|number| self.terms.term(*number));
        let weigh =
            |number: usize| (self.terms.term(number), self.idf(self.sums[number].0, settings));
        Ok(Chosen(kept.into_iter().map(weigh).collect()))
    }

    fn idf(&self, df: u64, settings: &Settings) -> f64 {
        let (n, df) = (self.document_count as f64, df as f64);
        match (settings.use_idf, settings.smooth_idf) {
            (false, _) => 1.0,
            (true, false) => (n / df).ln() + 1.0,
            (true, true) => ((n + 1.0) / (df + 1.0)).ln() + 1.0,
        }
    }
}

impl Chosen<'_> {
    /// One version byte, then the length and the weight of each, then all of them in one piece:
    /// each document's task reads it.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        push_number(self.0.len() as u64, &mut out);
        for (term, idf) in &self.0 {
            push_number(term.bytes().len() as u64, &mut out);
            out.extend_from_slice(&idf.to_le_bytes());
        }
        self.0.iter().for_each(|(term, _)| out.extend_from_slice(term.bytes()));
        out
    }
}

impl Vocabulary {
    /// The reverse of [`Chosen::encode`]; `None` for what it did not write.
    pub(super) fn decode(bytes: Vec<u8>) -> Option<Vocabulary> {
        let (&VERSION, rest) = bytes.split_first()? else { return None };
        let mut reader = Reader(rest);
        let count = reader.count(9)?;
        let mut features = Vec::with_capacity(count);
        let mut ends = 0_usize;
        for _ in 0..count {
            let begins = ends;
            ends = begins.checked_add(usize::try_from(reader.number()?).ok()?)?;
            features.push(Feature { begins, ends, idf: reader.float()? });
        }
        let names = std::str::from_utf8(reader.0).ok()?;
        let are_whole = features.iter().all(|it| names.get(it.begins..it.ends).is_some());
        if ends != names.len() || !are_whole {
            return None;
        }
        let before = bytes.len() - names.len();
        for feature in &mut features {
            feature.begins += before;
            feature.ends += before;
        }
        // Were they in another order, terms would be missed and nothing worse; the hash of what a
        // task reads vouches for it.
        let head = |it: &Feature| Term::within(&bytes, it.begins..it.ends).head();
        let heads = features.iter().map(head).collect();
        Some(Vocabulary { bytes, features, heads, listed: OnceLock::new() })
    }

    /// Whether it was read of these bytes.
    pub(super) fn is_of(&self, bytes: &[u8]) -> bool {
        self.bytes == bytes
    }

    /// How many features there are.
    pub(super) fn len(&self) -> usize {
        self.features.len()
    }

    /// The name of a feature.
    pub(super) fn name(&self, number: usize) -> &str {
        let feature = self.features.get(number);
        let name = feature.and_then(|it| std::str::from_utf8(&self.bytes[it.begins..it.ends]).ok());
        name.unwrap_or_default()
    }

    /// All names as a JSON list.
    pub(super) fn listed(&self) -> &[u8] {
        self.listed.get_or_init(|| {
            let names: Vec<&str> = (0..self.len()).map(|number| self.name(number)).collect();
            json(&names)
        })
    }

    fn term(&self, feature: &Feature) -> Term<'_> {
        Term::within(&self.bytes, feature.begins..feature.ends)
    }

    /// The first feature from there on that does not come before the term.
    fn place(&self, term: Term<'_>, from: usize) -> usize {
        let from = from + self.heads[from..].partition_point(|head| *head < term.head());
        if self.heads.get(from) != Some(&term.head()) {
            return from;
        }
        let same = self.heads[from..].partition_point(|head| *head == term.head());
        let same = &self.features[from..from + same];
        from + same.partition_point(|it| self.term(it) < term)
    }

    /// What a document weighs: the numbers of the features that it has, lowest first.
    pub(super) fn weights(&self, settings: &Settings, counts: &Counts<'_>) -> Vec<(u32, f64)> {
        let mut weights = Vec::with_capacity(counts.terms.len().min(self.len()));
        let mut from = 0;
        for (term, count) in &counts.terms {
            from = self.place(*term, from);
            let Some(it) = self.features.get(from) else { break };
            if self.term(it) != *term {
                continue;
            }
            let count = if settings.binary { 1.0 } else { *count as f64 };
            let tf = if settings.sublinear_tf { count.ln() + 1.0 } else { count };
            weights.push((u32::try_from(from).unwrap_or(u32::MAX), tf * it.idf));
        }
        let norm = match settings.norm {
            Norm::None => return weights,
            Norm::Sum => weights.iter().map(|(_, weight)| weight.abs()).sum::<f64>(),
            Norm::Length => weights.iter().map(|(_, weight)| weight * weight).sum::<f64>().sqrt(),
        };
        if norm > 0.0 {
            weights.iter_mut().for_each(|(_, weight)| *weight /= norm);
        }
        weights
    }
}
