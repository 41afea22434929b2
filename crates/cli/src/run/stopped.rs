//! What a stopped run says: whether its jobs stop with it, or go on in a cluster of others.

use crate::cluster::Attached;
use crate::place::{Place, quoted};
use std::collections::BTreeSet;
use std::path::Path;
use windlass_client::report::Totals;
use windlass_core::JobId;
use windlass_core::ledger::JobState;
use windlass_core::view::JobView;

/// A job that goes on without the run.
#[derive(Clone, Copy, Debug)]
pub(super) struct GoesOn {
    id: JobId,
    is_paused: bool,
}

impl GoesOn {
    fn of(job: &JobView) -> GoesOn {
        GoesOn { id: job.id, is_paused: job.paused.is_some() }
    }
}

/// Which of these jobs go on without the run; none where the cluster ends with it.
pub(super) fn going_on(attached: &Attached, jobs: &BTreeSet<JobId>) -> Vec<GoesOn> {
    let Attached::Joined(_) = attached else { return Vec::new() };
    let cluster = attached.cluster();
    let goes_on = |id: &JobId| match cluster.job(*id) {
        Ok(job) => job.filter(|job| job.state == JobState::Open).as_ref().map(GoesOn::of),
        Err(_) => Some(unheard(*id)),
    };
    jobs.iter().filter_map(goes_on).collect()
}

/// The same where the cluster was lost: a master elsewhere goes on once it is back, and a state
/// that nobody holds waits.
pub(super) fn going_on_unheard(place: &Place, jobs: &BTreeSet<JobId>) -> Vec<GoesOn> {
    match place {
        Place::Master(..) => jobs.iter().copied().map(unheard).collect(),
        Place::State(..) => Vec::new(),
    }
}

fn unheard(id: JobId) -> GoesOn {
    GoesOn { id, is_paused: false }
}

/// How much is left, where that is known, and what becomes of it; `out` is the folder for results.
pub(super) fn told(totals: Option<Totals>, jobs: &[GoesOn], place: &Place, out: &Path) -> String {
    let left = totals.map_or_else(String::new, |Totals { unfinished, files, .. }| {
        format!(": {unfinished} of {files} files still to do")
    });
    if jobs.is_empty() {
        return format!("\nStopped{left}. Nothing is lost:\nthe same command goes on from here.\n");
    }
    let (place, out) = (place.flags(), quoted(out.as_os_str()));
    let mut text = format!("\nStopped watching{left}.\n");
    for GoesOn { id, is_paused } in jobs {
        let what = match is_paused {
            false => "goes on in the cluster; until it ends",
            true => "is paused in the cluster; until it is resumed and ends",
        };
        text.push_str(&format!(
            "Job {id} {what} the same command shows its results.\n  \
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
    use windlass_wire::trust::Access;

    fn check(totals: Option<Totals>, jobs: &[GoesOn], expected: Expect) {
        let place = Place::Master("127.0.0.1:5000".parse().expect("one"), Access::Plain);
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
        let paused = GoesOn { id: JobId(7), is_paused: true };
        check(
            totals,
            &[unheard(JobId(5)), paused],
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
        let far = Place::Master("far:5000".parse().expect("an address"), Access::Plain);
        assert_eq!(going_on_unheard(&far, &jobs).len(), 1);
        let here = Place::here(Some(Path::new("/a")), 1).expect("a place");
        assert!(going_on_unheard(&here, &jobs).is_empty());
    }
}
