//! The append pipeline: decisions queue up, one record is in flight, the next takes all that wait.
//!
//! No batching timer: a record starts as soon as none is in flight, so a lone decision waits for
//! nothing and a thousand share one sync.

use crate::ids::{Epoch, Seq};
use crate::ledger::{Batch, Entry};
use crate::limits::RECORD_BYTES_MAX;
use crate::reign::Found;
use crate::time::LogTime;
use std::collections::VecDeque;

/// A record that is to be appended; the host adds its id and the chain hash.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Draft {
    /// The head's successor.
    pub seq: Seq,
    /// The writer's reign.
    pub epoch: Epoch,
    /// An encoded [`Batch`].
    pub body: Vec<u8>,
    /// Whether room can be made once it is durable: all its decisions are of that kind.
    pub frees_room: bool,
}

/// How the append of a record was answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Answer {
    /// It is durable.
    Durable,
    /// It is or is not in the log.
    Unknown,
    /// It is not in the log, and there may be room for it later: a full disk.
    Unavailable,
    /// Something else stands at its place, or it does itself.
    Fenced(Found),
}

/// What to do about the answer to an append. Nobody is answered before `Done`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Then {
    /// Apply the record and answer.
    Done,
    /// Append the identical record again: a new one might say the same twice.
    Resend,
    /// The same after a pause; or, where no earlier sending of it can still arrive, its decisions
    /// in another record: [`Writer::on_refused`].
    ResendLater,
    /// The writer is at its end, or its claim has lost: see [`crate::reign::Reign::on_fenced`].
    Fenced(Found),
}

impl Answer {
    /// What follows from it.
    #[must_use]
    pub fn then(self) -> Then {
        match self {
            Answer::Durable | Answer::Fenced(Found::Own) => Then::Done,
            Answer::Unknown => Then::Resend,
            Answer::Unavailable => Then::ResendLater,
            Answer::Fenced(found) => Then::Fenced(found),
        }
    }
}

/// Decisions on their way into the journal. `T` is the host's mark of who waits for the answer.
#[derive(Debug)]
pub struct Writer<T> {
    epoch: Epoch,
    head: Seq,
    time: LogTime,
    waiting: VecDeque<(Entry, T)>,
    in_flight: Vec<(Entry, T)>,
}

impl<T> Writer<T> {
    /// A writer of this reign behind this head.
    #[must_use]
    pub fn new(epoch: Epoch, head: Seq, time: LogTime) -> Writer<T> {
        Writer { epoch, head, time, waiting: VecDeque::new(), in_flight: Vec::new() }
    }

    /// Queues a decision.
    pub fn propose(&mut self, entry: Entry, mark: T) {
        self.waiting.push_back((entry, mark));
    }

