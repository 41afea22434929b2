//! The append pipeline: decisions queue up, one record is in flight, the next takes all that wait.
//!
//! No batching timer: a record starts as soon as none is in flight, so a lone decision waits for
//! nothing and a thousand share one sync.

use crate::ids::{Epoch, Seq};
use crate::ledger::{Batch, Entry};
use crate::limits::RECORD_BYTES_MAX;
use crate::reign::Found;
use crate::time::{LogTime, Tick};
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
    /// Apply the record and answer: [`Writer::on_durable`].
    Done,
    /// Append the identical record again: a new one might say the same twice.
    Resend,
    /// The same after a pause: an earlier sending of it may still arrive.
    ResendLater,
    /// It is not in the log and never will be: its decisions wait again, and go into another record
    /// once there is room.
    Refused,
    /// The writer is at its end, or its claim has lost: see [`crate::reign::Reign::on_fenced`].
    Fenced(Found),
}

/// Pause before a full disk is tried again.
const DISK_FULL_PAUSE_MS: u64 = 1_000;

/// Decisions on their way into the journal. `T` is the host's mark of who waits for the answer.
#[derive(Debug)]
pub struct Writer<T> {
    epoch: Epoch,
    head: Seq,
    time: LogTime,
    waiting: VecDeque<(Entry, T)>,
    in_flight: Vec<(Entry, T)>,
    /// A sending of the record in flight was not answered.
    uncertain: bool,
    /// When a full disk is tried again; `None` while there is room.
    full_until: Option<Tick>,
    /// Not even what frees room found any: until the pause is over nothing is tried.
    reserve_spent: bool,
}

impl<T> Writer<T> {
    /// A writer of this reign behind this head.
    #[must_use]
    pub fn new(epoch: Epoch, head: Seq, time: LogTime) -> Writer<T> {
        Writer {
            epoch,
            head,
            time,
            waiting: VecDeque::new(),
            in_flight: Vec::new(),
            uncertain: false,
            full_until: None,
            reserve_spent: false,
        }
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

    /// Decisions that are not durable yet.
    #[must_use]
    pub fn undurable_count(&self) -> usize {
        self.waiting.len() + self.in_flight.len()
    }

    /// They themselves, in their order.
    pub fn undurable(&self) -> impl Iterator<Item = &Entry> {
        self.in_flight.iter().chain(&self.waiting).map(|(entry, _)| entry)
    }

    /// Whether an append was asked for and not answered.
    #[must_use]
    pub fn is_in_flight(&self) -> bool {
        !self.in_flight.is_empty()
    }

    /// When something that waits for room wants [`Writer::next`] again.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Tick> {
        let waits = self.uncertain || (!self.is_in_flight() && !self.waiting.is_empty());
        self.full_until.filter(|_| waits)
    }

    /// Whether the disk is full, as far as it is known: nobody is answered until there is room.
    #[must_use]
    pub fn waits_for_room(&self) -> bool {
        self.full_until.is_some()
    }

    /// The next record, if none is in flight and something waits. Its time is never before an
    /// earlier record's. On a full disk only what lets room be made is tried before the pause is
    /// over, and it goes first then.
    pub fn next(&mut self, now: Tick, wall: LogTime) -> Option<Draft> {
        let waiting = std::mem::take(&mut self.waiting);
        let Some(until) = self.full_until else {
            return self.draft(wall, waiting, VecDeque::new());
        };
        let (freeing, others): (VecDeque<_>, VecDeque<_>) =
            waiting.into_iter().partition(|(entry, _)| entry.frees_room());
        if now < until && self.reserve_spent {
            self.waiting = freeing.into_iter().chain(others).collect();
            return None;
        }
        if freeing.is_empty() && now >= until {
            self.draft(wall, others, freeing)
        } else {
            self.draft(wall, freeing, others)
        }
    }

    /// The append in flight was answered; what the host does about it.
    pub fn on_answer(&mut self, now: Tick, answer: Answer) -> Then {
        match answer {
            Answer::Durable | Answer::Fenced(Found::Own) => Then::Done,
            Answer::Unknown => {
                self.uncertain = true;
                Then::Resend
            }
            Answer::Unavailable => {
                self.full_until = Some(now.after_ms(DISK_FULL_PAUSE_MS));
                self.reserve_spent = self.frees_room();
                if self.uncertain {
                    return Then::ResendLater;
                }
                for decision in std::mem::take(&mut self.in_flight).into_iter().rev() {
                    self.waiting.push_front(decision);
                }
                Then::Refused
            }
            Answer::Fenced(found) => Then::Fenced(found),
        }
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
        let seq = self.head.next();
        let frees_room = self.frees_room();
        (!body.is_empty()).then_some(Draft { seq, epoch: self.epoch, body, frees_room })
    }

    /// Whether the record in flight lets room be made: all its decisions are of that kind.
    fn frees_room(&self) -> bool {
        self.in_flight.iter().all(|(entry, _)| entry.frees_room())
    }

    /// The record in flight is durable: its decisions may be applied, in this order.
    pub fn on_durable(&mut self) -> (LogTime, Vec<(Entry, T)>) {
        assert!(!self.in_flight.is_empty(), "an append was answered that was not asked for");
        self.head = self.head.next();
        self.uncertain = false;
        // A record from the reserve says nothing of the room for others.
        if !self.frees_room() {
            self.full_until = None;
        }
        self.reserve_spent = false;
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
        let first = writer.next(Tick(0), LogTime(50)).expect("something waits");
        assert_eq!((first.seq, first.epoch), (Seq(6), Epoch(3)));
        assert_eq!(Batch::decode(&first.body).expect("decodes").at, LogTime(100));
        writer.propose(entry("b"), 2);
        writer.propose(entry("c"), 3);
        assert_eq!(writer.next(Tick(0), LogTime(200)), None);
        let (_, applied) = writer.on_durable();
        assert_eq!(applied.iter().map(|(_, mark)| *mark).collect::<Vec<_>>(), [1]);
        let second = writer.next(Tick(0), LogTime(200)).expect("two wait");
        assert_eq!(second.seq, Seq(7));
        assert_eq!(Batch::decode(&second.body).expect("decodes").entries.len(), 2);
        writer.on_durable();
        assert!(writer.is_idle());
    }

