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
        let (seen, skew_degrees, degrees) = straight(&upright, asked)?;
        let may_turn = asked.is_turned && turned_degrees == 0;
        let reading = accurate::read(&seen, may_turn, watch)?;
        if reading.turned_degrees == 0 {
            let (width, height) = (upright.width, upright.height);
            let map =
                Map { width, height, seen_width: seen.width, seen_height: seen.height, degrees };
            let blocks = blocks(reading.words, &map);
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

/// What is looked at of a page: the page itself, or one whose lines run level; by how many degrees
/// its lines fall; and by how many it was turned back.
fn straight<'a>(
    grey: &'a Picture,
    asked: &Asked<'_>,
) -> Result<(Cow<'a, Picture>, f64, f64), Failure> {
    let skew_degrees = asked.is_turned.then(|| skew::skew_degrees(grey)).flatten().unwrap_or(0.0);
    let fall = f64::from(grey.width) * skew_degrees.to_radians().tan();
    if fall.abs() >= FALL_PIXELS_MIN {
        return Ok((Cow::Owned(turn::turned(grey, skew_degrees)?), skew_degrees, skew_degrees));
    }
    Ok((Cow::Borrowed(grey), skew_degrees, 0.0))
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
    let mut straight = straight(grey, asked)?;
    if threshold == Threshold::Local {
        straight.0 = Cow::Owned(light::softened(&straight.0));
    }
    let mut words = |page_mode: u32| {
        let pixels = pixels(&straight.0, dpi);
        engines::words(asked.languages, &pixels, page_mode, threshold, watch)
    };
    let first = words(asked.page_mode)?;
    let may_lack = asked.page_mode == super::PAGE_MODE_DEFAULT
        && overlooked::is_much_overlooked(&straight.0, &first);
    let page = placed(grey, asked, &straight, first);
    // One that stands on its head is turned first, and one in doubt left to the networks.
    let is_others = asked.engine == Engine::Auto && page.is_doubtful();
    if !may_lack || is_others || page.confidence() < CONFIDENCE_MIN || page.has_columns() {
        return Ok(page);
    }
    let again = match words(ONE_COLUMN) {
        Ok(words) => placed(grey, asked, &straight, words),
        Err(failure) if failure.code == engines::CANCELLED => return Err(failure),
        // There is a reading.
        Err(_) => return Ok(page),
    };
    let weight = |page: &Page| page.weight_above(CONFIDENCE_MIN);
    Ok(if weight(&again) > weight(&page) { again } else { page })
}

/// The page of words that were read on the straight one.
fn placed(
    grey: &Picture,
    asked: &Asked<'_>,
    (seen, skew_degrees, degrees): &(Cow<'_, Picture>, f64, f64),
    words: Vec<Word>,
) -> Page {
    // Tesseract reads text that stands on its side by itself, but leaves it there.
    let turned_degrees = if asked.is_turned { quarter(&words) } else { 0 };
    let (width, height) = match turned_degrees {
        0 => (grey.width, grey.height),
        _ => (grey.height, grey.width),
    };
    let degrees = degrees + f64::from(turned_degrees);
    let map = Map { width, height, seen_width: seen.width, seen_height: seen.height, degrees };
    let blocks = blocks(words, &map);
    Page { width, height, turned_degrees, skew_degrees: *skew_degrees, blocks, ..Page::default() }
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
