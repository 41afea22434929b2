//! One picture to a page: made straight, read, and if that went badly turned and read again.

use super::choice::{Engine, Reader, choose};
use super::engines::Threshold;
use super::page::{Map, Page, blocks};
use super::{accurate, engines, light, overlooked, skew, turn};
use crate::image::picture::{Layout, Orientation, Picture, check_size};
use std::borrow::Cow;
use windlass_core::Failure;
use windlass_native::tesseract::{Pixels, Word};

/// Below this mean confidence of a character a page may stand on its head: upright text, however
/// bad, has more; text upside down about 40.
const CONFIDENCE_MIN: f64 = 65.0;
/// How sure Tesseract must be of an orientation for a second reading to be worth it.
const TURNED_CONFIDENCE_MIN: f32 = 1.0;
/// Lines that fall by so many pixels over the picture's width, about a letter's height, are
/// straightened: at two degrees Tesseract loses a third of a page's lines. Below that the loss by
/// new pixels is greater than the gain.
const FALL_PIXELS_MIN: f64 = 12.0;
/// Tesseract counts pixels by 16-bit numbers; a straightened page is somewhat larger.
const SIDE_MAX: u32 = 30_000;
/// Beside the grey pixels: Tesseract's copy, its binary picture and what layout analysis makes of
/// them, and the straightened or softened picture.
const BYTES_PER_PIXEL: u64 = 8;

/// Tesseract's page mode for a column of text of varying sizes: it looks for no layout, and so
/// leaves nothing out that stands apart, as the amounts on a receipt do.
const ONE_COLUMN: u32 = 4;

/// How a page is to be read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    /// `eng`, or several as `eng+deu`.
    pub(crate) languages: &'a str,
    /// Tesseract's page segmentation mode; 3 finds columns and lines.
    pub(crate) page_mode: u32,
    /// Whether a page that lies on its side or head is turned, and one at a slant made straight.
    pub(crate) is_turned: bool,
    /// What reads.
    pub(crate) engine: Engine,
}

impl Default for Asked<'_> {
    fn default() -> Self {
        Asked {
            languages: super::LANGUAGE_DEFAULT,
            page_mode: super::PAGE_MODE_DEFAULT,
            is_turned: true,
            engine: Engine::Tesseract,
        }
    }
}

/// Reads a grey picture; `dpi`: pixels of an inch, where they are known for sure. `watch` hears how
/// many percent are done (it may hear less than before when a page is read again), and answers
/// whether to go on.
///
/// # Errors
/// The picture is too large, a language or an engine is not installed, the engine gave up, or
/// `watch` did not want to go on.
pub(crate) fn recognise(
    grey: &Picture,
    dpi: Option<u32>,
    asked: &Asked<'_>,
    watch: &mut dyn FnMut(u32) -> bool,
) -> Result<Page, Failure> {
    assert_eq!(grey.layout, Layout::Grey, "what is read is grey");
    check_size(grey.width.into(), grey.height.into(), BYTES_PER_PIXEL)?;
    if grey.width.max(grey.height) > SIDE_MAX {
        return Err(Failure::rejected(
            "image_too_large",
            format!(
                "the picture has {} x {} pixels, and Tesseract reads at most {SIDE_MAX} a side",
                grey.width, grey.height
            ),
            "Cut it into parts, or scale it down.",
        ));
    }
    let alone = Asked { engine: Engine::Tesseract, ..*asked };
    match asked.engine {
        Engine::Tesseract => by_tesseract(grey, dpi, asked, watch),
        Engine::Accurate => by_networks(grey, asked, watch),
        Engine::Auto => choose(
            asked.languages,
            &mut |watch| read(grey, dpi, asked, watch),
            &mut |watch| by_tesseract(grey, dpi, &alone, watch),
            &mut |watch| by_networks(grey, asked, watch),
            watch,
        ),
    }
}

