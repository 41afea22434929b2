//! Record sets and look-ups of the simulated cluster: what is loaded and asked, what shards answer,
//! and what the loop of a master does around the machine of look-ups.
//!
//! A row is made of its shard's blob and of what is asked, so that a row of another load, of
//! another shard or of another question shows.

use crate::master::{Moment, Turn};
use std::collections::BTreeMap;
use windlass_core::calls::CallerId;
use windlass_core::ledger::{Applied, Entry, Ledger};
use windlass_core::lookups::{LookupEffect, LookupEvent, LookupRequest, Lookups, Member};
use windlass_core::random::SplitMix64;
use windlass_core::records::{
    Condition, Query, RecordSet, Rows, SetName, Shelf, StoredShard, Wanted,
};
use windlass_core::scheduler::SessionId;
use windlass_core::session::{Hello, ToMaster, ToWorker};
use windlass_core::{BlobId, LoadId, ShardIndex, Tick, WorkerName};

/// The shards of the one set that there is.
const SHARDS: [&str; 2] = ["am=a-m", "nz=n-z"];

/// The name of that set.
pub(crate) fn set_name() -> SetName {
    "people".parse().expect("a name")
}

/// The entry of a load, whose shards nobody else's load has.
pub(crate) fn load(number: u64, replica_count: u32) -> Entry {
    let shards = SHARDS.map(|text| text.parse().expect("a shard")).to_vec();
    let set = RecordSet {
        name: set_name(),
        key: "name".parse().expect("a name"),
        indexed: vec!["year".parse().expect("a name")],
        shards: shards.try_into().expect("fit"),
        replica_count,
    };
    let stored = |shard: usize| StoredShard {
        blob: BlobId::of(format!("load {number}, shard {shard}").as_bytes()),
        size: 1,
        row_count: 1,
    };
    let stored = (0..SHARDS.len()).map(stored).collect();
    Entry::RecordsLoaded { set, stored, replaces: true }
}

/// What somebody asks: one group by key, or all.
pub(crate) fn request(random: &mut SplitMix64) -> LookupRequest {
    let (field, value) = match random.below(3) {
        0 => ("name", "alice"),
        1 => ("name", "Zoe"),
        _ => ("year", "2002"),
    };
    let field = field.parse().expect("a name");
    let condition = Condition { field, wanted: Wanted::Written(value.to_owned()) };
    LookupRequest {
        set: set_name(),
        query: Query { conditions: vec![condition] },
        load: None,
        group: None,
        skip: 0,
        limit_ms: Some([300, 3_000][random.below(2) as usize]),
    }
}

/// What a shard has for a question.
pub(crate) fn rows(stored: &StoredShard, query: &Query) -> Rows {
    Rows { rows: vec![format!("{:?} of {:?}", query.conditions, stored.blob)], total_count: 1 }
}

/// The shards in a worker's hands.
#[derive(Debug, Default)]
pub(crate) struct Shards(BTreeMap<(LoadId, ShardIndex), (StoredShard, bool)>);

impl Shards {
    /// Serves these from now on; answers what is said at once, and what is to be fetched first.
    pub(crate) fn serve(&mut self, shelves: &[Shelf]) -> (Vec<ToMaster>, Vec<BlobId>) {
        let before = std::mem::take(&mut self.0);
        let (mut said, mut fetched) = (Vec::new(), Vec::new());
        for (load, it) in shelves.iter().flat_map(|s| s.shards.iter().map(|it| (s.load, it))) {
            let is_ready = before.values().any(|(stored, ready)| *stored == it.stored && *ready);
            if is_ready {
                said.push(ToMaster::Shelved { load, shard: it.shard, ready: Ok(()) });
            } else {
                fetched.push(it.stored.blob);
            }
            self.0.insert((load, it.shard), (it.stored, is_ready));
        }
        (said, fetched)
    }

    /// A shard was fetched, or cannot be; what is said of it, if it is still wanted.
    pub(crate) fn on_fetched(&mut self, blob: BlobId, is_sound: bool) -> Option<ToMaster> {
        let mut waiting = self.0.iter_mut().filter(|(_, it)| it.0.blob == blob && !it.1);
        let (&(load, shard), it) = waiting.next()?;
        it.1 = is_sound;
        let ready = if is_sound { Ok(()) } else { Err("its disk is full".to_owned()) };
        if !is_sound {
            self.0.remove(&(load, shard));
        }
        Some(ToMaster::Shelved { load, shard, ready })
    }

