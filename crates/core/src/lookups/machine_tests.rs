//! Look-ups as scenarios: what is said to whom, line by line.

use super::*;
use crate::ids::{BlobId, ShardIndex, WorkerName};
use crate::ledger::{Entry, Ledger};
use crate::limits::{
    LOOKUP_BYTES_MAX, LOOKUP_MS_DEFAULT, LOOKUP_ROW_COUNT_MAX, LOOKUP_SECOND_MS_MIN,
    LOOKUP_TICKET_COUNT_LOW, LOOKUP_TICKET_COUNT_MAX,
};
use crate::records::{Condition, GroupAnswer, Query, RecordSet, StoredShard, Wanted};
use crate::time::LogTime;
use expect_test::{Expect, expect};

/// Look-ups over a ledger, with workers that say what they are told to.
struct Lab {
    ledger: Ledger,
    lookups: Lookups,
    now: Tick,
    caller_count: u64,
    told: Vec<LookupEffect>,
}

fn set(replica_count: u32) -> RecordSet {
    let shards = ["am=a-m", "nz=n-z"].map(|text| text.parse().expect("a shard"));
    RecordSet {
        name: "people".parse().expect("a name"),
        key: "name".parse().expect("a name"),
        indexed: vec!["year".parse().expect("a name")],
        shards: shards.to_vec().try_into().expect("fit"),
        replica_count,
    }
}

fn query(field: &str, value: &str) -> Query {
    let field = field.parse().expect("a name");
    Query { conditions: vec![Condition { field, wanted: Wanted::Written(value.to_owned()) }] }
}

fn session(name: &str) -> SessionId {
    SessionId(name[1..].parse().expect("w and a number"))
}

impl Lab {
    /// A set of two groups; the reign has settled.
    fn new(replica_count: u32) -> Lab {
        let mut lab = Lab {
            ledger: Ledger::default(),
            lookups: Lookups::new(Tick(0), Epoch(0), RecordSets::new()),
            now: Tick(0),
            caller_count: 0,
            told: Vec::new(),
        };
        lab.load(replica_count, false);
        lab.after_ms(LEASE_MS);
        lab
    }

    fn on(&mut self, event: LookupEvent) {
        self.lookups.on(self.now, event, &mut self.told);
    }

    fn load(&mut self, replica_count: u32, replaces: bool) {
        self.load_set(set(replica_count), replaces);
    }

    fn load_set(&mut self, set: RecordSet, replaces: bool) {
        let stored = |n: u8| StoredShard { blob: BlobId::of(&[n]), size: 1, row_count: 1 };
        let stored = vec![stored(1), stored(2)];
        let entry = Entry::RecordsLoaded { set, stored, replaces };
        self.ledger.apply(LogTime(1), &entry, &mut Vec::new());
        self.on(LookupEvent::SetsChanged(self.ledger.records.clone()));
    }

    fn after_ms(&mut self, ms: u64) {
        self.now = self.now.after_ms(ms);
        self.on(LookupEvent::Tick);
    }

    fn join(&mut self, name: &str, pins: &[&str]) {
        let pins = pins.iter().map(|text| text.parse().expect("a group")).collect();
        let member = Member { name: WorkerName(name.to_owned()), pins, is_draining: false };
        self.on(LookupEvent::Joined(session(name), member));
    }

    fn ready(&mut self, name: &str, load: u64, shard: u16) {
        let shelved = (LoadId(load), ShardIndex(shard));
        self.on(LookupEvent::Shelved(session(name), shelved.0, shelved.1, Ok(())));
    }

    fn lose(&mut self, name: &str) {
        self.on(LookupEvent::Lost(session(name)));
    }

    fn ask(&mut self, field: &str, value: &str) {
        self.caller_count += 1;
        let request = LookupRequest {
            set: "people".parse().expect("a name"),
            query: query(field, value),
            load: None,
            group: None,
            skip: 0,
            limit_ms: None,
        };
        self.on(LookupEvent::Asked(CallerId(self.caller_count), request));
    }

    fn found(&mut self, name: &str, ticket: u64, rows: &[&str]) {
        let rows = Rows {
            rows: rows.iter().map(|row| (*row).to_owned()).collect(),
            total_count: rows.len() as u64,
        };
        self.on(LookupEvent::Found(session(name), TicketId(ticket), Ok(rows)));
    }

