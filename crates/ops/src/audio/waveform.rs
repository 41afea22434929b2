//! The waveform: from lowest to highest sample of each column, the root mean square darker inside.

use super::axes::{Panel, round_step};
use super::canvas::{Canvas, Color, TEXT_HEIGHT, TEXT_WIDTH};
use super::columns::{Columns, Merge};
use windlass_core::Failure;

const LIGHT: Color = [122, 170, 214];
const DARK: Color = [31, 92, 153];
const ZERO: Color = [150, 150, 150];
/// Margins in pixels: labels left and right, the time axis.
const LEFT: usize = 76;
const RIGHT: usize = 76;
const TOP: usize = 12;
const BOTTOM: usize = 52;
const GAP: usize = 18;
/// Levels that are marked on the right side.
const DECIBELS: [i32; 7] = [0, -3, -6, -12, -20, -30, -40];
/// Labels that are closer than this would touch.
const LABEL_PIXELS_MIN: f64 = TEXT_HEIGHT as f64 + 2.0;

/// What is kept of the samples in a column.
#[derive(Clone, Copy, Debug)]
struct Span {
    low: f32,
    high: f32,
    squares: f64,
}

impl Merge for Span {
    fn merge(&mut self, _: u64, other: &Span, _: u64) {
        self.low = self.low.min(other.low);
        self.high = self.high.max(other.high);
        self.squares += other.squares;
    }
}

pub(super) struct Waveform {
    width: usize,
    channels: Vec<Columns<Span>>,
}

impl Waveform {
    /// For a picture of this width and so many channels.
    pub(super) fn new(width: usize, channels: usize) -> Waveform {
        let plot = width - LEFT - RIGHT;
        Waveform { width, channels: (0..channels).map(|_| Columns::new(plot)).collect() }
    }

    pub(super) fn push(&mut self, planes: &[Vec<f32>]) {
        for (columns, plane) in self.channels.iter_mut().zip(planes) {
            let mut rest = &plane[..];
            while !rest.is_empty() {
                let room = usize::try_from(columns.room()).unwrap_or(usize::MAX);
                let (piece, after) = rest.split_at(rest.len().min(room));
                columns.push(span(piece), piece.len() as u64);
                rest = after;
            }
        }
    }

    /// The PNG file; the sound lasts `seconds` of `samples` samples.
    pub(super) fn draw(
        &self,
        seconds: f64,
        samples: u64,
        names: &[String],
    ) -> Result<Vec<u8>, Failure> {
        let count = self.channels.len();
        let panel_height = if count == 1 { 240 } else { 160 };
        let height = TOP + count * panel_height + (count - 1) * GAP + BOTTOM;
        let mut canvas = Canvas::new(self.width, height);
        let peak = self
            .channels
            .iter()
            .flat_map(|columns| columns.parts().0)
            .fold(0.0, |peak, span| f64::max(peak, f64::from(span.high.max(-span.low))));
        let scale = scale_over(peak);
        for (index, columns) in self.channels.iter().enumerate() {
            let panel = Panel {
                left: LEFT,
                top: TOP + index * (panel_height + GAP),
                width: self.width - LEFT - RIGHT,
                height: panel_height,
            };
            marks(&mut canvas, &panel, scale);
            plot(&mut canvas, &panel, columns, scale, samples);
            panel.frame(&mut canvas);
            panel.time_axis(&mut canvas, seconds, index + 1 == count);
            if let Some(name) = names.get(index) {
                canvas.label(panel.left + 6, panel.top + 5, name);
            }
        }
        let middle = TOP + (height - TOP - BOTTOM) / 2;
        canvas.text_upwards(2, middle, "amplitude");
        canvas.text_upwards(self.width - TEXT_HEIGHT - 2, middle, "dBFS");
        canvas.encode()
    }
}

fn span(samples: &[f32]) -> Span {
    let start = Span { low: f32::INFINITY, high: f32::NEG_INFINITY, squares: 0.0 };
    samples.iter().fold(start, |span, sample| Span {
        low: span.low.min(*sample),
        high: span.high.max(*sample),
        squares: span.squares + f64::from(*sample) * f64::from(*sample),
    })
}

/// The round amplitude that the axis ends at: full scale, unless the sound is far below or above.
fn scale_over(peak: f64) -> f64 {
    if peak == 0.0 || (0.4..=1.0).contains(&peak) {
        return 1.0;
    }
    let unit = 10_f64.powf(peak.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|times| times * unit);
    step.into_iter().find(|step| *step >= peak).unwrap_or(1.0)
}

