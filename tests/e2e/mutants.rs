//! Thousands of damaged files through the real binary: the worker lives, every task ends within its
//! limit, every file gets an outcome with a cause, nothing is left behind.
//!
//! `WINDLASS_MUTANTS` multiplies the counts and `WINDLASS_MUTANT_SEED` draws others;
//! `WINDLASS_SAMPLES` names a folder of files to damage in the place of our own.

use crate::lab::{Lab, not_run};
use crate::mutator::{Format, Mutator};
use crate::pictures::has_heif;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Larger files are left out: thousands of copies of them fill a disk.
const SEED_BYTES_MAX: u64 = 1 << 20;

#[test]
fn a_thousand_mutated_pdfs_end_each_with_a_cause() {
    check(&[(Format::Pdf, 1_000)], "auto");
}

#[test]
fn five_hundred_mutated_docx_end_each_with_a_cause() {
    check(&[(Format::Docx, 500)], "auto");
}

#[test]
fn two_hundred_mutated_files_of_each_further_document_end_each_with_a_cause() {
    let formats = [
        Format::Xlsx,
        Format::Pptx,
        Format::Odt,
        Format::Ods,
        Format::Odp,
        Format::Epub,
        Format::Html,
        Format::Eml,
        Format::Rtf,
    ];
    check(&formats.map(|format| (format, 200)), "auto");
}

#[test]
fn two_hundred_mutated_images_of_each_format_end_each_with_a_cause() {
    let formats = [Format::Png, Format::Jpeg, Format::Webp, Format::Tiff, Format::Gif, Format::Bmp];
    check(&formats.map(|format| (format, 200)), "image");
}

/// Their decoders are those of the machine, written in C and C++.
#[test]
fn two_hundred_mutated_images_of_each_format_of_libheif_end_each_with_a_cause() {
    if !has_heif(&Lab::new()) {
        return not_run("heif", "libheif is not installed");
    }
    check(&[(Format::Heic, 200), (Format::Avif, 200)], "image");
}

/// Few, because those that are still whole are read; `make soak` tries ten times as many.
#[test]
fn a_hundred_mutated_images_are_read_or_end_with_a_cause() {
    let lab = Lab::new();
    if lab.run(&["ops"]).stdout.contains("not on this machine") {
        return not_run("tesseract", "its library or its English data is not installed");
    }
    let heap = [(Format::Png, 25), (Format::Jpeg, 25), (Format::Webp, 25), (Format::Tiff, 25)];
    check(&heap, "ocr");
}

/// Few, because those that are still whole are measured; `make soak` tries ten times as many.
#[test]
fn two_hundred_mutated_sounds_end_each_with_a_cause() {
    let formats = [
        Format::Wav,
        Format::Mp3,
        Format::Flac,
        Format::Ogg,
        Format::M4a,
        Format::Aac,
        Format::Aiff,
        Format::Caf,
    ];
    check(&formats.map(|format| (format, 25)), "auto");
}

/// Damages files of each format so many times and runs the binary over the whole heap, with this
/// operation.
fn check(heap: &[(Format, usize)], operation: &str) {
    let lab = Lab::new();
    let factor = number("WINDLASS_MUTANTS").unwrap_or(1);
    let mut mutator = Mutator::new(number("WINDLASS_MUTANT_SEED").unwrap_or(1));
    let mut total = 0;
    for (format, count) in heap {
        let seeds = seeds(*format);
        assert!(!seeds.is_empty(), "no {format:?} to damage");
        for index in 0..count * factor as usize {
            let good = &seeds[index % seeds.len()];
            let other = &seeds[mutator.below(seeds.len())];
            let mutant = mutator.mutant(*format, good, other);
            let extension = format!("{format:?}").to_lowercase();
            lab.input(format!("{index:05}.{extension}"), mutant);
            total += 1;
        }
    }
    if operation == "auto" {
        lab.input("good.txt", "A good day.");
        total += 1;
    }
    lab.run(&["run", "in", "--op", operation]).ended(3);
    let summary = lab.summary();
    let rows = summary["rows"].as_array().expect("rows");
    assert_eq!(rows.len(), total, "a file without an outcome");
    let faults: Vec<String> = rows.iter().filter_map(|row| fault(&lab, row)).collect();
    assert!(faults.is_empty(), "{} of {total}:\n{}", faults.len(), faults.join("\n"));
    if operation == "auto" {
        assert_eq!(lab.row("good.txt")["outcome"], "succeeded");
    }
    let scratch = std::fs::read_dir(lab.path("state/scratch")).into_iter().flatten();
    assert_eq!(scratch.count(), 0, "something is left in the scratch folder");
}

