//! The operation from file bytes to result bytes, on the samples.

use super::OPERATION;
use crate::kept::Kept;
use crate::{Lack, Source, Work};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Write as _;
use windlass_core::Failure;
use windlass_core::media::{Sample, sniff};
use windlass_core::params::Params;

/// Whether there is something to test with; said aloud if not.
fn is_there() -> bool {
    has("tesseract", OPERATION.lack())
}

/// The same for the accurate engine.
fn accurate_is_there() -> bool {
    has("accurate-ocr", super::accurate::lack())
}

fn has(feature: &str, lack: Option<Lack>) -> bool {
    let Some(lack) = lack else { return true };
    let _ = writeln!(std::io::stderr(), "not run: {feature} ({}; {})", lack.what, lack.install);
    let required = std::env::var("WINDLASS_REQUIRE").unwrap_or_default();
    assert!(!required.split(',').any(|it| it == feature), "{feature} is required");
    false
}

fn run(bytes: &[u8], given: &[(&str, &str)]) -> Result<Kept, Failure> {
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(bytes).expect("written");
    let media = sniff(&Sample { head: bytes, tail: &[], size: bytes.len() as u64 });
    let source = Source::new(file, "page".to_owned(), media, bytes.len() as u64, None);
    let given: BTreeMap<String, String> =
        given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let params = Params::normalise("ocr", OPERATION.spec.params, &given).expect("good parameters");
    let mut output = Kept::default();
    let run = OPERATION.run.expect("a function");
    run(&mut Work::new(Some(source), &params, &mut output))?;
    Ok(output)
}

fn sample(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../samples/heap/scans");
    std::fs::read(std::path::Path::new(folder).join(name)).expect("a sample")
}

fn json(collected: &Kept) -> Value {
    let (name, bytes) = &collected.artifacts[0];
    assert_eq!(name, "{base}_ocr.json");
    serde_json::from_slice(bytes).expect("JSON")
}

/// The texts that the samples were drawn from, by words.
const ALICE: &str = include_str!("../../../../samples/heap/texts/alice.txt");

