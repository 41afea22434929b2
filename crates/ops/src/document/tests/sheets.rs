//! Spreadsheets built part by part: values of every type, gaps, comments, hidden sheets.

use super::*;

const RELATIONS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

/// A workbook of these sheets (name, more attributes, content of `sheetData` and after it).
fn xlsx(sheets: &[(&str, &str, &str)], more: &[(&str, &str)]) -> Vec<u8> {
    let (mut list, mut relations) = (String::new(), String::new());
    let mut parts: Vec<(String, String)> = Vec::new();
    for (index, (name, attributes, content)) in sheets.iter().enumerate() {
        list.push_str(&format!(r#"<sheet name="{name}" {attributes} r:id="r{index}"/>"#));
        relations.push_str(&format!(
            r#"<Relationship Id="r{index}" Type="{RELATIONS}/worksheet" Target="sheet{index}.xml"/>"#
        ));
        parts.push((format!("xl/sheet{index}.xml"), format!("<worksheet>{content}</worksheet>")));
    }
    for kind in ["styles", "sharedStrings"] {
        relations.push_str(&format!(
            r#"<Relationship Id="{kind}" Type="{RELATIONS}/{kind}" Target="{kind}.xml"/>"#
        ));
    }
    let relations = format!("<Relationships>{relations}</Relationships>");
    parts.push(("xl/_rels/workbook.xml.rels".to_owned(), relations));
    parts.push((
        "xl/workbook.xml".to_owned(),
        format!("<workbook><sheets>{list}</sheets></workbook>"),
    ));
    parts.extend(more.iter().map(|(name, content)| ((*name).to_owned(), (*content).to_owned())));
    let parts: Vec<(&str, &str)> = parts.iter().map(|(n, c)| (n.as_str(), c.as_str())).collect();
    archive(&parts)
}

const STYLES: &str = r#"<styleSheet><numFmts><numFmt numFmtId="164" formatCode="yyyy\-mm\-dd"/>
    </numFmts><cellStyleXfs><xf numFmtId="14"/></cellStyleXfs><cellXfs><xf numFmtId="0"/>
    <xf numFmtId="164"/><xf numFmtId="20"/></cellXfs></styleSheet>"#;

#[test]
fn every_type_of_cell_is_shown() {
    let shared = "<sst><si><t>shared</t><rPh><t>aid</t></rPh></si>\
                  <si><r><t>in </t></r><r><t>runs</t></r></si></sst>";
    let row = r#"<sheetData><row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c>
        <c r="C1" t="inlineStr"><is><t>own &amp; text</t></is></c></row>
        <row r="2"><c r="A2"><v>0.30000000000000004</v></c><c r="B2" s="1"><v>45351</v></c>
        <c r="C2" s="2"><v>0.75</v></c><c r="D2" t="b"><v>1</v></c><c r="E2" t="e"><v>#N/A</v></c>
        <c r="F2" t="str"><f>A1&amp;"x"</f><v>sum</v></c><c r="H2"><v>9</v></c></row>
        <row r="3"><c r="A3"/></row>
        <row r="5"><c r="B5"><v>1</v></c></row></sheetData>"#;
    let file = xlsx(
        &[("Crew &amp; ships", "", row), ("Old", r#"state="hidden""#, "")],
        &[("xl/styles.xml", STYLES), ("xl/sharedStrings.xml", shared)],
    );
    let given = read(Media::Xlsx, &file);
    let wanted = "Crew & ships\n\nshared\tin runs\town & text\n\
                  0.3\t2024-02-29\t18:00:00\tTRUE\t#N/A\tsum\t\t9\n\n\t1\n\u{C}Old\n";
    assert_eq!(given.text(), wanted);
    let json = given.json();
    assert_eq!(json["document_type"], "XLSX");
    assert_eq!(json["sheet_count"], 2);
    assert_eq!(json["sheets"][1], json!({"name": "Old", "hidden": true}));
    assert_eq!(given.notes, ["hidden sheet is read as well: Old"]);
    let markdown = markdown(Media::Xlsx, &file);
    assert!(markdown.starts_with("## Crew \\& ships\n\n| shared | in runs |"), "{markdown}");
}

#[test]
fn a_binary_workbook_is_refused_by_name() {
    let relation = format!(
        r#"<Relationships><Relationship Id="r" Type="{RELATIONS}/officeDocument"
            Target="xl/workbook.bin"/></Relationships>"#
    );
    let file = archive(&[("_rels/.rels", &relation), ("xl/workbook.bin", "\u{83}\u{1}")]);
    assert_eq!(refused(Media::Xlsx, &file).code, "binary_workbook");
}

#[test]
fn links_and_comments_belong_to_their_sheet() {
    let sheet = r#"<sheetData><row><c><v>1</v></c></row></sheetData><hyperlinks>
        <hyperlink ref="A1" display="home" location="Sheet2!A1"/></hyperlinks>"#;
    let relation = format!(
        r#"<Relationships><Relationship Id="c" Type="{RELATIONS}/comments" Target="c.xml"/></Relationships>"#
    );
    let comments = r#"<comments><authors><author>Ada</author></authors><commentList>
        <comment ref="A1"><text><r><t>why</t></r></text></comment></commentList></comments>"#;
    let more = [("xl/_rels/sheet0.xml.rels", relation.as_str()), ("xl/c.xml", comments)];
    let given = read(Media::Xlsx, &xlsx(&[("S", "", sheet)], &more));
    assert_eq!(given.text(), "S\n\n1\n\nA1: why\n");
    let link = json!([{"text": "home", "target": "#Sheet2!A1", "page": null}]);
    assert_eq!(given.json()["links"], link);
}

#[test]
fn a_sheet_of_endless_columns_is_cut() {
    let row = r#"<row><c r="XFD1"><v>1</v></c></row>"#.repeat(20_000);
    let given =
        read(Media::Xlsx, &xlsx(&[("S", "", &format!("<sheetData>{row}</sheetData>"))], &[]));
    assert!(given.text().len() < 200 << 20);
    assert_eq!(given.notes, ["the document is larger than can be read; its rest is left out"]);
}

#[test]
fn opendocument_sheets_repeat_cells_and_end_where_text_ends() {
    let cell = |text: &str| format!("<table:table-cell><text:p>{text}</text:p></table:table-cell>");
    let table = format!(
        "<table:table table:name=\"One\"><table:table-row>{}<table:table-cell \
         table:number-columns-repeated=\"2\"><text:p>x</text:p></table:table-cell>\
         <table:table-cell table:number-columns-repeated=\"16381\"/></table:table-row>\
         <table:table-row table:number-rows-repeated=\"1048570\"><table:table-cell/>\
         </table:table-row></table:table>",
        cell("a")
    );
    let content = format!(
        "<office:document-content><office:body><office:spreadsheet>{table}</office:spreadsheet>\
         </office:body></office:document-content>"
    );
    let given = read(Media::Ods, &archive(&[("content.xml", &content)]));
    assert_eq!(given.text(), "One\n\na\tx\tx\n");
    assert_eq!(given.json()["document_type"], "ODS");
}
