//! Damage to the boxes of HEIC and AVIF: sizes, places and properties of what they hold.

use super::bytes::places;
use super::damage::Mutator;

/// Names of boxes, whose numbers follow.
const NAMES: &[&[u8]] = &[
    b"ftyp", b"meta", b"hdlr", b"pitm", b"iloc", b"iinf", b"infe", b"iref", b"dimg", b"auxl",
    b"iprp", b"ipco", b"ipma", b"ispe", b"pixi", b"colr", b"irot", b"imir", b"clap", b"auxC",
    b"hvcC", b"av1C", b"idat", b"mdat", b"Exif",
];
/// Bytes behind a name that its numbers stand in.
const NUMBERS_BYTES: usize = 32;

pub(super) fn damage(mutator: &mut Mutator, picture: &mut [u8]) {
    let found: Vec<usize> = NAMES.iter().flat_map(|name| places(picture, name)).collect();
    let Some(name) = mutator.pick(&found) else { return };
    // The length stands before the name.
    let at = (name + mutator.below(NUMBERS_BYTES)).saturating_sub(4);
    if at < picture.len() {
        mutator.number(picture, at);
    }
}
