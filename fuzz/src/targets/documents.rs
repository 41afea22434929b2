//! Documents: the parts of archives, Rich Text, web pages, mails.

use super::operation::{TABLES_BYTES_MAX, json, run};
use super::shape::{magnitude, without_numbers};
use crate::target::Target;
use std::collections::BTreeMap;
use std::io::{Cursor, Write};
use windlass_core::media::Media;
use windlass_core::params::Params;
use zip::write::SimpleFileOptions;

pub(super) const DOCX: Target = Target {
    name: "docx",
    run: docx,
    seeds: xml,
    fixed_bytes_max: TABLES_BYTES_MAX,
    factor_max: 256,
};

pub(super) const OFFICE: Target = Target {
    name: "office",
    run: office,
    seeds: || (0..).zip(&KINDS).flat_map(|(way, kind)| kind.seeds(way)).collect(),
    fixed_bytes_max: TABLES_BYTES_MAX,
    factor_max: 512,
};

pub(super) const RICH_TEXT: Target = Target {
    name: "rich_text",
    run: |bytes| read(Media::Rtf, bytes),
    seeds: || RICH_TEXTS.iter().map(|text| text.as_bytes().to_vec()).collect(),
    fixed_bytes_max: TABLES_BYTES_MAX,
    factor_max: 256,
};

pub(super) const WEB_PAGE: Target = Target {
    name: "web_page",
    run: |bytes| read(Media::Html, bytes),
    seeds: || PAGES.iter().map(|page| page.as_bytes().to_vec()).collect(),
    fixed_bytes_max: TABLES_BYTES_MAX,
    factor_max: 512,
};

pub(super) const MAIL: Target = Target {
    name: "mail",
    run: |bytes| read(Media::Eml, bytes),
    seeds: || MAILS.iter().map(|mail| mail.as_bytes().to_vec()).collect(),
    fixed_bytes_max: TABLES_BYTES_MAX,
    factor_max: 512,
};

/// The document as Markdown with everything that is in it, and in short what came of it.
fn read(media: Media, bytes: &[u8]) -> String {
    let given = [("format", "markdown"), ("attachments", "extract"), ("ocr", "never")];
    let given = given.map(|(name, value)| (name.to_owned(), value.to_owned()));
    match run("document", media, bytes, &Params(BTreeMap::from(given))) {
        Err(failure) => without_numbers(&failure.cause),
        Ok(kept) => {
            let analysis = json(&kept);
            assert!(std::str::from_utf8(&kept.artifacts[1]).is_ok(), "no text in UTF-8");
            let warning = analysis["warnings"][0].as_str().map(without_numbers);
            let size = magnitude(kept.artifacts[1].len());
            format!("{size} {} {} {warning:?}", kept.artifacts.len(), kept.notes)
        }
    }
}

/// An archive of parts.
fn archive(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, content) in parts {
        archive.start_file(*name, options).expect("memory takes it");
        archive.write_all(content).expect("memory takes it");
    }
    archive.finish().expect("memory takes it").into_inner()
}

/// A kind of archive with one part that is damaged; the others are sound.
struct Kind {
    media: Media,
    part: &'static str,
    others: &'static [(&'static str, &'static str)],
    seeds: &'static [&'static str],
}

impl Kind {
    /// The first byte chooses the kind.
    fn seeds(&self, way: u8) -> Vec<Vec<u8>> {
        self.seeds.iter().map(|seed| [&[way], seed.as_bytes()].concat()).collect()
    }
}

const SLIDE: &str = "<Relationships><Relationship Id='r1' Type='a/slide' Target='s.xml'/>\
                     <Relationship Id='r2' Type='a/chart' Target='c.xml'/></Relationships>";
const SHEET: &str = "<Relationships><Relationship Id='r1' Type='a/worksheet' Target='s.xml'/>\
                     <Relationship Id='r2' Type='a/styles' Target='t.xml'/>\
                     </Relationships>";
const STYLES: &str = "<styleSheet><numFmts><numFmt numFmtId='164' formatCode='d/m/yy h:mm'/></numFmts>\
                      <cellXfs><xf numFmtId='0'/><xf numFmtId='164'/><xf numFmtId='10'/></cellXfs>\
                      </styleSheet>";
const BOOK: &str = "<package><metadata><title>T</title></metadata><manifest><item id='a' \
                    href='a.xhtml' media-type='application/xhtml+xml'/></manifest><spine>\
                    <itemref idref='a'/></spine></package>";
