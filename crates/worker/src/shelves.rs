//! The shards of record sets that this worker serves: fetched and indexed by a thread beside the
//! seat's, asked [where questions arrive](Desk), or on the seat's thread.

mod desk;

pub(crate) use desk::Desk;

use crate::host::Inbox;
use crate::store::Store;
use crate::usage::Threads;
use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use windlass_core::limits::{RECORD_SHARD_BYTES_MAX, SHELF_CAUSE_BYTES_MAX};
use windlass_core::records::{Query, RecordSet, Rows, Shelf, StoredShard};
use windlass_core::session::{ToMaster, ToWorker};
use windlass_core::{LoadId, ShardIndex};
use windlass_records::Index;

type Key = (LoadId, ShardIndex);

/// One fetching of a shard: a later one of the same shard has another number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Fetch(u64);

/// What the thread made of a shard.
pub(crate) type Fetched = Result<Arc<Index>, String>;

/// The shards in this worker's hands.
pub(crate) struct Shelves {
    /// Where its thread enters.
    threads: Threads,
    store: Store,
    inbox: SyncSender<Inbox>,
    desk: Arc<Desk>,
    shards: BTreeMap<Key, Shard>,
    fetch_count: u64,
    /// What waits for the thread.
    to_fetch: VecDeque<(Key, Fetch)>,
    /// The thread has something to do.
    is_fetching: bool,
    /// Whether the master has said in this session what is to be served.
    is_told: bool,
    /// Started with the first shard: most workers never get one.
    fetcher: Option<Fetcher>,
}

struct Shard {
    set: Arc<RecordSet>,
    stored: StoredShard,
    state: State,
}

enum State {
    Fetching(Fetch),
    Ready(Arc<Index>),
}

struct Fetcher {
    jobs: SyncSender<Job>,
    thread: JoinHandle<()>,
}

struct Job {
    fetch: Fetch,
    set: Arc<RecordSet>,
    stored: StoredShard,
}

impl Shelves {
    pub(crate) fn new(
        store: Store,
        inbox: SyncSender<Inbox>,
        desk: Arc<Desk>,
        threads: Threads,
    ) -> Shelves {
        Shelves {
            threads,
            store,
            inbox,
            desk,
            shards: BTreeMap::new(),
            fetch_count: 0,
            to_fetch: VecDeque::new(),
            is_fetching: false,
            is_told: false,
            fetcher: None,
        }
    }

    /// A session begins: what is here may be of another cluster, until its master has spoken.
    pub(crate) fn on_connected(&mut self) {
        self.is_told = false;
        self.show();
    }

    /// Takes what the master says of record sets; returns what is to be said to it.
    pub(crate) fn on(&mut self, message: ToWorker) -> Vec<ToMaster> {
        match message {
            ToWorker::Shelves(shelves) => self.serve(shelves),
            ToWorker::Query { ticket, load, shard, query, skip, row_count_max, bytes_max } => {
                let bounds = (row_count_max as usize, bytes_max as usize);
                let answer = self.answer((load, shard), &query, skip, bounds);
                vec![ToMaster::Found { ticket, answer }]
            }
            _ => Vec::new(),
        }
    }

    /// The thread is done with a shard; returns what is to be said of it.
    pub(crate) fn on_fetched(&mut self, fetch: Fetch, fetched: Fetched) -> Vec<ToMaster> {
        self.is_fetching = false;
        let is_it = |shard: &Shard| matches!(shard.state, State::Fetching(own) if own == fetch);
        let key = self.shards.iter().find(|(_, shard)| is_it(shard)).map(|(key, _)| *key);
        let mut said = Vec::new();
        if let Some(key) = key {
            let ready = match fetched {
                Ok(index) => {
                    if let Some(shard) = self.shards.get_mut(&key) {
                        shard.state = State::Ready(index);
                    }
                    self.show();
                    Ok(())
                }
                Err(cause) => {
                    self.shards.remove(&key);
                    Err(cause)
                }
            };
            said.push(ToMaster::Shelved { load: key.0, shard: key.1, ready });
        }
        if !self.is_told {
            said.clear();
        }
        self.fetch_next();
        said
    }

    /// Gives back the thread to be waited for.
    pub(crate) fn stop(&mut self) -> Option<JoinHandle<()>> {
        self.to_fetch.clear();
        // Without the channel's other end, it ends after what it is at.
        self.fetcher.take().map(|fetcher| fetcher.thread)
    }

