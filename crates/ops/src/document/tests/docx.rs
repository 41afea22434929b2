//! DOCX files built part by part: what is read, what is left out, and bombs.

use super::*;
use std::time::Instant;

const RELATIONS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

/// A document with this body and further parts of the folder `word`, each named by its kind.
fn docx(body: &str, parts: &[(&str, &str)]) -> Vec<u8> {
    let document = part("document", &format!("<w:body>{body}</w:body>"));
    let mut relations = String::new();
    let mut files = vec![("word/document.xml".to_owned(), document)];
    for (index, (kind, content)) in parts.iter().enumerate() {
        let name = format!("{kind}{index}.xml");
        relations.push_str(&format!(
            r#"<Relationship Id="r{index}" Type="{RELATIONS}/{kind}" Target="{name}"/>"#
        ));
        files.push((format!("word/{name}"), part(kind, content)));
    }
    let relations = format!("<Relationships>{relations}</Relationships>");
    files.push(("word/_rels/document.xml.rels".to_owned(), relations));
    let files: Vec<(&str, &str)> = files.iter().map(|(n, c)| (n.as_str(), c.as_str())).collect();
    archive(&files)
}

fn part(element: &str, content: &str) -> String {
    format!(r#"<?xml version="1.0"?><w:{element} xmlns:w="w">{content}</w:{element}>"#)
}

fn paragraph(text: &str) -> String {
    format!("<w:p><w:r><w:t>{text}</w:t></w:r></w:p>")
}

#[test]
fn body_headers_footers_and_notes_are_read() {
    let header = paragraph("Header");
    let file = docx(
        &(paragraph("One &amp; two") + &paragraph("three")),
        &[
            ("header", &header),
            ("header", &header),
            ("footer", &paragraph("Footer")),
            ("footnotes", &format!("<w:footnote>{}</w:footnote>", paragraph("Footnote"))),
            ("comments", &format!("<w:comment>{}</w:comment>", paragraph("Comment"))),
        ],
    );
    let given = read(Media::Docx, &file);
    assert_eq!(given.text(), "Header\n\nOne & two\nthree\n\nFootnote\n\nComment\n\nFooter\n");
    let json = given.json();
    assert_eq!(json["document_type"], "DOCX");
    assert_eq!(json["paragraph_count"], 2);
    assert_eq!(json["table_count"], 0);
    assert_eq!(json["word_count"], 8);
}

#[test]
fn charts_stand_behind_the_body() {
    let series = "<c:title><a:t>Miles</a:t></c:title><c:ser><c:tx><c:v>fair</c:v></c:tx>\
                  <c:cat><c:pt idx='0'><c:v>Mon</c:v></c:pt></c:cat>\
                  <c:val><c:pt idx='0'><c:v>120</c:v></c:pt></c:val></c:ser>";
    let file = docx(&paragraph("Log"), &[("chart", series), ("footer", &paragraph("Footer"))]);
    let given = read(Media::Docx, &file);
    assert_eq!(given.text(), "Log\n\nMiles\n\n\tfair\nMon\t120\n\nFooter\n");
}

#[test]
fn tables_keep_their_rows() {
    let cell = |text: &str| format!("<w:tc>{}</w:tc>", paragraph(text));
    let table = format!(
        "<w:tbl><w:tr>{}{}</w:tr><w:tr>{}{}</w:tr></w:tbl>",
        cell("a"),
        cell("b</w:t></w:r></w:p><w:p><w:r><w:t>c"),
        cell("d"),
        cell("")
    );
    let given = read(Media::Docx, &docx(&(table + &paragraph("after")), &[]));
    assert_eq!(given.text(), "a\tb c\nd\nafter\n");
    assert_eq!(given.json()["table_count"], 1);
    assert_eq!(given.json()["paragraph_count"], 1);
}

#[test]
fn deleted_text_fields_and_fallbacks_are_left_out() {
    let body = "<w:p><w:del><w:r><w:delText>gone</w:delText></w:r></w:del>\
        <w:ins><w:r><w:t>new</w:t></w:r></w:ins>\
        <w:r><w:instrText> PAGE </w:instrText></w:r>\
        <w:r><w:tab/><w:t>x</w:t><w:br/><w:t>y</w:t></w:r>\
        <w:pPr><w:tabs><w:tab w:val=\"left\"/></w:tabs></w:pPr>\
        <mc:AlternateContent><mc:Choice><w:txbxContent><w:p><w:r><w:t>box</w:t></w:r></w:p>\
        </w:txbxContent></mc:Choice><mc:Fallback><w:p><w:r><w:t>box</w:t></w:r></w:p></mc:Fallback>\
        </mc:AlternateContent><m:oMath><m:r><m:t>a=b</m:t></m:r></m:oMath></w:p>";
    assert_eq!(
        read(Media::Docx, &docx(body, &[])).text(),
        "new\tx\ny a=b\nbox\n".replace(" a", "a")
    );
}

#[test]
fn lists_are_numbered() {
    let item = |level: u32, text: &str| {
        format!(
            "<w:p><w:pPr><w:numPr><w:ilvl w:val=\"{level}\"/>\
             <w:numId w:val=\"5\"/></w:numPr></w:pPr>\
             <w:r><w:t>{text}</w:t></w:r></w:p>"
        )
    };
    let numbering = "<w:abstractNum w:abstractNumId=\"2\">\
        <w:lvl w:ilvl=\"0\"><w:start w:val=\"3\"/><w:numFmt w:val=\"decimal\"/>\
        <w:lvlText w:val=\"%1.\"/></w:lvl>\
        <w:lvl w:ilvl=\"1\"><w:start w:val=\"1\"/><w:numFmt w:val=\"lowerLetter\"/>\
        <w:lvlText w:val=\"%1%2)\"/></w:lvl>\
        </w:abstractNum><w:num w:numId=\"5\"><w:abstractNumId w:val=\"2\"/></w:num>";
    let body = item(0, "x") + &item(1, "y") + &item(1, "z") + &item(0, "w") + &item(1, "v");
    let given = read(Media::Docx, &docx(&body, &[("numbering", numbering)]));
    assert_eq!(given.text(), "3. x\n3a) y\n3b) z\n4. w\n4a) v\n");
}

#[test]
fn headings_lists_tables_and_links_are_structure() {
    let styles = "<w:style w:styleId=\"H\"><w:name w:val=\"heading 2\"/></w:style>";
    let numbering = "<w:abstractNum w:abstractNumId=\"2\"><w:lvl w:ilvl=\"0\">\
        <w:numFmt w:val=\"bullet\"/></w:lvl><w:lvl w:ilvl=\"1\"><w:numFmt w:val=\"decimal\"/>\
        <w:lvlText w:val=\"%2.\"/></w:lvl></w:abstractNum>\
        <w:num w:numId=\"5\"><w:abstractNumId w:val=\"2\"/></w:num>";
    let item = |level: u32| {
        format!(
            "<w:p><w:pPr><w:numPr><w:ilvl w:val=\"{level}\"/><w:numId w:val=\"5\"/></w:numPr>\
             </w:pPr><w:r><w:t>item</w:t></w:r></w:p>"
        )
    };
    let cell = |text: &str| format!("<w:tc>{}</w:tc>", paragraph(text));
    let body = "<w:p><w:pPr><w:pStyle w:val=\"H\"/></w:pPr><w:r><w:t>Part</w:t></w:r></w:p>"
        .to_owned()
        + "<w:p><w:r><w:t>see </w:t></w:r><w:hyperlink w:anchor=\"x\"><w:r><w:t>there</w:t></w:r>\
           </w:hyperlink></w:p>"
        + &item(0)
        + &item(1)
        + &format!("<w:tbl><w:tr>{}{}</w:tr></w:tbl>", cell("a"), cell("b"));
    let file = docx(&body, &[("styles", styles), ("numbering", numbering)]);
    assert_eq!(read(Media::Docx, &file).text(), "Part\nsee there\n\u{2022} item\n1. item\na\tb\n");
    let wanted =
        "## Part\n\nsee [there](<#x>)\n\n- item\n    1. item\n\n| a | b |\n| --- | --- |\n";
    assert_eq!(markdown(Media::Docx, &file), wanted);
    let json = structure(Media::Docx, &file);
    assert_eq!(json["blocks"][0], json!({"kind": "heading", "level": 2, "text": "Part"}));
    assert_eq!(json["blocks"][4], json!({"kind": "table", "rows": [["a", "b"]]}));
    assert_eq!(json["links"], json!([{"text": "there", "target": "#x", "page": null}]));
}

#[test]
fn embedded_files_are_listed_and_written_when_asked() {
    let document = part("document", &format!("<w:body>{}</w:body>", paragraph("text")));
    let parts =
        [("word/document.xml", document.as_str()), ("word/embeddings/figures.xlsx", "content")];
    let file = archive(&parts);
    let given = process_as(Media::Docx, &file, &[("attachments", "extract")]).unwrap();
    assert_eq!(given.json()["attachments"][0]["name"], "figures.xlsx");
    assert_eq!(given.json()["attachments"][0]["size"], 7);
    let (name, content) = &given.artifacts[2];
    assert_eq!(name, "{base}_attachment_01_figures.xlsx");
    assert_eq!(content, b"content");
    assert_eq!(read(Media::Docx, &file).artifacts.len(), 2);
}

#[test]
fn metadata_comes_from_the_core_properties() {
    let relation = |kind: &str, target: &str| {
        format!(r#"<Relationship Type="{RELATIONS}/{kind}" Target="{target}"/>"#)
    };
    let relations = relation("officeDocument", "word/main.xml")
        + &relation("metadata/core-properties", "docProps/core.xml")
        + &relation("extended-properties", "docProps/app.xml");
    let file = archive(&[
        ("_rels/.rels", &format!("<Relationships>{relations}</Relationships>")),
        ("word/main.xml", &part("document", &format!("<w:body>{}</w:body>", paragraph("text")))),
        (
            "docProps/core.xml",
            "<c><dc:title>R&amp;D</dc:title><dc:creator>Ada</dc:creator><dc:subject/></c>",
        ),
        ("docProps/app.xml", "<Properties><Application>Writer</Application></Properties>"),
    ]);
    let given = read(Media::Docx, &file);
    assert_eq!(given.text(), "text\n");
    let wanted = json!({"title": "R&D", "author": "Ada", "subject": "", "creator": "Writer"});
    assert_eq!(given.json()["metadata"], wanted);
}

#[test]
fn an_empty_document_is_said_to_be_empty() {
    let given = read(Media::Docx, &docx("<w:p/>", &[]));
    assert_eq!(given.notes, ["the document holds no text"]);
    assert_eq!(given.json()["warnings"], json!(given.notes));
}

#[test]
fn broken_xml_keeps_what_came_before() {
    let file =
        archive(&[("word/document.xml", "<w:document><w:body><w:p><w:r><w:t>kept</w:t><w:r <")]);
    let given = read(Media::Docx, &file);
    assert_eq!(given.text(), "kept\n");
    assert!(given.notes[0].starts_with("the document is damaged"), "{:?}", given.notes);
}

#[test]
fn other_archives_and_damaged_ones_are_refused() {
    assert_eq!(refused(Media::Docx, b"PK\x03\x04 no archive").code, "damaged_docx");
    assert_eq!(refused(Media::Docx, &archive(&[("a.txt", "x")])).code, "damaged_docx");
    let whole = docx(&paragraph("text"), &[]);
    for length in 0..whole.len() {
        let _ = process(Media::Docx, &whole[..length]);
    }
    for index in 0..whole.len() {
        let mut damaged = whole.clone();
        damaged[index] ^= 0x55;
        let _ = process(Media::Docx, &damaged);
    }
}

#[test]
fn a_bomb_is_refused_at_once() {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    writer.start_file("word/document.xml", options.compression_level(Some(1))).unwrap();
    let spaces = vec![b' '; 1 << 20];
    for _ in 0..200 {
        writer.write_all(&spaces).unwrap();
    }
    let mut file = writer.finish().unwrap().into_inner();
    let start = Instant::now();
    assert_eq!(refused(Media::Docx, &file).code, "unpacked_too_large");
    // The same with a lie about its size, in the central directory and in the local header.
    let size = (200_u32 << 20).to_le_bytes();
    while let Some(at) = memchr::memmem::find(&file, &size) {
        file[at..at + 4].copy_from_slice(&1_000_u32.to_le_bytes());
    }
    match process(Media::Docx, &file) {
        Ok(given) => assert!(given.notes[0].contains("damaged"), "{:?}", given.notes),
        Err(failure) => assert_eq!(failure.code, "unpacked_too_large"),
    }
    assert!(start.elapsed().as_secs() < 5);
}

#[test]
fn nesting_is_bounded() {
    let deep = "<w:r>".repeat(100_000);
    assert_eq!(refused(Media::Docx, &docx(&deep, &[])).code, "nested_too_deep");
    let skipped = "<w:del>".repeat(100_000);
    assert_eq!(refused(Media::Docx, &docx(&skipped, &[])).code, "nested_too_deep");
}