const CONTAINER: &str =
    "<container><rootfiles><rootfile full-path='b.opf'/></rootfiles></container>";

static KINDS: [Kind; 7] = [
    Kind {
        media: Media::Xlsx,
        part: "xl/s.xml",
        others: &[
            (
                "xl/workbook.xml",
                "<workbook><sheets><sheet name='S' r:id='r1'/></sheets></workbook>",
            ),
            ("xl/_rels/workbook.xml.rels", SHEET),
            ("xl/t.xml", STYLES),
        ],
        seeds: &[
            "<worksheet><sheetData><row r='1'><c r='A1' t='inlineStr'><is><t>x</t></is></c>\
             <c r='C1' s='1'><v>45292.5</v></c></row><row r='9'><c r='B9' s='2'><f>A1</f>\
             <v>0.25</v></c></row></sheetData><mergeCells><mergeCell ref='A1:B2'/></mergeCells></worksheet>",
            "<worksheet><sheetData><row><c t='b'><v>1</v></c><c t='e'><v>#N/A</v></c><c t='s'>\
             <v>7</v></c></row></sheetData></worksheet>",
        ],
    },
    Kind {
        media: Media::Pptx,
        part: "ppt/s.xml",
        others: &[
            ("ppt/presentation.xml", "<p><sldIdLst><sldId r:id='r1'/></sldIdLst></p>"),
            ("ppt/_rels/presentation.xml.rels", SLIDE),
        ],
        seeds: &[
            "<p:sld><p:sp><p:ph type='title'/><a:p><a:r><a:t>T</a:t></a:r></a:p></p:sp><p:sp>\
             <p:ph idx='1'/><a:p><a:pPr lvl='1'><a:buAutoNum startAt='3'/></a:pPr><a:r><a:t>x</a:t>\
             </a:r><a:br/></a:p></p:sp></p:sld>",
            "<p:sld><a:tbl><a:tr><a:tc><a:p><a:r><a:t>c</a:t></a:r></a:p></a:tc></a:tr></a:tbl></p:sld>",
        ],
    },
    Kind {
        media: Media::Pptx,
        part: "ppt/c.xml",
        others: &[
            ("ppt/presentation.xml", "<p><sldIdLst><sldId r:id='r1'/></sldIdLst></p>"),
            ("ppt/_rels/presentation.xml.rels", SLIDE),
            ("ppt/_rels/s.xml.rels", SLIDE),
            ("ppt/s.xml", "<p:sld/>"),
        ],
        seeds: &[
            "<c:chart><c:title><a:t>Miles</a:t></c:title><c:ser><c:tx><c:v>one</c:v></c:tx><c:cat>\
                  <c:pt idx='0'><c:v>Mon</c:v></c:pt></c:cat><c:val><c:pt idx='0'>\
                  <c:v>1.5</c:v></c:pt>\
                  <c:pt idx='4'><c:v>2</c:v></c:pt></c:val></c:ser></c:chart>",
        ],
    },
    Kind {
        media: Media::Odt,
        part: "content.xml",
        others: &[(
            "styles.xml",
            "<style:master-page><style:header><text:p>head</text:p></style:header></style:master-page>",
        )],
        seeds: &[
            "<o><text:h text:outline-level='2'>H</text:h><text:p>a<text:s text:c='3'/>b<text:note>\
             <text:note-citation>1</text:note-citation><text:p>n</text:p></text:note></text:p></o>",
            "<o><text:list><text:list-item><text:p>i</text:p></text:list-item></text:list><table:table>\
             <table:table-row table:number-rows-repeated='2'><table:table-cell \
             table:number-columns-repeated='3'><text:p>c</text:p></table:table-cell>\
             </table:table-row></table:table></o>",
        ],
    },
    Kind {
        media: Media::Ods,
        part: "content.xml",
        others: &[],
        seeds: &[
            "<table:table table:name='S'><table:table-row><table:table-cell><text:p>1</text:p>\
                  </table:table-cell></table:table-row></table:table>",
        ],
    },
    Kind {
        media: Media::Odp,
        part: "content.xml",
        others: &[],
        seeds: &[
            "<draw:page><draw:frame presentation:class='title'><text:p>T</text:p></draw:frame>\
                  <presentation:notes><text:p>n</text:p></presentation:notes></draw:page>",
        ],
    },
    Kind {
        media: Media::Epub,
        part: "a.xhtml",
        others: &[("META-INF/container.xml", CONTAINER), ("b.opf", BOOK)],
        seeds: &["<html><body><h1>C</h1><p>one <a href='x'>two</a></p></body></html>"],
    },
];

