//! A worker's shards, fetched, asked and given up.

use super::*;
use crate::host::Gone;
use windlass_blobs::Blobs;
use windlass_core::TicketId;
use windlass_core::records::{Condition, ShelfShard, Wanted};
use windlass_records::ShardWriter;

struct Lab {
    _dir: tempfile::TempDir,
    blobs: Blobs,
    desk: Arc<Desk>,
    shelves: Shelves,
    messages: Receiver<Inbox>,
}

fn set() -> RecordSet {
    RecordSet {
        name: "people".parse().unwrap(),
        key: "name".parse().unwrap(),
        indexed: Vec::new(),
        shards: vec!["am=a-m".parse().unwrap(), "nz=n-z".parse().unwrap()].try_into().unwrap(),
        replica_count: 1,
    }
}

impl Lab {
    fn new() -> Lab {
        let dir = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(dir.path().join("blobs")).unwrap();
        let (inbox, messages) = sync_channel(16);
        let (desk, store) = (Arc::<Desk>::default(), Store::Shared(blobs.clone()));
        let shelves = Shelves::new(store, inbox, Arc::clone(&desk), Threads::default());
        Lab { _dir: dir, blobs, desk, shelves, messages }
    }

    fn stored(&self, names: &[&str]) -> StoredShard {
        let mut writer = ShardWriter::new(Vec::new()).unwrap();
        for name in names {
            writer.push(format!("{{\"name\":\"{name}\"}}").as_bytes()).unwrap();
        }
        let (bytes, size, row_count) = writer.finish().unwrap();
        StoredShard { blob: self.blobs.put(&bytes).unwrap(), size, row_count }
    }

    fn serve(&mut self, load: u64, shards: &[(u16, StoredShard)]) -> Vec<ToMaster> {
        let shard =
            |&(shard, stored): &(u16, StoredShard)| ShelfShard { shard: ShardIndex(shard), stored };
        let shards = shards.iter().map(shard).collect();
        let shelf = Shelf { load: LoadId(load), set: set(), shards };
        self.shelves.on(ToWorker::Shelves(vec![shelf]))
    }

    fn fetched(&mut self) -> Vec<ToMaster> {
        match self.messages.recv().unwrap() {
            Inbox::Fetched(fetch, fetched) => self.shelves.on_fetched(fetch, fetched),
            _ => panic!("the thread says nothing else"),
        }
    }

    fn ask(&mut self, load: u64, shard: u16, name: &str) -> Result<Vec<String>, String> {
        let said = self.shelves.on(question(load, shard, name));
        match &said[..] {
            [ToMaster::Found { ticket: TicketId(9), answer }] => {
                answer.clone().map(|rows| rows.rows)
            }
            other => panic!("{other:?}"),
        }
    }
}

fn question(load: u64, shard: u16, name: &str) -> ToWorker {
    let (field, wanted) = ("name".parse().unwrap(), Wanted::Written(name.to_owned()));
    ToWorker::Query {
        ticket: TicketId(9),
        load: LoadId(load),
        shard: ShardIndex(shard),
        query: Query { conditions: vec![Condition { field, wanted }] },
        skip: 0,
        row_count_max: 10,
        bytes_max: 1_000,
    }
}

fn shelved(load: u64, shard: u16) -> ToMaster {
    ToMaster::Shelved { load: LoadId(load), shard: ShardIndex(shard), ready: Ok(()) }
}

#[test]
fn a_shard_is_fetched_asked_and_given_up() {
    let mut lab = Lab::new();
    let (am, nz) = (lab.stored(&["alice"]), lab.stored(&["nora", "zoe"]));
    assert_eq!(lab.serve(1, &[(0, am), (1, nz)]), []);
    assert_eq!(lab.ask(1, 0, "alice"), Err("it is still loading that shard".to_owned()));
    assert_eq!(lab.fetched(), [shelved(1, 0)]);
    assert_eq!(lab.fetched(), [shelved(1, 1)]);
    assert_eq!(lab.ask(1, 0, "alice"), Ok(vec!["{\"name\":\"alice\"}".to_owned()]));
    assert_eq!(lab.ask(1, 1, "alice"), Ok(Vec::new()));
    assert_eq!(lab.serve(1, &[(1, nz)]), [shelved(1, 1)]);
    assert_eq!(lab.ask(1, 0, "alice"), Err("it does not have that shard".to_owned()));
    assert_eq!(lab.ask(1, 1, "zoe").unwrap().len(), 1);
}

