//! How long instances take to answer, and how long one may take before a second one is asked.

use super::plan::GroupKey;
use crate::limits::{LOOKUP_SECOND_MS_MAX, LOOKUP_SECOND_MS_MIN};
use std::collections::BTreeMap;

/// So many times as long as usual is long.
const LONG_FACTOR: u64 = 4;
/// Share that a new answer has in what is usual: an eighth.
const SHARE_BITS: u32 = 3;

/// What is usual for each group, in microseconds from question to answer.
#[derive(Debug, Default)]
pub(super) struct Latencies {
    usual_us: BTreeMap<GroupKey, u64>,
}

impl Latencies {
    /// An instance has answered, so long after it was asked.
    pub(super) fn on_answer(&mut self, key: GroupKey, took_us: u64) {
        let usual = self.usual_us.entry(key).or_insert(took_us);
        *usual = *usual - (*usual >> SHARE_BITS) + (took_us >> SHARE_BITS);
    }

    /// After how long a second instance is asked.
    pub(super) fn second_ms(&self, key: GroupKey) -> u64 {
        let usual_us = self.usual_us.get(&key).copied().unwrap_or(0);
        let long_ms = usual_us.saturating_mul(LONG_FACTOR) / 1_000;
        long_ms.clamp(LOOKUP_SECOND_MS_MIN, LOOKUP_SECOND_MS_MAX)
    }

    /// Forgets the groups that are there no more.
    pub(super) fn keep(&mut self, is_there: impl Fn(GroupKey) -> bool) {
        self.usual_us.retain(|key, _| is_there(*key));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{LoadId, ShardIndex};

    #[test]
    fn long_is_a_multiple_of_usual_within_bounds() {
        let key = (LoadId(1), ShardIndex(0));
        let mut latencies = Latencies::default();
        assert_eq!(latencies.second_ms(key), LOOKUP_SECOND_MS_MIN);
        latencies.on_answer(key, 200);
        assert_eq!(latencies.second_ms(key), LOOKUP_SECOND_MS_MIN);
        for _ in 0..100 {
            latencies.on_answer(key, 100_000);
        }
        let long_ms = latencies.second_ms(key);
        assert!((380..=400).contains(&long_ms), "{long_ms}");
        for _ in 0..100 {
            latencies.on_answer(key, 60_000_000);
        }
        assert_eq!(latencies.second_ms(key), LOOKUP_SECOND_MS_MAX);
        latencies.keep(|_| false);
        assert_eq!(latencies.second_ms(key), LOOKUP_SECOND_MS_MIN);
    }
}