    /// The answer to a question.
    pub(crate) fn answer(&self, message: &ToWorker) -> Option<ToMaster> {
        let ToWorker::Query { ticket, load, shard, query, .. } = message else { return None };
        let answer = match self.0.get(&(*load, *shard)) {
            Some((stored, true)) => Ok(rows(stored, query)),
            _ => Err("it does not have that shard".to_owned()),
        };
        Some(ToMaster::Found { ticket: *ticket, answer })
    }
}

/// The look-ups of a reigning master.
pub(crate) struct Enquiries {
    lookups: Lookups,
    /// Workers that have introduced themselves and serve record sets.
    greeted: BTreeMap<SessionId, Member>,
}

impl Enquiries {
    pub(crate) fn new(now: Tick, ledger: &Ledger) -> Enquiries {
        let lookups = Lookups::new(now, ledger.epoch, ledger.records.clone());
        Enquiries { lookups, greeted: BTreeMap::new() }
    }

    pub(crate) fn next_deadline(&self) -> Option<Tick> {
        self.lookups.next_deadline()
    }

    pub(crate) fn on_hello(&mut self, ledger: &Ledger, session: SessionId, hello: &Hello) {
        if let Some(pins) = hello.serves.clone() {
            let name = hello.name.clone();
            let is_draining = ledger.workers.get(&name).is_some_and(|known| known.draining);
            self.greeted.insert(session, Member { name, pins, is_draining });
        }
    }

    /// The scheduler has welcomed workers, or closed their sessions.
    pub(crate) fn on_scheduled(
        &mut self,
        moment: Moment,
        (sends, closes): (usize, usize),
        turn: &mut Turn,
    ) {
        let welcomed = turn.sends[sends..].iter().filter_map(|(session, message)| match message {
            ToWorker::Welcome { .. } => Some(*session),
            _ => None,
        });
        for session in welcomed.collect::<Vec<_>>() {
            if let Some(member) = self.greeted.get(&session).cloned() {
                self.on(moment, LookupEvent::Joined(session, member), turn);
            }
        }
        let closed = turn.closes[closes..].to_vec();
        for session in closed {
            self.on_lost(moment, session, turn);
        }
    }

    pub(crate) fn on_lost(&mut self, moment: Moment, session: SessionId, turn: &mut Turn) {
        self.greeted.remove(&session);
        self.on(moment, LookupEvent::Lost(session), turn);
    }

    /// An entry was applied.
    pub(crate) fn on_applied(
        &mut self,
        moment: Moment,
        ledger: &Ledger,
        (entry, applied): (&Entry, &[Applied]),
        turn: &mut Turn,
    ) {
        let is_of_sets = |done: &Applied| {
            matches!(done, Applied::RecordsLoaded(..) | Applied::RecordsDropped(_))
        };
        if applied.iter().any(is_of_sets) {
            self.on(moment, LookupEvent::SetsChanged(ledger.records.clone()), turn);
        }
        if let Entry::WorkerDrained { name, on } = entry {
            for session in self.sessions_of(name) {
                self.greeted.entry(session).and_modify(|member| member.is_draining = *on);
                self.on(moment, LookupEvent::Draining(session, *on), turn);
            }
        }
    }

    fn sessions_of(&self, name: &WorkerName) -> Vec<SessionId> {
        let of_name = self.greeted.iter().filter(|(_, member)| member.name == *name);
        of_name.map(|(session, _)| *session).collect()
    }

    /// A worker says something of record sets.
    pub(crate) fn on_heard(
        &mut self,
        moment: Moment,
        (session, message): (SessionId, &ToMaster),
        turn: &mut Turn,
    ) {
        let event = match message.clone() {
            ToMaster::Found { ticket, answer } => LookupEvent::Found(session, ticket, answer),
            ToMaster::Shelved { load, shard, ready } => {
                LookupEvent::Shelved(session, load, shard, ready)
            }
            _ => return,
        };
        self.on(moment, event, turn);
    }

    pub(crate) fn on(&mut self, moment: Moment, event: LookupEvent, turn: &mut Turn) {
        let mut effects = Vec::new();
        self.lookups.on(moment.tick, event, &mut effects);
        for effect in effects {
            match effect {
                LookupEffect::Send(session, message) => turn.sends.push((session, message)),
                LookupEffect::Answer(caller, answer) => turn.looked.push((caller, answer)),
            }
        }
    }
}

/// A question on its way to a master.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Enquiry {
    pub(crate) caller: CallerId,
    pub(crate) request: LookupRequest,
}
