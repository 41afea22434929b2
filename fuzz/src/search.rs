//! Damages good bytes again and again, going on from whatever led to something new.

use crate::corpus;
use crate::damage::Mutator;
use crate::target::{Fault, Target};
use std::collections::BTreeSet;
use std::io;

/// Inputs do not grow beyond this: what a decoder does wrong it does with few bytes.
const INPUT_BYTES_MAX: usize = 64 << 10;
/// Different outcomes that are told apart.
const OUTCOME_COUNT_MAX: usize = 4_096;

/// A search under one target; equal seeds search alike.
pub struct Search {
    target: &'static Target,
    mutator: Mutator,
    /// What led to each outcome first.
    pool: Vec<Vec<u8>>,
    outcomes: BTreeSet<String>,
    /// Those of the pool that the corpus does not hold.
    found: Vec<Vec<u8>>,
}

/// Runs a target over its seeds and its corpus, then over so many damaged copies of them.
///
/// # Errors
/// The first promise that is broken.
pub fn replay(target: &'static Target, seed: u64, mutant_count: usize) -> Result<(), Fault> {
    let mut search = Search::new(target, seed)?;
    (0..mutant_count).try_for_each(|_| search.step())
}

impl Search {
    /// Reads the corpus.
    ///
    /// # Errors
    /// A promise that is broken already by what is kept.
    pub fn new(target: &'static Target, seed: u64) -> Result<Search, Fault> {
        let mutator = Mutator::new(seed);
        let outcomes = BTreeSet::new();
        let (pool, found) = (Vec::new(), Vec::new());
        let mut search = Search { target, mutator, pool, outcomes, found };
        let kept = corpus::read(target.name).map_err(|error| Fault {
            target: target.name,
            what: format!("its corpus cannot be read: {error}"),
            bytes: Vec::new(),
        })?;
        for bytes in (target.seeds)().into_iter().chain(kept) {
            search.outcomes.insert(target.check(&bytes)?);
            search.pool.push(bytes);
        }
        assert!(!search.pool.is_empty(), "{} has nothing to begin with", target.name);
        Ok(search)
    }

    /// Tries one more input.
    ///
    /// # Errors
    /// The promise that it breaks.
    pub fn step(&mut self) -> Result<(), Fault> {
        let good = &self.pool[self.mutator.below(self.pool.len())];
        let other = &self.pool[self.mutator.below(self.pool.len())];
        let mut bytes = good.clone();
        for _ in 0..=self.mutator.below(4) {
            self.mutator.damage(&mut bytes, other);
        }
        bytes.truncate(INPUT_BYTES_MAX);
        let outcome = self.target.check(&bytes)?;
        if self.outcomes.len() < OUTCOME_COUNT_MAX && self.outcomes.insert(outcome) {
            self.found.push(bytes.clone());
            self.pool.push(bytes);
        }
        Ok(())
    }

    /// How many different outcomes were seen.
    #[must_use]
    pub fn outcome_count(&self) -> usize {
        self.outcomes.len()
    }

    /// Puts what was found into the corpus; returns how many files.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn keep(&self) -> io::Result<usize> {
        let kept = self.found.iter().map(|bytes| corpus::keep(self.target.name, bytes));
        Ok(kept.collect::<io::Result<Vec<bool>>>()?.into_iter().filter(|kept| *kept).count())
    }
}
