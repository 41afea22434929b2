//! Fonts of PDFs that do not say which characters they show, built table by table.

use super::super::glyphs::{Glyph, Page};
use super::super::pdf_fallback::Fallback;
use super::pdf::{pdf, show};
use super::*;
use hayro_interpret::kurbo::{Affine, Point};
use std::io::Write as _;
use windlass_native::pdfium;

/// A TrueType font of these tables, as the content of a stream.
fn font_file(tables: &[(&str, Vec<u8>)]) -> String {
    let count = u16::try_from(tables.len()).unwrap();
    let mut file = vec![0, 1, 0, 0];
    for number in [count, 16, 0, 0] {
        file.extend(number.to_be_bytes());
    }
    let mut offset = file.len() + 16 * tables.len();
    for (name, table) in tables {
        file.extend(name.as_bytes());
        for number in [0, offset, table.len()] {
            file.extend(u32::try_from(number).unwrap().to_be_bytes());
        }
        offset += table.len();
    }
    tables.iter().for_each(|(_, table)| file.extend(table));
    let hex: String = file.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("<</Filter/ASCIIHexDecode/Length {}>>\nstream\n{hex}>\nendstream", hex.len() + 1)
}

fn shorts(numbers: &[u16]) -> Vec<u8> {
    numbers.iter().flat_map(|number| number.to_be_bytes()).collect()
}

fn maxp(glyph_count: u16) -> Vec<u8> {
    shorts(&[1, 0, glyph_count, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0])
}

/// A font of a collection, embedded, that numbers its glyphs as the collection does.
fn of_collection(ordering: &str) -> Vec<u8> {
    in_font(ordering, "034B034D", &[("maxp", maxp(65_535))])
}

/// Glyphs of an embedded font with these tables.
fn in_font(ordering: &str, glyphs: &str, tables: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let font = "/BaseFont/ABCDEF+Gothic";
    let composite =
        format!("<</Type/Font/Subtype/Type0{font}/Encoding/Identity-H/DescendantFonts[101 0 R]>>");
    let descendant = format!(
        "<</Type/Font/Subtype/CIDFontType2{font}/CIDSystemInfo<</Registry(Adobe)\
         /Ordering({ordering})/Supplement 2>>/FontDescriptor 102 0 R/DW 1000>>"
    );
    let descriptor = "<</Type/FontDescriptor/FontName/ABCDEF+Gothic/Flags 4/FontFile2 103 0 R>>";
    let page = format!("BT /F2 12 Tf 72 700 Td <{glyphs}> Tj ET");
    pdf(&[&page], "", &[&composite, &descendant, descriptor, &font_file(tables)])
}

#[test]
fn the_numbers_of_an_east_asian_collection_are_characters() {
    let given = read(Media::Pdf, &of_collection("Japan1"));
    assert_eq!(given.text(), "\u{3042}\u{3044}\n");
    assert_eq!(given.json()["warnings"], json!([]));
    let given = read(Media::Pdf, &of_collection("Korea1"));
    assert!(!given.text().contains('\u{FFFD}'), "{}", given.text());
}

#[test]
fn numbers_of_nothing_known_are_told_as_missing() {
    let given = read(Media::Pdf, &of_collection("Identity"));
    assert_eq!(given.text(), "\u{FFFD}\u{FFFD}\n");
    let warnings = given.json()["warnings"].to_string();
    assert!(warnings.contains("do not say which characters they show"), "{warnings}");
    let is_offered = warnings.contains("pip install --no-deps");
    assert_eq!(is_offered, pdfium::installed().is_none(), "{warnings}");
}

/// A font of three glyphs: nothing, a triangle, nothing.
fn triangle() -> Vec<(&'static str, Vec<u8>)> {
    let (mut head, mut hhea) = ([0; 27], [0; 18]);
    (head[0], head[9], hhea[0], hhea[17]) = (1, 1_000, 1, 1);
    // One contour, its box, its last point, no instructions; what follows are bytes and shorts.
    let mut glyph = shorts(&[1, 0, 0, 500, 500, 2, 0]);
    glyph.extend([1, 1, 1]);
    glyph.extend(shorts(&[0, 500, 0, 0, 0, 500]));
    glyph.push(0);
    vec![
        ("glyf", glyph),
        ("head", shorts(&head)),
        ("hhea", shorts(&hhea)),
        ("hmtx", shorts(&[600, 0, 0, 0])),
        ("loca", shorts(&[0, 0, 15, 15])),
        ("maxp", maxp(3)),
    ]
}

