//! Numbers and bullets of Word's lists: they are not in the text but counted, in DOCX by its
//! numbering part.

use super::xml::{attribute, each_element};
use std::collections::BTreeMap;

/// Levels of a list, fixed by the format.
pub(super) const LEVEL_COUNT: usize = 9;
/// Characters of a level's pattern; Word's own dialogue takes fewer.
const PATTERN_CHAR_COUNT_MAX: usize = 255;
/// Roman numerals are written up to here; Word goes no further.
const ROMAN_MAX: u32 = 3_999;

/// Which list and level a paragraph names.
#[derive(Clone, Debug, Default)]
pub(super) struct ListRef {
    list: Option<u32>,
    level: Option<usize>,
}

impl ListRef {
    pub(super) fn new(list: u32, level: usize) -> ListRef {
        ListRef { list: Some(list), level: Some(level) }
    }

    pub(super) fn set_list(&mut self, value: Option<String>) {
        self.list = value.and_then(|value| value.parse().ok());
    }

    pub(super) fn set_level(&mut self, value: Option<String>) {
        self.level = value.and_then(|value| value.parse().ok());
    }
}

/// How a level counts.
#[derive(Clone, Debug, Default)]
pub(super) struct Level {
    /// As DOCX calls it: `decimal`, `lowerRoman`, `bullet`.
    pub(super) format: String,
    /// `%1.%2` with the numbers of levels in it.
    pub(super) pattern: String,
    pub(super) start: u32,
}

/// The lists of a document and how far each has counted.
#[derive(Debug, Default)]
pub(super) struct Lists {
    levels: BTreeMap<u32, Vec<Level>>,
    abstract_of: BTreeMap<u32, u32>,
    style_lists: BTreeMap<String, ListRef>,
    counters: BTreeMap<u32, [u32; LEVEL_COUNT]>,
}

impl Lists {
    /// Reads the numbering and the styles part; both may be empty.
    pub(super) fn read(numbering: &str, styles: &str) -> Lists {
        let mut lists = Lists::default();
        let (mut definition, mut level, mut instance) = (0, 0_usize, 0);
        each_element(numbering, |element| {
            let value = |name: &str| attribute(element, name);
            let number = |name: &str| value(name).and_then(|value| value.parse::<u32>().ok());
            match element.local_name().as_ref() {
                "abstractNum" => definition = number("abstractNumId").unwrap_or(0),
                "num" => instance = number("numId").unwrap_or(0),
                "abstractNumId" => {
                    lists.abstract_of.insert(instance, number("val").unwrap_or(0));
                }
                "lvl" => level = number("ilvl").map_or(0, |level| level as usize),
                tag @ ("start" | "numFmt" | "lvlText") if level < LEVEL_COUNT => {
                    let empty = || vec![Level { start: 1, ..Level::default() }; LEVEL_COUNT];
                    let levels = lists.levels.entry(definition).or_insert_with(empty);
                    match tag {
                        "start" => levels[level].start = number("val").unwrap_or(1),
                        "numFmt" => levels[level].format = value("val").unwrap_or_default(),
                        _ => levels[level].pattern = short(&value("val").unwrap_or_default()),
                    }
                }
                _ => {}
            }
        });
        lists.read_styles(styles);
        lists
    }

    /// Adds a list that counts by a definition, which several lists may share.
    pub(super) fn add(&mut self, list: u32, definition: u32) {
        self.abstract_of.insert(list, definition);
    }

    /// Says how a definition's levels count; those that are not told have no label.
    pub(super) fn define(&mut self, definition: u32, mut levels: Vec<Level>) {
        levels.iter_mut().for_each(|level| level.pattern = short(&level.pattern));
        levels.resize(LEVEL_COUNT, Level { start: 1, ..Level::default() });
        self.levels.insert(definition, levels);
    }

    fn read_styles(&mut self, styles: &str) {
        let mut style = String::new();
        each_element(styles, |element| match element.local_name().as_ref() {
            "style" => style = attribute(element, "styleId").unwrap_or_default(),
            "numId" => {
                let list = self.style_lists.entry(style.clone()).or_default();
                list.set_list(attribute(element, "val"));
            }
            "ilvl" => {
                let list = self.style_lists.entry(style.clone()).or_default();
                list.set_level(attribute(element, "val"));
            }
            _ => {}
        });
    }

