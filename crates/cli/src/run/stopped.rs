//! What a stopped run says: what is left, and whether its jobs stop with it, go on in a cluster of
//! others, or have ended with results that are not here.

use crate::jobs::files;
use crate::place::{Place, quoted};
use std::collections::BTreeSet;
use std::path::Path;
use windlass_client::cluster::Cluster;
use windlass_client::report::Totals;
use windlass_client::run::Finished;
use windlass_core::JobId;
use windlass_core::ledger::JobState;
use windlass_core::view::{JobView, PhaseView};

/// What is left where a run was stopped.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Left {
    file_count: u64,
    to_do_count: u64,
    /// Files that are done, and whose results are not here.
    untaken_count: u64,
    /// Whether the summaries are those of the stop before, which may know more.
    has_old_summary: bool,
}

impl Left {
    pub(crate) fn of(finished: &Finished, has_old_summary: bool) -> Left {
        let Totals { files, unfinished, .. } = finished.report.totals();
        let untaken_count = finished.untaken_count.min(unfinished);
        Left {
            file_count: files,
            to_do_count: unfinished - untaken_count,
            untaken_count,
            has_old_summary,
        }
    }

    fn told(&self) -> String {
        let Left { file_count, to_do_count, untaken_count, has_old_summary } = self;
        let mut text = format!(": {to_do_count} of {file_count} files still to do");
        if *untaken_count > 0 {
            let files = files(*untaken_count);
            text.push_str(&format!("; the results of {files} are made and not fetched"));
        }
        if *has_old_summary {
            text.push_str("; summary.json is left as it was");
        }
        text
    }
}

/// A job that a stopped run leaves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GoesOn {
    id: JobId,
    standing: Standing,
}

#[derive(Clone, Copy, Debug)]
enum Standing {
    Working,
    Paused,
    /// Not all its files are named.
    Unsealed,
    /// It has ended; not all its results are here.
    Ended,
}

impl GoesOn {
    fn of(job: &JobView) -> GoesOn {
        let is_open = |phase: &PhaseView| !phase.sealed && phase.spec.derived.is_none();
        let standing = match job.paused {
            _ if job.state != JobState::Open => Standing::Ended,
            _ if job.phases.iter().any(is_open) => Standing::Unsealed,
            Some(_) => Standing::Paused,
            None => Standing::Working,
        };
        GoesOn { id: job.id, standing }
    }
}

/// Which of these jobs go on without the run, none where the cluster ends with it; with them those
/// that have ended, if results are left there.
pub(crate) fn going_on(
    cluster: &Cluster,
    jobs: &BTreeSet<JobId>,
    left: Option<&Left>,
) -> Vec<GoesOn> {
    let has_results = left.is_some_and(|left| left.untaken_count > 0);
    let is_there = matches!(cluster, Cluster::There(_));
    let is_told = |job: &JobView| match job.state {
        JobState::Open => is_there,
        JobState::Ended(_) => has_results,
    };
    let goes_on = |id: &JobId| match cluster.job(*id) {
        Ok(job) => job.filter(is_told).as_ref().map(GoesOn::of),
        Err(_) => is_there.then(|| unheard(*id)),
    };
    jobs.iter().filter_map(goes_on).collect()
}

/// The same where the cluster was lost: a master elsewhere goes on once it is back, and a state
/// that nobody holds waits.
pub(crate) fn going_on_unheard(place: &Place, jobs: &BTreeSet<JobId>) -> Vec<GoesOn> {
    match place.is_held_by_others() {
        true => jobs.iter().copied().map(unheard).collect(),
        false => Vec::new(),
    }
}

fn unheard(id: JobId) -> GoesOn {
    GoesOn { id, standing: Standing::Working }
}

