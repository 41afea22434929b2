//! # image: grey or smaller pictures
//!
//! Takes PNG, JPEG, WebP, TIFF, GIF and BMP, and where libheif is installed on the worker's machine
//! (Debian and Ubuntu: `apt-get install libheif1`) HEIC and AVIF; the bytes decide, not the file
//! name. Writes one picture: `processed_<name>.png`, the suffix following `format` (`.jpg`,
//! `.webp`).
//!
//! **Grey** is Rec. 601 luma: (19595 R + 38470 G + 7471 B) / 65536, rounded; what Pillow's mode
//! `L` gives. An alpha channel is left out. `grayscale=false` keeps the colours, and transparency
//! where the format has it; JPEG has none, so transparent pixels are laid over white.
//!
//! **Size.** `width` and `height` are pixels of the result as it is looked at. With one of them,
//! the other follows from the picture's shape. With both, `fit` says how:
//!
//! - `contain`: as large as fits into the box, shape kept (the default);
//! - `inside`: the same, but never larger than the original;
//! - `cover`: fills the box, shape kept, what sticks out cut off evenly on both sides;
//! - `fill`: exactly the box, shape given up.
//!
//! Scaling is Lanczos (3 lobes), with transparency weighed in.
//!
//! **Metadata.** The EXIF orientation is applied to the pixels; then all metadata, places and
//! camera names included, stays behind. A colour profile stays behind as well, without conversion:
//! the numbers of the pixels are kept. Samples of more than 8 bits become their upper 8. Of an
//! animation the first picture is taken, with a note, of a TIFF the first page, of a HEIC the main
//! picture.
//!
//! **More about it.** `describe=true` writes `<name>_image.json` beside the picture: `media_type`,
//! `image_size` (width and height as it is looked at), `has_transparency`, `animated`; `phash` and
//! `dhash`, fingerprints of 64 bits as Python's ImageHash makes them (two pictures look alike where
//! few bits differ); `dominant_colors`, up to eight of `{color, share}`, the largest share first.
//! `thumbnail=N` writes a small picture with its colours, at most N pixels a side:
//! `<name>_thumbnail.jpg`, or `.png` where pixels are transparent.
//!
//! **Limits.** 200 megapixels, and what fits into 1.75 GiB while at work: larger pictures are
//! refused by their header, before anything is unpacked. Damaged and cut-off files are refused,
//! never half shown.

mod bmp;
mod colors;
pub(crate) mod convert;
pub(crate) mod decode;
mod describe;
mod encode;
mod fingerprint;
mod gif;
pub(crate) mod heif;
mod jpeg;
pub(crate) mod picture;
mod png;
pub(crate) mod scale;
pub(crate) mod tiff;
mod tiff_fax;
mod tiff_palette;
mod webp;

#[cfg(test)]
mod tests;

use crate::needs::Need;
use crate::{Operation, Work};
use decode::More;
use picture::{Layout, Picture};
use windlass_core::Failure;
use windlass_core::catalogue::{Accepts, Cacheable, Home, OperationSpec};
use windlass_core::media::Media;
use windlass_core::params::{ParamKind, ParamSpec, Params};

/// The operation.
pub(crate) const OPERATION: Operation =
    Operation { spec: &SPEC, source: include_str!("image.rs"), run: Some(run), is_instant: None };

/// It needs nothing; but where libheif is there, HEIC and AVIF are read by it.
pub(crate) const NEED: Need =
    Need { operation: "image", lack: || None, basis, extras: || vec![heif::extra()] };

/// Largest side that the parameters ask for.
const SIDE_MAX: i64 = 65_535;
/// Largest side of a thumbnail.
const THUMBNAIL_SIDE_MAX: i64 = 2_048;
const THUMBNAIL_QUALITY: u8 = 80;
/// Largest input file.
const INPUT_BYTES_MAX: u64 = 512 << 20;
/// Parts of the work between which progress is shown: read, decoded, turned, scaled, encoded.
const STEP_COUNT: u64 = 5;

const SPEC: OperationSpec = OperationSpec {
    name: "image",
    version: 1,
    summary: "grey, scaled or converted pictures from PNG, JPEG, WebP, TIFF, GIF, BMP, HEIC and AVIF",
    accepts: Accepts::Media(&[
        Media::Png,
        Media::Jpeg,
        Media::WebP,
        Media::Tiff,
        Media::Gif,
        Media::Bmp,
        Media::Heic,
        Media::Avif,
    ]),
    params: PARAMS,
    home: Home::Executor,
    cacheable: Cacheable::Always,
    attempt_ms_max: 300_000,
    // A decoder works through up to 200 megapixels in one call, without a word between.
    progress_ms_max: Some(60_000),
    memory_bytes_max: 2 << 30,
    output_bytes_max: 1 << 30,
    steps: &[],
};

