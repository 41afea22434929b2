//! Presentations built part by part: titles, lists, tables, notes, in the order of the slides.

use super::*;

const RELATIONS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

fn relations(list: &[(&str, &str, &str)]) -> String {
    let one = |(id, kind, target): &(&str, &str, &str)| {
        let mode = if target.contains("://") { "TargetMode=\"External\"" } else { "" };
        format!(r#"<Relationship Id="{id}" Type="{RELATIONS}/{kind}" Target="{target}" {mode}/>"#)
    };
    format!("<Relationships>{}</Relationships>", list.iter().map(one).collect::<String>())
}

fn shape(placeholder: &str, paragraphs: &str) -> String {
    format!(
        "<p:sp><p:nvSpPr><p:nvPr>{placeholder}</p:nvPr></p:nvSpPr><p:txBody>{paragraphs}\
         </p:txBody></p:sp>"
    )
}

fn paragraph(properties: &str, text: &str) -> String {
    format!("<a:p>{properties}<a:r><a:t>{text}</a:t></a:r></a:p>")
}

#[test]
fn charts_are_tables_under_their_titles() {
    let title = |text: &str| format!("<c:title><a:p>{}</a:p></c:title>", paragraph("", text));
    let points = |values: &[(u32, &str)]| -> String {
        let point =
            |(at, value): &(u32, &str)| format!("<c:pt idx='{at}'><c:v>{value}</c:v></c:pt>");
        values.iter().map(point).collect()
    };
    let series = |name: &str, labels: &[(u32, &str)], values: &[(u32, &str)]| {
        format!(
            "<c:ser><c:tx><c:pt idx='0'><c:v>{name}</c:v></c:pt></c:tx><c:cat>{}</c:cat>\
             <c:val><c:formatCode>0.0</c:formatCode>{}</c:val></c:ser>",
            points(labels),
            points(values)
        )
    };
    let chart = title("Miles a day")
        + &series("fair", &[(0, "Mon"), (1, "Tue")], &[(0, "120"), (1, "98.5")])
        + &series("foul", &[(0, "Mon"), (1, "Tue")], &[(1, "7"), (3, "1")])
        + &title("day");
    let file = archive(&[
        ("ppt/presentation.xml", "<p><p:sldIdLst><p:sldId r:id=\"a\"/></p:sldIdLst></p>"),
        ("ppt/_rels/presentation.xml.rels", &relations(&[("a", "slide", "slides/s.xml")])),
        ("ppt/slides/s.xml", &shape("<p:ph type=\"title\"/>", &paragraph("", "Log"))),
        ("ppt/slides/_rels/s.xml.rels", &relations(&[("c", "chart", "../charts/c.xml")])),
        ("ppt/charts/c.xml", &chart),
    ]);
    let table = "\tfair\tfoul\nMon\t120\nTue\t98.5\t7\n\t\t1\n";
    let given = read(Media::Pptx, &file);
    assert_eq!(given.text(), format!("Log\n\nMiles a day\n\nday\n\n{table}"));
}

#[test]
fn slides_come_in_their_order_with_their_notes() {
    let points = paragraph("", "first")
        + &paragraph("<a:pPr lvl=\"1\"><a:buAutoNum type=\"x\"/></a:pPr>", "inner")
        + &paragraph("<a:pPr lvl=\"1\"><a:buAutoNum type=\"x\"/></a:pPr>", "next")
        + &paragraph("<a:pPr><a:buNone/></a:pPr>", "plain");
    let link = "<a:p><a:r><a:rPr><a:hlinkClick r:id=\"l\"/></a:rPr><a:t>there</a:t></a:r></a:p>";
    let cell = |text: &str| format!("<a:tc><a:txBody>{}</a:txBody></a:tc>", paragraph("", text));
    let table = format!(
        "<p:graphicFrame><a:tbl><a:tr>{}{}</a:tr></a:tbl></p:graphicFrame>",
        cell("a"),
        cell("b")
    );
    let one = shape("<p:ph type=\"title\"/>", &paragraph("", "Title"))
        + &shape("<p:ph idx=\"1\"/>", &points)
        + &shape("<p:ph type=\"sldNum\"/>", &paragraph("", "12"))
        + &shape("", link)
        + &table;
    let notes = shape("<p:ph type=\"body\"/>", &paragraph("", "said aloud"))
        + &shape("<p:ph type=\"sldImg\"/>", &paragraph("", "picture"));
    let file = archive(&[
        (
            "ppt/presentation.xml",
            "<p><p:sldIdLst><p:sldId id=\"256\" r:id=\"b\"/>\
            <p:sldId id=\"257\" r:id=\"a\"/></p:sldIdLst></p>",
        ),
        (
            "ppt/_rels/presentation.xml.rels",
            &relations(&[("a", "slide", "slides/slide1.xml"), ("b", "slide", "slides/slide2.xml")]),
        ),
        ("ppt/slides/slide2.xml", &format!("<p:sld>{one}</p:sld>")),
        (
            "ppt/slides/_rels/slide2.xml.rels",
            &relations(&[
                ("n", "notesSlide", "../notes/n.xml"),
                ("l", "hyperlink", "https://example.org/"),
            ]),
        ),
        ("ppt/notes/n.xml", &format!("<p:notes>{notes}</p:notes>")),
        (
            "ppt/slides/slide1.xml",
            &format!("<p:sld show=\"0\">{}</p:sld>", shape("", &paragraph("", "last"))),
        ),
    ]);
    let given = read(Media::Pptx, &file);
    let wanted = "Title\n\n\u{2022} first\n  1. inner\n  2. next\n\nplain\n\nthere\n\na\tb\n\n\
                  said aloud\n\u{C}last\n";
    assert_eq!(given.text(), wanted);
    let json = given.json();
    assert_eq!(json["slide_count"], 2);
    assert_eq!(json["hidden_slides"], json!([2]));
    assert_eq!(json["links"][0]["target"], "https://example.org/");
    let wanted = "# Title\n\n- first\n    1. inner\n    2. next\n\nplain\n";
    assert!(markdown(Media::Pptx, &file).starts_with(wanted), "{}", markdown(Media::Pptx, &file));
    let pages = structure(Media::Pptx, &file)["pages"].clone();
    assert_eq!(pages[1], json!({"number": 2, "text": "last\n"}));
}

#[test]
fn opendocument_slides_have_titles_and_notes() {
    let frame = |class: &str, text: &str| {
        format!(
            "<draw:frame presentation:class=\"{class}\"><draw:text-box><text:p>{text}</text:p>\
             </draw:text-box></draw:frame>"
        )
    };
    let content = format!(
        "<office:body><office:presentation><draw:page>{}{}<presentation:notes>{}\
         </presentation:notes></draw:page><draw:page>{}</draw:page></office:presentation>\
         </office:body>",
        frame("title", "Title"),
        frame("outline", "point"),
        frame("notes", "aloud"),
        frame("", "end")
    );
    let given = read(Media::Odp, &archive(&[("content.xml", &content)]));
    assert_eq!(given.text(), "Title\n\npoint\n\naloud\n\u{C}end\n");
    assert_eq!(given.json()["slide_count"], 2);
    assert!(markdown(Media::Odp, &archive(&[("content.xml", &content)])).starts_with("# Title\n"));
}
