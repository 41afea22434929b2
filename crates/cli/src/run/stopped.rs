//! What a stopped run says: whether its job stops with it, or goes on in a cluster of others.

use crate::cluster::Attached;
use std::path::Path;
use windlass_client::report::{Report, Totals};
use windlass_core::JobId;
use windlass_core::ledger::JobState;

/// The jobs of the run that go on without it; none where the cluster ends with it.
pub(super) fn still_open(attached: &Attached, report: &Report) -> Vec<JobId> {
    let Attached::Joined(_) = attached else { return Vec::new() };
    let cluster = attached.cluster();
    let is_open = |id: &JobId| match cluster.job(*id) {
        Ok(job) => job.is_some_and(|job| job.state == JobState::Open),
        // A master that does not answer now goes on with it once it is back.
        Err(_) => true,
    };
    report.job_ids.iter().copied().map(JobId).filter(is_open).collect()
}

/// The flags by which other commands find the cluster of this run.
pub(super) fn flags(master: Option<&str>, state: Option<&Path>) -> String {
    match (master, state) {
        (Some(master), _) => format!(" --master {}", quoted(master)),
        (None, Some(state)) => format!(" --state {}", quoted(&state.display().to_string())),
        (None, None) => String::new(),
    }
}

/// A word as a shell reads it.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "/._-:[]".contains(c);
    match word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

/// How much is left, and what becomes of it.
pub(super) fn told(totals: Totals, open: &[JobId], place: &str) -> String {
    let left = format!("{} of {} files still to do", totals.unfinished, totals.files);
    if open.is_empty() {
        return format!(
            "\nStopped: {left}. Nothing is lost:\nthe same command goes on from here.\n"
        );
    }
    let mut text = format!("\nStopped watching: {left}.\n");
    for id in open {
        text.push_str(&format!(
            "Job {id} goes on in the cluster; until it ends the same command shows its results.\n  \
             windlass job cancel {id}{place}     ends it\n  \
             windlass result export {id}{place}  fetches its results, also later\n"
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn check(open: &[u64], place: &str, expected: Expect) {
        let totals = Totals { files: 40, unfinished: 26, ..Totals::default() };
        let open: Vec<JobId> = open.iter().copied().map(JobId).collect();
        expected.assert_eq(&told(totals, &open, place));
    }

    #[test]
    fn what_goes_on_without_the_run_is_told_with_what_ends_it() {
        check(
            &[],
            "",
            expect![[r#"

            Stopped: 26 of 40 files still to do. Nothing is lost:
            the same command goes on from here.
        "#]],
        );
        check(
            &[5],
            &flags(Some("here:5000"), None),
            expect![[r#"

            Stopped watching: 26 of 40 files still to do.
            Job 5 goes on in the cluster; until it ends the same command shows its results.
              windlass job cancel 5 --master here:5000     ends it
              windlass result export 5 --master here:5000  fetches its results, also later
        "#]],
        );
        check(
            &[5, 7],
            &flags(None, Some(Path::new("/a b"))),
            expect![[r#"

            Stopped watching: 26 of 40 files still to do.
            Job 5 goes on in the cluster; until it ends the same command shows its results.
              windlass job cancel 5 --state '/a b'     ends it
              windlass result export 5 --state '/a b'  fetches its results, also later
            Job 7 goes on in the cluster; until it ends the same command shows its results.
              windlass job cancel 7 --state '/a b'     ends it
              windlass result export 7 --state '/a b'  fetches its results, also later
        "#]],
        );
    }
}