fn words(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

/// How many of the words of a paragraph of Alice a text has, in percent.
fn share_of(paragraph: usize, text: &str) -> usize {
    let wanted = words(ALICE.split("\n\n").nth(paragraph).expect("a paragraph"));
    let found = words(text);
    let common = wanted.iter().filter(|word| found.contains(word)).count();
    common * 100 / wanted.len()
}

#[test]
fn a_page_gives_its_text_and_where_it_stands() {
    if !is_there() {
        return;
    }
    let collected = run(&sample("page.png"), &[]).expect("read");
    let json = json(&collected);
    let text = json["extracted_text"].as_str().expect("text");
    assert!(text.starts_with("Alice was beginning to get very tired of sitting by her\nsister on"));
    assert!(share_of(1, text) >= 94, "{text}");
    assert_eq!(json["word_count"], words(text).len());
    assert_eq!(json["character_count"], text.chars().count());
    assert!(json["average_confidence"].as_f64() > Some(85.0));
    assert_eq!(json["image_mode"], "1");
    assert_eq!(json["page_count"], 1);
    let page = &json["pages"][0];
    assert_eq!(json["image_size"], page["size"]);
    assert_eq!(page["orientation"], 0);
    let lines = page["lines"].as_array().expect("lines");
    assert_eq!(lines.len(), 6);
    let first = &lines[0]["words"][0];
    assert_eq!(first["text"], "Alice");
    // The text begins 40 pixels from the left and the upper edge.
    let corners: Vec<i64> =
        first["box"].as_array().expect("a box").iter().filter_map(Value::as_i64).collect();
    assert!((38..=44).contains(&corners[0]) && (38..=44).contains(&corners[1]), "{corners:?}");
    assert!((90..=125).contains(&corners[2]) && (56..=70).contains(&corners[3]), "{corners:?}");
    assert!(collected.notes.is_empty());
    assert!(collected.progress.iter().all(|(done, total)| done <= total && *total == 100));
}

/// Tesseract alone loses most lines of a page at a slant of three degrees.
#[test]
fn a_slanting_page_is_made_straight() {
    if !is_there() {
        return;
    }
    let straight = json(&run(&sample("slanting.png"), &[]).expect("read"));
    let text = straight["extracted_text"].as_str().expect("text");
    assert!(share_of(3, text) >= 94, "{text}");
    let skew = straight["pages"][0]["skew"].as_f64().expect("a number");
    assert!((2.7..=3.3).contains(&skew), "{skew}");
    let left = json(&run(&sample("slanting.png"), &[("turn", "false")]).expect("read"));
    assert!(share_of(3, left["extracted_text"].as_str().expect("text")) < 60);
}

#[test]
fn all_pages_of_a_fax_are_read() {
    if !is_there() {
        return;
    }
    let json = json(&run(&sample("two-pages.tif"), &[]).expect("read"));
    assert_eq!(json["page_count"], 2);
    let texts: Vec<&str> = json["extracted_text"].as_str().expect("text").split('\u{c}').collect();
    assert!(texts[0].starts_with("Four score and seven years ago"), "{}", texts[0]);
    assert!(texts[1].starts_with("Now we are engaged in a great civil war"), "{}", texts[1]);
    assert_eq!(json["pages"][1]["text"], texts[1]);
    assert_eq!(json["image_mode"], "1");
}

#[test]
fn pages_on_their_side_and_head_are_turned() {
    use crate::image::decode::decode;
    use crate::image::picture::{Layout, Orientation};
    use windlass_core::media::Media;
    if !is_there() {
        return;
    }
    let upright = decode(Media::Png, &sample("page.png"), Layout::Grey).expect("decoded").picture;
    let text = |degrees: u32| {
        let laid = upright.clone().oriented(Orientation::from_turn(degrees)).expect("turned");
        let page = super::recognise(&laid, None, &super::Asked::default(), &mut |_| true);
        let page = page.expect("read");
        assert_eq!((page.turned_degrees + degrees) % 360, 0, "laid by {degrees}");
        assert_eq!((page.width, page.height), (upright.width, upright.height));
        let first = page.words().next().expect("a word").clone();
        assert_eq!(first.text, "Alice", "laid by {degrees}");
        assert!(first.place.left.abs_diff(40) <= 4, "laid by {degrees}: {:?}", first.place);
        assert!(first.place.top.abs_diff(40) <= 4, "laid by {degrees}: {:?}", first.place);
        page.text()
    };
    for degrees in [0, 90, 180, 270] {
        assert!(share_of(1, &text(degrees)) >= 94, "laid by {degrees}");
    }
}

#[test]
fn a_missing_language_names_those_that_are_there() {
    if !is_there() {
        return;
    }
    let failure = run(&sample("page.png"), &[("lang", "eng+xyz")]).err().expect("refused");
    assert_eq!(failure.code, "language_missing");
    assert!(
        failure.cause.contains("\"xyz\"") && failure.cause.contains("eng"),
        "{}",
        failure.cause
    );
    assert!(failure.next_step.contains("apt-get install"), "{}", failure.next_step);
    // And the engine is not lost to the next page.
    assert!(run(&sample("page.png"), &[]).is_ok());
}

#[test]
fn an_empty_page_is_no_failure() {
    if !is_there() {
        return;
    }
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 200, 100);
    encoder.set_color(png::ColorType::Grayscale);
    let mut writer = encoder.write_header().expect("a header");
    writer.write_image_data(&[255; 200 * 100]).expect("pixels");
    writer.finish().expect("an end");
    let collected = run(&bytes, &[]).expect("read");
    assert_eq!(json(&collected)["extracted_text"], "");
    assert_eq!(json(&collected)["average_confidence"], 0.0);
    assert_eq!(collected.notes, ["No text was found."]);
}

