//! Rich Text and OpenDocument texts: paragraphs, lists, tables, notes, what is left out.

use super::*;

#[test]
fn rich_text_is_read_in_its_code_pages() {
    let rtf = br"{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0\fcharset0 A;}{\f1\fcharset204 B;}
        {\f2\fcharset128 C;}}{\info{\title A \'e4 title}{\author Ada}}
        {\*\generator Word;}{\header\pard gone before\par}\pard\f0 gr\'fc\'dfe
 {\f1 \'ef\'f0\'e8} {\f2 \'93\'fa}
        \uc1\u8364? \u-10179?\u-8704? {\v hidden}end\par next\line line\par
{\header gone {\b before}\par}{\footerf and after}}";
    let given = read(Media::Rtf, rtf);
    let wanted = "gr\u{fc}\u{df}e \u{43f}\u{440}\u{438} \u{65e5}        \u{20ac} \u{1f600} end\n\n\
                  next\nline\n\ngone before\n\nand after\n";
    assert_eq!(given.text(), wanted);
    assert_eq!(given.json()["metadata"]["title"], "A \u{e4} title");
    assert_eq!(given.json()["metadata"]["author"], "Ada");
    assert_eq!(given.json()["paragraph_count"], 2);
}

#[test]
fn a_star_leaves_a_group_out_at_its_beginning_only() {
    let rtf = br"{\rtf1{\loch\*\cs7 shown}{\*\unknown gone}\par {{\*\x gone} and\*\y  shown}\par}";
    assert_eq!(read(Media::Rtf, rtf).text(), "shown\n\nand shown\n");
}

#[test]
fn rich_text_has_tables_lists_links_and_notes() {
    let rtf = br#"{\rtf1\pard before\par\trowd\intbl a\cell b\par c\cell\row\trowd\intbl d\cell e\cell\row
\pard after{\footnote the note}\par{\listtext 1.\tab}item\par\outlinelevel1 Head\par\pard
{\field{\*\fldinst HYPERLINK "http://example.org/"}{\fldrslt there}}\par{\pict\bin3 }}}}x}"#;
    let wanted = "before\n\n| a | b c |\n| --- | --- |\n| d | e |\n\nafter\n\n1. item\n\n## Head\n\n\
                  [there](<http://example.org/>)\n\nx\n\nthe note\n";
    assert_eq!(markdown(Media::Rtf, rtf), wanted);
}

#[test]
fn opendocument_references_show_what_they_refer_to_and_pictures_no_names() {
    let content = "<office:body><office:text><text:p>See <text:bookmark-ref text:ref-name=\"r\">Part \
        one</text:bookmark-ref>, <draw:frame><draw:image/><svg:title>Logo</svg:title><svg:desc>A \
        logo</svg:desc></draw:frame>then go.</text:p></office:text></office:body>";
    let given = read(Media::Odt, &archive(&[("content.xml", content)]));
    assert_eq!(given.text(), "See Part one, then go.\n");
}

#[test]
fn opendocument_text_has_headings_lists_tables_and_notes() {
    let content = "<office:document-content><office:automatic-styles><style:style>x</style:style>\
        </office:automatic-styles><office:body><office:text><text:tracked-changes><text:p>gone\
        </text:p></text:tracked-changes><text:h text:outline-level=\"2\">Part</text:h>\
        <text:p>a<text:s text:c=\"2\"/>b<text:tab/>c \n d<text:note><text:note-citation>1\
        </text:note-citation><text:note-body><text:p>the note</text:p></text:note-body></text:note>\
        <text:a xlink:href=\"to\">e</text:a></text:p>\
        <text:list><text:list-item><text:p>one</text:p><text:list><text:list-item><text:p>two\
        </text:p></text:list-item></text:list></text:list-item></text:list>\
        <table:table><table:table-row><table:table-cell><text:p>x</text:p></table:table-cell>\
        <table:table-cell><text:p>y</text:p></table:table-cell></table:table-row></table:table>\
        </office:text></office:body></office:document-content>";
    let meta = "<m><dc:title>T</dc:title><meta:initial-creator>Ada</meta:initial-creator></m>";
    let styles = "<office:styles><text:p>no</text:p></office:styles><style:master-page><style:header>\
        <text:p>head</text:p></style:header><style:header-left style:display=\"false\"><text:p>no\
        </text:p></style:header-left><style:footer><text:p>foot</text:p></style:footer>\
        </style:master-page><style:master-page><style:header><text:p>head</text:p></style:header>\
        </style:master-page>";
    let file = archive(&[("content.xml", content), ("meta.xml", meta), ("styles.xml", styles)]);
    let given = read(Media::Odt, &file);
    let wanted =
        "Part\n\na  b\tc de\n\n\u{2022} one\n  \u{2022} two\n\nx\ty\n\nthe note\n\nhead\n\nfoot\n";
    assert_eq!(given.text(), wanted);
    let json = given.json();
    assert_eq!(json["metadata"]["title"], "T");
    assert_eq!(json["metadata"]["author"], "Ada");
    assert_eq!(json["table_count"], 1);
    let wanted = "## Part\n\na  b c d[e](<to>)\n\n- one\n    - two\n";
    assert!(markdown(Media::Odt, &file).starts_with(wanted), "{}", markdown(Media::Odt, &file));
}

#[test]
fn a_locked_opendocument_asks_for_its_password() {
    let manifest = "<manifest:file-entry><manifest:encryption-data/></manifest:file-entry>";
    let file = archive(&[("META-INF/manifest.xml", manifest), ("content.xml", "noise")]);
    assert_eq!(refused(Media::Odt, &file).code, "password_required");
}
