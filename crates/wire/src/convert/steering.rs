//! What operators change.

use super::words::{Malformed, needed};
use crate::generated as pb;
use windlass_core::WorkerName;
use windlass_core::collection::Amount;
use windlass_core::ledger::{Setting, Settings};
use windlass_core::steering::{Act, Compacted};

/// A change as it travels.
pub(crate) fn act_of(act: &Act) -> pb::Act {
    use pb::act::Act as Sent;
    let act = match act {
        Act::DrainWorker(name) => Sent::DrainWorker(name.0.clone()),
        Act::ResumeWorker(name) => Sent::ResumeWorker(name.0.clone()),
        Act::ForgetWorker(name) => Sent::ForgetWorker(name.0.clone()),
        Act::Change(values) => {
            Sent::Change(pb::Settings { values: values.iter().cloned().collect() })
        }
        Act::ConfirmClock => Sent::ConfirmClock(pb::ConfirmClock {}),
    };
    pb::Act { act: Some(act) }
}

/// A change as it arrived.
pub(crate) fn act(sent: pb::Act) -> Result<Act, Malformed> {
    use pb::act::Act as Sent;
    Ok(match needed(sent.act, "an act that changes nothing")? {
        Sent::DrainWorker(name) => Act::DrainWorker(WorkerName(name)),
        Sent::ResumeWorker(name) => Act::ResumeWorker(WorkerName(name)),
        Sent::ForgetWorker(name) => Act::ForgetWorker(WorkerName(name)),
        Sent::Change(pb::Settings { values }) if values.len() > Setting::ALL.len() => {
            let _ = values;
            return Err(Malformed("more limits than there are"));
        }
        Sent::Change(pb::Settings { values }) => {
            let mut values: Vec<(String, u64)> = values.into_iter().collect();
            // A map comes in any order.
            values.sort();
            Act::Change(values)
        }
        Sent::ConfirmClock(_) => Act::ConfirmClock,
    })
}

pub(crate) fn settings_of(settings: &Settings) -> pb::Settings {
    let changed = settings.changed().map(|(name, value)| (name.to_owned(), value));
    pb::Settings { values: changed.collect() }
}

pub(crate) fn settings(listed: pb::Settings) -> Result<Settings, Malformed> {
    let mut settings = Settings::default();
    for (name, value) in listed.values {
        settings.set(&name, value).map_err(|_| Malformed("a limit that is not known here"))?;
    }
    Ok(settings)
}

pub(crate) fn compacted_of(done: Compacted) -> pb::Compacted {
    let amount = |Amount { count, bytes }| Some(pb::Amount { count, bytes });
    pb::Compacted {
        forgotten_memo: done.memo_count,
        kept: amount(done.kept),
        trashed: amount(done.trashed),
        deleted: amount(done.deleted),
        forgotten_jobs: done.job_count,
    }
}

pub(crate) fn compacted(done: pb::Compacted) -> Compacted {
    let amount = |amount: Option<pb::Amount>| {
        let pb::Amount { count, bytes } = amount.unwrap_or_default();
        Amount { count, bytes }
    };
    Compacted {
        job_count: done.forgotten_jobs,
        memo_count: done.forgotten_memo,
        kept: amount(done.kept),
        trashed: amount(done.trashed),
        deleted: amount(done.deleted),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acts_and_limits_come_over_whole() {
        let name = WorkerName("w1".to_owned());
        for sent in [
            Act::DrainWorker(name.clone()),
            Act::ResumeWorker(name.clone()),
            Act::ForgetWorker(name),
            Act::Change(vec![("blob_grace_hours".to_owned(), 2), ("memo_mb_max".to_owned(), 1)]),
            Act::ConfirmClock,
        ] {
            assert_eq!(act(act_of(&sent)), Ok(sent));
        }
        assert!(act(pb::Act { act: None }).is_err());
        let many = (0..100).map(|number| (format!("limit{number}"), 1)).collect();
        assert!(act(act_of(&Act::Change(many))).is_err());
        let mut limits = Settings::default();
        limits.set("memo_mb_max", 7).expect("there is one");
        assert_eq!(settings(settings_of(&limits)), Ok(limits));
        let amount = |count| Amount { count, bytes: count * 10 };
        let (kept, trashed, deleted) = (amount(1), amount(2), amount(3));
        let done = Compacted { job_count: 4, memo_count: 5, kept, trashed, deleted };
        assert_eq!(compacted(compacted_of(done)), done);
    }
}