#[test]
fn a_glyph_that_shows_nothing_beside_others_is_a_space() {
    let text =
        |glyphs| read(Media::Pdf, &in_font("Identity", glyphs, &triangle())).text().to_owned();
    assert_eq!(text("000100020001"), "\u{FFFD} \u{FFFD}\n");
    // Nothing says that this font shows anything, nor that it has a glyph 0.
    assert_eq!(text("00020002"), "\u{FFFD}\u{FFFD}\n");
    assert_eq!(text("00010000"), "\u{FFFD}\u{FFFD}\n");
}

/// A font of pictures, whose names say nothing, as old programs for mathematics made them.
#[test]
fn codes_of_a_byte_are_characters_where_nothing_else_is_known() {
    let font = "<</Type/Font/Subtype/Type3/FontBBox[0 0 600 600]/FontMatrix[.001 0 0 .001 0 0]\
                /FirstChar 65/LastChar 66/Widths[600 600]/Encoding<</Differences[1/a1 65/a65/g7]>>\
                /CharProcs<</a1 101 0 R/a65 101 0 R/g7 101 0 R>>>>";
    let letter = "<</Length 40>>\nstream\n600 0 0 0 500 500 d1 0 0 500 500 re f       \nendstream";
    let page = "BT /F2 12 Tf 72 600 Td (ABBA\\001) Tj ET";
    let given = read(Media::Pdf, &pdf(&[page], "", &[font, letter]));
    assert!(given.text().starts_with("ABBA"), "{}", given.text());
    let warnings = given.json()["warnings"].to_string();
    assert!(warnings.contains("their codes are taken for them"), "{warnings}");
}

/// A page on which two letters are without a character, at the places where PDFium finds some.
#[test]
fn what_no_table_tells_pdfium_does() {
    if pdfium::load().is_err() {
        let _ = writeln!(std::io::stderr(), "not run: pdfium (it is not installed)");
        let required = std::env::var("WINDLASS_REQUIRE").unwrap_or_default();
        assert!(!required.split(',').any(|it| it == "pdfium"), "pdfium is required");
        return;
    }
    let content = show(72, 700, "AB");
    let file = pdf(&[&content, &show(72, 700, "C")], "", &[]);
    // Points of the file, y pointing up, to those of the page.
    let transform = Affine::new([1.0, 0.0, 0.0, -1.0, 0.0, 792.0]);
    let glyph = |at: usize, x: f64, y: f64| Glyph {
        text: 3 * at..3 * at + 3,
        origin: Point::new(x, y),
        end: Point::new(x + 8.0, y),
        size: 12.0,
    };
    // An A of Helvetica is 667 thousandths of an em wide; nothing stands at the third place.
    let glyphs = vec![glyph(0, 72.0, 92.0), glyph(1, 72.0 + 8.004, 92.0), glyph(2, 300.0, 92.0)];
    let text = "\u{FFFD}".repeat(3);
    let mut page = Page { glyphs, text, unmapped_count: 3, ..Page::default() };
    // PDFium would keep 16 million marks for the one, and 5,700 for the other.
    let marked = format!("{}{content}", "/Span BMC ".repeat(5_700));
    let mut fallback = Fallback::new(&file);
    fallback.complete(&mut page, 1, marked.as_bytes(), transform);
    assert_eq!(page.unmapped_count, 3);
    let closed = format!("{}{content}", "/Span BMC EMC ".repeat(5_700));
    fallback.complete(&mut page, 1, closed.as_bytes(), transform);
    let read: Vec<&str> = page.glyphs.iter().map(|glyph| &page.text[glyph.text.clone()]).collect();
    assert_eq!(read, ["A", "B", "\u{FFFD}"]);
    assert_eq!(page.unmapped_count, 1);
    assert_eq!(fallback.sentences(), ["some characters of page 1 were told by PDFium"]);
    // A page without gaps is not asked about.
    let mut whole = Page { text: "C".to_owned(), ..Page::default() };
    fallback.complete(&mut whole, 2, b"", transform);
    assert_eq!(fallback.sentences().len(), 1);
}
