//! Seeds that once failed, by the name of what they found: they are run with the unit tests.
//!
//! A seed means another run once the world has changed; the unit test that its finding became
//! stays.

use crate::run;

/// (seed, what it found)
const FOUND: &[(u64, &str)] = &[
    (167, "what was recalled of a cancelled job was remembered for ever"),
    (417, "a late append met a log that was trimmed above it"),
    (
        1_795_667_756_257_971,
        "a job ended and was opened again while a crash was on its way into the log",
    ),
    (
        1_795_679_520_254_707,
        "a worker came and died while the log did not yet know that its start before had left",
    ),
    (
        1_795_690_560_125_949,
        "a worker came back and died while the log did not yet know that it had been given up",
    ),
    (3_747_377_478, "a loop that stood still claimed on a tenure that had become another's"),
    (
        1_795_697_803_038_894,
        "an attempt that came back unmade before the welcome was kept by the master for ever",
    ),
    (4_321, "tasks were given up for a worker that was not yet recorded as joined"),
    (4_256, "a worker came back and died while the log did not yet know that it had been given up"),
    (8_496, "the operator sealed the phases of a job that was only just submitted"),
];

#[test]
fn seeds_that_once_failed_pass() {
    for (seed, found) in FOUND {
        if let Err(failed) = run(*seed) {
            panic!("{found}:\n{failed}");
        }
    }
}
