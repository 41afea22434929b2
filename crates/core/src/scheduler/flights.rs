//! The attempts that one worker holds: a slab sorted by attempt id, because ids are issued in
//! order.

use crate::ids::{AttemptId, Round, TaskId};
use std::collections::VecDeque;

/// An attempt in a worker's hands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Flight {
    pub(super) attempt: AttemptId,
    pub(super) task: TaskId,
    pub(super) round: Round,
    /// An entry about its end is on its way; the attempt is no longer the worker's to lose.
    pub(super) answered: bool,
}

/// The attempts that one worker holds.
#[derive(Debug, Default)]
pub(super) struct Flights {
    /// Sorted by attempt; `None`: ended, waits for its predecessors to be removed with them.
    slots: VecDeque<(AttemptId, Option<Flight>)>,
    open_count: u32,
}

impl Flights {
    /// Attempts not yet answered.
    pub(super) fn open_count(&self) -> u32 {
        self.open_count
    }

    pub(super) fn insert(&mut self, flight: Flight) {
        self.open_count += u32::from(!flight.answered);
        let entry = (flight.attempt, Some(flight));
        // Only attempts adopted from an earlier reign come out of order.
        let position = match self.slots.back() {
            Some((last, _)) if *last >= flight.attempt => {
                self.slots.partition_point(|(attempt, _)| *attempt < flight.attempt)
            }
            _ => self.slots.len(),
        };
        self.slots.insert(position, entry);
    }

    pub(super) fn get(&self, attempt: AttemptId) -> Option<&Flight> {
        let position = self.position(attempt)?;
        self.slots[position].1.as_ref()
    }

    /// Notes that an entry about the attempt's end is on its way.
    pub(super) fn answer(&mut self, attempt: AttemptId) {
        let Some(position) = self.position(attempt) else { return };
        if let Some(flight) = &mut self.slots[position].1
            && !flight.answered
        {
            flight.answered = true;
            self.open_count -= 1;
        }
    }

    pub(super) fn remove(&mut self, attempt: AttemptId) -> Option<Flight> {
        let position = self.position(attempt)?;
        let flight = self.slots[position].1.take();
        self.open_count -= u32::from(flight.is_some_and(|flight| !flight.answered));
        while self.slots.front().is_some_and(|(_, flight)| flight.is_none()) {
            self.slots.pop_front();
        }
        flight
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &Flight> {
        self.slots.iter().filter_map(|(_, flight)| flight.as_ref())
    }

    fn position(&self, attempt: AttemptId) -> Option<usize> {
        self.slots.binary_search_by(|(known, _)| known.cmp(&attempt)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{Epoch, JobId, PhaseIndex, TaskIndex};

    fn flight(epoch: u32, counter: u64) -> Flight {
        let task = TaskId { job: JobId(1), phase: PhaseIndex(0), index: TaskIndex(0) };
        let attempt = AttemptId { epoch: Epoch(epoch), counter };
        Flight { attempt, task, round: Round(0), answered: false }
    }

    #[test]
    fn adopted_attempts_sort_before_those_of_this_reign() {
        let mut flights = Flights::default();
        for (epoch, counter) in [(2, 1), (2, 2), (1, 9), (1, 3)] {
            flights.insert(flight(epoch, counter));
        }
        let order: Vec<_> =
            flights.iter().map(|f| (f.attempt.epoch.0, f.attempt.counter)).collect();
        assert_eq!(order, [(1, 3), (1, 9), (2, 1), (2, 2)]);
    }

    #[test]
    fn an_answered_attempt_is_counted_once() {
        let mut flights = Flights::default();
        flights.insert(flight(1, 1));
        flights.insert(flight(1, 2));
        let first = AttemptId { epoch: Epoch(1), counter: 1 };
        flights.answer(first);
        flights.answer(first);
        assert_eq!(flights.open_count(), 1);
        assert!(flights.remove(first).is_some());
        assert!(flights.remove(first).is_none());
        assert_eq!(flights.open_count(), 1);
    }
}
