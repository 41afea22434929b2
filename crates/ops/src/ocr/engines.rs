//! Tesseract's engines of this process: made at the first use, kept over attempts.
//!
//! Loading a language takes about as long as recognising a short text, so that an executor keeps
//! the engines of its last attempt.

use crate::needs::{Lack, identity};
use std::cell::RefCell;
use windlass_core::Failure;
use windlass_native::tesseract::{self, Engine, EngineError, Installed, Pixels, Turned};

/// How to get what is missing on Debian and Ubuntu.
const INSTALL: &str = "apt-get install tesseract-ocr tesseract-ocr-eng tesseract-ocr-osd";
/// Languages that a message names at most.
const NAMED_COUNT_MAX: usize = 20;

/// The code of a failure by `watch`.
pub(super) const CANCELLED: &str = "cancelled";

/// Which brightness divides ink from paper.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Threshold {
    /// One for the whole picture (Otsu).
    Whole,
    /// One for each place (Sauvola), for pictures that are lit unevenly.
    Local,
}

#[derive(Default)]
struct Engines {
    /// With the languages that it was made for.
    words: Option<(String, Engine)>,
    orientation: Option<Engine>,
}

thread_local! {
    /// An executor works on one thread.
    static ENGINES: RefCell<Engines> = RefCell::new(Engines::default());
}

/// What is not installed here that it takes.
pub(super) fn lack() -> Option<Lack> {
    tesseract::installed().err().map(|missing| Lack { what: missing.to_string(), install: INSTALL })
}

/// What readings in these languages depend on: the files of library and data, by size and time.
pub(super) fn basis(languages: &str) -> Vec<(String, String)> {
    let Ok(installed) = tesseract::installed() else { return Vec::new() };
    let languages = languages.split('+').chain(["osd"]);
    let data = languages.map(|name| installed.data.join(format!("{name}.traineddata")));
    std::iter::once(installed.library.clone()).chain(data).map(|path| identity(&path)).collect()
}

/// What is installed, or why there is no text recognition here.
pub(super) fn installed() -> Result<Installed, Failure> {
    tesseract::installed().map_err(|missing| {
        let next_step = format!("Install it, on Debian and Ubuntu: {INSTALL}");
        Failure::rejected("ocr_unavailable", missing.to_string(), next_step)
    })
}

/// The words of a picture.
pub(super) fn words(
    languages: &str,
    pixels: &Pixels<'_>,
    page_mode: u32,
    threshold: Threshold,
    watch: &mut dyn FnMut(u32) -> bool,
) -> Result<Vec<tesseract::Word>, Failure> {
    ENGINES.with_borrow_mut(|engines| {
        let engine = engines.words(languages)?;
        let method = match threshold {
            Threshold::Whole => c"0",
            Threshold::Local => c"2",
        };
        engine.set(c"thresholding_method", method);
        engine.recognise(pixels, page_mode, watch).map_err(|error| failed(&error))
    })
}

/// How a picture lies; `None` where that cannot be told, or nothing is installed to tell it.
pub(super) fn orientation(pixels: &Pixels<'_>) -> Option<Turned> {
    ENGINES.with_borrow_mut(|engines| engines.orientation()?.orientation(pixels))
}

impl Engines {
    fn words(&mut self, languages: &str) -> Result<&mut Engine, Failure> {
        if self.words.as_ref().is_none_or(|(made_for, _)| made_for != languages) {
            // The memory of the old one first.
            self.words = None;
            let installed = installed()?;
            check_languages(languages, &installed)?;
            let tesseract = tesseract::load().map_err(|error| broken(&error))?;
            let mut engine =
                tesseract.engine(&installed.data, languages).map_err(|error| broken(&error))?;
            quiet(&mut engine);
            self.words = Some((languages.to_owned(), engine));
        }
        self.words.as_mut().map(|(_, engine)| engine).ok_or_else(|| broken(&"no engine"))
    }

    fn orientation(&mut self) -> Option<&mut Engine> {
        if self.orientation.is_none() {
            let installed = installed().ok().filter(|it| it.has_orientation)?;
            let mut engine = tesseract::load().ok()?.orientation_engine(&installed.data).ok()?;
            quiet(&mut engine);
            self.orientation = Some(engine);
        }
        self.orientation.as_mut()
    }
}

/// Its remarks would stand before the cause of a death, and its window for local thresholds is a
/// fifth of an inch: at a third, letters of receipts run into shadows.
fn quiet(engine: &mut Engine) {
    engine.set(c"debug_file", c"/dev/null");
    engine.set(c"thresholding_window_size", c"0.2");
}

/// Refuses languages that are not installed and names those that are.
fn check_languages(languages: &str, installed: &Installed) -> Result<(), Failure> {
    let missing =
        languages.split('+').find(|name| !installed.languages.iter().any(|it| it == name));
    let Some(missing) = missing else { return Ok(()) };
    let named = installed.languages.iter().take(NAMED_COUNT_MAX).map(String::as_str);
    let mut there = named.collect::<Vec<_>>().join(", ");
    if installed.languages.len() > NAMED_COUNT_MAX {
        there.push_str(", …");
    }
    Err(Failure::rejected(
        "language_missing",
        format!("the language {missing:?} is not installed; installed are: {there}"),
        "Name one of these with --param lang=…, or install it, on Debian and Ubuntu: apt-get install \
         tesseract-ocr-LANG.",
    ))
}

fn failed(error: &EngineError) -> Failure {
    match error {
        EngineError::Cancelled => Failure::unavailable(CANCELLED, "the attempt was cancelled", ""),
        _ => Failure::rejected(
            "page_not_recognised",
            "Tesseract gave up on the page without a word why",
            "Save the picture anew, or try another --param psm=…",
        ),
    }
}

/// What is installed does not work: tried again and elsewhere, and withdrawn here if it goes on.
fn broken(error: &dyn std::fmt::Display) -> Failure {
    Failure::new(
        windlass_core::FailureKind::Crashed,
        "ocr_broken",
        format!("failed to {error}"),
        "Install it anew: apt-get install --reinstall tesseract-ocr libtesseract5 tesseract-ocr-eng.",
    )
}

/// What reads: `Tesseract 5.3.0`.
pub(super) fn version() -> Result<String, Failure> {
    let tesseract = tesseract::load().map_err(|error| broken(&error))?;
    Ok(format!("Tesseract {}", tesseract.version()))
}
