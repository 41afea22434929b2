//! Which engine reads a picture.

use super::accurate;
use super::engines;
use super::page::Page;
use std::collections::BTreeSet;
use windlass_core::Failure;
use windlass_core::params::Params;

/// Languages that the networks read, in Tesseract's letters: those of Latin script that they
/// learnt, Chinese and Japanese.
const NETWORK_LANGUAGES: &[&str] = &[
    "afr", "aze", "bos", "cat", "ces", "chi_sim", "chi_tra", "cym", "dan", "deu", "eng", "est",
    "eus", "fin", "fra", "gle", "glg", "hrv", "hun", "ind", "isl", "ita", "jpn", "kmr", "lat",
    "lav", "lit", "ltz", "mlt", "mri", "msa", "nld", "nor", "oci", "pol", "por", "que", "ron",
    "slk", "slv", "spa", "sqi", "srp_latn", "swa", "swe", "tur", "uzb", "vie",
];

/// What is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Engine {
    Tesseract,
    Accurate,
    Auto,
}

/// Who read a page.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(crate) enum Reader {
    #[default]
    Tesseract,
    Networks,
}

impl Engine {
    pub(super) fn of(params: &Params) -> Engine {
        match params.text("engine") {
            Some("accurate") => Engine::Accurate,
            Some("auto") => Engine::Auto,
            _ => Engine::Tesseract,
        }
    }

    /// Refuses what cannot be done here, before a large file is read for nothing.
    pub(super) fn check(self, languages: &str) -> Result<(), Failure> {
        if self != Engine::Accurate {
            return engines::installed().map(|_| ());
        }
        accurate::check()?;
        let Some(language) = unread(languages) else { return Ok(()) };
        Err(Failure::rejected(
            "language_not_read",
            format!("the accurate engine does not read the language {language:?}"),
            "Read it with --param engine=tesseract.",
        ))
    }
}

impl Reader {
    /// Name and version: `Tesseract 5.3.0`.
    pub(super) fn name(self) -> Result<String, Failure> {
        match self {
            Reader::Tesseract => engines::version(),
            Reader::Networks => accurate::version(),
        }
    }
}

/// Names of all who read these pages.
pub(super) fn names(pages: &[Page]) -> Result<String, Failure> {
    let readers: BTreeSet<Reader> = pages.iter().map(|page| page.reader).collect();
    let names = readers.into_iter().map(Reader::name).collect::<Result<Vec<_>, _>>()?;
    Ok(names.join("; "))
}

/// The first of the languages that the networks do not read.
fn unread(languages: &str) -> Option<&str> {
    languages.split('+').find(|language| !NETWORK_LANGUAGES.contains(language))
}

/// A way to read the page at hand.
type Read<'a> = dyn FnMut(&mut dyn FnMut(u32) -> bool) -> Result<Page, Failure> + 'a;

/// Reads a page by the engine that suits it: by Tesseract, and where that finds nothing or doubts
/// what it read, as on photographs and receipts, by the accurate one. Where that is not there, or
/// does not read the language, Tesseract has to do and reads with more care.
pub(super) fn choose(
    languages: &str,
    by_tesseract: &mut Read<'_>,
    by_tesseract_with_care: &mut Read<'_>,
    by_networks: &mut Read<'_>,
    watch: &mut dyn FnMut(u32) -> bool,
) -> Result<Page, Failure> {
    let page = by_tesseract(watch)?;
    if !page.is_doubtful() {
        return Ok(page);
    }
    let why = match page.blocks.is_empty() {
        true => "Tesseract found nothing on it".to_owned(),
        false => format!("Tesseract was sure of {:.0} % of it", page.confidence()),
    };
    let hindrance = match (accurate::lack(), unread(languages)) {
        (Some(lack), _) => format!("{} (get it by {})", lack.what, lack.install),
        (None, Some(language)) => format!("the accurate engine does not read {language:?}"),
        (None, None) => match by_networks(watch) {
            Ok(page) => return Ok(Page { why: Some(why), ..page }),
            Err(failure) if failure.code == accurate::BROKEN => failure.cause,
            Err(failure) => return Err(failure),
        },
    };
    let page = by_tesseract_with_care(watch)?;
    Ok(Page { why: Some(format!("{why}, but {hindrance}")), ..page })
}

/// Why the pages of a file were read by whom, in sentences; nothing where nobody had to choose.
pub(super) fn sentences(pages: &[Page]) -> Vec<String> {
    let chosen = (1..).zip(pages).filter_map(|(number, page)| {
        let by = match page.reader {
            Reader::Networks => "by the accurate engine",
            Reader::Tesseract => "by Tesseract",
        };
        let page_name = if pages.len() == 1 { "It".to_owned() } else { format!("Page {number}") };
        page.why.as_ref().map(|why| format!("{page_name} was read {by}: {why}."))
    });
    chosen.collect()
}
