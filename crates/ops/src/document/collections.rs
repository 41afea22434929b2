//! Fonts that number their glyphs as one of Adobe's collections of East Asian characters does:
//! those numbers are characters by Adobe's own tables, where a PDF says nothing else.

use hayro_interpret::font::OutlineGlyph;
use hayro_interpret::hayro_cmap::{BfString, CMap, CMapName, CidFamily, load_embedded};
use hayro_syntax::Pdf;
use hayro_syntax::object::dict::keys::{
    BASE_FONT, CIDSYSTEMINFO, DESCENDANT_FONTS, ENCODING, ORDERING, REGISTRY,
};
use hayro_syntax::object::{Array, Dict, Name, Object, Stream, String as PdfString};
use std::collections::BTreeMap;
use std::rc::Rc;

/// Fonts that are kept: more come only in files made to harm.
const FONT_COUNT_MAX: usize = 4_096;
/// What stands before the name of a font of which only a part is embedded.
const SUBSET_MARK_BYTES: usize = 6;
/// Longest character code.
const CODE_BYTES_MAX: u8 = 4;

/// The fonts of a file that belong to a collection, looked up where they are first needed.
pub(super) struct Collections<'p> {
    pdf: &'p Pdf,
    fonts: Option<BTreeMap<String, Font>>,
}

struct Font {
    /// From character codes to the collection's numbers.
    numbers: CMap,
    /// From those to characters.
    characters: Rc<CMap>,
}

impl<'p> Collections<'p> {
    pub(super) fn new(pdf: &'p Pdf) -> Collections<'p> {
        Collections { pdf, fonts: None }
    }

    /// What a glyph reads as, if its font belongs to a collection.
    pub(super) fn read(&mut self, glyph: &OutlineGlyph) -> Option<BfString> {
        let name = glyph.font_data()?.postscript_name?;
        let font = self.fonts.get_or_insert_with(|| fonts(self.pdf)).get(&name)?;
        let code = glyph.char_code();
        let number =
            (1..=CODE_BYTES_MAX).find_map(|bytes| font.numbers.lookup_cid_code(code, bytes))?;
        font.characters.lookup_bf_string(number)
    }
}

fn fonts(pdf: &Pdf) -> BTreeMap<String, Font> {
    let mut fonts = BTreeMap::new();
    let mut tables = BTreeMap::new();
    for object in pdf.objects() {
        if fonts.len() == FONT_COUNT_MAX {
            break;
        }
        let Some(dict) = object.into_dict() else { continue };
        if let Some((name, font)) = font(&dict, &mut tables) {
            fonts.entry(name).or_insert(font);
        }
    }
    fonts
}

/// A font by its name, without the mark of a part (`ABCDEF+`).
fn font(dict: &Dict<'_>, tables: &mut BTreeMap<Vec<u8>, Rc<CMap>>) -> Option<(String, Font)> {
    let descendant = dict.get::<Array<'_>>(DESCENDANT_FONTS)?.iter::<Dict<'_>>().next()?;
    let info = descendant.get::<Dict<'_>>(CIDSYSTEMINFO)?;
    let registry = info.get::<PdfString<'_>>(REGISTRY)?;
    let ordering = info.get::<PdfString<'_>>(ORDERING)?;
    let family = CidFamily::from_registry_ordering(&registry, &ordering);
    let table = family.ucs2_cmap()?;
    let characters = match tables.get(table.to_bytes()) {
        Some(characters) => Rc::clone(characters),
        None => {
            let parsed = Rc::new(CMap::parse(load_embedded(table)?, load_embedded)?);
            tables.insert(table.to_bytes().to_vec(), Rc::clone(&parsed));
            parsed
        }
    };
    let numbers = match dict.get::<Object<'_>>(ENCODING)? {
        Object::Name(name) => match CMapName::from_bytes(&name) {
            CMapName::IdentityH => CMap::identity_h(),
            CMapName::IdentityV => CMap::identity_v(),
            other => CMap::parse(load_embedded(other)?, load_embedded)?,
        },
        Object::Stream(stream) => parsed(&stream)?,
        _ => return None,
    };
    let name = dict.get::<Name<'_>>(BASE_FONT)?;
    let name = match name.as_str().split_once('+') {
        Some((mark, name)) if mark.len() == SUBSET_MARK_BYTES => name,
        _ => name.as_str(),
    };
    Some((name.to_owned(), Font { numbers, characters }))
}

fn parsed(stream: &Stream<'_>) -> Option<CMap> {
    CMap::parse(&stream.decoded_data().ok()?, load_embedded)
}
