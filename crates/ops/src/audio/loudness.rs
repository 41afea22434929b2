//! Loudness by ITU-R BS.1770-5 and EBU R 128: K-weighting, gated blocks, loudness range (EBU Tech
//! 3342). Blocks are kept as counts and sums in steps of 0.1 LU, so that memory does not grow.

use std::f64::consts::PI;

/// A loudness in LUFS of a mean square of 1.
const OFFSET_LU: f64 = -0.691;
/// Blocks that are quieter than this are not counted.
const GATE_LUFS: f64 = -70.0;
/// The histogram's steps and its upper end.
const STEP_LU: f64 = 0.1;
const STEP_COUNT: usize = 1_200;
/// Sub-blocks of 100 ms in a block, and in a block of the loudness range.
const BLOCK_COUNT: usize = 4;
const RANGE_COUNT: usize = 30;
/// Below, the weighting's high shelf lies beyond what the file can hold.
const RATE_MIN: u32 = 4_000;

/// Loudness of one programme.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Loudness {
    /// Integrated, in LUFS; `None` where nothing was above the gate.
    pub(super) integrated_lufs: Option<f64>,
    /// In LU; `None` under 3 s.
    pub(super) range_lu: Option<f64>,
}

/// The two filters of the K-weighting for one channel, as one direct form II transposed each.
#[derive(Clone, Debug)]
struct Weighting {
    shelf: Biquad,
    pass: Biquad,
}

#[derive(Clone, Debug)]
struct Biquad {
    b: [f64; 3],
    a: [f64; 2],
    state: [f64; 2],
}

impl Biquad {
    fn step(&mut self, x: f64) -> f64 {
        let y = self.b[0] * x + self.state[0];
        self.state[0] = self.b[1] * x - self.a[0] * y + self.state[1];
        self.state[1] = self.b[2] * x - self.a[1] * y;
        y
    }

    /// Silence ends: what lingers would become numbers too small to calculate with at speed.
    fn settle(&mut self) {
        for value in &mut self.state {
            if value.abs() < 1e-30 {
                *value = 0.0;
            }
        }
    }
}

impl Weighting {
    /// The analogue prototypes behind BS.1770's coefficients for 48 kHz, for any rate.
    fn new(sample_rate: u32) -> Weighting {
        let rate = f64::from(sample_rate);
        let (gain, q) = (3.999_843_853_973_347, 0.707_175_236_955_419_6);
        let k = (PI * 1_681.974_450_955_533 / rate).tan();
        let high = 10_f64.powf(gain / 20.0);
        let band = high.powf(0.499_666_774_154_541_6);
        let a0 = 1.0 + k / q + k * k;
        let shelf = Biquad {
            b: [
                (high + band * k / q + k * k) / a0,
                2.0 * (k * k - high) / a0,
                (high - band * k / q + k * k) / a0,
            ],
            a: [2.0 * (k * k - 1.0) / a0, (1.0 - k / q + k * k) / a0],
            state: [0.0; 2],
        };
        let q = 0.500_327_037_323_877_3;
        let k = (PI * 38.135_470_876_024_44 / rate).tan();
        let a0 = 1.0 + k / q + k * k;
        let pass = Biquad {
            b: [1.0, -2.0, 1.0],
            a: [2.0 * (k * k - 1.0) / a0, (1.0 - k / q + k * k) / a0],
            state: [0.0; 2],
        };
        Weighting { shelf, pass }
    }

    fn filter(&mut self, samples: &[f32], out: &mut Vec<f64>) {
        out.clear();
        out.extend(samples.iter().map(|x| self.pass.step(self.shelf.step(f64::from(*x)))));
        self.shelf.settle();
        self.pass.settle();
    }
}

/// Energies in steps of 0.1 LU: how many, and their exact sum.
#[derive(Debug)]
struct Histogram(Vec<(u64, f64)>);

impl Histogram {
    fn new() -> Histogram {
        Histogram(vec![(0, 0.0); STEP_COUNT])
    }

    fn push(&mut self, energy: f64) {
        let loudness = loudness(energy);
        if loudness < GATE_LUFS {
            return;
        }
        let step = ((loudness - GATE_LUFS) / STEP_LU) as usize;
        let (count, sum) = &mut self.0[step.min(STEP_COUNT - 1)];
        *count += 1;
        *sum += energy;
    }

    /// Mean energy of what is at or above a loudness. A step that it cuts counts by its mean.
    fn mean_from(&self, gate_lufs: f64) -> Option<f64> {
        let is_in =
            |(count, sum): &&(u64, f64)| *count > 0 && loudness(*sum / *count as f64) >= gate_lufs;
        let (count, sum) = self
            .0
            .iter()
            .filter(is_in)
            .fold((0, 0.0), |(count, sum), step| (count + step.0, sum + step.1));
        (count > 0).then(|| sum / count as f64)
    }
}

fn loudness(energy: f64) -> f64 {
    OFFSET_LU + 10.0 * energy.log10()
}

/// One programme's gating: fed with the energy of every 100 ms.
#[derive(Debug)]
struct Gate {
    /// The last 3 s, a ring.
    recent: [f64; RANGE_COUNT],
    count: usize,
    blocks: Histogram,
    ranges: Histogram,
}

