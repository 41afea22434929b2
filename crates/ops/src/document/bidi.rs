//! Lines that read from right to left, wholly or in part: from the order seen to the order read.
//!
//! The algorithm of Unicode Annex 9 turns reading order into visual order; applied to a visual line
//! it gives the reading order back, since reversing twice is no change.

use unicode_bidi::{BidiClass, BidiInfo, Level, bidi_class};

/// Whether a character belongs to a script that is written from right to left.
pub(super) fn is_rtl(c: char) -> bool {
    // Hebrew is the first such block; nearly all text ends here.
    c >= '\u{0590}' && matches!(bidi_class(c), BidiClass::R | BidiClass::AL)
}

/// Whether a character is written onto the one before it.
pub(super) fn is_mark(c: char) -> bool {
    c >= '\u{0300}' && bidi_class(c) == BidiClass::NSM
}

/// The text of units (letters with their marks, ligatures, spaces) that stand from left to right.
pub(super) fn logical_text(units: &[String]) -> String {
    let visual: String = units.concat();
    let level = if reads_rtl(&visual) { Level::rtl() } else { Level::ltr() };
    let info = BidiInfo::new(&visual, Some(level));
    let Some(paragraph) = info.paragraphs.first() else { return visual };
    let (_, runs) = info.visual_runs(paragraph, paragraph.range.clone());
    let mut starts = Vec::with_capacity(units.len() + 1);
    let mut position = 0;
    for unit in units {
        starts.push(position);
        position += unit.len();
    }
    let mut text = String::with_capacity(visual.len());
    for run in runs {
        // A unit belongs to the run in which it begins.
        let first = starts.partition_point(|start| *start < run.start);
        let after = starts.partition_point(|start| *start < run.end);
        let is_rtl = info.levels.get(run.start).is_some_and(Level::is_rtl);
        match is_rtl {
            true => units[first..after].iter().rev().for_each(|unit| text.push_str(unit)),
            false => units[first..after].iter().for_each(|unit| text.push_str(unit)),
        }
    }
    text
}

/// Whether most of a line's letters belong to scripts written from right to left.
fn reads_rtl(text: &str) -> bool {
    let rtl = text.chars().filter(|c| is_rtl(*c)).count();
    let ltr = text.chars().filter(|c| bidi_class(*c) == BidiClass::L).count();
    rtl >= ltr
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(visual: &str, logical: &str) {
        let units: Vec<String> = visual.chars().map(String::from).collect();
        assert_eq!(logical_text(&units), logical);
    }

    #[test]
    fn hebrew_is_turned_round_and_numbers_are_not() {
        check("םלוע םולש", "שלום עולם");
        check("2024 תנש", "שנת 2024");
        check(".םולש", "שלום.");
    }

    #[test]
    fn latin_within_hebrew_keeps_its_order() {
        check("ןאכ Word שי", "יש Word כאן");
        check("see םולש there", "see שלום there");
    }

    #[test]
    fn a_ligature_stays_whole() {
        let units = ["م", "لا", "س"].map(String::from);
        assert_eq!(logical_text(&units), "سلام");
    }
}