    fn freeing() -> Entry {
        let digest = crate::ledger::Digest([0; 32]);
        Entry::SnapshotTaken(crate::ledger::SnapshotId { seq: Seq(1), hash: 0, digest })
    }

    fn marks(decided: Vec<(Entry, i32)>) -> Vec<i32> {
        decided.into_iter().map(|(_, mark)| mark).collect()
    }

    #[test]
    fn a_refused_record_waits_again_and_lets_what_frees_room_go_first() {
        let mut writer = Writer::new(Epoch(1), Seq(5), LogTime(0));
        writer.propose(entry("a"), 1);
        writer.propose(entry("b"), 2);
        assert!(writer.next(Tick(0), LogTime(0)).is_some());
        writer.propose(entry("c"), 3);
        assert_eq!(writer.on_answer(Tick(0), Answer::Unavailable), Then::Refused);
        assert!(writer.waits_for_room());
        assert!(writer.next(Tick(0), LogTime(0)).is_none(), "the pause is not over");
        writer.propose(freeing(), 4);
        let draft = writer.next(Tick(0), LogTime(0)).expect("one frees room");
        assert_eq!((draft.seq, draft.frees_room), (Seq(6), true));
        assert_eq!(Batch::decode(&draft.body).expect("decodes").entries, [freeing()]);
        assert!(writer.next(Tick(0), LogTime(0)).is_none(), "one is in flight");
        assert_eq!(marks(writer.on_durable().1), [4]);
        assert!(writer.waits_for_room(), "the reserve says nothing of the rest");
        let at = writer.next_deadline().expect("it is tried again");
        assert_eq!(writer.next(at, LogTime(0)).expect("three wait").seq, Seq(7));
        assert_eq!(writer.next_deadline(), None, "it is being tried");
        assert_eq!(marks(writer.on_durable().1), [1, 2, 3]);
        assert!(writer.is_idle() && !writer.waits_for_room());
    }

    #[test]
    fn a_spent_reserve_is_not_tried_before_the_pause_is_over() {
        let mut writer = Writer::new(Epoch(1), Seq(5), LogTime(0));
        writer.propose(freeing(), 1);
        writer.propose(entry("a"), 2);
        assert!(writer.next(Tick(0), LogTime(0)).is_some());
        assert_eq!(writer.on_answer(Tick(0), Answer::Unavailable), Then::Refused);
        assert!(writer.next(Tick(0), LogTime(0)).is_some_and(|draft| draft.frees_room));
        assert_eq!(writer.on_answer(Tick(0), Answer::Unavailable), Then::Refused);
        assert!(writer.next(Tick(0), LogTime(0)).is_none());
        let at = writer.next_deadline().expect("it is tried again");
        assert!(writer.next(at, LogTime(0)).is_some_and(|draft| draft.frees_room));
    }

    /// An earlier sending may still arrive, so the decisions must not go into another record.
    #[test]
    fn a_record_of_unknown_fate_stays_in_flight_on_a_full_disk() {
        let mut writer = Writer::new(Epoch(1), Seq(5), LogTime(0));
        writer.propose(entry("a"), 1);
        assert!(writer.next(Tick(0), LogTime(0)).is_some());
        assert_eq!(writer.on_answer(Tick(0), Answer::Unknown), Then::Resend);
        assert_eq!(writer.on_answer(Tick(0), Answer::Unavailable), Then::ResendLater);
        assert!(writer.is_in_flight());
        assert_eq!(writer.on_answer(Tick(0), Answer::Fenced(Found::Own)), Then::Done);
        assert_eq!(marks(writer.on_durable().1), [1]);
        writer.propose(entry("b"), 2);
        assert!(writer.next(Tick(0), LogTime(0)).is_some());
        assert_eq!(writer.on_answer(Tick(0), Answer::Unavailable), Then::Refused);
    }

    #[test]
    fn only_what_is_certainly_in_the_log_is_done() {
        let answered = |answer| {
            let mut writer = Writer::new(Epoch(1), Seq(5), LogTime(0));
            writer.propose(entry("a"), 1);
            assert!(writer.next(Tick(0), LogTime(0)).is_some());
            writer.on_answer(Tick(0), answer)
        };
        assert_eq!(answered(Answer::Durable), Then::Done);
        assert_eq!(answered(Answer::Fenced(Found::Own)), Then::Done);
        assert_eq!(answered(Answer::Unknown), Then::Resend);
        for found in [Found::Ordinary, Found::Claim] {
            assert_eq!(answered(Answer::Fenced(found)), Then::Fenced(found));
        }
    }

    #[test]
    fn a_record_stays_within_its_size() {
        let mut writer = Writer::new(Epoch(1), Seq(0), LogTime(0));
        let name = "x".repeat(RECORD_BYTES_MAX / 3);
        (0..5).for_each(|mark| writer.propose(entry(&name), mark));
        let mut sizes = Vec::new();
        while let Some(draft) = writer.next(Tick(0), LogTime(0)) {
            assert!(draft.body.len() <= RECORD_BYTES_MAX);
            sizes.push(writer.on_durable().1.len());
        }
        assert_eq!(sizes, [2, 2, 1]);
    }
}