#[test]
fn the_same_rows_of_another_load_are_not_fetched_again() {
    let mut lab = Lab::new();
    let (am, other) = (lab.stored(&["alice"]), lab.stored(&["bob"]));
    lab.serve(1, &[(0, am)]);
    lab.fetched();
    assert_eq!(lab.serve(7, &[(0, am)]), [shelved(7, 0)]);
    // Another cluster's load of the same number has other rows.
    assert_eq!(lab.serve(7, &[(0, other)]), []);
    assert_eq!(lab.fetched(), [shelved(7, 0)]);
    assert_eq!(lab.ask(7, 0, "alice"), Ok(Vec::new()));
}

#[test]
fn what_cannot_be_served_says_why_and_what_is_not_wanted_any_more_nothing() {
    let mut lab = Lab::new();
    let am = lab.stored(&["alice"]);
    let blob = lab.blobs.put(b"\x09no shard").unwrap();
    let broken = StoredShard { blob, size: 9, row_count: 1 };
    lab.serve(1, &[(0, broken)]);
    let said = lab.fetched();
    let ToMaster::Shelved { ready: Err(cause), .. } = &said[0] else { panic!("{said:?}") };
    assert!(cause.contains("shard format 9 is not known"), "{cause}");
    lab.serve(1, &[(0, am)]);
    lab.serve(2, &[]);
    assert_eq!(lab.fetched(), []);
}

#[test]
fn a_question_by_key_is_answered_where_it_arrives() {
    let mut lab = Lab::new();
    let names: Vec<&str> = ["alice"].into_iter().chain(["bob"; 100]).collect();
    let am = lab.stored(&names);
    let (said, heard) = sync_channel(4);
    let line: crate::host::Send = Arc::new(move |message| said.try_send(message).map_err(|_| Gone));
    let take = |desk: &Desk, name| desk.take(question(1, 0, name), || Some(Arc::clone(&line)));
    lab.serve(1, &[(0, am)]);
    assert_eq!(take(&lab.desk, "alice"), Some(question(1, 0, "alice")), "it is not there yet");
    lab.fetched();
    assert_eq!(take(&lab.desk, "alice"), None);
    let answer = Rows { rows: vec!["{\"name\":\"alice\"}".to_owned()], total_count: 1 };
    let found = ToMaster::Found { ticket: TicketId(9), answer: Ok(answer) };
    assert_eq!(heard.try_recv(), Ok(found));
    assert_eq!(take(&lab.desk, "bob"), Some(question(1, 0, "bob")), "many rows are the seat's");
    let unwelcome = lab.desk.take(question(1, 0, "alice"), || None);
    assert_eq!(unwelcome, Some(question(1, 0, "alice")));
    assert_eq!(lab.desk.take(ToWorker::Shelves(Vec::new()), || None).map(drop), Some(()));
    lab.serve(2, &[]);
    assert_eq!(take(&lab.desk, "alice"), Some(question(1, 0, "alice")), "it is given up");
    assert!(heard.try_recv().is_err());
    lab.serve(1, &[(0, am)]);
    lab.fetched();
    drop(heard);
    assert_eq!(take(&lab.desk, "alice"), Some(question(1, 0, "alice")), "nobody hears it");
}

/// The next master may be another cluster's, whose load of that number has other rows.
#[test]
fn in_a_new_session_nothing_is_ready_before_the_master_has_said_what_it_wants() {
    let mut lab = Lab::new();
    let am = lab.stored(&["alice"]);
    let (said, heard) = sync_channel(4);
    let line: crate::host::Send = Arc::new(move |message| said.try_send(message).map_err(|_| Gone));
    let is_answered =
        |desk: &Desk| desk.take(question(1, 0, "alice"), || Some(Arc::clone(&line))).is_none();
    lab.serve(1, &[(0, am)]);
    lab.shelves.on_connected();
    assert_eq!(lab.fetched(), [], "nobody has asked for it in this session");
    assert!(!is_answered(&lab.desk));
    assert_eq!(lab.serve(1, &[(0, am)]), [shelved(1, 0)]);
    assert!(is_answered(&lab.desk) && heard.try_recv().is_ok());
    lab.shelves.on_connected();
    assert!(!is_answered(&lab.desk));
}
