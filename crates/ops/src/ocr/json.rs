//! The analysis of a file as JSON: the fields of the older service, and the pages.

use super::load::Sheet;
use super::page::{Line, Page, Place, Word};
use super::recognise::Asked;
use serde_json::{Value, json};
use windlass_core::Failure;

/// What was read of a file.
#[derive(Default)]
pub(super) struct Read {
    pub(super) pages: Vec<Page>,
    /// Size and mode of the first page as it is stored.
    first: Option<([u32; 2], &'static str)>,
}

impl Read {
    /// Notes how the first page is stored.
    pub(super) fn note(&mut self, sheet: &Sheet) {
        let size = [sheet.grey.width, sheet.grey.height];
        self.first.get_or_insert((size, sheet.mode));
    }

    /// The text of all pages, a form feed between them.
    pub(super) fn text(&self) -> String {
        let texts: Vec<String> = self.pages.iter().map(Page::text).collect();
        texts.join("\u{c}")
    }

    /// `engine`: names of all who read the pages.
    ///
    /// # Errors
    /// Who read a page does not tell its name.
    pub(super) fn to_json(&self, asked: &Asked<'_>, engine: &str) -> Result<Vec<u8>, Failure> {
        let text = self.text();
        let (size, mode) = self.first.unwrap_or_default();
        let value = json!({
            "extracted_text": text,
            "word_count": text.split_whitespace().count(),
            "character_count": text.chars().count(),
            "average_confidence": average(self.pages.iter().flat_map(Page::words)),
            "image_size": size,
            "image_mode": mode,
            "page_count": self.pages.len(),
            "engine": engine,
            "language": asked.languages,
            "page_mode": asked.page_mode,
            "pages": self.pages.iter().map(page).collect::<Result<Vec<_>, _>>()?,
        });
        let mut json = serde_json::to_vec(&value).expect("strings and numbers can be written");
        json.push(b'\n');
        Ok(json)
    }
}

/// Mean of confidences above 0, 0 where there are none, as in the older service.
fn average<'a>(words: impl Iterator<Item = &'a Word>) -> f64 {
    let (mut sum, mut count) = (0.0, 0_u32);
    for confidence in words.map(|word| f64::from(word.confidence)).filter(|it| *it > 0.0) {
        sum += confidence;
        count += 1;
    }
    rounded(sum / f64::from(count.max(1)))
}

/// To two places: more mean nothing.
fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

fn page(page: &Page) -> Result<Value, Failure> {
    Ok(json!({
        "size": [page.width, page.height],
        "text": page.text(),
        "average_confidence": average(page.words()),
        "orientation": page.turned_degrees,
        "orientation_confidence": page.turned_confidence.map(|it| rounded(it.into())),
        "skew": rounded(page.skew_degrees),
        "engine": page.reader.name()?,
        "lines": page.lines().map(line).collect::<Vec<_>>(),
    }))
}

fn line(line: &Line) -> Value {
    let words = line.words.iter().map(|word| {
        let confidence = rounded(word.confidence.into());
        json!({ "text": word.text, "confidence": confidence, "box": corners(word.place) })
    });
    json!({
        "text": line.text(),
        "box": corners(line.place),
        "words": words.collect::<Vec<_>>(),
    })
}

fn corners(place: Place) -> [u32; 4] {
    [place.left, place.top, place.right, place.bottom]
}