/// Reads a page, and what is read badly once more, turned, if it may lie on its side or head.
fn by_tesseract(
    grey: &Picture,
    dpi: Option<u32>,
    asked: &Asked<'_>,
    watch: &mut dyn FnMut(u32) -> bool,
) -> Result<Page, Failure> {
    let mut page = read(grey, dpi, asked, watch)?;
    if !asked.is_turned || page.confidence() >= CONFIDENCE_MIN {
        return Ok(page);
    }
    let Some(turned) = engines::orientation(&pixels(grey, dpi)) else { return Ok(page) };
    page.turned_confidence = Some(turned.confidence);
    if turned.clockwise_degrees == 0 || turned.confidence < TURNED_CONFIDENCE_MIN {
        return Ok(page);
    }
    let upright = grey.clone().oriented(Orientation::from_turn(turned.clockwise_degrees))?;
    let again = read(&upright, dpi, asked, watch)?;
    if again.weight() <= page.weight() {
        return Ok(page);
    }
    let turned_degrees = (turned.clockwise_degrees + again.turned_degrees) % 360;
    Ok(Page { turned_degrees, turned_confidence: Some(turned.confidence), ..again })
}

fn by_networks(
    grey: &Picture,
    asked: &Asked<'_>,
    watch: &mut dyn FnMut(u32) -> bool,
) -> Result<Page, Failure> {
    let mut upright = Cow::Borrowed(grey);
    let mut turned_degrees = 0;
    loop {
        let straight = Straight::of(&upright, asked)?;
        let may_turn = asked.is_turned && turned_degrees == 0;
        let reading = accurate::read(&straight.seen, may_turn, watch)?;
        if reading.turned_degrees == 0 {
            let (width, height) = (upright.width, upright.height);
            let skew_degrees = straight.skew_degrees;
            let blocks = blocks(reading.words, &straight.map(width, height, straight.turned_back));
            let reader = Reader::Networks;
            return Ok(Page {
                width,
                height,
                turned_degrees,
                skew_degrees,
                blocks,
                reader,
                ..Page::default()
            });
        }
        turned_degrees = reading.turned_degrees;
        upright = Cow::Owned(grey.clone().oriented(Orientation::from_turn(turned_degrees))?);
    }
}

/// What is looked at of a page.
struct Straight<'a> {
    /// The page itself, or one whose lines run level.
    seen: Cow<'a, Picture>,
    /// By how many degrees the page's lines fall.
    skew_degrees: f64,
    /// By how many it was turned back.
    turned_back: f64,
}

impl<'a> Straight<'a> {
    fn of(grey: &'a Picture, asked: &Asked<'_>) -> Result<Straight<'a>, Failure> {
        let skew_degrees =
            asked.is_turned.then(|| skew::skew_degrees(grey)).flatten().unwrap_or(0.0);
        let fall = f64::from(grey.width) * skew_degrees.to_radians().tan();
        if fall.abs() < FALL_PIXELS_MIN {
            return Ok(Straight { seen: Cow::Borrowed(grey), skew_degrees, turned_back: 0.0 });
        }
        let seen = Cow::Owned(turn::turned(grey, skew_degrees)?);
        Ok(Straight { seen, skew_degrees, turned_back: skew_degrees })
    }

    /// The page `grey` out of words that Tesseract read here.
    fn page(&self, grey: &Picture, asked: &Asked<'_>, words: Vec<Word>) -> Page {
        // Tesseract reads text that stands on its side by itself, but leaves it there.
        let turned_degrees = if asked.is_turned { quarter(&words) } else { 0 };
        let (width, height) = match turned_degrees {
            0 => (grey.width, grey.height),
            _ => (grey.height, grey.width),
        };
        let degrees = self.turned_back + f64::from(turned_degrees);
        let blocks = blocks(words, &self.map(width, height, degrees));
        let skew_degrees = self.skew_degrees;
        Page { width, height, turned_degrees, skew_degrees, blocks, ..Page::default() }
    }

    /// From here to a page of this size, turned by so many degrees.
    fn map(&self, width: u32, height: u32, degrees: f64) -> Map {
        let Picture { width: seen_width, height: seen_height, .. } = *self.seen;
        Map { width, height, seen_width, seen_height, degrees }
    }
}

/// A reading by Tesseract of a page that is taken for upright; two where the first one lost part of
/// it.
fn read(
    grey: &Picture,
    dpi: Option<u32>,
    asked: &Asked<'_>,
    watch: &mut dyn FnMut(u32) -> bool,
) -> Result<Page, Failure> {
    let threshold = light::threshold(grey);
    let mut straight = Straight::of(grey, asked)?;
    if threshold == Threshold::Local {
        straight.seen = Cow::Owned(light::softened(&straight.seen));
    }
    let mut words = |page_mode: u32| {
        let pixels = pixels(&straight.seen, dpi);
        engines::words(asked.languages, &pixels, page_mode, threshold, watch)
    };
    let first = words(asked.page_mode)?;
    let page = straight.page(grey, asked, first.clone());
    let is_whole = || !overlooked::is_much_overlooked(&straight.seen, &first);
    if !may_be_read_again(&page, asked) || is_whole() {
        return Ok(page);
    }
    match words(ONE_COLUMN) {
        Ok(words) => Ok(better(page, straight.page(grey, asked, words))),
        Err(failure) if failure.code == engines::CANCELLED => Err(failure),
        // There is a reading.
        Err(_) => Ok(page),
    }
}

