//! Axes of figures: where marks stand, what is written at them.

use super::canvas::{Align, Canvas, INK, PALE, TEXT_HEIGHT, TEXT_WIDTH};

/// Length of a mark in pixels.
const MARK: usize = 5;
/// Pixels between the labels of the time axis at least.
const LABEL_GAP: usize = 28;

/// A panel's place on the canvas, without its axes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Panel {
    pub(super) left: usize,
    pub(super) top: usize,
    pub(super) width: usize,
    pub(super) height: usize,
}

impl Panel {
    fn right(&self) -> usize {
        self.left + self.width
    }

    fn bottom(&self) -> usize {
        self.top + self.height
    }

    pub(super) fn frame(&self, canvas: &mut Canvas) {
        canvas.row(self.top - 1, self.left - 1, self.right(), INK);
        canvas.row(self.bottom(), self.left - 1, self.right(), INK);
        canvas.column(self.left - 1, self.top - 1, self.bottom(), INK);
        canvas.column(self.right(), self.top - 1, self.bottom(), INK);
    }

    /// A mark and its label on the left side, `share` of the height above the bottom.
    pub(super) fn mark_left(&self, canvas: &mut Canvas, share: f64, label: &str, is_lined: bool) {
        let y = self.y(share);
        canvas.row(y, self.left - 1 - MARK, self.left - 1, INK);
        if is_lined {
            canvas.row(y, self.left, self.right() - 1, PALE);
        }
        let top = (y + 1).saturating_sub(TEXT_HEIGHT / 2);
        canvas.text(self.left - 4 - MARK, top, label, Align::Right);
    }

    /// A mark and its label on the right side.
    pub(super) fn mark_right(&self, canvas: &mut Canvas, share: f64, label: &str) {
        let y = self.y(share);
        canvas.row(y, self.right(), self.right() + MARK, INK);
        let top = (y + 1).saturating_sub(TEXT_HEIGHT / 2);
        canvas.text(self.right() + 4 + MARK, top, label, Align::Left);
    }

    fn y(&self, share: f64) -> usize {
        let from_top = ((1.0 - share) * (self.height - 1) as f64).round().max(0.0) as usize;
        self.top + from_top.min(self.height - 1)
    }

    /// The time axis under the panel, with its unit.
    pub(super) fn time_axis(&self, canvas: &mut Canvas, seconds: f64, is_labelled: bool) {
        let scale = TimeScale::of(seconds, self.width);
        for index in 0.. {
            let at = index as f64 * scale.step;
            // The last mark may lie at the very end.
            if at > seconds * (1.0 + 1e-9) {
                break;
            }
            let x = self.left + (at / seconds * (self.width - 1) as f64).round() as usize;
            canvas.column(x, self.bottom(), self.bottom() + MARK, INK);
            if is_labelled {
                canvas.text(x, self.bottom() + MARK + 3, &scale.label(at), Align::Center);
            }
        }
        if is_labelled {
            let middle = self.left + self.width / 2;
            let top = self.bottom() + MARK + 6 + TEXT_HEIGHT;
            canvas.text(middle, top, scale.title(), Align::Center);
        }
    }
}

/// Marks of a time axis.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct TimeScale {
    /// Seconds between two marks.
    step: f64,
    /// Seconds that the whole axis stands for.
    seconds: f64,
}

impl TimeScale {
    /// The closest marks whose labels do not touch.
    fn of(seconds: f64, width: usize) -> TimeScale {
        const STEPS: [f64; 16] = [
            1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1_800.0, 3_600.0,
            7_200.0, 21_600.0, 86_400.0,
        ];
        let below = (-6..0).flat_map(|power| {
            let unit = 10_f64.powi(power);
            [unit, 2.0 * unit, 5.0 * unit]
        });
        let fits = |step: &f64| {
            let scale = TimeScale { step: *step, seconds };
            let label = scale.label(seconds).len() * TEXT_WIDTH + LABEL_GAP;
            step / seconds * width as f64 >= label as f64
        };
        let step = below.chain(STEPS).find(fits).unwrap_or(seconds);
        TimeScale { step, seconds }
    }

    fn title(&self) -> &'static str {
        match self.seconds {
            ..1.0 if self.step < 0.001 => "time (ms)",
            ..60.0 => "time (s)",
            60.0..3_600.0 => "time (min:s)",
            _ => "time (h:min:s)",
        }
    }

    fn label(&self, at: f64) -> String {
        let decimals = |step: f64| (-step.log10()).ceil().clamp(0.0, 6.0) as usize;
        let whole = at.round() as u64;
        match self.seconds {
            ..1.0 if self.step < 0.001 => {
                format!("{:.*}", decimals(self.step * 1_000.0), at * 1_000.0)
            }
            ..60.0 => format!("{at:.*}", decimals(self.step)),
            60.0..3_600.0 => format!("{}:{:02}", whole / 60, whole % 60),
            _ => format!("{}:{:02}:{:02}", whole / 3_600, whole / 60 % 60, whole % 60),
        }
    }
}

/// Marks at round values: the smallest step of 1, 2 or 5 times a power of ten that gives no more
/// than `count_max` of them between `low` and `high`.
pub(super) fn round_step(low: f64, high: f64, count_max: usize) -> f64 {
    let least = (high - low) / count_max.max(1) as f64;
    let unit = 10_f64.powf(least.log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .map(|times| times * unit)
        .into_iter()
        .find(|step| *step >= least * 0.999)
        .unwrap_or(10.0 * unit)
}