/// What is wrong with how a mutant ended. A damaged file is rejected at its first attempt: a crash,
/// a time-out or a full memory is a fault of ours even where the worker outlives it.
fn fault(lab: &Lab, row: &Value) -> Option<String> {
    let is_text = |field: &str| row[field].as_str().is_some_and(|text| !text.is_empty());
    let is_well = match row["outcome"].as_str() {
        Some("succeeded") => true,
        // It looks like a file of a kind that nothing is done with.
        Some("skipped") => is_text("cause"),
        Some("failed") => {
            row["kind"] == "rejected" && is_text("code") && is_text("cause") && is_text("next_step")
        }
        _ => false,
    };
    if is_well && row["attempts"].as_u64() <= Some(1) {
        return None;
    }
    // The folder of the test goes away; what failed is kept for whoever mends it.
    let path = PathBuf::from(row["input"].as_str().unwrap_or_default());
    let kept = std::env::temp_dir().join(format!(
        "windlass-mutant-{}-{}",
        std::process::id(),
        path.file_name().unwrap_or_default().to_string_lossy()
    ));
    let _ = std::fs::copy(lab.path(&path), &kept);
    Some(format!("{}: {row}", kept.display()))
}

/// All files of a format, in the order of their paths.
fn seeds(format: Format) -> Vec<Vec<u8>> {
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples");
    let root = std::env::var_os("WINDLASS_SAMPLES").map_or(ours, PathBuf::from);
    let mut folders = vec![root];
    let mut paths = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder of samples").flatten() {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            let size = entry.metadata().map_or(u64::MAX, |it| it.len());
            if path.is_dir() {
                folders.push(path);
            } else if format_of(&name) == Some(format) && size <= SEED_BYTES_MAX {
                paths.push(path);
            }
        }
    }
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).expect("a sample")).collect()
}

fn format_of(name: &str) -> Option<Format> {
    match name.rsplit('.').next()?.to_ascii_lowercase().as_str() {
        "pdf" => Some(Format::Pdf),
        "docx" => Some(Format::Docx),
        "xlsx" => Some(Format::Xlsx),
        "pptx" => Some(Format::Pptx),
        "odt" => Some(Format::Odt),
        "ods" => Some(Format::Ods),
        "odp" => Some(Format::Odp),
        "epub" => Some(Format::Epub),
        "html" => Some(Format::Html),
        "eml" => Some(Format::Eml),
        "rtf" => Some(Format::Rtf),
        "png" => Some(Format::Png),
        "tif" => Some(Format::Tiff),
        "jpg" | "jpeg" => Some(Format::Jpeg),
        "webp" => Some(Format::Webp),
        "gif" => Some(Format::Gif),
        "bmp" => Some(Format::Bmp),
        "heic" => Some(Format::Heic),
        "avif" => Some(Format::Avif),
        "wav" => Some(Format::Wav),
        "mp3" => Some(Format::Mp3),
        "flac" => Some(Format::Flac),
        "ogg" => Some(Format::Ogg),
        "m4a" => Some(Format::M4a),
        "aac" => Some(Format::Aac),
        "aiff" => Some(Format::Aiff),
        "caf" => Some(Format::Caf),
        _ => None,
    }
}

fn number(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name}={value} is no number")))
}
