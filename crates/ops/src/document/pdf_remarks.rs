//! What is to be said of a PDF's pages: those that are pictures, blank, damaged, cut off.

use super::glyphs::{PAGE_GLYPH_COUNT_MAX, Page};

/// Pages that need a word, by number from 1.
#[derive(Default)]
pub(super) struct Remarks {
    pub(super) without_text: Vec<usize>,
    pub(super) pictures: Vec<usize>,
    pub(super) blank: Vec<usize>,
    pub(super) unmapped: Vec<usize>,
    pub(super) coded: Vec<usize>,
    pub(super) broken: Vec<usize>,
    pub(super) too_big: Vec<usize>,
    /// The first page that was not read, because a limit of the whole file was reached.
    pub(super) cut_from: Option<usize>,
}

/// How the drawing of a page ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum PageEnd {
    Whole,
    /// Its content cannot be unpacked, or the interpreter gave up.
    Broken,
    TooBig,
}

impl Remarks {
    /// Remembers what is to be said of a page; `has_text`: in the page itself, or read as a
    /// picture.
    pub(super) fn look_at(&mut self, number: usize, page: &Page, end: PageEnd, has_text: bool) {
        if !has_text {
            self.without_text.push(number);
        }
        match end {
            PageEnd::Broken => self.broken.push(number),
            PageEnd::TooBig => self.too_big.push(number),
            PageEnd::Whole if has_text => {}
            PageEnd::Whole if page.has_drawing => self.pictures.push(number),
            PageEnd::Whole => self.blank.push(number),
        }
        if page.is_unmapped() {
            self.unmapped.push(number);
        }
        if page.is_coded() {
            self.coded.push(number);
        }
    }

    /// A sentence for each kind of page.
    pub(super) fn sentences(&self, page_count: usize) -> Vec<String> {
        let mut sentences = Vec::new();
        let mut say = |pages: &[usize], one: &str, many: &str| {
            if let Some(named) = named(pages) {
                let rest = if pages.len() == 1 { one } else { many };
                sentences.push(format!("{named} {rest}"));
            }
        };
        say(
            &self.pictures,
            "has no text layer; ocr=always reads it as a picture",
            "have no text layer; ocr=always reads them as pictures",
        );
        say(&self.blank, "is blank", "are blank");
        say(
            &self.unmapped,
            "uses fonts that do not say which characters they show; its text is incomplete",
            "use fonts that do not say which characters they show; their text is incomplete",
        );
        say(
            &self.coded,
            "uses fonts that do not say which characters they show; their codes are taken for them",
            "use fonts that do not say which characters they show; their codes are taken for them",
        );
        say(
            &self.broken,
            "is damaged; its text may be incomplete",
            "are damaged; their text may be incomplete",
        );
        let limit = format!(
            "more than {PAGE_GLYPH_COUNT_MAX} characters or endless drawing steps; the rest is left out"
        );
        say(&self.too_big, &format!("has {limit}"), &format!("have {limit}"));
        if let Some(first) = self.cut_from {
            let rest: Vec<usize> = (first..=page_count).collect();
            say(
                &rest,
                "is left out: the document is larger than can be read",
                "are left out: the document is larger than can be read",
            );
        }
        sentences
    }
}

/// "page 3", "pages 1-3 and 7"; nothing for no pages. Numbers rise.
pub(super) fn named(pages: &[usize]) -> Option<String> {
    /// Ranges that are spelt out; of a document with more, the rest are counted.
    const RANGE_COUNT_MAX: usize = 12;
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    for page in pages {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == *page => *last = *page,
            _ => ranges.push((*page, *page)),
        }
    }
    let spelt = ranges.iter().take(RANGE_COUNT_MAX).map(|(first, last)| match first == last {
        true => first.to_string(),
        false => format!("{first}-{last}"),
    });
    let mut spelt: Vec<String> = spelt.collect();
    let left: usize =
        ranges.iter().skip(RANGE_COUNT_MAX).map(|(first, last)| last - first + 1).sum();
    if left > 0 {
        spelt.push(format!("{left} more"));
    }
    let last = spelt.pop()?;
    let noun = if pages.len() == 1 { "page" } else { "pages" };
    Some(match spelt.is_empty() {
        true => format!("{noun} {last}"),
        false => format!("{noun} {} and {last}", spelt.join(", ")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_named_in_ranges() {
        assert_eq!(named(&[]), None);
        assert_eq!(named(&[3]).as_deref(), Some("page 3"));
        assert_eq!(named(&[1, 2, 3]).as_deref(), Some("pages 1-3"));
        assert_eq!(named(&[1, 2, 3, 7, 9, 10]).as_deref(), Some("pages 1-3, 7 and 9-10"));
        let odd: Vec<usize> = (0..20).map(|index| 2 * index + 1).collect();
        assert!(named(&odd).is_some_and(|text| text.ends_with("23 and 8 more")));
    }
}
