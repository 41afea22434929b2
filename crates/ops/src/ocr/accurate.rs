//! The accurate engine: one network finds the lines of a page, another one reads each of them, and
//! their order is made here. It is slower than Tesseract on pages and far better on photographs,
//! receipts and small or faint print.

mod decode;
mod networks;
mod order;
mod regions;
mod slanted;
mod strip;

use crate::image::picture::Picture;
use networks::Networks;
pub(super) use networks::{BROKEN, basis, check, lack};
use order::Fragment;
use slanted::Slanted;
use windlass_core::Failure;
use windlass_native::tesseract::Word;

/// Percent of the work that are done when the lines are found.
const FOUND_PERCENT: u32 = 30;
/// Lines of which it is less sure are taken for patterns.
const LINE_CONFIDENCE_MIN: f32 = 50.0;
/// Below this mean confidence a page may stand on its head.
const PAGE_CONFIDENCE_MIN: f32 = 80.0;
/// Lines that are read both ways to tell how a page lies.
const TRIAL_COUNT: usize = 5;
/// A line so many times as high as wide runs down or up.
const STANDING: f64 = 1.5;
/// One that is no higher than so many of its neighbours' is a figure or letter that stands alone.
const ALONE: f64 = 2.0;

/// What was read of a picture.
#[derive(Debug, Default)]
pub(super) struct Reading {
    /// In reading order, places in pixels of the picture.
    pub(super) words: Vec<Word>,
    /// By how many degrees the picture is to be turned clockwise to stand upright. Unless that is
    /// 0, no words were read.
    pub(super) turned_degrees: u32,
}

/// Reads a grey picture. `is_turned`: whether it may lie on its side or head, which is told and
/// left to the caller. `watch` hears how many percent are done, and answers whether to go on.
///
/// # Errors
/// The engine is not there or does not work, there is no memory, or `watch` did not want to go on.
pub(super) fn read(
    grey: &Picture,
    is_turned: bool,
    watch: &mut dyn FnMut(u32) -> bool,
) -> Result<Reading, Failure> {
    networks::with(|networks| {
        let places = networks.lines(grey)?;
        go_on(watch(FOUND_PERCENT))?;
        if is_turned && mostly_stand(&places) {
            let down: Vec<Slanted> = widest(places.iter().map(|place| place.quartered()));
            let up: Vec<Slanted> = down.iter().map(|place| place.quartered().quartered()).collect();
            let turned_degrees =
                if sure(networks, grey, &down)? >= sure(networks, grey, &up)? { 270 } else { 90 };
            return Ok(Reading { turned_degrees, ..Reading::default() });
        }
        let mut fragments = fragments(networks, grey, &places, watch)?;
        if is_turned && confidence(&fragments) < PAGE_CONFIDENCE_MIN {
            let upright = widest(fragments.iter().map(|it| it.place));
            let on_head: Vec<Slanted> =
                upright.iter().map(|place| place.quartered().quartered()).collect();
            if sure(networks, grey, &on_head)? > sure(networks, grey, &upright)? {
                return Ok(Reading { turned_degrees: 180, ..Reading::default() });
            }
        }
        fragments.retain(|it| confidence(std::slice::from_ref(it)) >= LINE_CONFIDENCE_MIN);
        Ok(Reading { words: order::ordered(fragments), turned_degrees: 0 })
    })
}

/// What reads: its name and the library's version.
pub(super) fn version() -> Result<String, Failure> {
    networks::with(|networks| Ok(networks.name.clone()))
}

/// All lines, read.
fn fragments(
    networks: &mut Networks,
    grey: &Picture,
    places: &[Slanted],
    watch: &mut dyn FnMut(u32) -> bool,
) -> Result<Vec<Fragment>, Failure> {
    let usual = usual_height(places);
    let mut fragments = Vec::with_capacity(places.len());
    for (index, place) in places.iter().enumerate() {
        let place = if stands(place, usual) { place.quartered() } else { *place };
        fragments.push(Fragment { place, pieces: networks.words(grey, &place)? });
        let done = (100 - FOUND_PERCENT) as usize * (index + 1) / places.len();
        go_on(watch(FOUND_PERCENT + done as u32))?;
    }
    Ok(fragments)
}

/// Mean confidence of a character, 0 to 100; 0 where there is none.
fn confidence(fragments: &[Fragment]) -> f32 {
    let (mut sum, mut count) = (0.0, 0.0_f32);
    for piece in fragments.iter().flat_map(|it| &it.pieces) {
        let characters = piece.text.chars().count() as f32;
        sum += piece.confidence * characters;
        count += characters;
    }
    sum / count.max(1.0)
}

/// How sure the network is of these lines.
fn sure(networks: &mut Networks, grey: &Picture, places: &[Slanted]) -> Result<f32, Failure> {
    let mut fragments = Vec::new();
    for place in places {
        fragments.push(Fragment { place: *place, pieces: networks.words(grey, place)? });
    }
    Ok(confidence(&fragments))
}

/// The longest lines, which tell most.
fn widest(places: impl Iterator<Item = Slanted>) -> Vec<Slanted> {
    let mut places: Vec<Slanted> = places.collect();
    places.sort_by(|a, b| b.width.total_cmp(&a.width));
    places.truncate(TRIAL_COUNT);
    places
}

/// Whether more of the page's text runs down or up than to the right, by its length.
fn mostly_stand(places: &[Slanted]) -> bool {
    let length = |place: &&Slanted| place.width.max(place.height);
    let (standing, lying): (Vec<&Slanted>, Vec<&Slanted>) =
        places.iter().partition(|place| place.height > STANDING * place.width);
    standing.iter().map(length).sum::<f64>() > lying.iter().map(length).sum::<f64>()
}

fn stands(place: &Slanted, usual: f64) -> bool {
    place.height > STANDING * place.width && place.height > ALONE * usual
}

/// The middling line's height.
fn usual_height(places: &[Slanted]) -> f64 {
    let mut heights: Vec<f64> = places.iter().map(|place| place.width.min(place.height)).collect();
    heights.sort_by(f64::total_cmp);
    heights.get(heights.len() / 2).copied().unwrap_or(0.0)
}

fn go_on(wanted: bool) -> Result<(), Failure> {
    if wanted {
        return Ok(());
    }
    Err(Failure::unavailable("cancelled", "the attempt was cancelled", ""))
}
