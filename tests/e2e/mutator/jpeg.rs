//! Damage to the segments of a JPEG: lengths, frame headers, tables, order.

use super::damage::Mutator;
use std::ops::Range;

/// Markers that another one's place is given to.
const MARKERS: &[u8] =
    &[0xC0, 0xC1, 0xC2, 0xC3, 0xC4, 0xC9, 0xD8, 0xD9, 0xDA, 0xDB, 0xDD, 0xE0, 0xE1, 0xEE, 0xFE];

pub(super) fn damage(mutator: &mut Mutator, jpeg: &mut Vec<u8>) {
    let segments = segments(jpeg);
    let (Some(segment), Some(other)) =
        (mutator.pick_clone(&segments), mutator.pick_clone(&segments))
    else {
        return;
    };
    match mutator.below(8) {
        0 => drop(jpeg.drain(segment)),
        1 => {
            let again = jpeg[segment.clone()].to_vec();
            drop(jpeg.splice(segment.start..segment.start, again));
        }
        2 => {
            let moved = jpeg[other].to_vec();
            drop(jpeg.splice(segment, moved));
        }
        3 => jpeg[segment.start + 1] = mutator.pick(MARKERS).unwrap_or(0xD9),
        4 => {
            // The length alone: what follows is read as part of the segment, or the reverse.
            let length = mutator.below(jpeg.len()).min(0xFFFF) as u16;
            jpeg[segment.start + 2..segment.start + 4].copy_from_slice(&length.to_be_bytes());
        }
        _ => {
            for _ in 0..=mutator.below(3) {
                let at = segment.start + 4 + mutator.below(segment.len() - 4);
                if at < jpeg.len() {
                    mutator.number(jpeg, at);
                }
            }
        }
    }
}

/// The segments before the first scan, marker included.
fn segments(jpeg: &[u8]) -> Vec<Range<usize>> {
    const START_OF_SCAN: u8 = 0xDA;
    let mut segments = Vec::new();
    let mut at = 2;
    while let Some([0xFF, marker, high, low, ..]) = jpeg.get(at..) {
        let end = at + 2 + usize::from(u16::from_be_bytes([*high, *low]));
        if end > jpeg.len() || end < at + 4 {
            break;
        }
        segments.push(at..end);
        if *marker == START_OF_SCAN {
            break;
        }
        at = end;
    }
    segments
}

impl Mutator {
    fn pick_clone(&mut self, from: &[Range<usize>]) -> Option<Range<usize>> {
        from.get(self.below(from.len())).cloned()
    }
}