    /// What was said since the last time.
    fn said(&mut self) -> String {
        let lines: Vec<String> = std::mem::take(&mut self.told).iter().map(line).collect();
        lines.join("\n")
    }

    fn check(&mut self, expected: Expect) {
        expected.assert_eq(&self.said());
    }
}

fn line(effect: &LookupEffect) -> String {
    match effect {
        LookupEffect::Send(session, ToWorker::Shelves(shelves)) => {
            let shards = shelves.iter().flat_map(|shelf| {
                shelf.shards.iter().map(move |it| format!(" {}/{}", shelf.load, it.shard))
            });
            format!("w{} serves{}", session.0, shards.collect::<String>())
        }
        LookupEffect::Send(session, ToWorker::Query { ticket, load, shard, .. }) => {
            format!("w{} is asked {load}/{shard}, ticket {ticket}", session.0)
        }
        LookupEffect::Send(..) => panic!("look-ups say nothing else"),
        LookupEffect::Answer(caller, Err(error)) => format!("{}: {error}", caller.0),
        LookupEffect::Answer(caller, Ok(answer)) => {
            let parts = answer.answer.parts.iter().map(|(group, answer)| match answer {
                GroupAnswer::Rows(rows) => format!(" {group}={}", rows.rows.join(",")),
                GroupAnswer::Missing(why) => format!(" {group}: {why}"),
            });
            format!("{}:{}", caller.0, parts.collect::<String>())
        }
    }
}

/// Two instances of each group, all ready: w1 and w2 serve am, w3 and w4 nz.
fn two_of_each() -> Lab {
    let mut lab = Lab::new(2);
    for (name, group, shard) in [
        ("w1", "people:am", 0),
        ("w2", "people:am", 0),
        ("w3", "people:nz", 1),
        ("w4", "people:nz", 1),
    ] {
        lab.join(name, &[group]);
        lab.ready(name, 1, shard);
    }
    lab.told.clear();
    lab
}

