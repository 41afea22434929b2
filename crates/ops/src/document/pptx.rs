//! PPTX files: the slides in their order, each with its notes.

use super::builder::Builder;
use super::chart::push_charts;
use super::drawing::{Drawing, push_texts};
use super::model::{BreakKind, Document};
use super::package::{Form, Package, Relations, join, part_names, split};
use super::xml::{attribute, each_element};
use windlass_core::Failure;

static FORM: Form = Form {
    label: "PPTX",
    damaged: "damaged_pptx",
    unpacked_bytes_max: 192 << 20,
    program: "a presentation program",
};
/// Slides that are read.
const SLIDE_COUNT_MAX: usize = 20_000;

/// Reads a whole file.
pub(super) fn read(
    bytes: Vec<u8>,
    is_content_wanted: bool,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Document, Failure> {
    let mut package = Package::open(&FORM, bytes)?;
    let main = package.main_part("ppt/presentation.xml")?;
    let relations = package.relations(&main)?;
    let presentation = package.main(&main)?;
    let slides = slides(&presentation, &relations, split(&main).0);
    let mut builder = Builder::default();
    let mut hidden = Vec::new();
    for (index, part) in slides.iter().enumerate() {
        progress(index, slides.len());
        if builder.document.is_full() {
            builder.document.cut();
            break;
        }
        builder.document.push_break(BreakKind::Slide, index + 1, None);
        let Some(xml) = package.part(part)? else {
            builder.document.warnings.push(format!("slide {} is missing", index + 1));
            continue;
        };
        if is_hidden(&xml) {
            hidden.push(index + 1);
        }
        let relations = package.relations(part)?;
        let drawing = Drawing { relations: &relations, body_only: false };
        push_texts(&xml, &drawing, &mut builder)?;
        let folder = split(part).0;
        push_charts(&mut package, &relations, folder, &mut builder)?;
        for kind in ["diagramData", "notesSlide"] {
            for name in part_names(&relations, folder, kind) {
                let Some(xml) = package.part(&name)? else { continue };
                let relations = package.relations(&name)?;
                let drawing = Drawing { relations: &relations, body_only: kind == "notesSlide" };
                push_texts(&xml, &drawing, &mut builder)?;
            }
        }
    }
    progress(slides.len(), slides.len());
    let mut document = builder.finish();
    document.metadata = package.metadata()?;
    document.figure("slide_count", slides.len());
    document.figure("hidden_slides", hidden);
    document.warnings.splice(0..0, std::mem::take(&mut package.warnings));
    package.attach(&mut document, |name| name.contains("/embeddings/"), is_content_wanted);
    Ok(document)
}

/// The parts of the slides, in the order in which they are shown.
fn slides(presentation: &str, relations: &Relations, folder: &str) -> Vec<String> {
    let mut slides = Vec::new();
    each_element(presentation, |element| {
        if element.local_name().as_ref() == "sldId" && slides.len() < SLIDE_COUNT_MAX {
            // Both `id` and `r:id` are there; the relation's is the one that is found.
            let mut ids = element.attributes();
            let ids = ids.with_checks(false).flatten();
            let named = ids.filter(|it| it.key.local_name().as_ref() == "id");
            let mut found = named.filter_map(|it| relations.get(&it.value));
            slides.extend(found.next().map(|relation| join(folder, &relation.target)));
        }
    });
    slides
}

fn is_hidden(slide: &str) -> bool {
    let mut is_hidden = false;
    each_element(slide.get(..4_096).unwrap_or(slide), |element| {
        is_hidden |= element.local_name().as_ref() == "sld"
            && matches!(attribute(element, "show").as_deref(), Some("0" | "false"));
    });
    is_hidden
}
