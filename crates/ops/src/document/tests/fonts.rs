//! Fonts of PDFs that do not say which characters they show, built table by table.

use super::pdf::{pdf, show};
use super::*;
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
    let font = "/BaseFont/ABCDEF+Gothic";
    let composite =
        format!("<</Type/Font/Subtype/Type0{font}/Encoding/Identity-H/DescendantFonts[101 0 R]>>");
    let descendant = format!(
        "<</Type/Font/Subtype/CIDFontType2{font}/CIDSystemInfo<</Registry(Adobe)\
         /Ordering({ordering})/Supplement 2>>/FontDescriptor 102 0 R/DW 1000>>"
    );
    let descriptor = "<</Type/FontDescriptor/FontName/ABCDEF+Gothic/Flags 4/FontFile2 103 0 R>>";
    let page = "BT /F2 12 Tf 72 700 Td <034B034D> Tj ET";
    pdf(&[page], "", &[&composite, &descendant, descriptor, &font_file(&[("maxp", maxp(65_535))])])
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

/// Two glyphs of a font for signs: its table tells them by private numbers.
fn symbolic() -> Vec<u8> {
    let mut head = shorts(&[1, 0, 1, 0, 0, 0, 0x5F0F, 0x3CF5, 0, 1_000]);
    head.resize(54, 0);
    let mut hhea = shorts(&[1, 0, 800, 0xFF38, 0, 600]);
    hhea.resize(34, 0);
    hhea.extend(shorts(&[3]));
    // One range, 0xF041 to 0xF042, of glyphs from 1 on, and the end.
    let ranges = [4, 32, 0, 4, 4, 1, 0, 0xF042, 0xFFFF, 0, 0xF041, 0xFFFF, 0x0FC0, 1, 0, 0];
    let cmap = [shorts(&[0, 1, 3, 0, 0, 12]), shorts(&ranges)].concat();
    let tables = [
        ("cmap", cmap),
        ("glyf", vec![0; 4]),
        ("head", head),
        ("hhea", hhea),
        ("hmtx", shorts(&[600, 0, 600, 0, 600, 0])),
        ("loca", shorts(&[0; 4])),
        ("maxp", maxp(3)),
    ];
    let font = "<</Type/Font/Subtype/TrueType/BaseFont/ABCDEF+Signs/FirstChar 65/LastChar 66\
                /Widths[600 600]/FontDescriptor 101 0 R>>";
    let descriptor = "<</Type/FontDescriptor/FontName/ABCDEF+Signs/Flags 4/FontFile2 102 0 R>>";
    let page = "BT /F2 12 Tf 72 600 Td (ABA) Tj ET ".to_owned() + &show(72, 560, "known");
    pdf(&[&page], "", &[font, descriptor, &font_file(&tables)])
}

#[test]
fn what_no_table_tells_pdfium_does() {
    if pdfium::load().is_err() {
        let _ = writeln!(std::io::stderr(), "not run: pdfium (it is not installed)");
        let required = std::env::var("WINDLASS_REQUIRE").unwrap_or_default();
        assert!(!required.split(',').any(|it| it == "pdfium"), "pdfium is required");
        return;
    }
    let given = read(Media::Pdf, &symbolic());
    assert_eq!(given.text(), "ABA\n\nknown\n");
    let warnings = json!(["some characters of page 1 were told by PDFium"]);
    assert_eq!(given.json()["warnings"], warnings);
}