const PARAMS: &[ParamSpec] = &[
    ParamSpec {
        name: "width",
        kind: ParamKind::Int { min: 1, max: SIDE_MAX },
        default: None,
        required: false,
        doc: "Width of the result in pixels.",
    },
    ParamSpec {
        name: "height",
        kind: ParamKind::Int { min: 1, max: SIDE_MAX },
        default: None,
        required: false,
        doc: "Height of the result in pixels.",
    },
    ParamSpec {
        name: "fit",
        kind: ParamKind::Choice(&["contain", "cover", "fill", "inside"]),
        default: Some("contain"),
        required: false,
        doc: "How the picture fills width and height where both are given.",
    },
    ParamSpec {
        name: "format",
        kind: ParamKind::Choice(&["png", "jpeg", "webp"]),
        default: Some("png"),
        required: false,
        doc: "File format of the result; webp is lossless.",
    },
    ParamSpec {
        name: "quality",
        kind: ParamKind::Int { min: 1, max: 100 },
        default: Some("85"),
        required: false,
        doc: "Quality of format=jpeg.",
    },
    ParamSpec {
        name: "grayscale",
        kind: ParamKind::Bool,
        default: Some("true"),
        required: false,
        doc: "Whether the result is grey.",
    },
    ParamSpec {
        name: "describe",
        kind: ParamKind::Bool,
        default: Some("false"),
        required: false,
        doc: "Whether fingerprints and dominant colours are written as JSON beside the result.",
    },
    ParamSpec {
        name: "thumbnail",
        kind: ParamKind::Int { min: 16, max: THUMBNAIL_SIDE_MAX },
        default: None,
        required: false,
        doc: "Longest side in pixels of a small colour picture beside the result.",
    },
];

fn basis(_: &Params, media: Media) -> Vec<(String, String)> {
    if heif::reads(media) { heif::basis() } else { Vec::new() }
}

fn run(work: &mut Work<'_>) -> Result<(), Failure> {
    let params = work.params;
    let Some(source) = work.source.as_mut() else {
        return Err(Failure::rejected("input_missing", "no picture was given", "Name a file."));
    };
    let mut step = 0;
    let mut done = |output: &mut dyn crate::Output| {
        step += 1;
        output.progress(step, STEP_COUNT);
    };

    let bytes = source.read(INPUT_BYTES_MAX)?;
    done(work.output);
    let thumbnail_side = params.int("thumbnail").and_then(|side| u32::try_from(side).ok());
    let (is_grey, is_described) = (params.is_true("grayscale"), params.is_true("describe"));
    let needs_colors = !is_grey || is_described || thumbnail_side.is_some();
    let wanted = if needs_colors { Layout::Rgba } else { Layout::Grey };
    let decoded = decode::decode(source.media, &bytes, wanted)?;
    drop(bytes);
    done(work.output);
    match decoded.more {
        More::None => {}
        More::Animation => {
            work.output.note("The file is an animation; its first picture was taken.".to_owned());
        }
        More::Pages => {
            work.output.note("The file has several pages; the first one was taken.".to_owned());
        }
        More::Pictures => {
            let note = "The file holds several pictures; its main one was taken.";
            work.output.note(note.to_owned());
        }
    }
    let picture = decoded.picture.oriented(decoded.orientation)?;
    done(work.output);
    let media = source.media;
    let is_animation = decoded.more == More::Animation;
    let description =
        is_described.then(|| describe::describe(&picture, media, is_animation)).transpose()?;
    let thumbnail = thumbnail_side.map(|side| thumbnail(&picture, side)).transpose()?;
    let picture = if is_grey { picture.into_grey() } else { picture };
    let picture = scale::scale(picture, &scale::Target::of(params))?;
    done(work.output);
    let format = encode::Format::of(params);
    let encoded = encode::encode(&picture, format)?;
    drop(picture);
    let name = format!("processed_{{base}}.{}", format.suffix());
    work.output.artifact(&name, format.media().mime(), &encoded)?;
    if let Some(description) = description {
        let mut json = serde_json::to_vec_pretty(&description).expect("plain data is always JSON");
        json.push(b'\n');
        work.output.artifact("{base}_image.json", "application/json", &json)?;
    }
    if let Some((format, bytes)) = thumbnail {
        let name = format!("{{base}}_thumbnail.{}", format.suffix());
        work.output.artifact(&name, format.media().mime(), &bytes)?;
    }
    done(work.output);
    Ok(())
}

/// A small copy with its colours, in the format that suits it.
fn thumbnail(picture: &Picture, side: u32) -> Result<(encode::Format, Vec<u8>), Failure> {
    let small = scale::scaled(picture, &scale::Target::inside(side))?;
    let format = if small.is_opaque() {
        encode::Format::Jpeg { quality: THUMBNAIL_QUALITY }
    } else {
        encode::Format::Png
    };
    Ok((format, encode::encode(&small, format)?))
}

/// The bytes are not what they should be: broken, or the end is missing.
fn damaged(error: impl std::fmt::Display) -> Failure {
    Failure::rejected(
        "image_damaged",
        format!("the picture is damaged or cut off: {error}"),
        "Get the file again from where it came: it may have been cut off while it was copied.",
    )
}

/// A variant of the format that no decoder here reads.
fn unsupported(what: impl std::fmt::Display) -> Failure {
    Failure::rejected(
        "image_unsupported",
        format!("this variant of the format is not read: {what}"),
        "Save the picture anew as a usual PNG or JPEG.",
    )
}