/// How much is left, where that is known, and what becomes of it; `out` is the folder for results.
pub(crate) fn told(left: Option<&Left>, jobs: &[GoesOn], place: &Place, out: &Path) -> String {
    let told = left.map_or_else(String::new, Left::told);
    let is_watched = |job: &GoesOn| !matches!(job.standing, Standing::Ended);
    let mut text = match jobs.iter().any(is_watched) {
        true => format!("\nStopped watching{told}.\n"),
        false => format!("\nStopped{told}.\n"),
    };
    if !jobs.iter().any(is_watched) && left.is_none_or(|left| left.to_do_count > 0) {
        text.push_str("Nothing is lost: the same command goes on from here.\n");
    }
    let (place, out) = (place.flags(), quoted(out.as_os_str()));
    for GoesOn { id, standing } in jobs {
        let what = match standing {
            Standing::Working => {
                "goes on in the cluster; until it ends the same command shows its results"
            }
            Standing::Paused => {
                "is paused in the cluster; until it is resumed and ends the same command shows its \
                 results"
            }
            Standing::Unsealed => {
                "waits in the cluster for the rest of its files; the same command goes on from here"
            }
            Standing::Ended => "has ended; the same command would do it again",
        };
        text.push_str(&format!("Job {id} {what}.\n"));
        if !matches!(standing, Standing::Ended) {
            text.push_str(&format!("  windlass job cancel {id}{place}\n    ends it\n"));
        }
        let also = if matches!(standing, Standing::Ended) { "" } else { ", also later" };
        text.push_str(&format!(
            "  windlass result export {id}{place} --out {out}\n    fetches its results{also}\n"
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};
    use windlass_journal::StateLock;

    fn check(left: Option<&Left>, jobs: &[GoesOn], expected: Expect) {
        let place = Place::plain("127.0.0.1:5000".parse().expect("one"));
        expected.assert_eq(&told(left, jobs, &place, Path::new("/a b/out")));
    }

    #[test]
    fn what_goes_on_without_the_run_is_told_with_what_ends_it() {
        let left =
            Left { file_count: 40, to_do_count: 26, untaken_count: 0, has_old_summary: false };
        check(
            Some(&left),
            &[],
            expect![[r#"

            Stopped: 26 of 40 files still to do.
            Nothing is lost: the same command goes on from here.
        "#]],
        );
        let paused = GoesOn { id: JobId(7), standing: Standing::Paused };
        let unsealed = GoesOn { id: JobId(8), standing: Standing::Unsealed };
        check(
            Some(&left),
            &[unheard(JobId(5)), paused, unsealed],
            expect![[r#"

            Stopped watching: 26 of 40 files still to do.
            Job 5 goes on in the cluster; until it ends the same command shows its results.
              windlass job cancel 5 --master 127.0.0.1:5000
                ends it
              windlass result export 5 --master 127.0.0.1:5000 --out '/a b/out'
                fetches its results, also later
            Job 7 is paused in the cluster; until it is resumed and ends the same command shows its results.
              windlass job cancel 7 --master 127.0.0.1:5000
                ends it
              windlass result export 7 --master 127.0.0.1:5000 --out '/a b/out'
                fetches its results, also later
            Job 8 waits in the cluster for the rest of its files; the same command goes on from here.
              windlass job cancel 8 --master 127.0.0.1:5000
                ends it
              windlass result export 8 --master 127.0.0.1:5000 --out '/a b/out'
                fetches its results, also later
        "#]],
        );
        check(
            None,
            &[],
            expect![[r#"

            Stopped.
            Nothing is lost: the same command goes on from here.
        "#]],
        );
    }

    #[test]
    fn results_that_are_left_in_a_job_that_has_ended_are_told_with_what_fetches_them() {
        let ended = [GoesOn { id: JobId(9), standing: Standing::Ended }];
        let left =
            Left { file_count: 40, to_do_count: 0, untaken_count: 26, has_old_summary: false };
        check(
            Some(&left),
            &ended,
            expect![[r#"

            Stopped: 0 of 40 files still to do; the results of 26 files are made and not fetched.
            Job 9 has ended; the same command would do it again.
              windlass result export 9 --master 127.0.0.1:5000 --out '/a b/out'
                fetches its results
        "#]],
        );
        let left = Left { to_do_count: 4, untaken_count: 1, has_old_summary: true, ..left };
        check(
            Some(&left),
            &ended,
            expect![[r#"

            Stopped: 4 of 40 files still to do; the results of 1 file are made and not fetched; summary.json is left as it was.
            Nothing is lost: the same command goes on from here.
            Job 9 has ended; the same command would do it again.
              windlass result export 9 --master 127.0.0.1:5000 --out '/a b/out'
                fetches its results
        "#]],
        );
    }

    #[test]
    fn a_lost_master_goes_on_elsewhere_and_a_state_that_nobody_holds_does_not() {
        let jobs = BTreeSet::from([JobId(5)]);
        let far = Place::plain("far:5000".parse().expect("an address"));
        assert_eq!(going_on_unheard(&far, &jobs).len(), 1);
        let folder = tempfile::tempdir().expect("a folder");
        let here = Place::here(Some(folder.path()), 1).expect("a place");
        let held = StateLock::acquire(folder.path()).expect("nobody holds it");
        assert_eq!(going_on_unheard(&here, &jobs).len(), 1, "it does not answer, and goes on");
        drop(held);
        assert!(going_on_unheard(&here, &jobs).is_empty());
    }
}
