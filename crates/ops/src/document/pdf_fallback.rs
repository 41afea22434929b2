//! Characters that neither a PDF nor its fonts' tables tell: PDFium is asked, where it is there, on
//! pages that have many of them.
//!
//! Only the characters come from it: where they stand, and in which order they are read, is known.

use super::glyphs::{Glyph, Page};
use super::pdf_remarks::named;
use crate::needs::{Extra, Lack, identity};
use hayro_interpret::kurbo::{Affine, Point};
use std::collections::BTreeMap;
use windlass_native::library::LoadError;
use windlass_native::pdfium::{self, Character, Document};

/// How to get it.
const INSTALL: &str = "python3 -m pip install --no-deps --target ~/.local/share/windlass/lib/pypdfium2 \
                       pypdfium2";
/// Ems by which two programs differ about where a glyph begins.
const DISTANCE_EM_MAX: f64 = 0.1;
/// Points to the side of a square in which characters are looked for.
const SQUARE_POINTS: f64 = 4.0;
/// With each mark that a page opens, and with each thing that it draws, PDFium keeps a list of all
/// marks that are open there; where it gets no memory, it ends the process. A damaged page may open
/// thousands and close none.
const KEPT_MARK_COUNT_MAX: usize = 8 << 20;
/// Characters of one square: more lie there in hostile files only.
const SQUARE_CHARACTER_COUNT_MAX: usize = 256;

/// What results depend on: the library's file.
pub(super) fn basis() -> Vec<(String, String)> {
    pdfium::installed().map(|path| identity(&path)).into_iter().collect()
}

/// What is there of it.
pub(super) fn extra() -> Extra {
    let found = match pdfium::load() {
        Ok(_) => Ok("PDFium".to_owned()),
        Err(LoadError::Missing(_)) => {
            Err(Lack { what: "PDFium is not installed".to_owned(), install: INSTALL })
        }
        Err(error) => Err(Lack { what: format!("failed to {error}"), install: INSTALL }),
    };
    Extra { what_for: "text of PDFs whose fonts do not say their characters", found }
}

/// PDFium, and what it did for a file.
pub(super) struct Fallback<'b> {
    bytes: &'b [u8],
    /// Opened at the first page that needs it.
    document: Option<Result<Document<'b>, Useless>>,
    /// Pages of which it told characters, from 1.
    helped: Vec<usize>,
    /// Pages that it was not there for, from 1.
    lacking: Vec<usize>,
}

impl<'b> Fallback<'b> {
    pub(super) fn new(bytes: &'b [u8]) -> Fallback<'b> {
        Fallback { bytes, document: None, helped: Vec::new(), lacking: Vec::new() }
    }

    /// Fills in the characters that are missing on a page, if they are many. `content` draws it;
    /// `transform` leads from the file's space to the page's.
    pub(super) fn complete(
        &mut self,
        page: &mut Page,
        number: usize,
        content: &[u8],
        transform: Affine,
    ) {
        if !page.is_unmapped() || kept_mark_count(content) > KEPT_MARK_COUNT_MAX {
            return;
        }
        match self.document.get_or_insert_with(|| opened(self.bytes)) {
            Ok(document) => {
                let characters = document.characters(number - 1).unwrap_or_default();
                if fill_in(page, &Places::new(&characters, transform)) > 0 {
                    self.helped.push(number);
                }
            }
            Err(Useless::Library(_)) => self.lacking.push(number),
            Err(Useless::File) => {}
        }
    }

    /// What is to be said of it.
    pub(super) fn sentences(&self) -> Vec<String> {
        let helped = named(&self.helped);
        let helped = helped.map(|pages| format!("some characters of {pages} were told by PDFium"));
        let lacking = match &self.document {
            Some(Err(Useless::Library(why))) => named(&self.lacking)
                .map(|pages| format!("more of {pages} might be read by PDFium: {why}")),
            _ => None,
        };
        helped.into_iter().chain(lacking).collect()
    }
}

/// Why PDFium cannot be asked.
enum Useless {
    /// It is not there, or broken: what is to be said.
    Library(String),
    /// The file is so damaged that PDFium does not open it.
    File,
}

fn opened(bytes: &[u8]) -> Result<Document<'_>, Useless> {
    let pdfium = pdfium::load().map_err(|error| {
        Useless::Library(match error {
            LoadError::Missing(_) => format!("it is not installed. To get it: {INSTALL}"),
            LoadError::Broken { .. } => format!("failed to {error}. To get it anew: {INSTALL}"),
        })
    })?;
    pdfium.open(bytes).map_err(|_| Useless::File)
}