fn office(bytes: &[u8]) -> String {
    let [way, bytes @ ..] = bytes else { return "too short".to_owned() };
    let kind = &KINDS[usize::from(*way) % KINDS.len()];
    let others = kind.others.iter().map(|(name, content)| (*name, content.as_bytes()));
    let parts: Vec<(&str, &[u8])> = std::iter::once((kind.part, bytes)).chain(others).collect();
    format!("{:?} {}", kind.media, read(kind.media, &archive(&parts)))
}

const RICH_TEXTS: [&str; 3] = [
    r"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0\fcharset204 T;}}{\info{\title A}}\pard\f0\'cf\u8212-x\par}",
    r#"{\rtf1\trowd\intbl a\cell b\cell\row\pard{\field{\*\fldinst HYPERLINK "x"}{\fldrslt y}}\par}"#,
    r"{\rtf1{\header h\par}{\*\bkmkstart b}{\footnote n}{\listtext 1.}i\par\bin3 abc\uc2\u9731 ab}",
];

const PAGES: [&str; 3] = [
    "<!DOCTYPE html><html lang=en><title>T</title><body><h1>H</h1><p>a <a href=x>b</a><br>c&amp;&#9731;",
    "<ul><li>a<ol start=3><li>b<li value=7>c</ol></ul><pre> x\n y</pre><div hidden>no</div>",
    "<table><caption>C<tr><th>n<th colspan=2>t<tr><td rowspan=2>a<td>b</table><script>x</script>",
];

const MAILS: [&str; 3] = [
    "From: a@b\r\nSubject: =?utf-8?q?Zo=C3=AB?=\r\nDate: Thu, 1 Jan 2026 10:00:00 +0000\r\n\r\nHello\r\n",
    "From: a@b\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=k\n\n--k\nContent-Type: \
     text/html\n\n<p>x\n--k\nContent-Type: text/csv; name=c.csv\nContent-Disposition: attachment\n\
     Content-Transfer-Encoding: base64\n\nYSxiCg==\n--k--\n",
    "From: a@b\nContent-Type: message/rfc822\n\nFrom: c@d\nSubject: inner\nContent-Transfer-Encoding: \
     quoted-printable\n\n=C3=A9=\n!\n",
];

/// The bytes become the main part of a sound archive.
fn docx(bytes: &[u8]) -> String {
    let archive = archive(&[("word/document.xml", bytes)]);
    match run("document", Media::Docx, &archive, &Params::default()) {
        Err(failure) => without_numbers(&failure.cause),
        Ok(kept) => {
            let analysis = json(&kept);
            let paragraphs = analysis["paragraph_count"].as_u64().unwrap_or(0) as usize;
            let warning = analysis["warnings"][0].as_str().map(without_numbers);
            format!("{} {warning:?} {}", magnitude(paragraphs), analysis["table_count"])
        }
    }
}

fn xml() -> Vec<Vec<u8>> {
    let document = |body: &str| format!("<w:document><w:body>{body}</w:body></w:document>");
    [
        document("<w:p><w:pPr><w:pStyle w:val=\"A\"/></w:pPr><w:r><w:t>one &amp; &#65;</w:t></w:r></w:p>"),
        document("<w:tbl><w:tr><w:tc><w:p><w:r><w:t>a</w:t><w:tab/></w:r></w:p></w:tc></w:tr></w:tbl>"),
        document("<w:p><w:del><w:r><w:delText>x</w:delText></w:r></w:del><w:br/></w:p>"),
        document("<w:p><w:pPr><w:numPr><w:ilvl w:val=\"1\"/><w:numId w:val=\"2\"/></w:numPr></w:pPr></w:p>"),
        document("<mc:AlternateContent><mc:Fallback><w:p/></mc:Fallback></mc:AlternateContent>"),
        "<?xml version=\"1.0\"?><!DOCTYPE a [<!ENTITY b \"c\">]><a><![CDATA[x]]><!-- y -->&b;</a>"
            .to_owned(),
    ]
    .map(String::into_bytes)
    .to_vec()
}