/// Tesseract's layout analysis loses most of a column of amounts that stands far from its goods.
#[test]
fn amounts_that_stand_apart_are_read() {
    if !is_there() {
        return;
    }
    // DejaVu Sans Mono at 26 pixels, in four shades.
    let collected = run(include_bytes!("apart.png"), &[]).expect("read");
    let json = json(&collected);
    let text = json["extracted_text"].as_str().expect("text");
    for line in ["Description Amount", "@ 2.50 2.50 T", "@ 19.50 19.50 T", "@ 14.50 14.50 T"] {
        assert!(text.contains(line), "{line}: {text}");
    }
}

#[test]
fn the_accurate_engine_reads_a_receipt_with_places_and_in_rows() {
    if !accurate_is_there() {
        return;
    }
    let collected = run(&sample("receipt.jpg"), &[("engine", "accurate")]).expect("read");
    let json = json(&collected);
    let text = json["extracted_text"].as_str().expect("text");
    let wanted = "Anchor 1 12.50 Rope 30 m 18.00 Tar 2 kg 4.20 Sum 34.70 Paid in silver";
    assert_eq!(words(text), words(wanted));
    let engine = json["engine"].as_str().expect("a name");
    assert!(engine.starts_with("PP-OCRv6 small, ONNX Runtime "), "{engine}");
    assert_eq!(json["pages"][0]["engine"], json["engine"]);
    assert!(json["average_confidence"].as_f64().expect("a number") > 90.0);
    // The first word begins 40 pixels from both edges; capitals are 17 high and 80 wide together.
    let first = &json["pages"][0]["lines"][0]["words"][0];
    let corners = first["box"].as_array().expect("a box").iter().filter_map(Value::as_i64);
    let [left, top, right, bottom] = corners.collect::<Vec<_>>()[..] else { panic!("four sides") };
    assert!((28..=46).contains(&left) && (28..=44).contains(&top), "{first}");
    assert!((100..=140).contains(&right) && (54..=74).contains(&bottom), "{first}");
    assert!(collected.notes.is_empty());
    assert!(collected.progress.iter().all(|(done, total)| done <= total && *total == 100));
}

#[test]
fn the_accurate_engine_sets_pages_upright_and_straight() {
    use crate::image::decode::decode;
    use crate::image::picture::{Layout, Orientation};
    use windlass_core::media::Media;
    if !accurate_is_there() {
        return;
    }
    let asked = super::Asked { engine: super::Engine::Accurate, ..super::Asked::default() };
    let upright = decode(Media::Png, &sample("page.png"), Layout::Grey).expect("decoded").picture;
    for degrees in [0, 90, 180, 270] {
        let laid = upright.clone().oriented(Orientation::from_turn(degrees)).expect("turned");
        let page = super::recognise(&laid, None, &asked, &mut |_| true).expect("read");
        assert_eq!((page.turned_degrees + degrees) % 360, 0, "laid by {degrees}");
        assert_eq!((page.width, page.height), (upright.width, upright.height));
        assert!(share_of(1, &page.text()) >= 94, "laid by {degrees}: {}", page.text());
    }
    let slanting = json(&run(&sample("slanting.png"), &[("engine", "accurate")]).expect("read"));
    let text = slanting["extracted_text"].as_str().expect("text");
    assert!(share_of(3, text) >= 94, "{text}");
    assert_eq!(slanting["pages"][0]["lines"].as_array().map(Vec::len), Some(text.lines().count()));
}

/// The two pages of the fax beside each other.
fn two_columns() -> crate::image::picture::Picture {
    use crate::image::picture::{Layout, Picture};
    let bytes = sample("two-pages.tif");
    let mut pages = crate::image::tiff::Pages::open(&bytes).expect("pages");
    let left = pages.decode(Layout::Grey).expect("decoded").picture;
    pages.next().expect("another page");
    let right = pages.decode(Layout::Grey).expect("decoded").picture;
    let (width, height) = (left.width + right.width, left.height.max(right.height));
    let mut page = vec![255; width as usize * height as usize];
    for (column, picture) in [(0, &left), (left.width as usize, &right)] {
        let rows = picture.bytes.chunks_exact(picture.width as usize);
        for (y, row) in rows.enumerate() {
            let at = y * width as usize + column;
            page[at..at + row.len()].copy_from_slice(row);
        }
    }
    Picture { width, height, layout: Layout::Grey, bytes: page }
}

