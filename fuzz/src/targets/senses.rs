//! Pictures and sounds: headers, chunks and boxes of every format.

use super::operation::{TABLES_BYTES_MAX, json, run};
use super::shape::{magnitude, without_numbers};
use crate::target::Target;
use std::path::Path;
use windlass_core::media::{Family, Sample, sniff};
use windlass_core::params::Params;

/// What a picture's header may claim, and what is reserved for it before its pixels come.
const PICTURE_BYTES_MAX: usize = 1_792 << 20;
/// Of a sample, so much is damaged: headers are at the start.
const SEED_BYTES_MAX: usize = 2_048;

pub(super) const PICTURE: Target = Target {
    name: "picture",
    run: |bytes| measured("image", Family::Image, bytes),
    seeds: pictures,
    fixed_bytes_max: PICTURE_BYTES_MAX,
    factor_max: 64,
};

pub(super) const SOUND: Target = Target {
    name: "sound",
    run: |bytes| measured("audio", Family::Audio, bytes),
    seeds: sounds,
    fixed_bytes_max: TABLES_BYTES_MAX,
    factor_max: 1_024,
};

/// Runs the operation where the bytes still look like one of its files.
fn measured(operation: &str, family: Family, bytes: &[u8]) -> String {
    let media = sniff(&Sample { head: bytes, tail: &[], size: bytes.len() as u64 });
    let takes = windlass_ops::find(operation).is_some_and(|it| it.spec.accepts_media(media));
    if media.family() != family || !takes {
        return "another kind".to_owned();
    }
    match run(operation, media, bytes, &Params::default()) {
        Err(failure) => format!("{media:?} {}", without_numbers(&failure.cause)),
        Ok(kept) if family == Family::Audio => {
            let duration = json(&kept)["duration_seconds"].as_f64().unwrap_or(0.0);
            format!("{media:?} {} {}", magnitude((duration * 100.0) as usize), kept.notes)
        }
        Ok(kept) => {
            format!("{media:?} {} {}", magnitude(kept.artifacts[0].len()), kept.notes)
        }
    }
}

fn samples() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../samples");
    let entries = std::fs::read_dir(folder.join("heap/sounds")).expect("a folder of samples");
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    // Without the checksums of Ogg, by which changed bytes seldom come as far as the decoder.
    paths.push(folder.join("more/bells-opus.m4a"));
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).expect("a sample")).collect()
}

/// One of two by three pixels in each format, made by the operation itself where it writes it. None
/// for libheif: what it takes is not counted here.
fn pictures() -> Vec<Vec<u8>> {
    let mut bmp = b"BM\x4e\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0".to_vec();
    bmp.extend(
        b"\x02\0\0\0\x03\0\0\0\x01\0\x18\0\0\0\0\0\x18\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
    );
    bmp.extend((0..24).map(|index| index * 10));
    let gif = b"GIF89a\x02\0\x03\0\x80\0\0\0\0\0\xff\xff\xff!\xf9\x04\x01\0\0\0\0,\0\0\0\0\x02\0\x03\0\0\x02\
                \x03\x84\x16\x05\0;";
    let tiff = tiff();
    let made = ["png", "jpeg", "webp"].map(|format| {
        let given = [("format".to_owned(), format.to_owned())];
        let media = windlass_core::media::Media::Bmp;
        let made = run("image", media, &bmp, &Params(given.into())).expect("a sound picture");
        made.artifacts[0].clone()
    });
    let mut all = made.to_vec();
    all.extend([bmp, gif.to_vec(), tiff]);
    all
}

/// Grey, little endian, one strip.
fn tiff() -> Vec<u8> {
    let entries: [(u16, u16, u32); 8] = [
        (256, 3, 2),
        (257, 3, 3),
        (258, 3, 8),
        (259, 3, 1),
        (262, 3, 1),
        (273, 4, 8),
        (278, 3, 3),
        (279, 4, 6),
    ];
    let mut tiff = b"II*\0\x0e\0\0\0".to_vec();
    tiff.extend([1, 2, 3, 4, 5, 6]);
    tiff.extend(8_u16.to_le_bytes());
    for (tag, kind, value) in entries {
        tiff.extend(tag.to_le_bytes());
        tiff.extend(kind.to_le_bytes());
        tiff.extend(1_u32.to_le_bytes());
        tiff.extend(value.to_le_bytes());
    }
    tiff.extend([0; 4]);
    tiff
}

/// The beginning of a sound in each format, most of them cut off, and whole short ones.
fn sounds() -> Vec<Vec<u8>> {
    let mut all = samples();
    for sound in &mut all {
        // The index of MPEG-4 stands at the end.
        if sound.get(4..8).is_none_or(|name| name != b"ftyp") {
            sound.truncate(SEED_BYTES_MAX);
        }
    }
    let mut wav = b"RIFF\x2c\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data\x08\0\0\0"
        .to_vec();
    wav.extend([0, 0, 0, 0x40, 0, 0, 0, 0xc0]);
    let mut aiff = b"FORM\0\0\0\x36AIFFCOMM\0\0\0\x12\0\x01\0\0\0\x04\0\x10\x40\x0b\xfa\0\0\0\0\0\0\0SSND\0\0\0\x10"
        .to_vec();
    aiff.extend([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x40, 0, 0, 0, 0xc0, 0]);
    all.extend([wav, aiff]);
    all
}