    /// Serves these and nothing else from now on. What is here already stays, also where another
    /// load has the same rows: loads of another cluster may have the same numbers.
    fn serve(&mut self, shelves: Vec<Shelf>) -> Vec<ToMaster> {
        self.is_told = true;
        let mut before = std::mem::take(&mut self.shards);
        let mut said = Vec::new();
        for Shelf { load, set, shards } in shelves {
            let set = Arc::new(set);
            for shard in shards {
                let (key, stored) = ((load, shard.shard), shard.stored);
                let is_same = |it: &Shard| it.stored == stored && it.set == set;
                let same = match before.get(&key).is_some_and(is_same) {
                    true => Some(key),
                    false => before.iter().find(|(_, it)| is_same(it)).map(|(key, _)| *key),
                };
                let kept = same.and_then(|same| before.remove(&same));
                let state = match kept {
                    Some(Shard { state: State::Ready(index), .. }) => {
                        said.push(ToMaster::Shelved { load, shard: key.1, ready: Ok(()) });
                        State::Ready(index)
                    }
                    Some(Shard { state: State::Fetching(fetch), .. }) => {
                        self.to_fetch.iter_mut().filter(|(_, it)| *it == fetch).for_each(|it| {
                            it.0 = key;
                        });
                        State::Fetching(fetch)
                    }
                    None => {
                        self.fetch_count += 1;
                        let fetch = Fetch(self.fetch_count);
                        self.to_fetch.push_back((key, fetch));
                        State::Fetching(fetch)
                    }
                };
                self.shards.insert(key, Shard { set: Arc::clone(&set), stored, state });
            }
        }
        self.show();
        self.fetch_next();
        said
    }

    /// Shows what is ready at the desk, before anybody is told of it.
    fn show(&self) {
        let ready = self.shards.iter().filter_map(|(key, shard)| match &shard.state {
            State::Ready(index) if self.is_told => Some((*key, Arc::clone(index))),
            State::Ready(_) | State::Fetching(_) => None,
        });
        self.desk.show(ready.collect());
    }

    /// Gives the thread the next shard that is still wanted.
    fn fetch_next(&mut self) {
        while !self.is_fetching
            && let Some((key, fetch)) = self.to_fetch.pop_front()
        {
            let shard = self.shards.get(&key);
            let is_it = |it: &&Shard| matches!(it.state, State::Fetching(own) if own == fetch);
            let Some(Shard { set, stored, .. }) = shard.filter(is_it) else { continue };
            let job = Job { fetch, set: Arc::clone(set), stored: *stored };
            let fetcher = self
                .fetcher
                .get_or_insert_with(|| Fetcher::start(&self.store, &self.inbox, &self.threads));
            // It has nothing to do: there is room, unless it has ended with the worker.
            self.is_fetching = fetcher.jobs.try_send(job).is_ok();
        }
    }

    fn answer(
        &self,
        key: Key,
        query: &Query,
        skip: u64,
        (row_count_max, bytes_max): (usize, usize),
    ) -> Result<Rows, String> {
        match self.shards.get(&key).map(|shard| &shard.state) {
            Some(State::Ready(index)) => {
                let answer = index.answer(query, skip, row_count_max, bytes_max);
                answer.map_err(|error| error.to_string())
            }
            Some(State::Fetching(_)) => Err("it is still loading that shard".to_owned()),
            None => Err("it does not have that shard".to_owned()),
        }
    }
}

impl Fetcher {
    fn start(store: &Store, inbox: &SyncSender<Inbox>, threads: &Threads) -> Fetcher {
        let (jobs, to_do) = sync_channel(1);
        let (store, inbox, threads) = (store.clone(), inbox.clone(), threads.clone());
        let thread = thread::spawn(move || {
            threads.enter();
            fetch_all(&store, &to_do, &inbox);
        });
        Fetcher { jobs, thread }
    }
}

fn fetch_all(store: &Store, to_do: &Receiver<Job>, inbox: &SyncSender<Inbox>) {
    while let Ok(Job { fetch, set, stored }) = to_do.recv() {
        let fetched = catch_unwind(AssertUnwindSafe(|| fetch_one(store, &set, stored)));
        let fetched = fetched.unwrap_or_else(|_| Err("indexing it panicked; report it".to_owned()));
        if inbox.send(Inbox::Fetched(fetch, fetched)).is_err() {
            return;
        }
    }
}

fn fetch_one(store: &Store, set: &RecordSet, stored: StoredShard) -> Fetched {
    let size = stored.size.min(RECORD_SHARD_BYTES_MAX);
    let bytes = store.read(stored.blob, size).map_err(|failure| cut(failure.cause))?;
    Index::new(set, bytes).map(Arc::new).map_err(|error| cut(error.to_string()))
}

fn cut(mut cause: String) -> String {
    while cause.len() > SHELF_CAUSE_BYTES_MAX {
        cause.pop();
    }
    cause
}

#[cfg(test)]
mod tests;