fn marks(canvas: &mut Canvas, panel: &Panel, scale: f64) {
    let step = round_step(-scale, scale, 4);
    let decimals = (-step.log10()).ceil().clamp(0.0, 6.0) as usize;
    let count = (scale / step).floor() as i32;
    for index in -count..=count {
        let value = f64::from(index) * step;
        let label = format!("{value:.decimals$}");
        panel.mark_left(canvas, 0.5 + value / scale / 2.0, &label, true);
    }
    let mut last: Option<f64> = None;
    for decibels in DECIBELS {
        let share = 0.5 + 10_f64.powf(f64::from(decibels) / 20.0) / scale / 2.0;
        let is_free =
            last.is_none_or(|last| (last - share) * panel.height as f64 >= LABEL_PIXELS_MIN);
        if (0.5..=1.0).contains(&share) && is_free {
            panel.mark_right(canvas, share, &decibels.to_string());
            last = Some(share);
        }
    }
}

/// Draws a channel: each pixel column shows the columns that begin in it, and reaches to where the
/// one before ended, so that the line is whole.
fn plot(canvas: &mut Canvas, panel: &Panel, columns: &Columns<Span>, scale: f64, samples: u64) {
    let (spans, stride) = columns.parts();
    let y = |value: f64| {
        let share = (0.5 - value / scale / 2.0).clamp(0.0, 1.0);
        panel.top + (share * (panel.height - 1) as f64).round() as usize
    };
    canvas.row(y(0.0), panel.left, panel.left + panel.width - 1, ZERO);
    let total = samples.max(1) as f64;
    // Fewer columns than pixels: a line from one to the next.
    let position = |index: usize| index as f64 * stride as f64 / total * panel.width as f64;
    let mut before: Option<Span> = None;
    let mut next = 0;
    for pixel in 0..panel.width {
        let first = next;
        while next < spans.len() && position(next) < (pixel + 1) as f64 {
            next += 1;
        }
        let shown = if first < next {
            let mut span = spans[first];
            for other in &spans[first + 1..next] {
                span.merge(0, other, 0);
            }
            let inputs = ((next - first) as u64 * stride).min(samples - first as u64 * stride);
            Shown { span, rms: (span.squares / inputs.max(1) as f64).sqrt() }
        } else {
            Shown::between(spans, pixel as f64, next, position)
        };
        let Span { low, high, .. } = shown.span;
        let (low, high) =
            before.map_or((low, high), |before| (low.min(before.high), high.max(before.low)));
        let x = panel.left + pixel;
        canvas.column(x, y(f64::from(high)), y(f64::from(low)), LIGHT);
        let inner = |value: f64| value.clamp(f64::from(shown.span.low), f64::from(shown.span.high));
        if spans.len() >= panel.width {
            canvas.column(x, y(inner(shown.rms)), y(inner(-shown.rms)), DARK);
        } else {
            canvas.column(x, y(f64::from(high)), y(f64::from(low)), DARK);
        }
        before = Some(shown.span);
    }
    // So short that each sample is seen alone.
    if spans.len() * 2 * TEXT_WIDTH < panel.width {
        for (index, span) in spans.iter().enumerate() {
            let (x, middle) = (panel.left + position(index) as usize, y(f64::from(span.high)));
            for dy in 0..5 {
                canvas.row(
                    (middle + dy).saturating_sub(2),
                    x.saturating_sub(2).max(panel.left),
                    x + 2,
                    DARK,
                );
            }
        }
    }
}

/// What a pixel column shows.
struct Shown {
    span: Span,
    rms: f64,
}

impl Shown {
    /// On the way from one column to the next.
    fn between(spans: &[Span], pixel: f64, next: usize, position: impl Fn(usize) -> f64) -> Shown {
        let last = spans.len() - 1;
        let (from, to) = (spans[next.saturating_sub(1).min(last)], spans[next.min(last)]);
        let (start, end) = (position(next.saturating_sub(1)), position(next));
        let share = ((pixel - start) / (end - start)).clamp(0.0, 1.0) as f32;
        let value = from.high + (to.high - from.high) * share;
        Shown { span: Span { low: value, high: value, squares: 0.0 }, rms: 0.0 }
    }
}
