//! Which shard a key belongs to: ranges over its first character.
//!
//! The first character counts in lower case, by Unicode's own mapping; nothing else is folded. So
//! `a-z` has no `É`: a range may name other characters (`e=é-ë`, `digits=0-9`), and `*` takes what
//! no range has.

use super::names::{GroupName, NameError};
use crate::limits::RECORD_SHARD_COUNT_MAX;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// The keys of a shard.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub enum KeyRange {
    /// Keys that begin with one of these, in lower case, both included, in order of code points.
    Between(char, char),
    /// Keys of no other range.
    Rest,
}

/// A piece of a record set and the group that serves it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Shard {
    /// Who serves it.
    pub group: GroupName,
    /// What it holds.
    pub range: KeyRange,
}

/// All shards of a set, in the order of their ranges, `*` last; ranges are apart.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "Vec<Shard>", into = "Vec<Shard>")]
pub struct Shards(Vec<Shard>);

/// A shard that is written wrong; a usage error.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum ShardError {
    /// No `=`.
    #[error("shard {0:?}: write it as GROUP=RANGE, as in am=a-m, or rest=* for all other keys")]
    Form(String),
    /// The group's name.
    #[error("shard {shard:?}: {source}")]
    Name {
        /// As given.
        shard: String,
        /// What is wrong with it.
        source: NameError,
    },
    /// The range.
    #[error("shard {0:?}: a range is two characters with - between them (a-m), one (x), or *")]
    Range(String),
    /// The range ends before it begins.
    #[error("shard {shard:?}: {from} comes after {to}; write {to}-{from}")]
    Backwards {
        /// As given.
        shard: String,
        /// Its first character.
        from: char,
        /// Its last character.
        to: char,
    },
}

/// Shards that do not fit together; a usage error.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum ShardsError {
    /// None at all.
    #[error("a record set needs a shard: all=* takes every key")]
    Empty,
    /// Too many.
    #[error("{0} shards, at most {max} are possible", max = RECORD_SHARD_COUNT_MAX)]
    TooMany(usize),
    /// A group serves one shard of a set.
    #[error("two shards of group {0}: give each a group of its own")]
    SameGroup(GroupName),
    /// Both would take what no other has.
    #[error("shards {0} and {1} are both *: only one can take the keys that no range has")]
    TwoRests(GroupName, GroupName),
    /// A key could belong to both.
    #[error("shards {first} and {second} overlap: both have {at}")]
    Overlap {
        /// The one that begins first.
        first: GroupName,
        /// The other.
        second: GroupName,
        /// A character of both.
        at: char,
    },
}

/// A character in the case in which ranges are compared.
fn folded(character: char) -> char {
    character.to_lowercase().next().unwrap_or(character)
}

impl FromStr for Shard {
    type Err = ShardError;

    /// Reads `am=a-m`, `x=x` or `rest=*`.
    fn from_str(text: &str) -> Result<Shard, ShardError> {
        let (group, range) =
            text.split_once('=').ok_or_else(|| ShardError::Form(text.to_owned()))?;
        let named = |source| ShardError::Name { shard: text.to_owned(), source };
        let group = group.parse().map_err(named)?;
        let mut characters = range.chars();
        let four = [(); 4].map(|()| characters.next());
        let range = match four {
            [Some('*'), None, ..] => KeyRange::Rest,
            [Some(only), None, ..] => KeyRange::Between(folded(only), folded(only)),
            [Some(from), Some('-'), Some(to), None] => KeyRange::Between(folded(from), folded(to)),
            _ => return Err(ShardError::Range(text.to_owned())),
        };
        match range {
            KeyRange::Between(from, to) if from > to => {
                Err(ShardError::Backwards { shard: text.to_owned(), from, to })
            }
            _ => Ok(Shard { group, range }),
        }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.range {
            KeyRange::Between(from, to) => write!(f, "{}={from}-{to}", self.group),
            KeyRange::Rest => write!(f, "{}=*", self.group),
        }
    }
}

impl Shards {
    /// Puts shards in order.
    ///
    /// # Errors
    /// What does not fit together.
    pub fn new(mut shards: Vec<Shard>) -> Result<Shards, ShardsError> {
        if shards.is_empty() {
            return Err(ShardsError::Empty);
        }
        if shards.len() > RECORD_SHARD_COUNT_MAX {
            return Err(ShardsError::TooMany(shards.len()));
        }
        shards.sort_by(|a, b| a.group.cmp(&b.group));
        if let Some(pair) = shards.windows(2).find(|pair| pair[0].group == pair[1].group) {
            return Err(ShardsError::SameGroup(pair[0].group.clone()));
        }
        shards.sort_by_key(|shard| shard.range);
        for pair in shards.windows(2) {
            let [first, second] = [&pair[0], &pair[1]].map(|shard| shard.group.clone());
            match (pair[0].range, pair[1].range) {
                (KeyRange::Rest, _) => return Err(ShardsError::TwoRests(first, second)),
                (KeyRange::Between(_, to), KeyRange::Between(at, _)) if at <= to => {
                    return Err(ShardsError::Overlap { first, second, at });
                }
                _ => {}
            }
        }
        Ok(Shards(shards))
    }