    /// How deep in its list a paragraph stands, from 0.
    pub(super) fn depth(&self, own: &ListRef, style: Option<&str>) -> u8 {
        let of_style = style.and_then(|style| self.style_lists.get(style));
        let level = own.level.or_else(|| of_style?.level).unwrap_or(0).min(LEVEL_COUNT - 1);
        u8::try_from(level).unwrap_or(0)
    }

    /// The number or bullet of the next paragraph of a list; `None` outside lists.
    pub(super) fn label(&mut self, own: &ListRef, style: Option<&str>) -> Option<String> {
        let of_style = style.and_then(|style| self.style_lists.get(style));
        let list = own.list.or_else(|| of_style?.list)?;
        let level = own.level.or_else(|| of_style?.level).unwrap_or(0).min(LEVEL_COUNT - 1);
        let definition = *self.abstract_of.get(&list)?;
        let levels = self.levels.get(&definition)?;
        let counters = self.counters.entry(definition).or_insert([0; LEVEL_COUNT]);
        counters[level] = counters[level].saturating_add(1);
        counters[level + 1..].fill(0);
        if levels[level].format == "none" {
            return None;
        }
        if levels[level].format == "bullet" {
            return Some("\u{2022}".to_owned());
        }
        let mut label = levels[level].pattern.clone();
        for (index, shown) in levels.iter().enumerate().take(level + 1) {
            let count = counters[index].max(1) - 1;
            let number = written(shown.start.saturating_add(count), &shown.format);
            label = label.replace(&format!("%{}", index + 1), &number);
        }
        (!label.trim().is_empty()).then_some(label)
    }
}

fn short(pattern: &str) -> String {
    pattern.chars().take(PATTERN_CHAR_COUNT_MAX).collect()
}

/// A number in a list's format; formats that are not known count in decimal.
fn written(number: u32, format: &str) -> String {
    match format {
        "lowerLetter" => letters(number, 'a'),
        "upperLetter" => letters(number, 'A'),
        "lowerRoman" => roman(number).to_lowercase(),
        "upperRoman" => roman(number),
        "decimalZero" => format!("{number:02}"),
        _ => number.to_string(),
    }
}

/// a … z, aa, bb … as Word counts.
fn letters(number: u32, first: char) -> String {
    /// Word itself stops at 30 repetitions.
    const REPEAT_MAX: u32 = 30;
    let Some(index) = number.checked_sub(1) else { return "0".to_owned() };
    let letter = char::from_u32(u32::from(first) + index % 26).unwrap_or(first);
    std::iter::repeat_n(letter, (index / 26).min(REPEAT_MAX) as usize + 1).collect()
}

fn roman(mut number: u32) -> String {
    const DIGITS: [(u32, &str); 13] = [
        (1000, "M"),
        (900, "CM"),
        (500, "D"),
        (400, "CD"),
        (100, "C"),
        (90, "XC"),
        (50, "L"),
        (40, "XL"),
        (10, "X"),
        (9, "IX"),
        (5, "V"),
        (4, "IV"),
        (1, "I"),
    ];
    if !(1..=ROMAN_MAX).contains(&number) {
        return number.to_string();
    }
    let mut text = String::new();
    for (value, digits) in DIGITS {
        while number >= value {
            text.push_str(digits);
            number -= value;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_is_short_whatever_its_pattern() {
        let mut lists = Lists::default();
        let pattern = "%1".repeat(60_000);
        lists.define(0, vec![Level { pattern, start: 1, ..Level::default() }]);
        lists.add(1, 0);
        let label = lists.label(&ListRef::new(1, 0), None).expect("it counts");
        assert!(label.len() < 300, "{}", label.len());
    }

    #[test]
    fn numbers_are_written_in_every_format() {
        assert_eq!(written(14, "upperRoman"), "XIV");
        assert_eq!(written(28, "lowerLetter"), "bb");
        assert_eq!(written(7, "decimalZero"), "07");
        assert_eq!(written(7, "ideographDigital"), "7");
    }
}
