//! The choice among workers that can answer a call.

use super::Strategy;
use crate::ids::WorkerName;
use crate::random::SplitMix64;
use std::cmp::Ordering;

/// A worker that can take a call now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Candidate<'a> {
    /// Its name.
    pub worker: &'a WorkerName,
    /// Calls that it was given, as far as they are compared: a newcomer starts level with the one
    /// that has the fewest, or it would get every call until it had caught up.
    pub served_count: u64,
    /// Calls and tasks that it holds, at work or waiting.
    pub held_count: u32,
    /// How much it does at once.
    pub slots: u32,
}

/// Chooses among workers, call after call.
#[derive(Clone, Debug)]
pub struct Balancer {
    /// Who was chosen last. A name, not a position: workers come and go.
    last: Option<WorkerName>,
    random: SplitMix64,
}

impl Balancer {
    /// A balancer; equal seeds give equal choices.
    #[must_use]
    pub fn new(seed: u64) -> Balancer {
        Balancer { last: None, random: SplitMix64::new(seed) }
    }

    /// The position of the one chosen; `None` only where there is nobody. Equals are told apart by
    /// name, whatever the order of the candidates.
    pub fn choose(&mut self, strategy: Strategy, candidates: &[Candidate<'_>]) -> Option<usize> {
        let by_name = |position: &usize| candidates[*position].worker;
        let all = 0..candidates.len();
        let chosen = match strategy {
            Strategy::RoundRobin => {
                let last = self.last.as_ref();
                let next = all.clone().filter(|position| Some(by_name(position)) > last);
                next.min_by_key(by_name).or_else(|| all.min_by_key(by_name))
            }
            Strategy::Random => self.draw(candidates, usize::MAX),
            Strategy::LeastServed => all.min_by_key(|position| {
                let candidate = &candidates[*position];
                (candidate.served_count, candidate.worker)
            }),
            Strategy::LeastLoaded => {
                all.min_by(|a, b| less_loaded(&candidates[*a], &candidates[*b]))
            }
            Strategy::PowerOfTwo => {
                let one = self.draw(candidates, usize::MAX);
                let other = one.and_then(|one| self.draw(candidates, one));
                let both = one.into_iter().chain(other);
                both.min_by(|a, b| less_loaded(&candidates[*a], &candidates[*b]))
            }
        };
        self.last = chosen.map(|position| candidates[position].worker.clone());
        chosen
    }

    /// Any candidate but the one at position `except`. By rank of the names, so that their order
    /// does not matter.
    fn draw(&mut self, candidates: &[Candidate<'_>], except: usize) -> Option<usize> {
        let mut others: Vec<usize> =
            (0..candidates.len()).filter(|position| *position != except).collect();
        if others.is_empty() {
            return None;
        }
        others.sort_unstable_by_key(|position| candidates[*position].worker);
        let rank = self.random.below(others.len() as u64);
        usize::try_from(rank).ok().map(|rank| others[rank])
    }
}

/// Compares what two workers hold for each of their slots, without a division.
fn less_loaded(a: &Candidate<'_>, b: &Candidate<'_>) -> Ordering {
    let of_a = u64::from(a.held_count) * u64::from(b.slots.max(1));
    let of_b = u64::from(b.held_count) * u64::from(a.slots.max(1));
    of_a.cmp(&of_b).then_with(|| a.worker.cmp(b.worker))
}

#[cfg(test)]
#[path = "balancer_tests.rs"]
mod tests;
