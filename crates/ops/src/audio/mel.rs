//! Mel bands and what becomes of them: librosa's filter bank (Slaney's scale and norm), decibels
//! with a floor 80 dB under the file's loudest band, and the mean cepstrum.

use std::f64::consts::PI;

/// Bands, as in librosa.
pub(super) const BAND_COUNT: usize = 128;
/// Coefficients of the cepstrum that are reported.
pub(super) const MFCC_COUNT: usize = 13;
/// Smallest power that has a logarithm, and its decibels.
const POWER_MIN: f64 = 1e-10;
const DECIBELS_MIN: f64 = -100.0;
/// What lies further under the loudest band is raised to there.
const RANGE_DECIBELS: f64 = 80.0;
/// The steps in which low values are kept until the loudest is known.
const STEP_DECIBELS: f64 = 0.2;
const STEP_COUNT: usize = 400;
/// Frames that are kept as they are: 3 s at 44.1 kHz, 256 KiB.
const FIRST_FRAMES: u64 = 256;

/// Slaney's mel scale: linear to 1 kHz, logarithmic above.
pub(super) fn mel_of(hertz: f64) -> f64 {
    const LINEAR_HERTZ: f64 = 200.0 / 3.0;
    if hertz < 1_000.0 {
        hertz / LINEAR_HERTZ
    } else {
        15.0 + (hertz / 1_000.0).ln() / (6.4_f64.ln() / 27.0)
    }
}

/// The inverse of [`mel_of`].
pub(super) fn hertz_of(mel: f64) -> f64 {
    const LINEAR_HERTZ: f64 = 200.0 / 3.0;
    if mel < 15.0 {
        mel * LINEAR_HERTZ
    } else {
        1_000.0 * ((mel - 15.0) * 6.4_f64.ln() / 27.0).exp()
    }
}

/// Triangles over the bins of a power spectrum.
#[derive(Debug)]
pub(super) struct Bank {
    /// First bin and weights of each band.
    bands: Vec<(usize, Vec<f64>)>,
}

impl Bank {
    /// For the bins of a transform over `fft_size` samples.
    pub(super) fn new(sample_rate: u32, fft_size: usize) -> Bank {
        let rate = f64::from(sample_rate);
        let top = mel_of(rate / 2.0);
        let corner = |index: usize| hertz_of(top * index as f64 / (BAND_COUNT + 1) as f64);
        let band = |index: usize| {
            let (low, middle, high) = (corner(index), corner(index + 1), corner(index + 2));
            let weight = |bin: usize| {
                let hertz = bin as f64 * rate / fft_size as f64;
                let rise = (hertz - low) / (middle - low);
                let fall = (high - hertz) / (high - middle);
                rise.min(fall).max(0.0) * 2.0 / (high - low)
            };
            let is_in = |bin: &usize| weight(*bin) > 0.0;
            let bins = 0..=fft_size / 2;
            let first = bins.clone().find(is_in).unwrap_or(0);
            let weights = bins.skip(first).take_while(is_in).map(weight).collect();
            (first, weights)
        };
        Bank { bands: (0..BAND_COUNT).map(band).collect() }
    }

    fn power(&self, band: usize, spectrum: &[f64]) -> f64 {
        let (first, weights) = &self.bands[band];
        weights.iter().zip(&spectrum[*first..]).map(|(weight, power)| weight * power).sum()
    }
}

/// Sums up one channel's bands over all frames.
#[derive(Debug)]
pub(super) struct Bands {
    frames: u64,
    loudest: f64,
    /// Sums of decibels of each band.
    sums: Vec<f64>,
    /// The floor is not known before the loudest frame is. The first frames are kept as they are:
    /// a short sound's figures are exact.
    first: Vec<f64>,
    /// Of later frames, for each band and each step from -100 dB to -20 dB: how many values, and by
    /// how much they exceed the step's lower end altogether. With these the floor is applied at the
    /// end, in memory that does not grow.
    low: Vec<(u32, f32)>,
}

impl Bands {
    pub(super) fn new() -> Bands {
        Bands {
            frames: 0,
            loudest: f64::NEG_INFINITY,
            sums: vec![0.0; BAND_COUNT],
            first: Vec::new(),
            low: Vec::new(),
        }
    }

    pub(super) fn push(&mut self, bank: &Bank, spectrum: &[f64]) {
        let mut frame = [0.0; BAND_COUNT];
        for (band, decibels) in frame.iter_mut().enumerate() {
            *decibels = 10.0 * bank.power(band, spectrum).max(POWER_MIN).log10();
            self.loudest = self.loudest.max(*decibels);
            self.sums[band] += *decibels;
        }
        if self.frames < FIRST_FRAMES {
            self.first.extend_from_slice(&frame);
        } else {
            self.keep_low(&frame);
        }
        self.frames += 1;
    }

    fn keep_low(&mut self, frame: &[f64; BAND_COUNT]) {
        self.low.resize(BAND_COUNT * STEP_COUNT, (0, 0.0));
        for (decibels, steps) in frame.iter().zip(self.low.chunks_exact_mut(STEP_COUNT)) {
            let above = (decibels - DECIBELS_MIN).max(0.0);
            let step = (above / STEP_DECIBELS) as usize;
            if let Some((count, excess)) = steps.get_mut(step) {
                *count = count.saturating_add(1);
                *excess += (above - step as f64 * STEP_DECIBELS) as f32;
            }
        }
    }

    /// Mean of each cepstral coefficient over the frames.
    pub(super) fn mfcc_means(&self) -> Vec<f64> {
        let means = self.means();
        let count = BAND_COUNT as f64;
        let coefficient = |index: usize| {
            let angle = |band: usize| PI * index as f64 * (2 * band + 1) as f64 / (2.0 * count);
            let sum: f64 = means.iter().enumerate().map(|(b, mean)| mean * angle(b).cos()).sum();
            // The orthonormal cosine transform (DCT-II).
            sum * if index == 0 { (1.0 / count).sqrt() } else { (2.0 / count).sqrt() }
        };
        (0..MFCC_COUNT).map(coefficient).collect()
    }

    /// Mean decibels of each band with the floor applied.
    fn means(&self) -> Vec<f64> {
        let floor = self.loudest - RANGE_DECIBELS;
        let mut sums = self.sums.clone();
        for frame in self.first.chunks_exact(BAND_COUNT) {
            for (sum, decibels) in sums.iter_mut().zip(frame) {
                *sum += (floor - decibels).max(0.0);
            }
        }
        for (sum, steps) in sums.iter_mut().zip(self.low.chunks_exact(STEP_COUNT)) {
            let raised = steps.iter().enumerate().map(|(step, low)| raise(floor, step, *low));
            *sum += raised.sum::<f64>();
        }
        sums.iter().map(|sum| sum / self.frames.max(1) as f64).collect()
    }
}

/// By how much the values of a step grow together when the floor is put under them. In the step
/// that the floor cuts they are taken as evenly spread.
fn raise(floor: f64, step: usize, (count, excess): (u32, f32)) -> f64 {
    let bottom = DECIBELS_MIN + step as f64 * STEP_DECIBELS;
    let cut = ((floor - bottom) / STEP_DECIBELS).clamp(0.0, 1.0);
    if count == 0 || cut == 0.0 {
        return 0.0;
    }
    let (count, excess) = (f64::from(count), f64::from(excess));
    if cut == 1.0 {
        return count * (floor - bottom) - excess;
    }
    count * cut * cut * STEP_DECIBELS / 2.0
}
