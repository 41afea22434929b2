//! Books built file by file: reading order, outline, copy protection.

use super::*;

const CONTAINER: &str =
    "<container><rootfiles><rootfile full-path=\"OEBPS/book.opf\"/></rootfiles></container>";
const PACKAGE: &str = "<package><metadata><dc:title>The Book</dc:title><dc:creator>Ada</dc:creator>\
    </metadata><manifest><item id=\"a\" href=\"one%20two.xhtml\"/><item id=\"b\" href=\"b.xhtml\"/>\
    <item id=\"n\" href=\"toc.ncx\" media-type=\"application/x-dtbncx+xml\"/></manifest>\
    <spine toc=\"n\"><itemref idref=\"b\"/><itemref idref=\"a\"/><itemref idref=\"none\"/></spine>\
    </package>";
const CONTENTS: &str = "<ncx><navMap><navPoint><navLabel><text>Second</text></navLabel>\
    <content src=\"one%20two.xhtml#x\"/></navPoint></navMap></ncx>";

fn book(more: &[(&str, &str)]) -> Vec<u8> {
    let mut parts = vec![
        ("META-INF/container.xml", CONTAINER),
        ("OEBPS/book.opf", PACKAGE),
        ("OEBPS/toc.ncx", CONTENTS),
        (
            "OEBPS/b.xhtml",
            "<?xml version='1.0'?><html><head><title>One</title></head><body><h1>One\
            </h1><p>text &amp; more</p></body></html>",
        ),
        ("OEBPS/one two.xhtml", "<html><body><p>end</p></body></html>"),
    ];
    parts.extend_from_slice(more);
    archive(&parts)
}

#[test]
fn chapters_come_in_the_order_of_the_spine() {
    let given = read(Media::Epub, &book(&[]));
    assert_eq!(given.text(), "One\n\ntext & more\n\u{C}end\n");
    let json = given.json();
    assert_eq!(json["document_type"], "EPUB");
    assert_eq!(json["chapter_count"], 2);
    assert_eq!(json["metadata"]["title"], "The Book");
    assert_eq!(json["outline"], json!([{"level": 1, "title": "Second", "page": 2}]));
}

#[test]
fn a_copy_protected_book_is_refused() {
    let lock = |path: &str| format!("<e><CipherReference URI=\"{path}\"/></e>");
    let locked = book(&[("META-INF/encryption.xml", &lock("OEBPS/b.xhtml"))]);
    assert_eq!(refused(Media::Epub, &locked).code, "copy_protected");
    let font = book(&[("META-INF/encryption.xml", &lock("OEBPS/font.otf"))]);
    assert!(process(Media::Epub, &font).is_ok());
}