#[test]
fn by_key_one_group_is_asked_and_its_instances_alternate() {
    let mut lab = two_of_each();
    for _ in 0..3 {
        lab.ask("name", "alice");
    }
    lab.ask("name", "zoe");
    lab.found("w1", 1, &["a"]);
    lab.found("w2", 2, &[]);
    lab.check(expect![[r#"
        w1 is asked 1/0, ticket 1
        w2 is asked 1/0, ticket 2
        w1 is asked 1/0, ticket 3
        w3 is asked 1/1, ticket 4
        1: am=a
        2: am="#]]);
}

#[test]
fn served_counts_of_equal_instances_stay_within_one() {
    let mut lab = two_of_each();
    lab.join("w5", &["people:am"]);
    for number in 0..50 {
        // One that comes later is not given all until it has caught up.
        if number == 20 {
            lab.ready("w5", 1, 0);
        }
        lab.ask("name", "alice");
    }
    let view = lab.lookups.view();
    let counts: Vec<u64> =
        view[0].groups[0].instances.iter().map(|instance| instance.served_count).collect();
    assert_eq!(counts, [20, 20, 10]);
}

#[test]
fn otherwise_all_groups_are_asked_at_once_and_put_together_in_order() {
    let mut lab = two_of_each();
    lab.ask("year", "2002");
    lab.found("w3", 2, &["n"]);
    lab.found("w1", 1, &["a", "b"]);
    lab.check(expect![[r#"
        w1 is asked 1/0, ticket 1
        w3 is asked 1/1, ticket 2
        1: am=a,b nz=n"#]]);
}

#[test]
fn an_instance_that_answers_with_more_than_it_was_asked_for_has_not_answered() {
    let mut lab = two_of_each();
    lab.ask("name", "alice");
    lab.found("w1", 1, &vec!["a"; LOOKUP_ROW_COUNT_MAX + 1]);
    lab.found("w2", 2, &["a"]);
    lab.ask("name", "zoe");
    lab.found("w3", 3, &[&"x".repeat(LOOKUP_BYTES_MAX), "n"]);
    lab.found("w4", 4, &["n"]);
    lab.check(expect![[r#"
        w1 is asked 1/0, ticket 1
        w2 is asked 1/0, ticket 2
        1: am=a
        w3 is asked 1/1, ticket 3
        w4 is asked 1/1, ticket 4
        2: nz=n"#]]);
}

#[test]
fn groups_without_a_worker_and_workers_without_a_group_are_told() {
    let mut lab = Lab::new(1);
    let told = |lab: &Lab| -> Vec<String> {
        lab.lookups.stalls(lab.now).into_iter().map(|stall| stall.told).collect()
    };
    let nobody = "record set people: no worker serves am, nz; look-ups there find nothing";
    assert_eq!(told(&lab), [nobody]);
    lab.join("w1", &["people:am"]);
    // Who gets the rows ready serves soon.
    let one = "record set people: no worker serves nz; look-ups there find nothing";
    assert_eq!(told(&lab), [one]);
    lab.join("w2", &["people:zz", "others:x"]);
    let misled = "worker w2 is to serve people:zz, others:x, which there is not";
    assert_eq!(told(&lab), [one, misled]);
    lab.join("w3", &[]);
    lab.lose("w2");
    assert_eq!(told(&lab), Vec::<String>::new());
    // Workers of the reign before are waited for.
    lab.lookups = Lookups::new(lab.now, Epoch(1), lab.ledger.records.clone());
    assert_eq!(told(&lab), Vec::<String>::new());
}

#[test]
fn what_brings_somebody_who_serves_is_told() {
    let mut lab = Lab::new(1);
    let told = |lab: &Lab| -> String {
        let stalls = lab.lookups.stalls(lab.now).into_iter();
        stalls.map(|stall| format!("{}\n  {}\n", stall.told, stall.next_step)).collect()
    };
    expect![[r#"
        record set people: no worker serves am, nz; look-ups there find nothing
          start one: `windlass worker --join HOST:PORT` (or for one group alone, with --group people:am)
    "#]].assert_eq(&told(&lab));
    let cities = RecordSet { name: "cities".parse().expect("a name"), ..set(1) };
    lab.load_set(cities, false);
    expect![[r#"
        record set cities: no worker serves am, nz; look-ups there find nothing
          start one: `windlass worker --join HOST:PORT` (or for one group alone, with --group cities:am)
        record set people: no worker serves am, nz; look-ups there find nothing
          start one: `windlass worker --join HOST:PORT` (or for one group alone, with --group people:am)
    "#]].assert_eq(&told(&lab));
    // Who is drained takes nothing; nor does who is there for something else.
    for (name, pin) in [("w1", "people:nz"), ("w2", "cities:am")] {
        lab.join(name, &[pin]);
        lab.on(LookupEvent::Draining(session(name), true));
    }
    lab.load(1, true);
    lab.told.clear();
    expect![[r#"
        record set cities: no worker serves am, nz; look-ups there find nothing
          drained workers could (w2): `windlass worker resume w2`, or start another worker
        record set people: no worker serves am, nz; look-ups there find nothing
          drained workers could (w1): `windlass worker resume w1`, or start another worker
    "#]]
    .assert_eq(&told(&lab));
    lab.ask("name", "zoe");
    lab.check(expect!["1: nz: no worker serves people:nz; drained workers could (w1): `windlass worker resume w1`, or start another worker"]);
}

#[test]
fn one_row_is_taken_however_long_it_is() {
    let mut lab = two_of_each();
    lab.ask("name", "alice");
    lab.found("w1", 1, &[&"x".repeat(LOOKUP_BYTES_MAX + 1)]);
    assert!(matches!(&lab.told[..], [.., LookupEffect::Answer(_, Ok(_))]));
}

#[test]
fn a_dead_instance_is_passed_over_and_a_dead_group_is_named() {
    let mut lab = two_of_each();
    lab.ask("year", "2002");
    lab.lose("w1");
    lab.found("w3", 2, &["n"]);
    lab.found("w2", 3, &["a"]);
    // What comes late of the one that was given up is nothing.
    lab.found("w1", 1, &["wrong"]);
    lab.ask("year", "2002");
    lab.lose("w2");
    lab.found("w4", 5, &["n"]);
    lab.check(expect![[r#"
        w1 is asked 1/0, ticket 1
        w3 is asked 1/1, ticket 2
        w2 is asked 1/0, ticket 3
        1: am=a nz=n
        w2 is asked 1/0, ticket 4
        w4 is asked 1/1, ticket 5
        2: am: w2 was lost while it was asked; no worker serves people:am; start one: `windlass worker --join HOST:PORT` (or for one group alone, with --group people:am) nz=n"#]]);
}

#[test]
fn a_key_of_no_group_finds_nothing_and_what_cannot_be_asked_is_refused() {
    let mut lab = two_of_each();
    lab.ask("name", "7up");
    lab.ask("team", "a");
    let request = LookupRequest {
        set: "places".parse().expect("a name"),
        query: query("name", "a"),
        load: None,
        group: None,
        skip: 0,
        limit_ms: None,
    };
    lab.on(LookupEvent::Asked(CallerId(9), request.clone()));
    let set = "people".parse().expect("a name");
    let request = LookupRequest { set, load: Some(LoadId(7)), ..request };
    lab.on(LookupEvent::Asked(CallerId(10), request));
    lab.check(expect![[r#"
        1:
        2: field team cannot be asked for: the set is indexed by name, year; load it again with an index on team
        9: there is no record set places: choose people
        10: record set people was replaced or dropped meanwhile; ask again"#]]);
}

#[test]
fn a_group_that_is_loading_is_waited_for_one_that_fails_is_not() {
    let mut lab = Lab::new(1);
    lab.join("w1", &[]);
    lab.ask("name", "alice");
    lab.ask("name", "zoe");
    lab.ready("w1", 1, 0);
    let broken = Err("the shard is damaged".to_owned());
    lab.on(LookupEvent::Shelved(session("w1"), LoadId(1), ShardIndex(1), broken));
    lab.check(expect![[r#"
        w1 serves 1/0 1/1
        w1 is asked 1/0, ticket 1
        2: nz: w1: the shard is damaged; no worker serves people:nz; start one: `windlass worker --join HOST:PORT` (or for one group alone, with --group people:nz)"#]]);
    lab.after_ms(crate::limits::SHELF_RETRY_MS);
    lab.check(expect!["w1 serves 1/0 1/1"]);
}

#[test]
fn an_instance_that_turns_out_to_have_nothing_is_replaced_within_the_call() {
    let mut lab = two_of_each();
    lab.ask("name", "alice");
    lab.on(LookupEvent::Found(session("w1"), TicketId(1), Err("not here".to_owned())));
    lab.found("w2", 2, &["a"]);
    lab.check(expect![[r#"
        w1 is asked 1/0, ticket 1
        w2 is asked 1/0, ticket 2
        1: am=a"#]]);
}

#[test]
fn a_reign_waits_a_lease_for_workers_that_may_be_on_their_way() {
    let mut lab = Lab::new(1);
    lab.lookups = Lookups::new(lab.now, Epoch(0), lab.ledger.records.clone());
    lab.ask("name", "alice");
    lab.check(expect![""]);
    assert_eq!(lab.lookups.next_deadline(), Some(lab.now.after_ms(LEASE_MS)));
    lab.after_ms(LEASE_MS);
    lab.check(expect!["1: am: no worker serves people:am; start one: `windlass worker --join HOST:PORT` (or for one group alone, with --group people:am)"]);
    assert_eq!(lab.lookups.next_deadline(), None);
}

#[test]
fn an_instance_has_so_many_questions_and_the_next_ones_wait() {
    const MOST: usize = LOOKUP_TICKET_COUNT_MAX;
    const LOW: usize = LOOKUP_TICKET_COUNT_LOW;
    let mut lab = Lab::new(1);
    lab.join("w1", &[]);
    lab.ready("w1", 1, 0);
    lab.ready("w1", 1, 1);
    (0..MOST).for_each(|_| lab.ask("name", "alice"));
    lab.said();
    (0..4).for_each(|_| lab.ask("name", "bob"));
    lab.ask("name", "zoe");
    lab.check(expect![""]);
    // Then they come at once, those of each group in turn.
    for ticket in 1..=MOST - LOW {
        assert_eq!(lab.said().matches("is asked").count(), 0);
        lab.found("w1", ticket as u64, &["a"]);
    }
    lab.check(expect![[r#"
        1024: am=a
        w1 is asked 1/0, ticket 2049
        w1 is asked 1/1, ticket 2050
        w1 is asked 1/0, ticket 2051
        w1 is asked 1/0, ticket 2052
        w1 is asked 1/0, ticket 2053"#]]);
    // Whoever takes over has no more than that either.
    (0..MOST).for_each(|_| lab.ask("name", "carol"));
    lab.join("w2", &[]);
    lab.lose("w1");
    lab.said();
    lab.ready("w2", 1, 0);
    assert_eq!(lab.said().matches("w2 is asked 1/0").count(), MOST);
    // Questions that nobody waits for any more make room as well.
    lab.after_ms(LOOKUP_MS_DEFAULT);
    lab.said();
    lab.ask("name", "dora");
    assert!(lab.said().starts_with("w2 is asked 1/0"));
}

#[test]
fn what_comes_late_for_the_reign_before_answers_nothing() {
    let mut lab = two_of_each();
    lab.ask("name", "alice");
    let old = lab.lookups.ticket;
    lab.lookups = Lookups::new(lab.now, Epoch(1), lab.ledger.records.clone());
    lab.join("w1", &[]);
    lab.ready("w1", 1, 0);
    lab.ask("name", "bob");
    assert_ne!(lab.lookups.ticket, old);
    lab.said();
    lab.found("w1", old.0, &["alice"]);
    lab.check(expect![""]);
    lab.found("w1", lab.lookups.ticket.0, &["bob"]);
    lab.check(expect!["2: am=bob"]);
}

#[test]
fn what_is_not_answered_in_time_is_missing() {
    let mut lab = two_of_each();
    lab.ask("name", "alice");
    lab.after_ms(LOOKUP_MS_DEFAULT);
    lab.check(expect![[r#"
        w1 is asked 1/0, ticket 1
        w2 is asked 1/0, ticket 2
        1: am: w1 and w2 did not answer within 10 s; ask again"#]]);
    lab.found("w1", 1, &["late"]);
    lab.check(expect![""]);
    assert_eq!(lab.lookups.open_count(), 0);
}

/// Who hangs is lost only after a lease; nobody waits so long for an answer that another has.
#[test]
fn a_second_instance_is_asked_when_the_first_takes_long_and_the_first_answer_counts() {
    let mut lab = two_of_each();
    lab.ask("name", "alice");
    lab.after_ms(LOOKUP_SECOND_MS_MIN - 1);
    lab.check(expect!["w1 is asked 1/0, ticket 1"]);
    assert_eq!(lab.lookups.next_deadline(), Some(lab.now.after_ms(1)));
    lab.after_ms(1);
    lab.found("w2", 2, &["a"]);
    lab.found("w1", 1, &["late"]);
    lab.check(expect![[r#"
        w2 is asked 1/0, ticket 2
        1: am=a"#]]);
    // Both were given the question; the next one goes to either.
    let view = lab.lookups.view();
    let counts = view[0].groups[0].instances.iter().map(|it| it.served_count);
    assert_eq!(counts.collect::<Vec<_>>(), [1, 1]);
    assert_eq!(lab.lookups.next_deadline(), None);
    // The other way round: the first was slow and not hung.
    lab.ask("name", "alice");
    lab.after_ms(LOOKUP_SECOND_MS_MIN);
    lab.found("w1", 3, &["b"]);
    lab.found("w2", 4, &["late"]);
    lab.check(expect![[r#"
        w1 is asked 1/0, ticket 3
        w2 is asked 1/0, ticket 4
        2: am=b"#]]);
    assert_eq!((lab.lookups.open_count(), lab.lookups.next_deadline()), (0, None));
}

#[test]
fn of_two_that_were_asked_one_may_go() {
    let mut lab = two_of_each();
    lab.ask("name", "alice");
    lab.after_ms(LOOKUP_SECOND_MS_MIN);
    lab.lose("w1");
    lab.check(expect![[r#"
        w1 is asked 1/0, ticket 1
        w2 is asked 1/0, ticket 2"#]]);
    lab.found("w2", 2, &["a"]);
    lab.ask("name", "alice");
    lab.after_ms(LOOKUP_SECOND_MS_MIN);
    lab.lose("w2");
    lab.check(expect![[r#"
        1: am=a
        w2 is asked 1/0, ticket 3
        2: am: w2 was lost while it was asked; no worker serves people:am; start one: `windlass worker --join HOST:PORT` (or for one group alone, with --group people:am)"#]]);
    assert_eq!((lab.lookups.open_count(), lab.lookups.next_deadline()), (0, None));
}

#[test]
fn a_second_that_turns_out_to_have_nothing_leaves_it_to_the_first() {
    let mut lab = two_of_each();
    lab.ask("name", "alice");
    lab.after_ms(LOOKUP_SECOND_MS_MIN);
    lab.on(LookupEvent::Found(session("w2"), TicketId(2), Err("not here".to_owned())));
    lab.found("w1", 1, &["a"]);
    lab.check(expect![[r#"
        w1 is asked 1/0, ticket 1
        w2 is asked 1/0, ticket 2
        1: am=a"#]]);
}

/// Where answers take long, long is longer: the load is not doubled.
#[test]
fn slow_answers_are_not_asked_for_twice() {
    let mut lab = two_of_each();
    for ticket in 1..=4 {
        lab.ask("name", "alice");
        let said = lab.said();
        lab.after_ms(40);
        lab.found(&said[..2], ticket, &[]);
        lab.told.clear();
    }
    lab.ask("name", "alice");
    lab.after_ms(LOOKUP_SECOND_MS_MIN * 2);
    lab.check(expect!["w1 is asked 1/0, ticket 5"]);
}

#[test]
fn a_replaced_set_is_loaded_anew_and_what_an_instance_has_is_still_answered() {
    let mut lab = two_of_each();
    lab.ask("name", "alice");
    lab.lose("w4");
    lab.load(2, true);
    lab.ask("name", "bob");
    lab.found("w1", 1, &["old"]);
    lab.ready("w2", 2, 0);
    lab.check(expect![[r#"
        w1 is asked 1/0, ticket 1
        w1 serves 2/0
        w2 serves 2/0
        w3 serves 2/1
        1: am=old
        w2 is asked 2/0, ticket 2"#]]);
    let name = "people".parse().expect("a name");
    lab.ledger.apply(LogTime(2), &Entry::RecordsDropped { name }, &mut Vec::new());
    lab.on(LookupEvent::SetsChanged(lab.ledger.records.clone()));
    lab.ask("name", "zoe");
    lab.check(expect![[r#"
        w1 serves
        w2 serves
        w3 serves
        3: there is no record set people, and no other; load one: `windlass records load people FILE --key FIELD --shard all=*`"#]]);
}

#[test]
fn what_waits_for_a_set_that_goes_is_told() {
    let mut lab = Lab::new(1);
    lab.join("w1", &[]);
    lab.ask("name", "alice");
    lab.load(1, true);
    lab.check(expect![[r#"
        w1 serves 1/0 1/1
        1: record set people was replaced or dropped meanwhile; ask again
        w1 serves 2/0 2/1"#]]);
}

#[test]
fn a_draining_instance_serves_until_another_one_does() {
    let mut lab = Lab::new(1);
    lab.join("w1", &[]);
    lab.ready("w1", 1, 0);
    lab.ready("w1", 1, 1);
    lab.on(LookupEvent::Draining(session("w1"), true));
    lab.ask("name", "alice");
    lab.join("w2", &[]);
    lab.ask("name", "bob");
    lab.ready("w2", 1, 0);
    lab.ask("name", "carl");
    lab.check(expect![[r#"
        w1 serves 1/0 1/1
        w1 is asked 1/0, ticket 1
        w2 serves 1/0 1/1
        w1 is asked 1/0, ticket 2
        w1 serves 1/1
        w2 is asked 1/0, ticket 3"#]]);
}

#[test]
fn the_count_of_instances_is_kept_when_one_dies() {
    let mut lab = Lab::new(2);
    for name in ["w1", "w2", "w3"] {
        lab.join(name, &[]);
    }
    for (name, shard) in [("w1", 0), ("w1", 1), ("w2", 0), ("w2", 1), ("w3", 0), ("w3", 1)] {
        lab.ready(name, 1, shard);
    }
    lab.told.clear();
    let holders = |lab: &Lab| {
        let view = lab.lookups.view();
        let names = |it: &crate::lookups::GroupView| {
            it.instances.iter().map(|i| i.worker.0.clone()).collect::<Vec<_>>().join(" ")
        };
        view[0].groups.iter().map(names).collect::<Vec<_>>().join(", ")
    };
    expect!["w1 w3, w1 w2"].assert_eq(&holders(&lab));
    lab.lose("w3");
    expect!["w1 w2, w1 w2"].assert_eq(&holders(&lab));
}
