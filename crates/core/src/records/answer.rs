//! Answers of groups, and the one answer that is made of them.

use super::names::GroupName;
use super::set::RecordSet;
use serde::{Deserialize, Serialize};

/// Rows that one shard has.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Rows {
    /// JSON objects in compact form, in the order of their files; as many as fit the bounds that
    /// were given.
    pub rows: Vec<String>,
    /// How many there are in all.
    pub total_count: u64,
}

/// What came of asking a group.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum GroupAnswer {
    /// Its rows, perhaps none.
    Rows(Rows),
    /// No instance answered; why, for people.
    Missing(String),
}

/// The answer of a record set: a part for each group that was asked, in the order of their ranges.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Answer {
    /// Groups and what they said.
    pub parts: Vec<(GroupName, GroupAnswer)>,
}

/// Puts the answers of groups together. A group that was asked and of which nothing came is
/// missing; one that was not asked, or spoke before, is not heard.
#[must_use]
pub fn merge(
    set: &RecordSet,
    asked: &[usize],
    mut answers: Vec<(GroupName, GroupAnswer)>,
) -> Answer {
    let mut parts = Vec::with_capacity(asked.len());
    for (position, shard) in set.shards.as_slice().iter().enumerate() {
        if !asked.contains(&position) {
            continue;
        }
        let answer = match answers.iter().position(|(group, _)| *group == shard.group) {
            Some(found) => answers.remove(found).1,
            None => GroupAnswer::Missing("it did not answer".to_owned()),
        };
        parts.push((shard.group.clone(), answer));
    }
    Answer { parts }
}

impl Answer {
    /// All rows, group after group.
    pub fn rows(&self) -> impl Iterator<Item = &str> {
        self.groups().flat_map(|rows| rows.rows.iter().map(String::as_str))
    }

    /// How many rows there are in all, also those that did not fit; of the groups that answered.
    #[must_use]
    pub fn total_count(&self) -> u64 {
        self.groups().fold(0, |sum, rows| sum.saturating_add(rows.total_count))
    }

    /// Groups of which nothing came, and why.
    pub fn missing(&self) -> impl Iterator<Item = (&GroupName, &str)> {
        self.parts.iter().filter_map(|(group, answer)| match answer {
            GroupAnswer::Missing(why) => Some((group, why.as_str())),
            GroupAnswer::Rows(_) => None,
        })
    }

    fn groups(&self) -> impl Iterator<Item = &Rows> {
        self.parts.iter().filter_map(|(_, answer)| match answer {
            GroupAnswer::Rows(rows) => Some(rows),
            GroupAnswer::Missing(_) => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::Shards;
    use super::*;

    fn set() -> RecordSet {
        let shards = ["nz=n-z", "rest=*", "am=a-m"].map(|text| text.parse().expect("a shard"));
        RecordSet {
            name: "people".parse().expect("a name"),
            key: "name".parse().expect("a name"),
            indexed: Vec::new(),
            shards: Shards::new(shards.into()).expect("fit"),
            replica_count: 1,
        }
    }

    fn group(name: &str) -> GroupName {
        name.parse().expect("a name")
    }

    fn rows(name: &str, rows: &[&str], total_count: u64) -> (GroupName, GroupAnswer) {
        let rows = rows.iter().map(|row| (*row).to_owned()).collect();
        (group(name), GroupAnswer::Rows(Rows { rows, total_count }))
    }

    #[test]
    fn parts_lie_in_the_order_of_ranges_whoever_answers_first() {
        let answers = vec![rows("rest", &["3"], 1), rows("nz", &["2"], 9), rows("am", &["1"], 1)];
        let answer = merge(&set(), &[0, 1, 2], answers);
        assert_eq!(answer.rows().collect::<Vec<_>>(), ["1", "2", "3"]);
        assert_eq!((answer.total_count(), answer.missing().count()), (11, 0));
    }

    #[test]
    fn a_missing_group_is_named_and_the_others_are_kept() {
        let dead = (group("nz"), GroupAnswer::Missing("no instance".to_owned()));
        let answer = merge(&set(), &[0, 1, 2], vec![dead, rows("am", &["1"], 1)]);
        assert_eq!(answer.rows().collect::<Vec<_>>(), ["1"]);
        let (nz, rest) = (group("nz"), group("rest"));
        let missing: Vec<_> = answer.missing().collect();
        assert_eq!(missing, [(&nz, "no instance"), (&rest, "it did not answer")]);
    }

    #[test]
    fn who_was_not_asked_or_speaks_twice_is_not_heard() {
        let answers = vec![
            rows("am", &["1"], 1),
            rows("am", &["again"], 1),
            rows("nz", &["unasked"], 1),
            rows("who", &["unknown"], 1),
        ];
        let answer = merge(&set(), &[0], answers);
        assert_eq!(answer.parts, [rows("am", &["1"], 1)]);
    }
}