    /// The position of the shard that a key belongs to; `None` where no range has its first
    /// character.
    #[must_use]
    pub fn of(&self, key: &str) -> Option<usize> {
        let first = folded(key.chars().next()?);
        self.0.iter().position(|shard| match shard.range {
            KeyRange::Between(from, to) => (from..=to).contains(&first),
            // It is the last one.
            KeyRange::Rest => true,
        })
    }

    /// The shards, in order.
    #[must_use]
    pub fn as_slice(&self) -> &[Shard] {
        &self.0
    }

    /// The position of a group's shard.
    #[must_use]
    pub fn of_group(&self, group: &GroupName) -> Option<usize> {
        self.0.iter().position(|shard| shard.group == *group)
    }
}

impl TryFrom<Vec<Shard>> for Shards {
    type Error = ShardsError;

    fn try_from(shards: Vec<Shard>) -> Result<Shards, ShardsError> {
        Shards::new(shards)
    }
}

impl From<Shards> for Vec<Shard> {
    fn from(shards: Shards) -> Vec<Shard> {
        shards.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn shards(texts: &[&str]) -> Result<Shards, ShardsError> {
        Shards::new(texts.iter().map(|text| text.parse().expect("a shard")).collect())
    }

    fn check(texts: &[&str], expected: Expect) {
        let shown = match shards(texts) {
            Ok(Shards(shards)) => shards.iter().map(Shard::to_string).collect::<Vec<_>>().join(" "),
            Err(error) => error.to_string(),
        };
        expected.assert_eq(&shown);
    }

    fn group(shards: &Shards, key: &str) -> String {
        let shard = shards.of(key).map(|position| shards.as_slice()[position].group.as_str());
        shard.unwrap_or("-").to_owned()
    }

    #[test]
    fn shards_lie_in_the_order_of_their_ranges() {
        check(&["rest=*", "nz=N-Z", "am=a-m", "d=7"], expect!["d=7-7 am=a-m nz=n-z rest=*"]);
        check(&[], expect!["a record set needs a shard: all=* takes every key"]);
        check(&["am=a-m", "mz=m-z"], expect!["shards am and mz overlap: both have m"]);
        check(&["all=a-z", "m=m"], expect!["shards all and m overlap: both have m"]);
        check(
            &["b=*", "a=*"],
            expect!["shards a and b are both *: only one can take the keys that no range has"],
        );
        check(&["a=a-c", "a=d-f"], expect!["two shards of group a: give each a group of its own"]);
    }

    #[test]
    fn what_is_no_shard_says_how_to_write_it() {
        let errors: Vec<String> = ["am", "a b=a-m", "am=a-", "am=a--", "am=m-a", "am=", "am=a-mm"]
            .iter()
            .map(|text| text.parse::<Shard>().expect_err("refused").to_string())
            .collect();
        expect![[r#"
            shard "am": write it as GROUP=RANGE, as in am=a-m, or rest=* for all other keys
            shard "a b=a-m": "a b" is no name: a letter or a digit comes first, then letters, digits, `-` and `_`, at most 64 in all
            shard "am=a-": a range is two characters with - between them (a-m), one (x), or *
            shard "am=a--": a comes after -; write --a
            shard "am=m-a": m comes after a; write a-m
            shard "am=": a range is two characters with - between them (a-m), one (x), or *
            shard "am=a-mm": a range is two characters with - between them (a-m), one (x), or *"#]]
        .assert_eq(&errors.join("\n"));
    }

    #[test]
    fn the_first_character_decides_whatever_its_case() {
        let two = shards(&["am=a-m", "nz=n-z"]).expect("fit");
        let found: Vec<String> =
            ["alice", "Mike", "m", "nora", "ZED", "", " alice", "7up", "Émile"]
                .iter()
                .map(|key| format!("{key}:{}", group(&two, key)))
                .collect();
        expect!["alice:am Mike:am m:am nora:nz ZED:nz :-  alice:- 7up:- Émile:-"]
            .assert_eq(&found.join(" "));
    }

    #[test]
    fn ranges_may_name_any_character_and_the_rest_takes_all_others() {
        let all = shards(&["am=a-m", "acute=É", "digits=0-9", "rest=*"]).expect("fit");
        let found: Vec<String> = ["Émile", "éva", "7up", "zoe", "Ørsted", "李"]
            .iter()
            .map(|key| format!("{key}:{}", group(&all, key)))
            .collect();
        expect!["Émile:acute éva:acute 7up:digits zoe:rest Ørsted:rest 李:rest"]
            .assert_eq(&found.join(" "));
        // Nothing can be routed by a key that has no first character.
        assert_eq!(all.of(""), None);
    }

    #[test]
    fn stored_shards_are_checked_as_they_are_read() {
        let two: Vec<Shard> = ["a=a-m", "b=c-d"].map(|text| text.parse().expect("fits")).into();
        let bytes = postcard::to_allocvec(&two).expect("encodes");
        assert!(postcard::from_bytes::<Shards>(&bytes).is_err());
    }
}