/// Whether a page is read again as one column if much was left out.
fn may_be_read_again(page: &Page, asked: &Asked<'_>) -> bool {
    // A page in doubt is left to the networks, and one that stands on its head turned first.
    let is_left = asked.engine == Engine::Auto && page.is_doubtful();
    asked.page_mode == super::PAGE_MODE_DEFAULT
        && !is_left
        && page.confidence() >= CONFIDENCE_MIN
        && !page.has_columns()
}

/// Of two readings that of which more is sure.
fn better(first: Page, second: Page) -> Page {
    let weight = |page: &Page| page.weight_above(CONFIDENCE_MIN);
    if weight(&second) > weight(&first) { second } else { first }
}

/// By how many degrees a page is to be turned clockwise whose lines run down or up: 270 or 90, and
/// 0 where most of their length runs to the right.
fn quarter(words: &[Word]) -> u32 {
    let (mut across, mut down, mut up) = (0, 0, 0);
    for [x1, y1, x2, y2] in words.iter().filter_map(|word| word.baseline) {
        let (wide, high) = (x2.abs_diff(x1), y2.abs_diff(y1));
        match (wide >= high, y2 > y1) {
            (true, _) => across += u64::from(wide),
            (false, true) => down += u64::from(high),
            (false, false) => up += u64::from(high),
        }
    }
    match (across >= down + up, down >= up) {
        (true, _) => 0,
        (false, true) => 270,
        (false, false) => 90,
    }
}

fn pixels(grey: &Picture, dpi: Option<u32>) -> Pixels<'_> {
    Pixels { bytes: &grey.bytes, width: grey.width, height: grey.height, channel_count: 1, dpi }
}

#[cfg(test)]
mod tests {
    use super::super::page::Word;
    use super::*;

    /// A page of ten lines at these places from left to right, read with so much confidence.
    fn page(columns: &[(u32, u32)], confidence: f32) -> Page {
        let columns: Vec<_> = columns.iter().map(|(left, right)| (*left, *right, 0)).collect();
        let mut page = super::super::page::tests::page(&columns);
        let paragraphs = page.blocks.iter_mut().flat_map(|block| &mut block.paragraphs);
        for line in paragraphs.flat_map(|paragraph| &mut paragraph.lines) {
            line.words.push(Word { text: "word".to_owned(), confidence, ..Word::default() });
        }
        page
    }

    #[test]
    fn pages_with_columns_in_doubt_or_on_their_head_are_not_read_again() {
        let asked = Asked::default();
        let goods = &[(50, 500)];
        assert!(may_be_read_again(&page(goods, 90.0), &asked));
        assert!(!may_be_read_again(&page(&[(50, 480), (520, 950)], 90.0), &asked));
        assert!(!may_be_read_again(&page(goods, 60.0), &asked), "on its head");
        assert!(!may_be_read_again(&page(goods, 90.0), &Asked { page_mode: 6, ..asked }));
        let auto = Asked { engine: Engine::Auto, ..asked };
        assert!(!may_be_read_again(&page(goods, 90.0), &auto), "the networks read it");
        assert!(may_be_read_again(&page(goods, 95.0), &auto));
    }

    #[test]
    fn of_two_readings_the_surer_one_counts_not_the_longer_one() {
        let (less, more) = (page(&[(50, 500)], 90.0), page(&[(50, 500), (800, 900)], 90.0));
        assert_eq!(better(less.clone(), more.clone()), more);
        let mut scribble = more.clone();
        let lines = &mut scribble.blocks[0].paragraphs[1].lines;
        lines.iter_mut().for_each(|line| line.words[0].confidence = 30.0);
        assert!(scribble.weight() > less.weight());
        assert_eq!(better(less.clone(), scribble), less);
        assert_eq!(better(more.clone(), less), more);
    }
}
