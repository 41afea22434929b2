//! Short-time spectra and what they tell of the sound's colour, by librosa's definitions: frames
//! of 2,048 samples every 512, centred, with a periodic Hann window.

use super::mel::{Bands, Bank};
use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};
use std::f64::consts::PI;
use std::sync::Arc;

/// Samples of a frame, and between the starts of two.
pub(super) const FRAME_SAMPLES: usize = 2_048;
pub(super) const HOP_SAMPLES: usize = 512;
/// Frequencies of a spectrum, from 0 to half the sampling rate.
pub(super) const BIN_COUNT: usize = FRAME_SAMPLES / 2 + 1;
/// The part of a frame's magnitude under the roll-off.
const ROLLOFF_SHARE: f64 = 0.85;
/// Least power of a bin for the flatness; greatest too, since sixteen are multiplied.
const FLATNESS_POWER: (f64, f64) = (1e-10, 1e15);
/// Bins that are worked on side by side.
const LANES: usize = 16;

/// Means over the frames of one channel or mix.
#[derive(Clone, Debug)]
pub(super) struct SpectralFigures {
    pub(super) centroid_hz: f64,
    pub(super) bandwidth_hz: f64,
    pub(super) rolloff_hz: f64,
    pub(super) flatness: f64,
    pub(super) mfcc: Vec<f64>,
}

/// Cuts all channels into frames and transforms them.
pub(super) struct Frames {
    transform: Arc<dyn RealToComplex<f64>>,
    scratch: Vec<Complex<f64>>,
    window: Vec<f64>,
    windowed: Vec<f64>,
    /// Samples of each channel from the start of the next frame.
    pending: Vec<Vec<f32>>,
    /// The spectrum of each channel in the frame at work.
    spectra: Vec<Vec<Complex<f64>>>,
}

impl Frames {
    pub(super) fn new(channels: usize) -> Frames {
        let transform = RealFftPlanner::<f64>::new().plan_fft_forward(FRAME_SAMPLES);
        let hann = |n: usize| 0.5 - 0.5 * (2.0 * PI * n as f64 / FRAME_SAMPLES as f64).cos();
        Frames {
            scratch: transform.make_scratch_vec(),
            transform,
            window: (0..FRAME_SAMPLES).map(hann).collect(),
            windowed: vec![0.0; FRAME_SAMPLES],
            // The first frame's middle is the first sample.
            pending: vec![vec![0.0; FRAME_SAMPLES / 2]; channels],
            spectra: vec![vec![Complex::default(); BIN_COUNT]; channels],
        }
    }

    /// Takes samples; `each` gets the spectra of all channels for every frame that is complete.
    pub(super) fn push(&mut self, planes: &[&[f32]], mut each: impl FnMut(&[Vec<Complex<f64>>])) {
        for (pending, plane) in self.pending.iter_mut().zip(planes) {
            pending.extend_from_slice(plane);
        }
        let length = self.pending.first().map_or(0, Vec::len);
        let mut start = 0;
        while start + FRAME_SAMPLES <= length {
            for channel in 0..self.pending.len() {
                self.transform(channel, start);
            }
            each(&self.spectra);
            start += HOP_SAMPLES;
        }
        for pending in &mut self.pending {
            pending.drain(..start);
        }
    }

    /// The last frames, whose second half lies behind the end.
    pub(super) fn finish(&mut self, each: impl FnMut(&[Vec<Complex<f64>>])) {
        let silence = [0.0_f32; FRAME_SAMPLES / 2];
        let planes = vec![&silence[..]; self.pending.len()];
        self.push(&planes, each);
    }

    fn transform(&mut self, channel: usize, start: usize) {
        let frame = &self.pending[channel][start..start + FRAME_SAMPLES];
        for ((to, sample), weight) in self.windowed.iter_mut().zip(frame).zip(&self.window) {
            *to = f64::from(*sample) * weight;
        }
        self.transform
            .process_with_scratch(&mut self.windowed, &mut self.spectra[channel], &mut self.scratch)
            .expect("all lengths are the transform's own");
    }
}

/// Sums up the frames of one channel or mix.
pub(super) struct Spectra {
    hertz_per_bin: f64,
    frames: u64,
    centroid: f64,
    bandwidth: f64,
    rolloff: f64,
    flatness: f64,
    bands: Bands,
    /// Power of each bin, padded with zeros to whole lanes.
    power: Vec<f64>,
    magnitude: Vec<f64>,
}

