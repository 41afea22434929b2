//! The links of a PDF's pages and the files within it.

use super::glyphs::Page;
use super::model::{Attachment, Document, Link};
use super::package::media_type_of;
use super::pdf_outline::{catalog, each_name, is_named};
use super::pdf_strings::decode;
use hayro_interpret::TransformExt;
use hayro_interpret::kurbo::Rect;
use hayro_syntax::Pdf;
use hayro_syntax::object::{Array, Dict, Name, Rect as PdfRect, Stream, String as PdfString};
use hayro_syntax::page::Page as PdfPage;

/// Annotations of one page that are looked at.
const ANNOTATION_COUNT_MAX: usize = 10_000;
/// Content of all files within one document.
const CONTENT_BYTES_MAX: usize = 256 << 20;
/// Glyphs that are looked at for the links of one page, each link anew.
const GLYPH_LOOK_COUNT_MAX: usize = 20_000_000;
/// Words of a link that are shown.
const LINK_TEXT_BYTES_MAX: usize = 1_000;

/// Lists the links of a page that lead out of the document, with the words that they lie on.
pub(super) fn links(page: &PdfPage<'_>, shown: &Page, number: usize, document: &mut Document) {
    let Some(annotations) = page.raw().get::<Array<'_>>("Annots") else { return };
    let mut looks = 0_usize;
    for annotation in annotations.iter::<Dict<'_>>().take(ANNOTATION_COUNT_MAX) {
        let action = annotation.get::<Dict<'_>>("A").filter(|action| is_named(action, "URI"));
        let target = action.and_then(|action| action.get::<PdfString<'_>>("URI"));
        let Some(target) = target else { continue };
        let area = annotation.get::<PdfRect>("Rect").map(|area| {
            let area = Rect::new(area.x0, area.y0, area.x1, area.y1);
            page.initial_transform(true).to_kurbo().transform_rect_bbox(area)
        });
        looks += shown.glyphs.len();
        let area = area.filter(|_| looks <= GLYPH_LOOK_COUNT_MAX);
        let text = area.map(|area| words_in(shown, area)).unwrap_or_default();
        let target = decode(target.as_bytes());
        document.push_link(Link { text, target, page: Some(number) });
    }
}

/// The glyphs that stand within an area, in drawing order.
fn words_in(page: &Page, area: Rect) -> String {
    let mut text = String::new();
    let mut end = None;
    for glyph in &page.glyphs {
        // The middle of the letter: a base line lies on the area's edge.
        let middle = glyph.origin.midpoint(glyph.end) - (0.0, 0.25 * glyph.size);
        if !area.contains(middle) {
            continue;
        }
        let own = &page.text[glyph.text.clone()];
        let is_apart = end.is_some_and(|end| glyph.origin.distance(end) > 0.15 * glyph.size);
        if is_apart && own != " " && !text.ends_with(' ') {
            text.push(' ');
        }
        text.push_str(own);
        end = Some(glyph.end);
        if text.len() > LINK_TEXT_BYTES_MAX {
            break;
        }
    }
    text.trim().to_owned()
}

/// Lists the files within a document; with their content where it is wanted.
pub(super) fn attachments(pdf: &Pdf, is_content_wanted: bool, document: &mut Document) {
    let mut files: Vec<Dict<'_>> = Vec::new();
    let names = catalog(pdf).and_then(|catalog| catalog.get::<Dict<'_>>("Names"));
    each_name(names.and_then(|names| names.get("EmbeddedFiles")), |_, value| {
        files.extend(value.into_dict());
    });
    // Files may hang on pages too.
    for page in pdf.pages().iter() {
        let Some(annotations) = page.raw().get::<Array<'_>>("Annots") else { continue };
        let found = annotations.iter::<Dict<'_>>().take(ANNOTATION_COUNT_MAX);
        let found = found.filter(|annotation| is_named(annotation, "FileAttachment"));
        files.extend(found.filter_map(|annotation| annotation.get("FS")));
    }
    let mut left = CONTENT_BYTES_MAX;
    for file in files {
        attach(&file, is_content_wanted, &mut left, document);
    }
}

fn attach(file: &Dict<'_>, is_content_wanted: bool, left: &mut usize, document: &mut Document) {
    let embedded = file.get::<Dict<'_>>("EF");
    let stream = embedded.and_then(|it| it.get::<Stream<'_>>("F").or_else(|| it.get("UF")));
    let Some(stream) = stream else { return };
    let name = file.get::<PdfString<'_>>("UF").or_else(|| file.get("F"));
    let name = name.map(|name| decode(name.as_bytes())).filter(|name| !name.is_empty());
    let name = name.unwrap_or_else(|| "attachment".to_owned());
    let declared = stream.dict().get::<Name<'_>>("Subtype").map(|it| it.as_str().to_owned());
    let declared = declared.filter(|it| it.contains('/'));
    let params = stream.dict().get::<Dict<'_>>("Params");
    let told = params.and_then(|params| params.get::<i32>("Size"));
    let told = told.and_then(|size| u64::try_from(size).ok());
    let mut content = None;
    if is_content_wanted || told.is_none() {
        match stream.decoded() {
            Ok(bytes) if bytes.len() <= *left => {
                *left -= bytes.len();
                content = Some(bytes.into_owned());
            }
            Ok(_) => document.warnings.push(format!("the attachment {name} is too large to read")),
            Err(_) => document.warnings.push(format!("the attachment {name} is damaged")),
        }
    }
    let size = content.as_ref().map(|bytes| bytes.len() as u64).or(told).unwrap_or(0);
    document.push_attachment(Attachment {
        media_type: declared.unwrap_or_else(|| media_type_of(&name).to_owned()),
        name,
        size,
        content: content.filter(|_| is_content_wanted),
    });
}
