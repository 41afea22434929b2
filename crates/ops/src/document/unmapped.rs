//! Glyphs that the PDF gives no character for: the embedded font's own tables are asked, then those
//! of the collection that it belongs to.

use super::collections::Collections;
use hayro_interpret::font::{FontData, Glyph, OutlineGlyph, PositionedGlyph};
use hayro_interpret::hayro_cmap::BfString;
use hayro_syntax::Pdf;
use skrifa::{FontRef, MetadataProvider};
use std::collections::BTreeMap;

/// Fonts whose tables are kept, and glyphs kept of each: more come only in files made to harm.
const FONT_COUNT_MAX: usize = 256;
const FONT_GLYPH_COUNT_MAX: usize = 65_536;

/// Reads glyphs as characters by their font's character map, reversed, or by their collection.
pub(super) struct GlyphNamer<'p> {
    fonts: BTreeMap<u128, BTreeMap<u32, char>>,
    collections: Collections<'p>,
}

impl<'p> GlyphNamer<'p> {
    pub(super) fn new(pdf: &'p Pdf) -> GlyphNamer<'p> {
        GlyphNamer { fonts: BTreeMap::new(), collections: Collections::new(pdf) }
    }

    /// What a glyph reads as, if its font or its collection knows.
    pub(super) fn name(&mut self, glyph: &OutlineGlyph) -> Option<BfString> {
        let own = self.in_font(glyph).map(BfString::Char);
        own.or_else(|| self.collections.read(glyph))
    }

    fn in_font(&mut self, glyph: &OutlineGlyph) -> Option<char> {
        let id = glyph.glyph_id().to_u32();
        if id == 0 {
            return None;
        }
        let font = glyph.font_data()?;
        if !self.fonts.contains_key(&font.cache_key) {
            if self.fonts.len() >= FONT_COUNT_MAX {
                return None;
            }
            self.fonts.insert(font.cache_key, reversed(&font.data));
        }
        self.fonts.get(&font.cache_key)?.get(&id).copied()
    }
}

/// Whether a glyph without a character shows nothing, where others that are drawn with it do: that
/// is a space, whatever its number. A font of which nothing can be shown says nothing by that.
pub(super) fn is_blank(glyph: &OutlineGlyph, run: &[PositionedGlyph<'_>]) -> bool {
    let has_ink = |glyph: &OutlineGlyph| !glyph.outline().elements().is_empty();
    let shows = |it: &PositionedGlyph<'_>| matches!(&**it, Glyph::Outline(it) if has_ink(it));
    glyph.glyph_id().to_u32() != 0 && !has_ink(glyph) && run.iter().any(shows)
}

/// Glyph to character; of several characters the first, private use only where nothing else is.
fn reversed(data: &FontData) -> BTreeMap<u32, char> {
    let mut characters = BTreeMap::new();
    let Ok(font) = FontRef::new(data.as_ref().as_ref()) else { return characters };
    for (code, glyph) in font.charmap().mappings().take(FONT_GLYPH_COUNT_MAX) {
        let Some(c) = char::from_u32(code) else { continue };
        if !('\u{E000}'..='\u{F8FF}').contains(&c) {
            characters.entry(glyph.to_u32()).or_insert(c);
        }
    }
    characters
}