/// [`BIN_COUNT`] rounded up to whole lanes.
const PADDED: usize = BIN_COUNT.div_ceil(LANES) * LANES;

impl Spectra {
    pub(super) fn new(sample_rate: u32) -> Spectra {
        Spectra {
            hertz_per_bin: f64::from(sample_rate) / FRAME_SAMPLES as f64,
            frames: 0,
            centroid: 0.0,
            bandwidth: 0.0,
            rolloff: 0.0,
            flatness: 0.0,
            bands: Bands::new(),
            power: vec![0.0; PADDED],
            magnitude: vec![0.0; PADDED],
        }
    }

    /// Takes a frame; returns its power by bin.
    pub(super) fn push(&mut self, bank: &Bank, spectrum: &[Complex<f64>]) -> &[f64] {
        for ((power, magnitude), value) in
            self.power.iter_mut().zip(&mut self.magnitude).zip(spectrum)
        {
            *power = value.re * value.re + value.im * value.im;
            *magnitude = power.sqrt();
        }
        self.frames += 1;
        self.colour();
        self.flatness += flatness(&self.power[..BIN_COUNT]);
        self.bands.push(bank, &self.power[..BIN_COUNT]);
        &self.power[..BIN_COUNT]
    }

    /// Centroid, bandwidth and roll-off of the frame, in bins until the end.
    fn colour(&mut self) {
        let mut sums = [[0.0_f64; LANES]; 3];
        let mut at: [f64; LANES] = std::array::from_fn(|lane| lane as f64);
        for chunk in self.magnitude.chunks_exact(LANES) {
            for lane in 0..LANES {
                let weighed = chunk[lane] * at[lane];
                sums[0][lane] += chunk[lane];
                sums[1][lane] += weighed;
                sums[2][lane] += weighed * at[lane];
                at[lane] += LANES as f64;
            }
        }
        let [sum, first, second] = sums.map(|lanes| lanes.iter().sum::<f64>());
        if sum <= 0.0 {
            return;
        }
        let centroid = first / sum;
        self.centroid += centroid;
        self.bandwidth += (second / sum - centroid * centroid).max(0.0).sqrt();
        self.rolloff += self.rolloff_bin(sum * ROLLOFF_SHARE) as f64;
    }

    fn rolloff_bin(&self, wanted: f64) -> usize {
        let mut below = 0.0;
        for (index, chunk) in self.magnitude.chunks_exact(LANES).enumerate() {
            let sum: f64 = chunk.iter().sum();
            if below + sum >= wanted {
                for (lane, magnitude) in chunk.iter().enumerate() {
                    below += magnitude;
                    if below >= wanted {
                        return index * LANES + lane;
                    }
                }
            } else {
                below += sum;
            }
        }
        BIN_COUNT - 1
    }

    pub(super) fn finish(&self) -> SpectralFigures {
        let frames = self.frames.max(1) as f64;
        SpectralFigures {
            centroid_hz: self.centroid / frames * self.hertz_per_bin,
            bandwidth_hz: self.bandwidth / frames * self.hertz_per_bin,
            rolloff_hz: self.rolloff / frames * self.hertz_per_bin,
            flatness: self.flatness / frames,
            mfcc: self.bands.mfcc_means(),
        }
    }
}

/// Geometric by arithmetic mean of a frame's powers.
fn flatness(power: &[f64]) -> f64 {
    let clamp = |power: f64| power.clamp(FLATNESS_POWER.0, FLATNESS_POWER.1);
    let (mut logs, mut sums) = (0.0, [0.0_f64; LANES]);
    let chunks = power.chunks_exact(LANES);
    for power in chunks.remainder() {
        logs += clamp(*power).ln();
        sums[0] += clamp(*power);
    }
    for chunk in chunks {
        // One logarithm of a product in the place of sixteen: 1e-160 to 1e240 is a number still.
        let mut products = [1.0_f64; 4];
        for lane in 0..LANES {
            let power = clamp(chunk[lane]);
            sums[lane] += power;
            products[lane % 4] *= power;
        }
        logs += products.iter().product::<f64>().ln();
    }
    let count = power.len() as f64;
    (logs / count).exp() / (sums.iter().sum::<f64>() / count)
}
