//! The strategies and their names.

use std::fmt;
use std::str::FromStr;
use thiserror::Error;

/// How a worker is chosen among those that can answer a call.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Strategy {
    /// One after another, by name.
    RoundRobin,
    /// Any, all equally likely.
    Random,
    /// The one that was given the fewest calls of this operation.
    LeastServed,
    /// The one that holds the least work for each of its slots.
    #[default]
    LeastLoaded,
    /// The less loaded of two that are drawn: nearly as even as the least loaded of all, without
    /// everybody running to the same one (Mitzenmacher, "The power of two choices in randomized
    /// load balancing", 2001).
    PowerOfTwo,
}

/// A name that no strategy has.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("there is no strategy {given:?}: choose {}", names())]
pub struct UnknownStrategy {
    /// What was given.
    pub given: String,
}

impl Strategy {
    /// All of them, in the order in which they are listed.
    pub const ALL: [Strategy; 5] = [
        Strategy::RoundRobin,
        Strategy::Random,
        Strategy::LeastServed,
        Strategy::LeastLoaded,
        Strategy::PowerOfTwo,
    ];

    /// The name, as it is written on command lines and in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Strategy::RoundRobin => "round_robin",
            Strategy::Random => "random",
            Strategy::LeastServed => "least_served",
            Strategy::LeastLoaded => "least_loaded",
            Strategy::PowerOfTwo => "power_of_two",
        }
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Strategy {
    type Err = UnknownStrategy;

    fn from_str(given: &str) -> Result<Strategy, UnknownStrategy> {
        let known = Strategy::ALL.into_iter().find(|strategy| strategy.name() == given);
        known.ok_or_else(|| UnknownStrategy { given: given.to_owned() })
    }
}

fn names() -> String {
    Strategy::ALL.map(Strategy::name).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_back() {
        for strategy in Strategy::ALL {
            assert_eq!(strategy.to_string().parse(), Ok(strategy));
        }
    }

    #[test]
    fn another_name_is_refused_with_those_there_are() {
        let error = "fastest".parse::<Strategy>().expect_err("no such name");
        assert_eq!(
            error.to_string(),
            "there is no strategy \"fastest\": choose round_robin, random, least_served, \
             least_loaded, power_of_two"
        );
    }
}