#[test]
fn columns_are_read_one_after_another_by_both_engines() {
    let page = two_columns();
    for engine in [super::Engine::Tesseract, super::Engine::Accurate] {
        let is_there = match engine {
            super::Engine::Tesseract => is_there(),
            _ => accurate_is_there(),
        };
        if !is_there {
            continue;
        }
        let asked = super::Asked { engine, ..super::Asked::default() };
        let read = super::recognise(&page, None, &asked, &mut |_| true).expect("read");
        let text = words(&read.text()).join(" ");
        let left =
            text.find("proposition that all men are created equal").expect("the left column");
        let right = text.find("Now we are engaged in a great civil war").expect("the right column");
        assert!(left < right, "{engine:?}: {text}");
    }
}

/// A picture as a file.
fn png_of(picture: &crate::image::picture::Picture) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, picture.width, picture.height);
    encoder.set_color(png::ColorType::Grayscale);
    let mut writer = encoder.write_header().expect("a header");
    writer.write_image_data(&picture.bytes).expect("pixels");
    writer.finish().expect("an end");
    bytes
}

#[test]
fn auto_takes_the_accurate_engine_where_tesseract_is_in_doubt_and_says_so() {
    use crate::image::decode::decode;
    use crate::image::picture::Layout;
    use crate::image::scale::squeeze;
    use windlass_core::media::Media;
    if !is_there() || !accurate_is_there() {
        return;
    }
    let page = run(&sample("page.png"), &[("engine", "auto")]).expect("read");
    assert!(page.notes.is_empty(), "{:?}", page.notes);
    assert!(json(&page)["engine"].as_str().expect("a name").starts_with("Tesseract"));
    // Letters of four pixels without their tails.
    let letter = decode(Media::Jpeg, &sample("letter.jpg"), Layout::Grey).expect("decoded").picture;
    let small = squeeze(&letter, letter.width * 2 / 5, letter.height * 2 / 5).expect("smaller");
    let small = run(&png_of(&small), &[("engine", "auto")]).expect("read");
    let [note] = &small.notes[..] else { panic!("one note: {:?}", small.notes) };
    assert!(
        note.starts_with("It was read by the accurate engine: Tesseract was sure of "),
        "{note}"
    );
    assert!(json(&small)["engine"].as_str().expect("a name").starts_with("PP-OCRv6"));
    let text = json(&small)["extracted_text"].as_str().expect("text").to_owned();
    assert!(text.starts_with("Four score and seven years ago"), "{text}");
}

#[test]
fn a_language_that_the_networks_never_learnt_is_refused() {
    if !accurate_is_there() {
        return;
    }
    let asked = [("engine", "accurate"), ("lang", "eng+rus")];
    let failure = run(&sample("page.png"), &asked).err().expect("refused");
    assert_eq!(failure.code, "language_not_read");
    assert!(failure.cause.contains("\"rus\""), "{}", failure.cause);
}

#[test]
fn the_accurate_engine_finds_nothing_on_an_empty_page_and_ends_when_told() {
    if !accurate_is_there() {
        return;
    }
    use crate::image::picture::{Layout, Picture};
    let asked = super::Asked { engine: super::Engine::Accurate, ..super::Asked::default() };
    let blank = Picture { width: 300, height: 200, layout: Layout::Grey, bytes: vec![255; 60_000] };
    let page = super::recognise(&blank, None, &asked, &mut |_| true).expect("read");
    assert!(page.blocks.is_empty());
    let ended = super::recognise(&two_columns(), None, &asked, &mut |percent| percent < 50);
    assert_eq!(ended.expect_err("ended").code, "cancelled");
}
