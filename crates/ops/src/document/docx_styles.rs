//! Paragraph styles of DOCX files: which of them are headings.

use super::xml::{attribute, each_element};
use std::collections::BTreeMap;

/// Styles that are based on one another; more is a circle.
const BASE_COUNT_MAX: usize = 16;

#[derive(Debug, Default)]
struct Style {
    level: Option<u8>,
    base: Option<String>,
}

/// The heading level of each style, by its id.
#[derive(Debug, Default)]
pub(super) struct Styles(BTreeMap<String, Style>);

impl Styles {
    /// Reads the styles part; it may be empty.
    pub(super) fn read(xml: &str) -> Styles {
        let mut styles = BTreeMap::<String, Style>::new();
        let mut id = String::new();
        each_element(xml, |element| {
            let value = || attribute(element, "val").unwrap_or_default();
            match element.local_name().as_ref() {
                "style" => id = attribute(element, "styleId").unwrap_or_default(),
                "name" => {
                    let level = named_level(&value());
                    let style = styles.entry(id.clone()).or_default();
                    style.level = style.level.or(level);
                }
                "basedOn" => styles.entry(id.clone()).or_default().base = Some(value()),
                "outlineLvl" => {
                    let level = value().parse::<u8>().ok().filter(|level| *level < 9);
                    styles.entry(id.clone()).or_default().level = level.map(|level| level + 1);
                }
                _ => {}
            }
        });
        Styles(styles)
    }

    /// The level of a heading style, from 1.
    pub(super) fn level(&self, id: &str) -> Option<u8> {
        let mut style = self.0.get(id);
        for _ in 0..BASE_COUNT_MAX {
            let found = style?;
            if found.level.is_some() {
                return found.level;
            }
            style = self.0.get(found.base.as_deref()?);
        }
        None
    }
}

/// Word calls its headings so in every language.
fn named_level(name: &str) -> Option<u8> {
    let name = name.to_lowercase();
    if name == "title" {
        return Some(1);
    }
    name.strip_prefix("heading ")?.parse().ok().filter(|level| (1..=9).contains(level))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_are_told_by_name_level_and_base() {
        let styles = Styles::read(
            "<w:styles><w:style w:styleId=\"A\"><w:name w:val=\"heading 2\"/></w:style>\
             <w:style w:styleId=\"B\"><w:name w:val=\"Mine\"/><w:basedOn w:val=\"A\"/></w:style>\
             <w:style w:styleId=\"C\"><w:pPr><w:outlineLvl w:val=\"4\"/></w:pPr></w:style>\
             <w:style w:styleId=\"D\"><w:basedOn w:val=\"D\"/></w:style></w:styles>",
        );
        let levels = ["A", "B", "C", "D", "E"].map(|id| styles.level(id));
        assert_eq!(levels, [Some(2), Some(2), Some(5), None, None]);
    }
}
