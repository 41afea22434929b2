//! PDF files built object by object: text, layout, locks and damage.

use super::*;

const PICTURE: &str = "0 0 100 100 re f";
const NO_TEXT: &str = "has no text layer; ocr=always reads it as a picture";

/// A PDF with one page for each content stream, Helvetica as F1, and more objects from number 100.
pub(super) fn pdf(contents: &[&str], trailer: &str, more: &[&str]) -> Vec<u8> {
    pdf_with("", "", contents, trailer, more)
}

/// With more entries of the catalog and of each page.
fn pdf_with(
    catalog: &str,
    page_entries: &str,
    contents: &[&str],
    trailer: &str,
    more: &[&str],
) -> Vec<u8> {
    let mut objects: Vec<(usize, Vec<u8>)> = vec![
        (1, format!("<</Type/Catalog/Pages 2 0 R{catalog}>>").into_bytes()),
        (3, b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>".to_vec()),
    ];
    let mut kids = String::new();
    for (index, content) in contents.iter().enumerate() {
        let page = 10 + 2 * index;
        kids.push_str(&format!("{page} 0 R "));
        let dictionary = format!(
            "<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents {} 0 R\
             /Resources<</Font<</F1 3 0 R/F2 100 0 R>>>>{page_entries}>>",
            page + 1
        );
        objects.push((page, dictionary.into_bytes()));
        objects.push((page + 1, stream("", content.as_bytes())));
    }
    let pages = format!("<</Type/Pages/Kids[{kids}]/Count {}>>", contents.len());
    objects.push((2, pages.into_bytes()));
    objects
        .extend(more.iter().enumerate().map(|(i, object)| (100 + i, object.as_bytes().to_vec())));
    written(objects, trailer)
}

fn stream(entries: &str, data: &[u8]) -> Vec<u8> {
    let mut object = format!("<<{entries}/Length {}>>\nstream\n", data.len()).into_bytes();
    object.extend_from_slice(data);
    object.extend_from_slice(b"\nendstream");
    object
}

fn written(mut objects: Vec<(usize, Vec<u8>)>, trailer: &str) -> Vec<u8> {
    objects.sort();
    let mut file = b"%PDF-1.7\n".to_vec();
    let mut table = String::new();
    for (number, object) in &objects {
        table.push_str(&format!("{number} 1\n{:010} 00000 n \n", file.len()));
        file.extend_from_slice(format!("{number} 0 obj\n").as_bytes());
        file.extend_from_slice(object);
        file.extend_from_slice(b"\nendobj\n");
    }
    let start = file.len();
    let end = format!(
        "xref\n0 1\n0000000000 65535 f \n{table}trailer\n<</Size 999/Root 1 0 R{trailer}>>\n\
         startxref\n{start}\n%%EOF\n"
    );
    file.extend_from_slice(end.as_bytes());
    file
}

/// Text at a place, 12 points high.
pub(super) fn show(x: u32, y: u32, text: &str) -> String {
    format!("BT /F1 12 Tf {x} {y} Td ({text}) Tj ET ")
}

/// Text of 12 points: an em is 12 of them, and an l a little more than two and a half.
#[test]
fn letters_that_are_drawn_again_where_they_stand_are_read_once() {
    let at = |x: f64, y: u32, text: &str| format!("BT /F1 12 Tf {x} {y} Td ({text}) Tj ET ");
    let text = |page: &str| read(Media::Pdf, &pdf(&[page], "", &[])).text().to_owned();
    // A run at a time, thrice, and a letter at a time.
    assert_eq!(text(&[72.0, 72.4, 73.0].map(|x| at(x, 700, "all bold")).concat()), "all bold\n");
    let letters = [(72.0, "b"), (78.67, "o"), (85.34, "l"), (88.0, "d")];
    let twice = letters.map(|(x, letter)| at(x, 700, letter) + &at(x + 0.3, 700, letter));
    assert_eq!(text(&twice.concat()), "bold\n");
    // Two of a kind beside each other, another text at the same place, and the same one a line on.
    assert_eq!(text(&(at(72.0, 700, "l") + &at(74.67, 700, "l"))), "ll\n");
    let crossed = text(&(at(72.0, 700, "O") + &at(72.0, 700, "/")));
    assert!(crossed.contains('O') && crossed.contains('/'), "{crossed}");
    assert_eq!(text(&(at(72.0, 700, "row") + &at(72.0, 686, "row"))), "row\nrow\n");
    // What differs in size stands for itself.
    let large = "BT /F1 16 Tf 72 700 Td (one) Tj ET ";
    assert_ne!(text(&(at(72.0, 700, "one") + large)), "one\n");
}

#[test]
fn text_and_metadata_are_read() {
    let info = "/Info 100 0 R";
    let fields = "<</Title(Caf\\351)/Author<FEFF00DC0062006500720073>/Creator(by hand)>>";
    let page = show(72, 700, "Hello brave") + &show(72, 686, "new world");
    let given = read(Media::Pdf, &pdf(&[&page, &show(72, 700, "Second page")], info, &[fields]));
    assert_eq!(given.text(), "Hello brave\nnew world\n\u{C}Second page\n");
    let json = given.json();
    assert_eq!(json["document_type"], "PDF");
    assert_eq!(json["page_count"], 2);
    assert_eq!(json["word_count"], 6);
    assert_eq!(
        json["metadata"],
        json!({"title": "Café", "author": "Übers", "subject": "", "creator": "by hand"})
    );
    assert_eq!(json["warnings"], json!([]));
    assert_eq!(given.progress, [(0, 2), (1, 2), (2, 2)]);
}

#[test]
fn outline_links_and_attachments_are_listed() {
    let catalog = "/Outlines 100 0 R/Names<</EmbeddedFiles<</Kids[<</Names[(a) 103 0 R]>>]>>\
                   /Dests<</Names[(there)[12 0 R/Fit]]>>>>";
    let link = "/Annots[<</Subtype/Link/Rect[70 695 130 715]/A<</S/URI/URI(http://a/b)>>>>\
                <</Subtype/Link/Rect[0 0 9 9]/Dest(there)>>]";
    let file = "<</Subtype/text#2Fplain/Params<</Size 5>>/Length 5>>\nstream\nhello\nendstream";
    let more = [
        "<</First 101 0 R>>",
        "<</Title(One)/Dest(there)/First 102 0 R/Next 101 0 R>>",
        "<</Title(Inner  title)/A<</S/GoTo/D[10 0 R/Fit]>>>>",
        "<</Type/Filespec/F(old)/UF(a b.txt)/EF<</F 104 0 R>>>>",
        file,
    ];
    let first = show(72, 700, "Linked") + &show(300, 700, "other");
    let bytes = pdf_with(catalog, link, &[&first, &show(72, 700, "two")], "", &more);
    let given = process_as(Media::Pdf, &bytes, &[("attachments", "extract")]).unwrap();
    let json = given.json();
    let outline = json!([
        {"level": 1, "title": "One", "page": 2},
        {"level": 2, "title": "Inner title", "page": 1},
    ]);
    assert_eq!(json["outline"], outline);
    assert_eq!(json["links"][0], json!({"text": "Linked", "target": "http://a/b", "page": 1}));
    let attachment = json!([{"name": "a b.txt", "media_type": "text/plain", "size": 5}]);
    assert_eq!(json["attachments"], attachment);
    assert_eq!(given.artifacts[2].0, "{base}_attachment_01_a_b.txt");
    assert_eq!(given.artifacts[2].1, b"hello");
}

#[test]
fn size_and_bullets_make_blocks() {
    let page = "BT /F1 18 Tf 72 700 Td (Large) Tj ET BT /F1 14 Tf 72 680 Td (Middle) Tj ET "
        .to_owned()
        + &show(72, 660, "some words of the text")
        + &show(72, 646, "and some more of them")
        + &show(72, 620, "\\225 item");
    let file = pdf(&[&page], "", &[]);
    let wanted =
        "# Large\n\n## Middle\n\nsome words of the text\\\nand some more of them\n\n- item\n";
    assert_eq!(markdown(Media::Pdf, &file), wanted);
    let json = structure(Media::Pdf, &file);
    assert_eq!(json["blocks"][0], json!({"kind": "page", "number": 1}));
    assert_eq!(json["pages"].as_array().map(Vec::len), Some(1));
}

#[test]
fn words_are_told_by_their_distance() {
    let page = "BT /F1 10 Tf 72 700 Td [(Kern) 20 (ed) -400 (gap)] TJ 40 3 Td ET";
    assert_eq!(read(Media::Pdf, &pdf(&[page], "", &[])).text(), "Kerned gap\n");
}

#[test]
fn columns_stay_apart_and_cells_stay_in_their_row() {
    let columns: String =
        (0..5).map(|row| show(72, 700 - 14 * row, &format!("left {row}"))).collect();
    let columns = columns
        + &(0..5).map(|row| show(320, 700 - 14 * row, &format!("right {row}"))).collect::<String>();
    let text = read(Media::Pdf, &pdf(&[&columns], "", &[])).text().to_owned();
    assert!(text.find("left 4") < text.find("right 0"), "{text}");
    let cells = show(72, 700, "name") + &show(320, 700, "value");
    assert_eq!(read(Media::Pdf, &pdf(&[&cells], "", &[])).text(), "name\tvalue\n");
}

#[test]
fn a_page_drawn_from_the_bottom_up_is_read_from_the_top() {
    let page: String =
        (0..8).rev().map(|row| show(72, 700 - 14 * row, &format!("row{row}"))).collect();
    let given = read(Media::Pdf, &pdf(&[&page], "", &[]));
    let rows: Vec<&str> = given.text().split_whitespace().collect();
    assert_eq!(rows, ["row0", "row1", "row2", "row3", "row4", "row5", "row6", "row7"]);
}

#[test]
fn rotated_and_doubled_text_is_read_once() {
    let page = "BT /F1 12 Tf 0 1 -1 0 300 100 Tm (turned left) Tj ET \
                BT /F1 12 Tf 2 Tr 72 700 Td (outlined) Tj ET";
    let given = read(Media::Pdf, &pdf(&[page], "", &[]));
    assert_eq!(given.text(), "turned left\n\noutlined\n");
}

#[test]
fn hebrew_drawn_as_it_looks_is_read_as_it_is_spoken() {
    let map = "/CIDInit /ProcSet findresource begin begincmap 1 begincodespacerange <00> <FF> \
               endcodespacerange 4 beginbfchar <61> <05E9> <62> <05DC> <63> <05D5> <64> <05DD> \
               endbfchar endcmap end";
    let map = String::from_utf8(stream("", map.as_bytes())).unwrap();
    let font = "<</Type/Font/Subtype/Type1/BaseFont/Helvetica/ToUnicode 101 0 R>>";
    // Seen from left to right: final mem, vav, lamed, shin.
    let page = "BT /F2 12 Tf 72 700 Td (dcba) Tj ET";
    let given = read(Media::Pdf, &pdf(&[page], "", &[font, &map]));
    assert_eq!(given.text(), "שלום\n");
}

#[test]
fn form_fields_show_what_was_filled_in() {
    let form = "/Subtype/Form/BBox[0 0 200 20]/Resources<</Font<</F1 3 0 R>>>>";
    let form = stream(form, b"BT /F1 12 Tf 2 5 Td (Ada Lovelace) Tj ET");
    let field = "<</Type/Annot/Subtype/Widget/FT/Tx/Rect[72 600 272 620]/AP<</N 100 0 R>>>>";
    let mut file = pdf(&[&show(72, 700, "Name")], "", &[&String::from_utf8(form).unwrap(), field]);
    let page = b"/Contents 11 0 R";
    let at = memchr::memmem::find(&file, page).unwrap();
    // The table of objects no longer fits: this also shows that a broken one is mended.
    file.splice(at..at, *b"/Annots[101 0 R] ");
    assert_eq!(read(Media::Pdf, &file).text(), "Name\n\nAda Lovelace\n");
}

#[test]
fn pages_without_text_are_named() {
    let text = show(72, 700, "text");
    let pages = [PICTURE, PICTURE, &text, PICTURE, ""];
    let given = read(Media::Pdf, &pdf(&pages, "", &[]));
    let no_text = "have no text layer; ocr=always reads them as pictures";
    assert_eq!(given.notes, [format!("pages 1-2 and 4 {no_text}"), "page 5 is blank".to_owned()]);
    assert_eq!(given.json()["pages_without_text"], json!([1, 2, 4, 5]));
    assert_eq!(given.json()["warnings"], json!(given.notes));
    assert_eq!(given.text(), "\u{C}\u{C}text\n\u{C}\u{C}");
    let single = read(Media::Pdf, &pdf(&[PICTURE], "", &[]));
    assert_eq!(single.notes, [format!("page 1 {NO_TEXT}")]);
}

#[test]
fn glyphs_without_characters_are_noted() {
    let font = "<</Type/Font/Subtype/Type3/FontBBox[0 0 9 9]/FontMatrix[.1 0 0 .1 0 0]\
                /CharProcs<<>>\
                /Encoding<</Differences[65/odd/odder]>>/FirstChar 65/LastChar 66/Widths[6 6]>>";
    let given = read(Media::Pdf, &pdf(&["BT /F2 12 Tf 72 700 Td (ABAB) Tj ET"], "", &[font]));
    assert!(given.notes[0].starts_with("page 1 uses fonts that do not say"), "{:?}", given.notes);
}

/// A document locked with 40-bit RC4 and the owner's password "owner".
fn locked(owner_entry: &str, user_entry: &str, content: &str) -> Vec<u8> {
    let content: Vec<u8> = (0..content.len() / 2)
        .map(|index| u8::from_str_radix(&content[2 * index..2 * index + 2], 16).unwrap())
        .collect();
    let page = "<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R\
                /Resources<</Font<</F1 3 0 R>>>>>>";
    let encryption = format!("<</Filter/Standard/V 1/R 2/O<{owner_entry}>/U<{user_entry}>/P -44>>");
    let objects = vec![
        (1, b"<</Type/Catalog/Pages 2 0 R>>".to_vec()),
        (2, b"<</Type/Pages/Kids[5 0 R]/Count 1>>".to_vec()),
        (3, b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>".to_vec()),
        (4, stream("", &content)),
        (5, page.as_bytes().to_vec()),
        (6, encryption.into_bytes()),
    ];
    let id = "77696e646c6173732d746573742d6964";
    written(objects, &format!("/Encrypt 6 0 R/ID[<{id}><{id}>]"))
}

#[test]
fn an_empty_user_password_opens_the_file() {
    let file = locked(
        "c92422687facee686e373f10b5c7d04738053152f7e2ee30e11c69ec442576ab",
        "7c20398d728e09da90e0a9bd0bc73ffff2ed9a7460c6ca377cffcd2c3b442f90",
        "8e0ffa22338e747b6b6cd07f27cec59b64e0823dd6cc316a370320f01496ee05612aeaa23279e3dd10ec903c\
         5744283d5ff6",
    );
    assert_eq!(read(Media::Pdf, &file).text(), "Locked but readable\n");
}

#[test]
fn a_user_password_is_asked_for() {
    let file = locked(
        "92fe0f4454ad4c9644693f33c07cb54f587dce1e2682fe9ecea6107a1ef630dd",
        "6b3c25ab0636693f44ad795d3927243a67d2db863098630035ed5f2c63d34c87",
        "87996ac7c7a9a22f976ce77879a117b46fe2d68162321e7fd18b36bffb496678c6d44433afb07f95b3396fa9\
         4e69ac0c02f7",
    );
    let failure = refused(Media::Pdf, &file);
    assert_eq!(failure.code, "password_required");
    assert_eq!(failure.cause, "password required: the PDF is encrypted");
}

#[test]
fn a_truncated_file_gives_what_is_left() {
    let file = pdf(&[&show(72, 700, "Survivor"), &show(72, 700, "Lost")], "", &[]);
    let cut = memchr::memmem::find(&file, b"xref").unwrap();
    assert_eq!(read(Media::Pdf, &file[..cut]).text(), "Survivor\n\u{C}Lost\n");
    let failure = refused(Media::Pdf, &file[..20]);
    assert_eq!(failure.code, "damaged_pdf");
    assert!(!failure.next_step.is_empty());
}

#[test]
fn every_cut_and_every_flipped_byte_ends_in_an_answer() {
    let file = pdf(&[&show(72, 700, "Some text"), PICTURE], "", &[]);
    for length in 0..file.len() {
        let _ = process(Media::Pdf, &file[..length]);
    }
    for (index, mask) in (0..file.len()).flat_map(|index| [(index, 0xFF), (index, 0x10)]) {
        let mut damaged = file.clone();
        damaged[index] ^= mask;
        if let Ok(given) = process(Media::Pdf, &damaged) {
            assert!(!is_blank(given.text()) || !given.notes.is_empty(), "silent at byte {index}");
        }
    }
}

#[test]
fn endless_references_and_deep_nesting_end() {
    let own_form =
        stream("/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X 100 0 R>>>>", b"/X Do");
    let own_form = String::from_utf8(own_form).unwrap();
    let mut file = pdf(&["/X Do"], "", &[&own_form]);
    let at = memchr::memmem::find(&file, b"/Font<</F1").unwrap();
    file.splice(at..at, *b"/XObject<</X 100 0 R>>");
    assert_eq!(read(Media::Pdf, &file).notes.len(), 1);
    let nested = format!("{}{} TJ", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(read(Media::Pdf, &pdf(&[&nested], "", &[])).notes.len(), 1);
}

#[test]
fn a_scanned_page_is_read_as_a_picture() {
    let file = include_bytes!("../../../../../samples/heap/documents/one-page-scanned.pdf");
    let never = process_as(Media::Pdf, file, &[("ocr", "never")]).unwrap();
    assert_eq!(never.text(), "The next page has no text layer.\n\u{C}");
    assert_eq!(never.notes, [format!("page 2 {NO_TEXT}")]);
    if let Some(lack) = crate::find("ocr").and_then(crate::Operation::lack) {
        let given = read(Media::Pdf, file);
        assert!(given.notes[1].contains(&lack.what), "{:?}", given.notes);
        let failure = process_as(Media::Pdf, file, &[("ocr", "always")]).err().unwrap();
        assert_eq!(failure.code, "ocr_unavailable");
        let _ = writeln!(std::io::stderr(), "not run: tesseract ({})", lack.what);
        let required = std::env::var("WINDLASS_REQUIRE").unwrap_or_default();
        assert!(!required.split(',').any(|it| it == "tesseract"), "tesseract is required");
        return;
    }
    let given = read(Media::Pdf, file);
    assert_eq!(given.text(), "The next page has no text layer.\n\u{C}This page is a picture.\n");
    assert_eq!(given.notes, ["page 2 was read as a picture"]);
    assert_eq!(given.json()["pages_recognised"], json!([2]));
    assert_eq!(given.json()["pages_without_text"], json!([]));
    let always = process_as(Media::Pdf, file, &[("ocr", "always")]).unwrap();
    assert_eq!(always.json()["pages_recognised"], json!([1, 2]));
}
