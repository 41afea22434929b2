//! All measurements over one sound, fed block by block: of each channel, the mono mix, the whole.

use super::levels::Levels;
use super::loudness::Meter;
use super::mel::Bank;
use super::report::{Figures, Measured};
use super::sound::Facts;
use super::spectrum::{BIN_COUNT, FRAME_SAMPLES, Frames, Spectra};
use super::true_peak::TruePeak;
use realfft::num_complex::Complex;

/// Samples under which no loudness is given: half a second.
const LOUDNESS_SECONDS_MIN: f64 = 0.5;

/// What is measured of one channel or of the mix of all.
struct Part {
    levels: Levels,
    true_peak: TruePeak,
    spectra: Spectra,
}

pub(super) struct Analysis {
    sample_rate: u32,
    samples: u64,
    /// Each channel's, then the mono mix's where there are several.
    parts: Vec<Part>,
    meter: Option<Meter>,
    frames: Frames,
    bank: Bank,
    mono: Vec<f32>,
    mixed: Vec<Complex<f64>>,
}

impl Analysis {
    pub(super) fn new(facts: &Facts) -> Analysis {
        let (rate, channels) = (facts.sample_rate, facts.channels);
        let part = |_| Part {
            levels: Levels::new(rate, facts.full_scale()),
            true_peak: TruePeak::new(rate),
            spectra: Spectra::new(rate),
        };
        let part_count = if channels == 1 { 1 } else { channels + 1 };
        Analysis {
            sample_rate: rate,
            samples: 0,
            parts: (0..part_count).map(part).collect(),
            meter: Meter::new(rate, facts.weights.clone()),
            frames: Frames::new(channels),
            bank: Bank::new(rate, FRAME_SAMPLES),
            mono: Vec::new(),
            mixed: vec![Complex::default(); BIN_COUNT],
        }
    }

    /// Takes as many samples of each channel. `each` sees the power by bin of every channel's frame
    /// as it is worked out.
    pub(super) fn push(&mut self, planes: &[Vec<f32>], each: &mut dyn FnMut(usize, &[f64])) {
        let mut views: Vec<&[f32]> = planes.iter().map(Vec::as_slice).collect();
        self.samples += views[0].len() as u64;
        if let Some(meter) = &mut self.meter {
            meter.push(&views);
        }
        let Analysis { parts, frames, bank, mixed, .. } = self;
        frames.push(&views, |spectra| take_frame(parts, bank, mixed, spectra, each));
        if planes.len() > 1 {
            mix(planes, &mut self.mono);
            views.push(&self.mono);
        }
        for (part, samples) in self.parts.iter_mut().zip(views) {
            part.levels.push(samples);
            part.true_peak.push(samples);
        }
    }

    pub(super) fn finish(mut self, each: &mut dyn FnMut(usize, &[f64])) -> Measured {
        let Analysis { parts, frames, bank, mixed, .. } = &mut self;
        frames.finish(|spectra| take_frame(parts, bank, mixed, spectra, each));
        let seconds = self.samples as f64 / f64::from(self.sample_rate);
        let is_long_enough = seconds >= LOUDNESS_SECONDS_MIN;
        let meter = self.meter.filter(|_| is_long_enough);
        let (whole, loudness) = meter.map(Meter::finish).unwrap_or_default();
        let loudness = loudness.into_iter().map(Some).chain(std::iter::repeat(None));
        let figures = self.parts.into_iter().zip(loudness).map(|(part, loudness)| {
            Figures::new(
                part.levels.finish(),
                part.true_peak.finish(),
                loudness.unwrap_or_default(),
                part.spectra.finish(),
            )
        });
        Measured { samples: self.samples, seconds, whole, parts: figures.collect() }
    }
}

/// Takes the spectra of all channels in one frame. That of the mix is the mean of theirs.
fn take_frame(
    parts: &mut [Part],
    bank: &Bank,
    mixed: &mut [Complex<f64>],
    spectra: &[Vec<Complex<f64>>],
    each: &mut dyn FnMut(usize, &[f64]),
) {
    for (channel, (part, spectrum)) in parts.iter_mut().zip(spectra).enumerate() {
        each(channel, part.spectra.push(bank, spectrum));
    }
    let (Some(mix), [first, others @ ..]) = (parts.get_mut(spectra.len()), spectra) else { return };
    mixed.copy_from_slice(first);
    for other in others {
        for (sum, value) in mixed.iter_mut().zip(other) {
            *sum += value;
        }
    }
    let share = 1.0 / spectra.len() as f64;
    for value in mixed.iter_mut() {
        *value *= share;
    }
    mix.spectra.push(bank, mixed);
}

/// The mean of all channels, in the order and precision of numpy's.
fn mix(planes: &[Vec<f32>], mono: &mut Vec<f32>) {
    let channels = planes.len() as f32;
    mono.clear();
    mono.extend_from_slice(&planes[0]);
    for plane in &planes[1..] {
        for (sum, sample) in mono.iter_mut().zip(plane) {
            *sum += sample;
        }
    }
    for sample in mono {
        *sample /= channels;
    }
}
