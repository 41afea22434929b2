//! How fast tasks settle, out of the totals of the last looks.

use std::collections::{BTreeMap, VecDeque};
use windlass_core::Epoch;
use windlass_core::overview::{Flow, Overview};

/// A pace is that of so many milliseconds.
const WINDOW_MS: u64 = 5_000;

/// The totals of the last looks.
#[derive(Debug, Default)]
pub(super) struct Rates {
    epoch: Epoch,
    looks: VecDeque<Look>,
}

#[derive(Debug)]
struct Look {
    at_ms: u64,
    /// By operation, since the master began.
    settled: BTreeMap<String, u64>,
}

impl Rates {
    /// Takes in a look; another master counts from the start.
    pub(super) fn observe(&mut self, overview: &Overview) {
        let at_ms = overview.at_ms;
        let is_later = self.looks.back().is_none_or(|last| last.at_ms < at_ms);
        if self.epoch != overview.cluster.epoch || !is_later {
            self.looks.clear();
        }
        self.epoch = overview.cluster.epoch;
        let settled = |flow: &Flow| flow.succeeded_count + flow.failed_count;
        let operations = overview.operations.iter();
        let settled = operations.map(|(name, flow)| (name.clone(), settled(flow))).collect();
        self.looks.push_back(Look { at_ms, settled });
        while self.looks.len() > 2 && at_ms.saturating_sub(self.looks[1].at_ms) >= WINDOW_MS {
            self.looks.pop_front();
        }
    }

    /// Tasks of an operation a second; `None`: there was one look only.
    pub(super) fn of(&self, operation: &str) -> Option<f64> {
        self.per_second(|look| look.settled.get(operation).copied().unwrap_or(0))
    }

    /// Tasks a second.
    pub(super) fn all(&self) -> Option<f64> {
        self.per_second(|look| look.settled.values().sum())
    }

    fn per_second(&self, count: impl Fn(&Look) -> u64) -> Option<f64> {
        let (first, last) = (self.looks.front()?, self.looks.back()?);
        let seconds = last.at_ms.checked_sub(first.at_ms).filter(|ms| *ms > 0)? as f64 / 1_000.0;
        Some(count(last).saturating_sub(count(first)) as f64 / seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(epoch: u32, at_ms: u64, ocr: u64) -> Overview {
        let flow = Flow { succeeded_count: ocr, ..Flow::default() };
        let mut overview = Overview {
            at_ms,
            operations: [("ocr".to_owned(), flow)].into(),
            ..Overview::default()
        };
        overview.cluster.epoch = Epoch(epoch);
        overview
    }

    #[test]
    fn the_pace_is_that_of_the_last_seconds() {
        let mut rates = Rates::default();
        rates.observe(&look(1, 1_000, 100));
        assert_eq!(rates.all(), None);
        rates.observe(&look(1, 2_000, 150));
        assert_eq!((rates.of("ocr"), rates.of("text")), (Some(50.0), Some(0.0)));
        for second in 3..=20 {
            rates.observe(&look(1, second * 1_000, 150 + second));
        }
        assert_eq!(rates.all(), Some(1.0));
        assert!(rates.looks.len() <= 7);
    }

    #[test]
    fn another_master_counts_anew() {
        let mut rates = Rates::default();
        rates.observe(&look(1, 1_000, 100));
        rates.observe(&look(2, 2_000, 3));
        assert_eq!(rates.all(), None);
        rates.observe(&look(2, 3_000, 5));
        assert_eq!(rates.all(), Some(2.0));
        rates.observe(&look(2, 10, 5));
        assert_eq!(rates.all(), None);
    }
}
