//! Choices of each strategy: by hand, and over many calls.

use super::{Balancer, Candidate, Strategy};
use crate::ids::WorkerName;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// A worker as a test describes it: name, served, held, slots.
type Described = (&'static str, u64, u32, u32);

fn choose_with(balancer: &mut Balancer, strategy: Strategy, of: &[Described]) -> &'static str {
    let names: Vec<WorkerName> = of.iter().map(|it| WorkerName(it.0.to_owned())).collect();
    let candidates: Vec<Candidate<'_>> = of
        .iter()
        .zip(&names)
        .map(|((_, served_count, held_count, slots), worker)| Candidate {
            worker,
            served_count: *served_count,
            held_count: *held_count,
            slots: *slots,
        })
        .collect();
    balancer.choose(strategy, &candidates).map_or("nobody", |position| of[position].0)
}

fn choose(strategy: Strategy, of: &[Described]) -> &'static str {
    choose_with(&mut Balancer::new(1), strategy, of)
}

#[test]
fn nobody_is_chosen_of_none_and_the_only_one_of_one() {
    for strategy in Strategy::ALL {
        assert_eq!(choose(strategy, &[]), "nobody");
        assert_eq!(choose(strategy, &[("w1", 9, 9, 1)]), "w1");
    }
}

#[test]
fn the_least_is_chosen_and_names_break_ties() {
    let three = [("w3", 4, 2, 4), ("w2", 4, 1, 1), ("w1", 5, 1, 2)];
    assert_eq!(choose(Strategy::LeastServed, &three), "w2");
    // Half of a slot each: w1 and w3.
    assert_eq!(choose(Strategy::LeastLoaded, &three), "w1");
}

#[test]
fn the_power_of_two_never_takes_the_most_loaded() {
    let mut balancer = Balancer::new(7);
    let three = [("w1", 0, 9, 1), ("w2", 0, 1, 1), ("w3", 0, 2, 1)];
    for _ in 0..200 {
        assert_ne!(choose_with(&mut balancer, Strategy::PowerOfTwo, &three), "w1");
    }
}

#[test]
fn the_round_goes_on_while_workers_come_and_go() {
    let mut balancer = Balancer::new(1);
    let mut next = |names: &[&'static str]| {
        let of: Vec<Described> = names.iter().map(|name| (*name, 0, 0, 1)).collect();
        choose_with(&mut balancer, Strategy::RoundRobin, &of)
    };
    assert_eq!(next(&["w1", "w2", "w4"]), "w1");
    assert_eq!(next(&["w1", "w2", "w4"]), "w2");
    // w2 has gone, w3 has come: its turn is before w4's.
    assert_eq!(next(&["w4", "w3", "w1"]), "w3");
    assert_eq!(next(&["w4", "w3", "w1"]), "w4");
    assert_eq!(next(&["w4", "w3", "w1"]), "w1");
    assert_eq!(next(&["w4", "w3"]), "w3");
}

const NAMES: [&str; 6] = ["w1", "w2", "w3", "w4", "w5", "w6"];

proptest! {
    #[test]
    fn equals_are_served_within_one(
        count in 1..6_usize,
        calls in 1..100_usize,
        by_round in any::<bool>(),
        seed in any::<u64>(),
    ) {
        let strategy = if by_round { Strategy::RoundRobin } else { Strategy::LeastServed };
        let mut balancer = Balancer::new(seed);
        let mut served: BTreeMap<&str, u64> = NAMES[..count].iter().map(|n| (*n, 0)).collect();
        for _ in 0..calls {
            let of: Vec<Described> = NAMES[..count].iter().map(|n| (*n, served[n], 0, 1)).collect();
            *served.get_mut(choose_with(&mut balancer, strategy, &of)).unwrap() += 1;
        }
        let most = served.values().max().unwrap();
        let fewest = served.values().min().unwrap();
        prop_assert!(most - fewest <= 1, "{served:?}");
    }

    #[test]
    fn the_order_of_candidates_does_not_matter(
        held in prop::collection::vec((0..4_u64, 0..4_u32, 0..3_u32), 1..6),
        seed in any::<u64>(),
        turn in 0..6_usize,
        calls in 1..5_usize,
    ) {
        let mut of: Vec<Described> =
            NAMES.iter().zip(&held).map(|(name, (s, h, slots))| (*name, *s, *h, *slots)).collect();
        for strategy in Strategy::ALL {
            let (mut one, mut other) = (Balancer::new(seed), Balancer::new(seed));
            for _ in 0..calls {
                let chosen = choose_with(&mut one, strategy, &of);
                let turned = turn % of.len();
                of.rotate_left(turned);
                prop_assert_eq!(choose_with(&mut other, strategy, &of), chosen);
            }
        }
    }

    #[test]
    fn everybody_is_drawn_now_and_then(seed in any::<u64>()) {
        for strategy in [Strategy::Random, Strategy::PowerOfTwo] {
            let mut balancer = Balancer::new(seed);
            let three = [("w1", 0, 0, 1), ("w2", 0, 0, 1), ("w3", 0, 0, 1)];
            let mut drawn: BTreeMap<&str, u32> = BTreeMap::new();
            for _ in 0..200 {
                *drawn.entry(choose_with(&mut balancer, strategy, &three)).or_default() += 1;
            }
            // With power_of_two ties go by name: w3 is never the better one of two.
            prop_assert_eq!(drawn.len(), if strategy == Strategy::Random { 3 } else { 2 });
        }
    }
}
