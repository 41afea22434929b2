//! The two networks of the accurate engine, PP-OCRv6 small: where their files lie, and the sessions
//! of this process, made at the first use and kept over attempts.

use super::decode::{Alphabet, Piece, pieces};
use super::regions::regions;
use super::slanted::Slanted;
use super::strip::{self, Strip};
use crate::image::picture::Picture;
use crate::image::scale::squeeze;
use crate::needs::{Lack, identity};
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use windlass_core::Failure;
use windlass_native::library as libraries;
use windlass_native::onnx::{self, LIBRARIES, OnnxError, Session};

/// The folder within a library folder.
const FOLDER: &str = "accurate-ocr";
const DETECTION: &str = "detection.onnx";
const RECOGNITION: &str = "recognition.onnx";
/// How to get what is missing.
const INSTALL: &str = "make deps, in the source folder of Windlass";
/// The code of failures of an engine that is there and does not work.
pub(in crate::ocr) const BROKEN: &str = "accurate_broken";
/// What the second network calls its characters.
const ALPHABET_KEY: &std::ffi::CStr = c"character";

/// The page is scaled for the first network so that its longer side is no longer than this, and
/// unless that is in the way its shorter one no shorter than that.
const LONGER_SIDE_MAX: f64 = 1_536.0;
const SHORTER_SIDE_MIN: f64 = 736.0;
/// Sides are multiples of this: the network halves them five times.
const SIDE_STEP: f64 = 32.0;
/// What the networks learnt to take for grey and for a difference, for blue, green and red.
const MEANS: [f32; 3] = [0.485, 0.456, 0.406];
const DEVIATIONS: [f32; 3] = [0.229, 0.224, 0.225];

/// Columns of a letter at least: the second network gives one in each step of 8. On the samples a
/// narrow print has 10 in squeezed strips, all others 13 and more.
const PITCH_MIN: f64 = 11.5;

/// The files.
struct Files {
    library: PathBuf,
    detection: PathBuf,
    recognition: PathBuf,
}

/// What is not there, and where it was looked for.
struct Absent {
    name: &'static str,
    folders: Vec<PathBuf>,
}

impl Absent {
    fn what(&self) -> String {
        let folders: Vec<String> =
            self.folders.iter().map(|it| libraries::shown(it).display().to_string()).collect();
        format!("the accurate engine lacks {}, looked for in {}", self.name, folders.join(", "))
    }
}

/// Networks ready to run.
pub(super) struct Networks {
    detection: Session,
    recognition: Session,
    alphabet: Alphabet,
    /// What reads: `PP-OCRv6 small, ONNX Runtime 1.22.0`.
    pub(super) name: String,
}

thread_local! {
    /// An executor works on one thread.
    static NETWORKS: RefCell<Option<Networks>> = const { RefCell::new(None) };
}

/// What is not on this machine that the engine needs.
pub(in crate::ocr) fn lack() -> Option<Lack> {
    files().err().map(|absent| Lack { what: absent.what(), install: INSTALL })
}

/// What its readings depend on: the files, by size and time.
pub(in crate::ocr) fn basis() -> Vec<(String, String)> {
    let Ok(Files { library, detection, recognition }) = files() else { return Vec::new() };
    [library, detection, recognition].iter().map(|path| identity(path)).collect()
}

fn files() -> Result<Files, Absent> {
    let folders: Vec<PathBuf> = libraries::folders().iter().map(|it| it.join(FOLDER)).collect();
    let find = |name: &str| {
        let mut paths = folders.iter().map(|folder| folder.join(name));
        paths.find(|path| path.is_file())
    };
    let need =
        |name: &'static str| find(name).ok_or_else(|| Absent { name, folders: folders.clone() });
    let library =
        LIBRARIES.iter().find_map(|name| find(name)).or_else(|| libraries::find(LIBRARIES));
    let library = library.ok_or_else(|| {
        let folders = folders.iter().cloned().chain([PathBuf::from("the folders of libraries")]);
        Absent { name: "ONNX Runtime's library libonnxruntime.so", folders: folders.collect() }
    })?;
    Ok(Files { library, detection: need(DETECTION)?, recognition: need(RECOGNITION)? })
}

/// Refuses what asks for the engine where it is not there.
pub(in crate::ocr) fn check() -> Result<(), Failure> {
    let Some(lack) = lack() else { return Ok(()) };
    let next_step = format!("Get it by `{INSTALL}`, or read with --param engine=tesseract.");
    Err(Failure::rejected("accurate_unavailable", lack.what, next_step))
}

/// Works with the networks of this process.
pub(super) fn with<T>(
    work: impl FnOnce(&mut Networks) -> Result<T, Failure>,
) -> Result<T, Failure> {
    NETWORKS.with_borrow_mut(|networks| {
        if networks.is_none() {
            *networks = Some(Networks::load()?);
        }
        work(networks.as_mut().ok_or_else(|| broken(&"make the networks"))?)
    })
}

