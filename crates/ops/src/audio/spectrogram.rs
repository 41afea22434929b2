//! The spectrogram: power by time and frequency, mel scale upwards, decibels as colours.

use super::axes::Panel;
use super::canvas::{Canvas, Color, TEXT_HEIGHT};
use super::columns::{Columns, Merge};
use super::mel::{hertz_of, mel_of};
use super::spectrum::{BIN_COUNT, FRAME_SAMPLES, HOP_SAMPLES};
use windlass_core::Failure;

/// Margins in pixels: labels, the colour bar, the time axis.
const LEFT: usize = 76;
const RIGHT: usize = 104;
const TOP: usize = 12;
const BOTTOM: usize = 52;
const GAP: usize = 18;
/// Height of a channel's panel where there is one, and where there are several.
const HEIGHTS: [usize; 2] = [320, 220];
/// The colour bar's place right of the panels, and its width.
const BAR_GAP: usize = 16;
const BAR_WIDTH: usize = 16;
/// What the colours span, in decibels.
const RANGE_DECIBELS: f64 = 80.0;
/// Power of the highest bin of a sine at full scale: half the window's sum, squared.
const FULL_SCALE_POWER: f64 = (FRAME_SAMPLES as f64 / 4.0) * (FRAME_SAMPLES as f64 / 4.0);
/// Frequencies that are marked where they fit.
const HERTZ: [f64; 17] = [
    0.0, 100.0, 200.0, 500.0, 1_000.0, 2_000.0, 3_000.0, 4_000.0, 6_000.0, 8_000.0, 10_000.0,
    12_000.0, 16_000.0, 20_000.0, 32_000.0, 48_000.0, 96_000.0,
];

/// Matplotlib's colour map `magma` (Smith and van der Walt, CC0) at 17 places: lightness grows
/// evenly.
const MAGMA: [Color; 17] = [
    [0, 0, 4],
    [10, 8, 34],
    [29, 17, 71],
    [54, 16, 107],
    [81, 18, 124],
    [106, 28, 129],
    [131, 38, 129],
    [156, 46, 127],
    [183, 55, 121],
    [208, 65, 111],
    [231, 82, 99],
    [245, 107, 92],
    [252, 137, 97],
    [254, 167, 114],
    [254, 196, 136],
    [253, 226, 163],
    [252, 253, 191],
];

/// Mean power of each row over the frames of a column.
#[derive(Clone, Debug)]
struct Rows(Vec<f32>);

impl Merge for Rows {
    fn merge(&mut self, weight: u64, other: &Rows, other_weight: u64) {
        let share = other_weight as f32 / (weight + other_weight) as f32;
        for (mean, value) in self.0.iter_mut().zip(&other.0) {
            *mean += (value - *mean) * share;
        }
    }
}

pub(super) struct Spectrogram {
    width: usize,
    top_mel: f64,
    height: usize,
    /// The bins that each row takes in, by their places with fractions.
    rows: Vec<(f64, f64)>,
    channels: Vec<Columns<Rows>>,
}

impl Spectrogram {
    pub(super) fn new(width: usize, channels: usize, sample_rate: u32) -> Spectrogram {
        let (plot, height) = (width - LEFT - RIGHT, HEIGHTS[usize::from(channels > 1)]);
        let rate = f64::from(sample_rate);
        let top_mel = mel_of(rate / 2.0);
        let bin = |row: usize| {
            hertz_of(top_mel * row as f64 / height as f64) / rate * FRAME_SAMPLES as f64
        };
        Spectrogram {
            width,
            top_mel,
            height,
            rows: (0..height).map(|row| (bin(row), bin(row + 1))).collect(),
            channels: (0..channels).map(|_| Columns::new(plot)).collect(),
        }
    }

    /// Takes a channel's power by bin; channels that are not drawn are left out.
    pub(super) fn push(&mut self, channel: usize, power: &[f64]) {
        let Some(columns) = self.channels.get_mut(channel) else { return };
        let value = |range: &(f64, f64)| (mean_power(power, *range) / FULL_SCALE_POWER) as f32;
        columns.push(Rows(self.rows.iter().map(value).collect()), 1);
    }

    /// The PNG file of a sound of so many samples.
    pub(super) fn draw(
        &self,
        seconds: f64,
        samples: u64,
        names: &[String],
    ) -> Result<Vec<u8>, Failure> {
        let count = self.channels.len();
        let height = TOP + count * self.height + (count - 1) * GAP + BOTTOM;
        let mut canvas = Canvas::new(self.width, height);
        let top = self.highest_decibels();
        for (index, columns) in self.channels.iter().enumerate() {
            let panel = Panel {
                left: LEFT,
                top: TOP + index * (self.height + GAP),
                width: self.width - LEFT - RIGHT,
                height: self.height,
            };
            self.paint(&mut canvas, &panel, columns, top, samples);
            panel.frame(&mut canvas);
            self.marks(&mut canvas, &panel);
            panel.time_axis(&mut canvas, seconds, index + 1 == count);
            if let Some(name) = names.get(index) {
                canvas.label(panel.left + 6, panel.top + 5, name);
            }
        }
        let bar = Panel {
            left: self.width - RIGHT + BAR_GAP,
            top: TOP,
            width: BAR_WIDTH,
            height: height - TOP - BOTTOM,
        };
        color_bar(&mut canvas, &bar, top);
        let middle = TOP + bar.height / 2;
        canvas.text_upwards(2, middle, "frequency (kHz)");
        canvas.text_upwards(self.width - TEXT_HEIGHT - 2, middle, "dBFS");
        canvas.encode()
    }