    /// Whether nothing waits and nothing is in flight.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.in_flight.is_empty()
    }

    /// Whether an append was asked for and not answered.
    #[must_use]
    pub fn is_in_flight(&self) -> bool {
        !self.in_flight.is_empty()
    }

    /// The next record, if none is in flight and something waits. Its time is never before an
    /// earlier record's.
    pub fn next(&mut self, wall: LogTime) -> Option<Draft> {
        let waiting = std::mem::take(&mut self.waiting);
        self.draft(wall, waiting, VecDeque::new())
    }

    /// As [`Writer::next`], of those decisions only that let room be made on a full disk.
    pub fn next_freeing(&mut self, wall: LogTime) -> Option<Draft> {
        let waiting = std::mem::take(&mut self.waiting);
        let (freeing, others) = waiting.into_iter().partition(|(entry, _)| entry.frees_room());
        self.draft(wall, freeing, others)
    }

    /// A record of as many of `first` as fit; the rest of them waits, then `others`.
    fn draft(
        &mut self,
        wall: LogTime,
        mut first: VecDeque<(Entry, T)>,
        others: VecDeque<(Entry, T)>,
    ) -> Option<Draft> {
        let mut body = Vec::new();
        if self.in_flight.is_empty() && !first.is_empty() {
            self.time = self.time.max(wall);
            Batch::begin(self.time, &mut body);
            while let Some((entry, _)) = first.front() {
                let length = body.len();
                entry.encode(&mut body);
                if body.len() > RECORD_BYTES_MAX && !self.in_flight.is_empty() {
                    body.truncate(length);
                    break;
                }
                self.in_flight.extend(first.pop_front());
            }
        }
        first.extend(others);
        self.waiting = first;
        let frees_room = self.in_flight.iter().all(|(entry, _)| entry.frees_room());
        let seq = self.head.next();
        (!body.is_empty()).then_some(Draft { seq, epoch: self.epoch, body, frees_room })
    }

    /// The record in flight was refused and is not in the log: its decisions wait again, before all
    /// others.
    pub fn on_refused(&mut self) {
        for decision in std::mem::take(&mut self.in_flight).into_iter().rev() {
            self.waiting.push_front(decision);
        }
    }

    /// The record in flight is durable: its decisions may be applied, in this order.
    pub fn on_durable(&mut self) -> (LogTime, Vec<(Entry, T)>) {
        assert!(!self.in_flight.is_empty(), "an append was answered that was not asked for");
        self.head = self.head.next();
        (self.time, std::mem::take(&mut self.in_flight))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::WorkerName;
    use crate::ids::Incarnation;

    fn entry(name: &str) -> Entry {
        Entry::WorkerLeft { name: WorkerName(name.to_owned()), incarnation: Incarnation(1) }
    }

    #[test]
    fn one_record_is_in_flight_and_the_next_takes_all_that_wait() {
        let mut writer = Writer::new(Epoch(3), Seq(5), LogTime(100));
        writer.propose(entry("a"), 1);
        let first = writer.next(LogTime(50)).expect("something waits");
        assert_eq!((first.seq, first.epoch), (Seq(6), Epoch(3)));
        assert_eq!(Batch::decode(&first.body).expect("decodes").at, LogTime(100));
        writer.propose(entry("b"), 2);
        writer.propose(entry("c"), 3);
        assert_eq!(writer.next(LogTime(200)), None);
        let (_, applied) = writer.on_durable();
        assert_eq!(applied.iter().map(|(_, mark)| *mark).collect::<Vec<_>>(), [1]);
        let second = writer.next(LogTime(200)).expect("two wait");
        assert_eq!(second.seq, Seq(7));
        assert_eq!(Batch::decode(&second.body).expect("decodes").entries.len(), 2);
        writer.on_durable();
        assert!(writer.is_idle());
    }

    #[test]
    fn a_refused_record_waits_again_and_lets_what_frees_room_go_first() {
        let freeing = || {
            let digest = crate::ledger::Digest([0; 32]);
            Entry::SnapshotTaken(crate::ledger::SnapshotId { seq: Seq(1), hash: 0, digest })
        };
        let mut writer = Writer::new(Epoch(1), Seq(5), LogTime(0));
        writer.propose(entry("a"), 1);
        writer.propose(entry("b"), 2);
        assert!(writer.next_freeing(LogTime(0)).is_none());
        assert!(writer.next(LogTime(0)).is_some());
        writer.propose(entry("c"), 3);
        writer.propose(freeing(), 4);
        writer.on_refused();
        let draft = writer.next_freeing(LogTime(0)).expect("one frees room");
        assert_eq!(draft.seq, Seq(6));
        assert_eq!(Batch::decode(&draft.body).expect("decodes").entries, [freeing()]);
        assert!(writer.next_freeing(LogTime(0)).is_none(), "one is in flight");
        let marks = |decided: Vec<(Entry, i32)>| -> Vec<i32> {
            decided.into_iter().map(|(_, mark)| mark).collect()
        };
        assert_eq!(marks(writer.on_durable().1), [4]);
        assert_eq!(writer.next(LogTime(0)).expect("three wait").seq, Seq(7));
        assert_eq!(marks(writer.on_durable().1), [1, 2, 3]);
        assert!(writer.is_idle());
    }

    #[test]
    fn only_what_is_certainly_in_the_log_is_done() {
        assert_eq!(Answer::Durable.then(), Then::Done);
        assert_eq!(Answer::Fenced(Found::Own).then(), Then::Done);
        assert_eq!(Answer::Unknown.then(), Then::Resend);
        assert_eq!(Answer::Unavailable.then(), Then::ResendLater);
        for found in [Found::Ordinary, Found::Claim] {
            assert_eq!(Answer::Fenced(found).then(), Then::Fenced(found));
        }
    }

    #[test]
    fn a_record_stays_within_its_size() {
        let mut writer = Writer::new(Epoch(1), Seq(0), LogTime(0));
        let name = "x".repeat(RECORD_BYTES_MAX / 3);
        (0..5).for_each(|mark| writer.propose(entry(&name), mark));
        let mut sizes = Vec::new();
        while let Some(draft) = writer.next(LogTime(0)) {
            assert!(draft.body.len() <= RECORD_BYTES_MAX);
            sizes.push(writer.on_durable().1.len());
        }
        assert_eq!(sizes, [2, 2, 1]);
    }
}