/// How long these lists are together (ISO 32000-2, 14.6 and annex A), by the words that look like
/// operators. Only the page's own content is looked at, not that of the forms that it draws.
fn kept_mark_count(content: &[u8]) -> usize {
    // A name begins with a slash, which stays with it.
    let is_apart = |byte: &u8| byte.is_ascii_whitespace() || b"\0()<>[]{}%".contains(byte);
    let (mut open_count, mut kept_count) = (0_usize, 0_usize);
    for word in content.split(is_apart) {
        match word {
            b"EMC" => open_count = open_count.saturating_sub(1),
            b"BMC" | b"BDC" => {
                open_count += 1;
                kept_count = kept_count.saturating_add(open_count);
            }
            b"Tj" | b"TJ" | b"'" | b"\"" | b"f" | b"F" | b"f*" | b"S" | b"s" | b"B" | b"B*"
            | b"b" | b"b*" | b"sh" | b"Do" | b"EI" => {
                kept_count = kept_count.saturating_add(open_count)
            }
            _ => {}
        }
    }
    kept_count
}

/// Characters by where they stand on the page.
struct Places {
    squares: BTreeMap<(i64, i64), Vec<(Point, char)>>,
}

impl Places {
    fn new(characters: &[Character], transform: Affine) -> Places {
        let mut squares: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for Character { character, x, y } in characters {
            let point = transform * Point::new(*x, *y);
            let square = squares.entry(square_of(point)).or_default();
            if square.len() < SQUARE_CHARACTER_COUNT_MAX {
                square.push((point, *character));
            }
        }
        Places { squares }
    }

    /// What stands at a glyph's place: those that begin nearest to it, several for a ligature.
    fn at(&self, glyph: &Glyph) -> String {
        let reach = (DISTANCE_EM_MAX * glyph.size).min(SQUARE_POINTS);
        let (column, row) = square_of(glyph.origin);
        let around = (-1..=1).flat_map(|right| (-1..=1).map(move |down| (right, down)));
        let squares =
            around.filter_map(|(right, down)| self.squares.get(&(column + right, row + down)));
        let near: Vec<(f64, char)> = squares
            .flatten()
            .map(|(point, character)| ((*point - glyph.origin).hypot(), *character))
            .filter(|(distance, _)| *distance <= reach)
            .collect();
        let nearest = near.iter().map(|(distance, _)| *distance).fold(f64::INFINITY, f64::min);
        let same = near.iter().filter(|(distance, _)| *distance <= nearest + 1e-3);
        same.map(|(_, character)| *character).collect()
    }
}

fn square_of(point: Point) -> (i64, i64) {
    ((point.x / SQUARE_POINTS).floor() as i64, (point.y / SQUARE_POINTS).floor() as i64)
}

/// Gives characters to glyphs that have none, and says to how many.
fn fill_in(page: &mut Page, places: &Places) -> usize {
    let mut count = 0;
    for glyph in &mut page.glyphs {
        if &page.text[glyph.text.clone()] != "\u{FFFD}" {
            continue;
        }
        let told = places.at(glyph);
        if told.is_empty() {
            continue;
        }
        let start = page.text.len();
        page.text.push_str(&told);
        glyph.text = start..page.text.len();
        count += 1;
    }
    page.unmapped_count = page.unmapped_count.saturating_sub(count);
    count
}