impl Gate {
    fn new() -> Gate {
        let (blocks, ranges) = (Histogram::new(), Histogram::new());
        Gate { recent: [0.0; RANGE_COUNT], count: 0, blocks, ranges }
    }

    fn push(&mut self, energy: f64) {
        self.recent[self.count % RANGE_COUNT] = energy;
        self.count += 1;
        if self.count >= BLOCK_COUNT {
            let last = (1..=BLOCK_COUNT).map(|back| self.recent[(self.count - back) % RANGE_COUNT]);
            self.blocks.push(last.sum::<f64>() / BLOCK_COUNT as f64);
        }
        if self.count >= RANGE_COUNT {
            self.ranges.push(self.recent.iter().sum::<f64>() / RANGE_COUNT as f64);
        }
    }

    fn finish(&self) -> Loudness {
        let all = self.blocks.mean_from(GATE_LUFS);
        let gated = all.and_then(|mean| self.blocks.mean_from(loudness(mean) - 10.0));
        Loudness { integrated_lufs: gated.map(loudness), range_lu: self.range() }
    }

    /// From the 10th to the 95th percentile of what is within 20 LU below the mean.
    fn range(&self) -> Option<f64> {
        let gate = loudness(self.ranges.mean_from(GATE_LUFS)?) - 20.0;
        let steps: Vec<(u64, f64)> = self
            .ranges
            .0
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, sum)| (*count, loudness(*sum / *count as f64)))
            .filter(|(_, loudness)| *loudness >= gate)
            .collect();
        let total: u64 = steps.iter().map(|step| step.0).sum();
        let percentile = |part: f64| {
            let wanted = ((total - 1) as f64 * part + 0.5) as u64;
            let mut seen = 0;
            steps.iter().find_map(|(count, loudness)| {
                seen += count;
                (seen > wanted).then_some(*loudness)
            })
        };
        Some(percentile(0.95)? - percentile(0.10)?)
    }
}

/// Measures a whole programme, each channel and the mono mix at once: the weighting is linear, so
/// one run of it a channel serves them all.
#[derive(Debug)]
pub(super) struct Meter {
    weightings: Vec<Weighting>,
    /// BS.1770's weight of each channel in the whole.
    weights: Vec<f64>,
    block_samples: usize,
    filled: usize,
    /// Squares of each channel in this 100 ms, then of the mono mix where there are several.
    squares: Vec<f64>,
    filtered: Vec<Vec<f64>>,
    whole: Gate,
    parts: Vec<Gate>,
}

impl Meter {
    /// `None` for sampling rates that K-weighting has no meaning for.
    pub(super) fn new(sample_rate: u32, weights: Vec<f64>) -> Option<Meter> {
        if sample_rate < RATE_MIN {
            return None;
        }
        let channels = weights.len();
        // With one channel all three are the same, but for its weight.
        let parts = if channels == 1 { 1 } else { channels + 1 };
        Some(Meter {
            weightings: vec![Weighting::new(sample_rate); channels],
            weights,
            block_samples: ((sample_rate + 5) / 10) as usize,
            filled: 0,
            squares: vec![0.0; parts],
            filtered: vec![Vec::new(); channels],
            whole: Gate::new(),
            parts: (0..parts).map(|_| Gate::new()).collect(),
        })
    }

    pub(super) fn push(&mut self, planes: &[&[f32]]) {
        for ((weighting, plane), out) in
            self.weightings.iter_mut().zip(planes).zip(&mut self.filtered)
        {
            weighting.filter(plane, out);
        }
        let length = planes.first().map_or(0, |plane| plane.len());
        let mut start = 0;
        while start < length {
            let end = length.min(start + self.block_samples - self.filled);
            self.add(start, end);
            self.filled += end - start;
            if self.filled == self.block_samples {
                self.end_block();
            }
            start = end;
        }
    }

    fn add(&mut self, start: usize, end: usize) {
        for (plane, squares) in self.filtered.iter().zip(&mut self.squares) {
            *squares += plane[start..end].iter().map(|y| y * y).sum::<f64>();
        }
        let channels = self.filtered.len();
        if let [left, right] = &self.filtered[..] {
            let pairs = left[start..end].iter().zip(&right[start..end]);
            self.squares[2] += pairs.map(|(l, r)| (l + r) * (l + r)).sum::<f64>() / 4.0;
        } else if channels > 1 {
            let mix = |index: usize| {
                self.filtered.iter().map(|plane| plane[index]).sum::<f64>() / channels as f64
            };
            self.squares[channels] += (start..end).map(|index| mix(index).powi(2)).sum::<f64>();
        }
    }

    fn end_block(&mut self) {
        let samples = self.block_samples as f64;
        let pairs = self.squares.iter().zip(&self.weights);
        self.whole.push(pairs.map(|(squares, weight)| squares * weight).sum::<f64>() / samples);
        for (gate, squares) in self.parts.iter_mut().zip(&mut self.squares) {
            gate.push(*squares / samples);
            *squares = 0.0;
        }
        self.filled = 0;
    }

    /// The whole programme's, then each channel's and, where there are several, the mono mix's.
    pub(super) fn finish(self) -> (Loudness, Vec<Loudness>) {
        (self.whole.finish(), self.parts.iter().map(Gate::finish).collect())
    }
}
