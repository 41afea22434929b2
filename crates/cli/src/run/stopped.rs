//! What a stopped run says: whether its jobs stop with it, or go on in a cluster of others.

use crate::place::{Place, quoted};
use std::collections::BTreeSet;
use std::path::Path;
use windlass_client::cluster::Cluster;
use windlass_client::report::Totals;
use windlass_core::JobId;
use windlass_core::ledger::JobState;
use windlass_core::view::{JobView, PhaseView};

/// A job that goes on without the run.
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
}

impl GoesOn {
    fn of(job: &JobView) -> GoesOn {
        let is_open = |phase: &PhaseView| !phase.sealed && phase.spec.derived.is_none();
        let standing = match job.paused {
            _ if job.phases.iter().any(is_open) => Standing::Unsealed,
            Some(_) => Standing::Paused,
            None => Standing::Working,
        };
        GoesOn { id: job.id, standing }
    }
}

/// Which of these jobs go on without the run; none where the cluster ends with it.
pub(crate) fn going_on(cluster: &Cluster, jobs: &BTreeSet<JobId>) -> Vec<GoesOn> {
    if let Cluster::Here { .. } = cluster {
        return Vec::new();
    }
    let goes_on = |id: &JobId| match cluster.job(*id) {
        Ok(job) => job.filter(|job| job.state == JobState::Open).as_ref().map(GoesOn::of),
        Err(_) => Some(unheard(*id)),
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
pub(crate) fn told(totals: Option<Totals>, jobs: &[GoesOn], place: &Place, out: &Path) -> String {
    let left = totals.map_or_else(String::new, |Totals { unfinished, files, .. }| {
        format!(": {unfinished} of {files} files still to do")
    });
    if jobs.is_empty() {
        return format!("\nStopped{left}. Nothing is lost:\nthe same command goes on from here.\n");
    }
    let (place, out) = (place.flags(), quoted(out.as_os_str()));
    let mut text = format!("\nStopped watching{left}.\n");
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
        };
        text.push_str(&format!(
            "Job {id} {what}.\n  \
             windlass job cancel {id}{place}\n    ends it\n  \
             windlass result export {id}{place} --out {out}\n    fetches its results, also later\n"
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};
    use windlass_journal::StateLock;

    fn check(totals: Option<Totals>, jobs: &[GoesOn], expected: Expect) {
        let place = Place::plain("127.0.0.1:5000".parse().expect("one"));
        expected.assert_eq(&told(totals, jobs, &place, Path::new("/a b/out")));
    }

    #[test]
    fn what_goes_on_without_the_run_is_told_with_what_ends_it() {
        let totals = Some(Totals { files: 40, unfinished: 26, ..Totals::default() });
        check(
            totals,
            &[],
            expect![[r#"

            Stopped: 26 of 40 files still to do. Nothing is lost:
            the same command goes on from here.
        "#]],
        );
        let paused = GoesOn { id: JobId(7), standing: Standing::Paused };
        let unsealed = GoesOn { id: JobId(8), standing: Standing::Unsealed };
        check(
            totals,
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

                Stopped. Nothing is lost:
                the same command goes on from here.
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
