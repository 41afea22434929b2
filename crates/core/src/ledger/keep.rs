//! What the ledger keeps: settings change, ended jobs are forgotten, collections begin.

use super::applied::{Applied, Refusal};
use super::apply::Ledger;
use super::entry::Sweep;
use super::settings::Setting;
use crate::collection::SweepBatch;
use crate::ids::JobId;

impl Ledger {
    pub(super) fn set(
        &mut self,
        name: &str,
        value: u64,
        out: &mut Vec<Applied>,
    ) -> Result<(), Refusal> {
        self.settings.set(name, value).map_err(|_| Refusal::BadSetting)?;
        out.push(Applied::SettingChanged);
        Ok(())
    }

    /// Drops an ended job. Its request goes too: who repeats it gets a new job, which is what
    /// somebody wants who submits a month later.
    pub(super) fn forget(&mut self, id: JobId, out: &mut Vec<Applied>) -> Result<(), Refusal> {
        let job = self.jobs.get(&id).ok_or(Refusal::UnknownJob)?;
        if job.is_open() {
            return Err(Refusal::JobOpen);
        }
        let request = job.request;
        self.jobs.remove(&id);
        self.requests.remove(&request);
        out.push(Applied::JobForgotten(id));
        Ok(())
    }

    pub(super) fn begin_sweep(
        &mut self,
        sweep: &Sweep,
        out: &mut Vec<Applied>,
    ) -> Result<(), Refusal> {
        // Roots that are marked later than now are none: the age of blobs is measured from there.
        if sweep.first > sweep.last || sweep.marked_at > self.time {
            return Err(Refusal::BadSweep);
        }
        let grace_hours = self.settings.get(Setting::BlobGraceHours);
        // Only the last batch ends a collection: one that was stopped before is due again.
        if sweep.last == u8::MAX {
            self.swept_at = self.swept_at.max(sweep.marked_at);
        }
        out.push(Applied::SweepBegun(SweepBatch::of(sweep, grace_hours)));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Entry, JobSpec};
    use super::*;
    use crate::ids::RequestId;
    use crate::time::LogTime;

    fn submitted(request: u128) -> Entry {
        let spec = JobSpec {
            name: "job".to_owned(),
            fingerprint: 1,
            phases: Vec::new(),
            memorandum: None,
        };
        Entry::JobSubmitted { request: RequestId(request), spec }
    }

    fn sweep(marked_at: u64, first: u8, last: u8) -> Entry {
        let marked_at = LogTime(marked_at);
        Entry::SweepBegun(Sweep { marked_at, first, last, empties_trash: false })
    }

    fn after(entries: &[Entry]) -> (Ledger, Vec<Applied>) {
        let mut ledger = Ledger::default();
        let mut out = Vec::new();
        for entry in entries {
            out.clear();
            ledger.apply(LogTime(5_000), entry, &mut out);
        }
        (ledger, out)
    }

    #[test]
    fn a_forgotten_job_leaves_nothing_and_its_number_is_not_used_again() {
        // A job without phases ends as it begins.
        let entries = [
            submitted(1),
            submitted(2),
            Entry::JobForgotten { job: JobId(2) },
            Entry::JobForgotten { job: JobId(1) },
        ];
        let (mut ledger, out) = after(&entries);
        assert_eq!(out, [Applied::JobForgotten(JobId(1))]);
        assert!(ledger.jobs.is_empty());
        assert!(ledger.job_of(RequestId(2)).is_none());
        let mut out = Vec::new();
        ledger.apply(LogTime(0), &submitted(2), &mut out);
        assert_eq!(out[0], Applied::JobSubmitted { job: JobId(3), fresh: true });
        out.clear();
        ledger.apply(LogTime(0), &Entry::JobForgotten { job: JobId(1) }, &mut out);
        assert_eq!(out, [Applied::Refused(Refusal::UnknownJob)]);
    }

    #[test]
    fn settings_change_what_is_applied_and_bad_ones_do_not() {
        let set = |name: &str, value| Entry::SettingChanged { name: name.to_owned(), value };
        let (ledger, out) = after(&[set("job_kept_days_max", 3), set("job_kept_days_max", 0)]);
        assert_eq!(out, [Applied::Refused(Refusal::BadSetting)]);
        assert_eq!(ledger.settings.get(Setting::JobKeptDaysMax), 3);
    }

    #[test]
    fn a_sweep_of_the_future_is_refused() {
        for bad in [sweep(5_001, 0, 7), sweep(5_000, 8, 7)] {
            assert_eq!(after(&[bad]).1, [Applied::Refused(Refusal::BadSweep)]);
        }
    }

    #[test]
    fn a_collection_that_was_stopped_is_due_again() {
        let (ledger, out) = after(&[sweep(5_000, 0, 254)]);
        assert!(matches!(out[0], Applied::SweepBegun(_)));
        assert_eq!(ledger.swept_at, LogTime(0));
        assert_eq!(after(&[sweep(5_000, 255, 255)]).0.swept_at, LogTime(5_000));
    }
}