    /// The loudest place, up to the next ten; full scale for silence.
    fn highest_decibels(&self) -> f64 {
        let columns = self.channels.iter().flat_map(|columns| columns.parts().0);
        let highest = columns.flat_map(|rows| &rows.0).copied().fold(0.0_f32, f32::max);
        if highest == 0.0 {
            return 0.0;
        }
        (decibels(highest) / 10.0).ceil().max(-10.0) * 10.0
    }

    fn paint(
        &self,
        canvas: &mut Canvas,
        panel: &Panel,
        columns: &Columns<Rows>,
        top: f64,
        samples: u64,
    ) {
        let (columns, stride) = columns.parts();
        let colors: Vec<Color> = (0..256).map(|step| color(f64::from(step) / 255.0)).collect();
        // A frame's middle lies at a multiple of the hop.
        let column_samples = (stride * HOP_SAMPLES as u64) as f64;
        let samples_per_pixel = samples as f64 / panel.width as f64;
        let offset = (stride - 1) as f64 / 2.0 / stride as f64;
        for pixel in 0..panel.width {
            let shown = |sample: f64| sample / column_samples - offset;
            let from = shown(pixel as f64 * samples_per_pixel);
            let to = shown((pixel + 1) as f64 * samples_per_pixel);
            for row in 0..self.height {
                let power = power_between(columns, row, from, to);
                let share = (decibels(power) - top) / RANGE_DECIBELS + 1.0;
                let color = colors[(share.clamp(0.0, 1.0) * 255.0) as usize];
                canvas.set(panel.left + pixel, panel.top + self.height - 1 - row, color);
            }
        }
    }

    fn marks(&self, canvas: &mut Canvas, panel: &Panel) {
        let mut last = f64::NEG_INFINITY;
        for hertz in HERTZ {
            let share = mel_of(hertz) / self.top_mel;
            let apart = (share - last) * panel.height as f64;
            if share <= 1.0 && apart >= TEXT_HEIGHT as f64 * 1.3 {
                panel.mark_left(canvas, share, &format!("{}", hertz / 1_000.0), false);
                last = share;
            }
        }
    }
}

/// Mean power of a range of bins; within one bin, on the way to the next.
fn mean_power(power: &[f64], (from, to): (f64, f64)) -> f64 {
    if to - from < 1.0 {
        let at = f64::midpoint(from, to).min((BIN_COUNT - 1) as f64);
        let (bin, share) = (at as usize, at.fract());
        let next = power[(bin + 1).min(BIN_COUNT - 1)];
        return power[bin] + (next - power[bin]) * share;
    }
    let last = (to as usize).min(BIN_COUNT - 1);
    let bins = &power[(from as usize).min(last)..=last];
    bins.iter().sum::<f64>() / bins.len() as f64
}

/// Mean of the columns from one place to another; between two columns, on the way in decibels.
fn power_between(columns: &[Rows], row: usize, from: f64, to: f64) -> f32 {
    let last = columns.len() - 1;
    let value = |column: usize| columns[column.min(last)].0[row];
    if to - from < 1.0 {
        let at = f64::midpoint(from, to).clamp(0.0, last as f64);
        let (before, after) = (value(at as usize), value(at as usize + 1));
        let floor = 1e-14_f32;
        let share = at.fract() as f32;
        return (before.max(floor).ln() * (1.0 - share) + after.max(floor).ln() * share).exp();
    }
    let first = from.max(0.0).round() as usize;
    let end = (to.max(0.0).round() as usize).clamp(first + 1, last.max(first) + 1);
    let sum: f32 = (first..end).map(value).sum();
    sum / (end - first) as f32
}

fn decibels(power: f32) -> f64 {
    10.0 * f64::from(power.max(1e-20)).log10()
}

fn color(share: f64) -> Color {
    let at = share.clamp(0.0, 1.0) * (MAGMA.len() - 1) as f64;
    let (from, to) = (MAGMA[at as usize], MAGMA[(at as usize + 1).min(MAGMA.len() - 1)]);
    std::array::from_fn(|part| {
        let (from, to) = (f64::from(from[part]), f64::from(to[part]));
        (from + (to - from) * at.fract()).round() as u8
    })
}

fn color_bar(canvas: &mut Canvas, bar: &Panel, top: f64) {
    for y in 0..bar.height {
        let share = 1.0 - y as f64 / (bar.height - 1) as f64;
        canvas.row(bar.top + y, bar.left, bar.left + bar.width - 1, color(share));
    }
    bar.frame(canvas);
    for step in 0..=8 {
        let label = format!("{}", top - RANGE_DECIBELS + f64::from(step) * 10.0);
        bar.mark_right(canvas, f64::from(step) / 8.0, &label);
    }
}
