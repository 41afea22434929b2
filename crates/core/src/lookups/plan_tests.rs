//! Plans, written as `group: workers`.

use super::*;
use expect_test::{Expect, expect};
use proptest::prelude::*;

struct Case {
    names: Vec<WorkerName>,
    pins: Vec<Vec<Pin>>,
    wants: Vec<Want>,
    before: Plan,
    barred: Vec<(SessionId, GroupKey)>,
}

fn key(shard: u16) -> GroupKey {
    (LoadId(1), ShardIndex(shard))
}

fn pin(shard: u16) -> Pin {
    format!("people:g{shard}").parse().expect("a group")
}

impl Case {
    fn new(worker_count: usize, group_count: u16, replica_count: usize) -> Case {
        let want = |shard| Want { key: key(shard), pin: pin(shard), replica_count };
        Case {
            names: (1..=worker_count).map(|n| WorkerName(format!("w{n}"))).collect(),
            pins: vec![Vec::new(); worker_count],
            wants: (0..group_count).map(want).collect(),
            before: Plan::new(),
            barred: Vec::new(),
        }
    }

    /// Only these workers are there.
    fn plan(&self, workers: &[usize]) -> Plan {
        let taker = |number: &usize| Taker {
            session: SessionId(*number as u64),
            name: &self.names[*number - 1],
            pins: &self.pins[*number - 1],
        };
        let takers: Vec<Taker<'_>> = workers.iter().map(taker).collect();
        let is_barred = |session, key| self.barred.contains(&(session, key));
        plan(&self.wants, &takers, &self.before, &is_barred)
    }

    fn check(&mut self, workers: &[usize], expected: Expect) {
        self.before = self.plan(workers);
        let line = |(key, chosen): (&GroupKey, &BTreeSet<SessionId>)| {
            let names: Vec<String> = chosen.iter().map(|it| format!("w{}", it.0)).collect();
            format!("g{}: {}", (key.1).0, names.join(" "))
        };
        let lines: Vec<String> = self.before.iter().map(line).collect();
        expected.assert_eq(&lines.join(", "));
    }
}

#[test]
fn groups_go_to_those_with_the_fewest() {
    let mut case = Case::new(4, 2, 2);
    case.check(&[1, 2, 3, 4], expect!["g0: w1 w2, g1: w3 w4"]);
    let mut case = Case::new(1, 3, 2);
    case.check(&[1], expect!["g0: w1, g1: w1, g2: w1"]);
    case.check(&[], expect!["g0: , g1: , g2: "]);
}

#[test]
fn the_groups_of_a_dead_worker_go_elsewhere_and_nothing_else_moves() {
    let mut case = Case::new(4, 4, 2);
    case.check(&[1, 2, 3, 4], expect!["g0: w1 w2, g1: w3 w4, g2: w1 w2, g3: w3 w4"]);
    case.check(&[1, 2, 4], expect!["g0: w1 w2, g1: w1 w4, g2: w1 w2, g3: w2 w4"]);
}

#[test]
fn who_comes_later_takes_over_some() {
    let mut case = Case::new(3, 4, 1);
    case.check(&[1], expect!["g0: w1, g1: w1, g2: w1, g3: w1"]);
    case.check(&[1, 2], expect!["g0: w2, g1: w2, g2: w1, g3: w1"]);
    case.check(&[1, 2, 3], expect!["g0: w3, g1: w2, g2: w1, g3: w1"]);
}

#[test]
fn pinned_workers_serve_their_groups_alone_and_count() {
    let mut case = Case::new(4, 2, 2);
    case.pins[0] = vec![pin(0)];
    case.pins[1] = vec![pin(0)];
    case.pins[2] = vec![pin(1), pin(7)];
    case.check(&[1, 2, 3, 4], expect!["g0: w1 w2, g1: w3 w4"]);
    case.check(&[1, 2, 4], expect!["g0: w1 w2, g1: w4"]);
    case.check(&[2, 3], expect!["g0: w2, g1: w3"]);
}

#[test]
fn who_could_not_serve_a_group_is_passed_over() {
    let mut case = Case::new(2, 1, 1);
    case.barred.push((SessionId(1), key(0)));
    case.check(&[1, 2], expect!["g0: w2"]);
    case.check(&[1], expect!["g0: "]);
}

proptest! {
    #[test]
    fn counts_are_kept_shared_evenly_and_stable(
        group_count in 1..6_u16,
        replica_count in 1..4_usize,
        steps in prop::collection::vec(prop::collection::btree_set(1..6_usize, 0..6), 1..6),
    ) {
        let mut case = Case::new(5, group_count, replica_count);
        for workers in steps {
            let workers: Vec<usize> = workers.into_iter().collect();
            case.before = case.plan(&workers);
            for chosen in case.before.values() {
                prop_assert_eq!(chosen.len(), replica_count.min(workers.len()));
                prop_assert!(chosen.iter().all(|it| workers.contains(&(it.0 as usize))));
            }
            let count = |worker: &usize| {
                let session = SessionId(*worker as u64);
                case.before.values().filter(|chosen| chosen.contains(&session)).count()
            };
            let counts: Vec<usize> = workers.iter().map(count).collect();
            let spread = counts.iter().max().unwrap_or(&0) - counts.iter().min().unwrap_or(&0);
            prop_assert!(spread <= 1, "{counts:?}");
            prop_assert_eq!(&case.plan(&workers), &case.before);
        }
    }
}
