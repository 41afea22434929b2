//! How fast a run goes, by its recent past, and when it will end.

use super::View;
use std::collections::VecDeque;
use std::time::Duration;

/// The past that counts: at least so long, and
const WINDOW: Duration = Duration::from_secs(10);
/// at least so many files, so that large ones give a rate too.
const WINDOW_FILE_COUNT: u64 = 8;
/// Observations kept; with more, every second one goes.
const SAMPLE_COUNT_MAX: usize = 256;
/// Before that, a rate says nothing.
const WARM_UP: Duration = Duration::from_millis(500);

#[derive(Clone, Copy, Debug)]
struct Sample {
    at: Duration,
    done: u64,
    bytes: u64,
}

/// Observations of a run.
#[derive(Default)]
pub(super) struct Rates {
    samples: VecDeque<Sample>,
}

/// How fast a run goes.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Pace {
    /// Files and bytes a second; `None` until there is something to tell it by.
    pub(super) per_second: Option<(f64, f64)>,
    /// Time to the end.
    pub(super) left: Option<Duration>,
}

impl Rates {
    /// Notes how far the run is.
    pub(super) fn observe(&mut self, at: Duration, done: u64, bytes: u64) {
        self.samples.push_back(Sample { at, done, bytes });
        // The first sample is the base of the rate; it goes once the next one is old enough.
        while let Some(next) = self.samples.get(1)
            && at.saturating_sub(next.at) >= WINDOW
            && done.saturating_sub(next.done) >= WINDOW_FILE_COUNT
        {
            self.samples.pop_front();
        }
        if self.samples.len() > SAMPLE_COUNT_MAX {
            let mut index = 0;
            self.samples.retain(|_| {
                index += 1;
                index % 2 == 1
            });
        }
    }

    /// The pace at the newest observation.
    pub(super) fn pace(&self, view: &View) -> Pace {
        let (Some(first), Some(last)) = (self.samples.front(), self.samples.back()) else {
            return Pace::default();
        };
        let span = last.at.saturating_sub(first.at);
        if span < WARM_UP || last.done <= first.done {
            return Pace::default();
        }
        let seconds = span.as_secs_f64();
        let files = (last.done - first.done) as f64 / seconds;
        let bytes = last.bytes.saturating_sub(first.bytes) as f64 / seconds;
        let files_left = view.total.saturating_sub(view.done) as f64 / files;
        let bytes_left = if bytes > 0.0 {
            view.bytes_total.saturating_sub(view.bytes_done) as f64 / bytes
        } else {
            0.0
        };
        // Many small files and few large ones seldom come mixed evenly: the worse guess is nearer.
        let left = Duration::try_from_secs_f64(files_left.max(bytes_left)).ok();
        Pace { per_second: Some((files, bytes)), left: left.filter(|_| view.done < view.total) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(total: u64, done: u64) -> View {
        View {
            total,
            done,
            bytes_done: done * 1_000,
            bytes_total: total * 1_000,
            ..View::default()
        }
    }

    #[test]
    fn the_pace_follows_the_recent_past() {
        let mut rates = Rates::default();
        assert_eq!(rates.pace(&view(100, 0)), Pace::default());
        // A minute at 1 file/s, a minute at 10.
        let mut done = 0;
        for second in 0..120 {
            done += if second < 60 { 1 } else { 10 };
            rates.observe(Duration::from_secs(second), done, done * 1_000);
        }
        let pace = rates.pace(&view(done + 50, done));
        let (files, bytes) = pace.per_second.expect("a rate");
        assert!((files - 10.0).abs() < 0.01 && (bytes - 10_000.0).abs() < 10.0, "{pace:?}");
        assert_eq!(pace.left.expect("an end").as_secs_f64().round(), 5.0);
    }

    #[test]
    fn slow_files_have_a_pace_too_and_memory_is_bounded() {
        let mut rates = Rates::default();
        for tenth in 0..20_000_u64 {
            let at = Duration::from_millis(tenth * 100);
            rates.observe(at, tenth / 300, 0);
        }
        assert!(rates.samples.len() <= SAMPLE_COUNT_MAX);
        let (files, _) = rates.pace(&view(1_000, 66)).per_second.expect("a rate");
        assert!((files - 1.0 / 30.0).abs() < 0.01, "{files}");
    }

    #[test]
    fn what_was_done_before_is_not_counted_as_speed() {
        let mut rates = Rates::default();
        rates.observe(Duration::ZERO, 1_000_000, 0);
        rates.observe(Duration::from_secs(1), 1_000_002, 0);
        let pace = rates.pace(&view(1_000_004, 1_000_002));
        assert_eq!(pace.per_second.expect("a rate").0, 2.0);
        assert_eq!(rates.pace(&view(1_000_002, 1_000_002)).left, None);
    }
}
