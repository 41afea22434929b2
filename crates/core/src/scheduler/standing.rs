//! Which reasons why something does not move are news: when one begins, changes and ends, not that
//! it is still so.

use crate::limits::STALL_NEWS_MS;
use crate::time::Tick;
use crate::view::{Stall, StallKind};
use std::collections::BTreeMap;

/// The reasons that stand, and what was told of them.
#[derive(Debug, Default)]
pub struct Standing {
    reasons: BTreeMap<(StallKind, String), Reason>,
    looks_at: Tick,
}

#[derive(Debug)]
struct Reason {
    since: Tick,
    /// Tasks and next step as they were told last; `None`: it is too young to be told.
    told: Option<(u32, String)>,
}

/// Something to be told.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum StallNews {
    /// It has stood for a moment.
    Began {
        /// It.
        stall: Stall,
        /// For how long it has stood.
        for_ms: u64,
    },
    /// Something else is to be done about it, or twice as many tasks wait for it.
    Changed {
        /// As it is now.
        stall: Stall,
        /// For how long it has stood.
        for_ms: u64,
    },
    /// It is so no more.
    Ended {
        /// Which it was.
        kind: StallKind,
        /// See [`Stall::about`].
        about: String,
        /// How long it stood.
        for_ms: u64,
    },
}

impl Standing {
    /// Whether it is time for another look.
    #[must_use]
    pub fn is_due(&self, now: Tick) -> bool {
        now >= self.looks_at
    }

    /// Takes in what there is now; what is news of it, the gravest first, ends last. What only
    /// waits for its turn is none, nor what is over before it was told.
    pub fn look(&mut self, now: Tick, stalls: &[Stall]) -> Vec<StallNews> {
        self.looks_at = now.after_ms(STALL_NEWS_MS);
        let mut before = std::mem::take(&mut self.reasons);
        let mut news = Vec::new();
        for stall in stalls.iter().filter(|stall| stall.kind.stands_still()) {
            let key = (stall.kind, stall.about.clone());
            let known = before.remove(&key);
            let Reason { since, mut told } = known.unwrap_or(Reason { since: now, told: None });
            let for_ms = now.ms_since(since);
            let is_new = match &told {
                None => for_ms >= STALL_NEWS_MS,
                Some((task_count, next_step)) => {
                    let has_grown = stall.task_count / 2 >= (*task_count).max(1);
                    has_grown || *next_step != stall.next_step
                }
            };
            if is_new {
                let stall = stall.clone();
                news.push(match told.replace((stall.task_count, stall.next_step.clone())) {
                    None => StallNews::Began { stall, for_ms },
                    Some(_) => StallNews::Changed { stall, for_ms },
                });
            }
            self.reasons.insert(key, Reason { since, told });
        }
        for ((kind, about), Reason { since, told }) in before {
            if told.is_some() {
                news.push(StallNews::Ended { kind, about, for_ms: now.ms_since(since) });
            }
        }
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stall(kind: StallKind, about: &str, task_count: u32, next_step: &str) -> Stall {
        let (about, next_step) = (about.to_owned(), next_step.to_owned());
        Stall { kind, about, task_count, told: format!("{task_count} wait"), next_step }
    }

    /// What is told at seconds 0, 1, …, in short.
    fn told(looks: &[&[Stall]]) -> Vec<Vec<String>> {
        let mut standing = Standing::default();
        let mut told = Vec::new();
        for (second, stalls) in (0..).zip(looks) {
            let now = Tick(0).after_ms(1_000 * second);
            assert!(standing.is_due(now));
            let news = standing.look(now, stalls);
            assert!(!standing.is_due(now.after_ms(999)));
            let short = |news: &StallNews| match news {
                StallNews::Began { stall: it, .. } => format!("+ {} {}", it.about, it.task_count),
                StallNews::Changed { stall, for_ms } => {
                    format!("~ {} {} {for_ms}", stall.about, stall.task_count)
                }
                StallNews::Ended { about, for_ms, .. } => format!("- {about} {for_ms}"),
            };
            told.push(news.iter().map(short).collect());
        }
        told
    }

    #[test]
    fn a_reason_is_told_once_when_it_grows_when_it_changes_and_at_its_end() {
        let ocr = |count, next_step| [stall(StallKind::NotOffered, "ocr", count, next_step)];
        let looks: [&[Stall]; 9] = [
            &ocr(3, "start one"),
            &ocr(3, "start one"),
            &ocr(3, "start one"),
            &ocr(5, "start one"),
            &ocr(6, "start one"),
            &ocr(2, "start one"),
            &ocr(2, "mend it"),
            &[],
            &[],
        ];
        let none: [&str; 0] = [];
        let expected: [&[&str]; 9] = [
            &none,
            &["+ ocr 3"],
            &none,
            &none,
            &["~ ocr 6 4000"],
            &none,
            &["~ ocr 2 6000"],
            &["- ocr 7000"],
            &none,
        ];
        assert_eq!(told(&looks), expected);
    }

    #[test]
    fn what_is_over_at_once_or_waits_for_its_turn_is_no_news() {
        let silent = [stall(StallKind::Silent, "w1", 1, "look")];
        let busy = [stall(StallKind::Busy, "ocr", 9, "more workers")];
        let looks: [&[Stall]; 6] = [&silent, &[], &silent, &busy, &busy, &[]];
        assert!(told(&looks).iter().all(Vec::is_empty));
    }

    #[test]
    fn reasons_of_one_kind_are_told_apart() {
        let one = stall(StallKind::NotOffered, "ocr", 1, "start one");
        let other = stall(StallKind::NotOffered, "audio", 1, "start one");
        let both = [one.clone(), other];
        let looks: [&[Stall]; 3] = [&both, &both, &[one]];
        let expected: [&[&str]; 3] = [&[], &["+ ocr 1", "+ audio 1"], &["- audio 2000"]];
        assert_eq!(told(&looks), expected);
    }
}
