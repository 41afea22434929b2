//! What every engine promises, one test a rule, the same tests on all of them.

#![expect(clippy::unwrap_used, reason = "a test")]

mod place;
mod reading;
mod writing;

use place::{Place, grow};
use windlass_core::{Epoch, Seq};
use windlass_journal::{AppendError, Engine, Fault, Faults, Head, Memory, MemorySnapshots};

macro_rules! on_every_engine {
    ($($part:ident::$rule:ident),* $(,)?) => {
        mod memory {
            $(#[test]
            fn $rule() {
                let snapshots = super::MemorySnapshots::new();
                super::$part::$rule(&super::Place::Memory(super::Memory::new(), snapshots));
            })*
        }
        mod file {
            $(#[test]
            fn $rule() {
                super::$part::$rule(&super::Place::File(tempfile::tempdir().unwrap()));
            })*
        }
    };
}

on_every_engine!(
    writing::rule_1_an_empty_log_has_head_zero,
    writing::rule_1_acknowledged_is_visible_and_survives_a_restart,
    writing::rule_1_append_wants_the_next_position,
    writing::rule_1_append_wants_this_epoch_or_the_next,
    writing::rule_1_the_limit_on_bodies_is_exact,
    writing::rule_2_one_of_two_claims_wins,
    writing::rule_2_a_claim_is_made_behind_everything_that_was_applied,
    writing::rule_3_one_append_is_in_flight,
    writing::rule_3_a_pipelined_append_is_fenced,
    writing::rule_4_the_first_fence_ends_a_writer_for_good,
    writing::rule_5_no_epoch_below_the_highest,
    writing::rule_6_a_repeated_append_finds_its_own_id,
    reading::rule_7_tail_starts_anywhere_and_has_no_gaps,
    reading::rule_7_tail_ends_at_the_head_of_its_opening,
    reading::rule_7_what_was_trimmed_is_told,
    reading::rule_8_a_diverged_writer_is_refused,
    reading::rule_8_the_chain_goes_on_behind_what_was_trimmed,
    reading::rule_9_only_the_writer_of_the_reign_trims,
    reading::rule_9_a_trimmed_log_opens_and_goes_on,
    reading::rule_9_snapshots_are_whole_and_the_newest_comes_first,
);

#[test]
fn rule_6_unknown_is_settled_by_resending() {
    for (fault, applied) in [(Fault::UnknownApplied, true), (Fault::UnknownLost, false)] {
        let memory = Memory::new();
        let mut log = Engine::Memory(memory.clone());
        let record = log.head().unwrap().record(Epoch(1), 5, b"once".to_vec());
        memory.set_faults(Faults { next_append: Some(fault) });
        assert!(matches!(log.append(&record).unwrap_err(), AppendError::Unknown(_)));
        match log.append(&record) {
            Ok(seq) => assert!(!applied && seq == Seq(1)),
            Err(AppendError::Fenced { head }) => assert!(applied && head == Seq(1)),
            Err(other) => panic!("{other}"),
        }
        assert_eq!(log.record_at(Seq(1)).unwrap(), Some(record));
        assert_eq!(log.head().unwrap().seq, Seq(1));
    }
}

#[test]
fn unavailable_changes_nothing_and_passes() {
    let memory = Memory::new();
    let mut log = Engine::Memory(memory.clone());
    let record = log.head().unwrap().record(Epoch(1), 5, vec![1]);
    memory.set_faults(Faults { next_append: Some(Fault::Unavailable) });
    assert!(matches!(log.append(&record).unwrap_err(), AppendError::Unavailable(_)));
    assert_eq!(log.head().unwrap(), Head::default());
    log.append(&record).unwrap();
    memory.crash();
    assert_eq!(log.record_at(Seq(1)).unwrap(), Some(record));
}

#[test]
fn a_reader_of_a_log_that_shrank_hears_of_it() {
    let memory = Memory::new();
    let mut log = Engine::Memory(memory);
    grow(&mut log, 1, 2);
    let mut tail = log.tail(Seq(2)).unwrap();
    assert_eq!(tail.next().unwrap().unwrap().seq, Seq(2));
    assert!(tail.next().is_none());
}
