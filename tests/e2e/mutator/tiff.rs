//! Damage to the directories of a TIFF: what the fields say, how many there are, where they lie.

use super::damage::Mutator;

const ENTRY_BYTES: usize = 12;
/// Fields that a decoder believes: sizes, bits, packing, colours, strips, predictor, tiles.
const TAGS: &[u16] =
    &[256, 257, 258, 259, 262, 266, 273, 274, 277, 278, 279, 282, 284, 317, 322, 324, 338, 347];

pub(super) fn damage(mutator: &mut Mutator, tiff: &mut [u8]) {
    let is_big = tiff.starts_with(b"MM");
    let bytes = |value: u16| if is_big { value.to_be_bytes() } else { value.to_le_bytes() };
    let Some(directory) = long(tiff, 4, is_big) else { return };
    let Some(count) = tiff.get(directory..directory + 2) else { return };
    let count = usize::from(match is_big {
        true => u16::from_be_bytes([count[0], count[1]]),
        false => u16::from_le_bytes([count[0], count[1]]),
    });
    let entry = directory + 2 + mutator.below(count.clamp(1, 64)) * ENTRY_BYTES;
    if entry + ENTRY_BYTES > tiff.len() {
        return;
    }
    match mutator.below(6) {
        0 => {
            let tag = mutator.pick(TAGS).unwrap_or(256);
            tiff[entry..entry + 2].copy_from_slice(&bytes(tag));
        }
        1 => {
            let kind = mutator.below(19) as u16;
            tiff[entry + 2..entry + 4].copy_from_slice(&bytes(kind));
        }
        2 => mutator.number(tiff, entry + 4),
        3 => mutator.number(tiff, entry + 8),
        // A chain that leads back, or nowhere.
        4 => {
            let next = directory + 2 + count * ENTRY_BYTES;
            let to = if mutator.below(2) == 0 { 8 } else { directory as u32 };
            let to = if is_big { to.to_be_bytes() } else { to.to_le_bytes() };
            if let Some(field) = tiff.get_mut(next..next + 4) {
                field.copy_from_slice(&to);
            }
        }
        _ => mutator.number(tiff, directory),
    }
}

fn long(tiff: &[u8], at: usize, is_big: bool) -> Option<usize> {
    let bytes = *tiff.get(at..)?.first_chunk()?;
    Some(if is_big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) } as usize)
}
