//! The highest value between the samples (ITU-R BS.1770-5, annex 2): four times as many points by
//! a windowed sinc, twice as many from 96 kHz, none from 192 kHz.

use std::f64::consts::PI;

/// Samples on which a point between them depends.
const TAP_COUNT: usize = 12;
/// Points are worked out for so many samples at once, or for none of them.
const CHUNK_SAMPLES: usize = 64;

#[derive(Debug)]
pub(super) struct TruePeak {
    /// One filter for each point between two samples.
    phases: Vec<[f32; TAP_COUNT]>,
    /// The largest sum of a filter's absolute factors: no point is higher than so many times the
    /// highest sample around it.
    gain_max: f32,
    /// The last samples of the block before, then the block.
    samples: Vec<f32>,
    peak: f32,
}

impl TruePeak {
    pub(super) fn new(sample_rate: u32) -> TruePeak {
        let factor = match sample_rate {
            ..96_000 => 4,
            96_000..192_000 => 2,
            _ => 1,
        };
        let phases: Vec<_> = (1..factor).map(|phase| filter(phase, factor)).collect();
        let gain = |taps: &[f32; TAP_COUNT]| taps.iter().map(|tap| tap.abs()).sum::<f32>();
        let gain_max = phases.iter().map(gain).fold(1.0, f32::max);
        TruePeak { phases, gain_max, samples: vec![0.0; TAP_COUNT - 1], peak: 0.0 }
    }

    pub(super) fn push(&mut self, block: &[f32]) {
        self.samples.extend_from_slice(block);
        let history = TAP_COUNT - 1;
        let mut start = 0;
        while start + history < self.samples.len() {
            let end = (start + CHUNK_SAMPLES).min(self.samples.len() - history);
            let around = &self.samples[start..end + history];
            let highest = around.iter().fold(0.0_f32, |peak, sample| peak.max(sample.abs()));
            self.peak = self.peak.max(highest);
            // Most of a recording is so much lower than its peak that nothing there can be one.
            if highest * self.gain_max > self.peak {
                for taps in &self.phases {
                    self.peak = self.peak.max(highest_between(around, taps));
                }
            }
            start = end;
        }
        self.samples.drain(..self.samples.len() - history);
    }

    pub(super) fn finish(mut self) -> f64 {
        self.push(&[0.0; TAP_COUNT]);
        f64::from(self.peak)
    }
}

fn highest_between(samples: &[f32], taps: &[f32; TAP_COUNT]) -> f32 {
    let mut points = [0.0_f32; CHUNK_SAMPLES];
    let count = samples.len() + 1 - TAP_COUNT;
    for (tap, factor) in taps.iter().enumerate() {
        for (point, sample) in points[..count].iter_mut().zip(&samples[tap..]) {
            *point += factor * sample;
        }
    }
    points.iter().fold(0.0, |peak, point| peak.max(point.abs()))
}

/// Factors for the point `phase / factor` behind the middle sample.
fn filter(phase: usize, factor: usize) -> [f32; TAP_COUNT] {
    let width = (TAP_COUNT * factor) as f64;
    std::array::from_fn(|tap| {
        // Distance from the filter's middle in points; the window is Hann's.
        let at = ((tap * factor + phase) as f64) - width / 2.0;
        let x = PI * at / factor as f64;
        let sinc = if at == 0.0 { 1.0 } else { x.sin() / x };
        (sinc * 0.5 * (1.0 + (2.0 * PI * at / width).cos())) as f32
    })
}