impl Networks {
    fn load() -> Result<Networks, Failure> {
        check()?;
        let Ok(files) = files() else { return Err(broken(&"find its files")) };
        let onnx = onnx::load(&files.library).map_err(|error| broken(&error))?;
        let session = |path: &Path| {
            let failed = |error: &dyn std::fmt::Display| {
                broken(&format_args!("load {}: {error}", path.display()))
            };
            let bytes = std::fs::read(path).map_err(|error| failed(&error))?;
            onnx.session(&bytes).map_err(|error| failed(&error))
        };
        let recognition = session(&files.recognition)?;
        let list = recognition.metadata(ALPHABET_KEY).map_err(|error| broken(&error))?;
        let list = list.ok_or_else(|| broken(&"find the characters that its network knows"))?;
        Ok(Networks {
            detection: session(&files.detection)?,
            recognition,
            alphabet: Alphabet::of(&list),
            name: format!("PP-OCRv6 small, ONNX Runtime {}", onnx.version()),
        })
    }

    /// The places of the lines of a grey picture.
    pub(super) fn lines(&mut self, grey: &Picture) -> Result<Vec<Slanted>, Failure> {
        let (width, height) = detection_size(grey.width, grey.height);
        let seen = squeeze(grey, width, height)?;
        let planes = MEANS.iter().zip(DEVIATIONS).flat_map(|(mean, deviation)| {
            let value = move |byte: &u8| (f32::from(*byte) / 255.0 - mean) / deviation;
            seen.bytes.iter().map(value)
        });
        let values: Vec<f32> = planes.collect();
        let shape = [1, MEANS.len(), height as usize, width as usize];
        let map = self.detection.run(&values, &shape).map_err(|error| failed(&error))?;
        drop(values);
        if map.values.len() != seen.bytes.len() {
            return Err(broken(&"get a map of the page's size from its network"));
        }
        let across = f64::from(grey.width) / f64::from(width);
        let down = f64::from(grey.height) / f64::from(height);
        let found = regions(&map.values, width as usize);
        Ok(found.into_iter().map(|place| place.scaled(across, down)).collect())
    }

    /// The words of a line, from and to where along its place. Narrow print is read again in its
    /// true shape.
    pub(super) fn words(&mut self, grey: &Picture, place: &Slanted) -> Result<Vec<Piece>, Failure> {
        let (found, pitch) = self.shaped(grey, place, strip::SQUEEZED)?;
        if pitch >= PITCH_MIN {
            return Ok(found);
        }
        Ok(self.shaped(grey, place, 1.0)?.0)
    }

    /// The words of a line that is drawn in `shape` times its width, and the columns of a letter.
    fn shaped(
        &mut self,
        grey: &Picture,
        place: &Slanted,
        shape: f64,
    ) -> Result<(Vec<Piece>, f64), Failure> {
        let Strip { pixels, width, line_width } = strip::strip(grey, place, shape);
        // Grey is as much of each colour.
        let values = pixels.repeat(MEANS.len());
        let shape = [1, MEANS.len(), strip::HEIGHT, width];
        let output = self.recognition.run(&values, &shape).map_err(|error| failed(&error))?;
        if output.shape.last() != Some(&self.alphabet.count()) {
            return Err(broken(&"match the characters that its network knows to what it gives"));
        }
        let mut found = pieces(&output, &self.alphabet, width, line_width);
        let count: usize = found.iter().map(|piece| piece.text.chars().count() + 1).sum();
        let pitch = line_width as f64 / count.max(1) as f64;
        let scale = place.width / line_width as f64;
        for piece in &mut found {
            piece.from *= scale;
            piece.to *= scale;
        }
        Ok((found, pitch))
    }
}

/// The size in which the first network sees a page.
fn detection_size(width: u32, height: u32) -> (u32, u32) {
    let (wide, high) = (f64::from(width), f64::from(height));
    let least = SHORTER_SIDE_MIN / wide.min(high);
    let most = LONGER_SIDE_MAX / wide.max(high);
    let scale = least.max(1.0).min(most);
    let side = |side: f64| ((side * scale / SIDE_STEP).round().max(1.0) * SIDE_STEP) as u32;
    (side(wide), side(high))
}

fn failed(error: &OnnxError) -> Failure {
    Failure::rejected(
        "page_not_recognised",
        format!("the accurate engine failed to {error}"),
        "Read it with --param engine=tesseract.",
    )
}

/// What is there does not work. A worker goes on offering `ocr`: the other engine does.
fn broken(what: &dyn std::fmt::Display) -> Failure {
    Failure::rejected(
        BROKEN,
        format!("the accurate engine failed to {what}"),
        format!("Remove the folder {FOLDER} of the library folder and get it anew: {INSTALL}."),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_seen_neither_too_large_nor_too_small() {
        assert_eq!(detection_size(1_000, 1_200), (992, 1_216));
        assert_eq!(detection_size(2_480, 3_508), (1_088, 1_536));
        assert_eq!(detection_size(457, 1_170), (608, 1_536));
        assert_eq!(detection_size(300, 400), (736, 992));
        assert_eq!(detection_size(1, 1), (736, 736));
        assert_eq!(detection_size(30_000, 1), (1_536, 32));
    }
}
