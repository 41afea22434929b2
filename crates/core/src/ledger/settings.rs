//! Limits that a user can change: entries set them, and every ledger has the same ones.
//!
//! `apply` may read limits only from here or from constants: a limit from the environment would
//! make two replays of one journal differ.

use crate::limits::{
    BLOB_GRACE_HOURS, JOB_KEPT_DAYS_MAX, MEMO_MB_MAX, RECORD_SET_COUNT_MAX, SETTLED_TASK_COUNT_MAX,
    SNAPSHOT_KB_MIN, TASK_FAILURE_COUNT_MAX, TASK_WORKER_LOST_COUNT_MAX, UNAVAILABLE_MS_MAX,
};
use std::fmt;
use thiserror::Error;

/// One limit that can be changed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Setting {
    /// Failures of one task in a round before it is quarantined.
    TaskFailureCountMax,
    /// Workers that one task may lose in a round.
    TaskWorkerLostCountMax,
    /// How long a task goes on trying to reach what is unavailable.
    UnavailableMinutesMax,
    /// How long an ended job is kept.
    JobKeptDaysMax,
    /// Settled tasks of ended jobs that are kept.
    SettledTaskCountMax,
    /// What the results kept for the memo may take.
    MemoMbMax,
    /// How long nothing may refer to a blob before it is collected.
    BlobGraceHours,
    /// Record bodies between two snapshots of a small state.
    SnapshotKbMin,
    /// Record sets of the cluster.
    RecordSetCountMax,
}

/// What there is to know of a setting.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SettingSpec {
    /// As written in `windlass state set NAME VALUE`.
    pub name: &'static str,
    /// The value until one is set.
    pub default: u64,
    /// Smallest accepted value.
    pub min: u64,
    /// Largest accepted value.
    pub max: u64,
    /// One sentence for lists.
    pub doc: &'static str,
}

/// The values of all settings.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    values: [u64; Setting::ALL.len()],
}

/// A setting that is refused; a usage error.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum SettingError {
    /// No such setting.
    #[error("there is no setting {name:?}: choose {}", names())]
    Unknown {
        /// What was asked for.
        name: String,
    },
    /// A value out of bounds.
    #[error("setting {name}: a whole number from {min} to {max} is wanted")]
    Value {
        /// The setting.
        name: &'static str,
        /// Smallest accepted value.
        min: u64,
        /// Largest accepted value.
        max: u64,
    },
}

impl Setting {
    /// Every setting, in the order of lists.
    pub const ALL: [Setting; 9] = [
        Setting::TaskFailureCountMax,
        Setting::TaskWorkerLostCountMax,
        Setting::UnavailableMinutesMax,
        Setting::JobKeptDaysMax,
        Setting::SettledTaskCountMax,
        Setting::MemoMbMax,
        Setting::BlobGraceHours,
        Setting::SnapshotKbMin,
        Setting::RecordSetCountMax,
    ];

    /// Its name, bounds and meaning.
    #[must_use]
    pub const fn spec(self) -> SettingSpec {
        let (name, default, min, max, doc) = match self {
            Setting::TaskFailureCountMax => (
                "task_failure_count_max",
                TASK_FAILURE_COUNT_MAX as u64,
                1,
                // The ledger counts them in three bits.
                7,
                "tries of a file that crashes, runs out of time or out of memory",
            ),
            Setting::TaskWorkerLostCountMax => (
                "task_worker_lost_count_max",
                TASK_WORKER_LOST_COUNT_MAX as u64,
                1,
                // The ledger counts them in five bits.
                31,
                "workers that a file may lose before it fails",
            ),
            Setting::UnavailableMinutesMax => (
                "unavailable_minutes_max",
                UNAVAILABLE_MS_MAX / 60_000,
                1,
                7 * 24 * 60,
                "minutes of trying to reach what is unavailable",
            ),
            Setting::JobKeptDaysMax => (
                "job_kept_days_max",
                JOB_KEPT_DAYS_MAX,
                1,
                36_500,
                "days for which an ended job and its results are kept",
            ),
            Setting::SettledTaskCountMax => (
                "settled_task_count_max",
                SETTLED_TASK_COUNT_MAX,
                1,
                1_000_000_000,
                "files of ended jobs that are kept; beyond, the job that ended first goes",
            ),
            Setting::MemoMbMax => (
                "memo_mb_max",
                MEMO_MB_MAX,
                0,
                1_000_000_000,
                "MB (of 1,000,000 bytes) of results kept for equal files in later runs",
            ),
            Setting::BlobGraceHours => (
                "blob_grace_hours",
                BLOB_GRACE_HOURS,
                1,
                10_000,
                "hours for which a result that nothing refers to is kept, then again in the trash",
            ),
            Setting::SnapshotKbMin => (
                "snapshot_kb_min",
                SNAPSHOT_KB_MIN,
                1,
                1 << 20,
                "KiB of the journal between two snapshots of a small state",
            ),
            Setting::RecordSetCountMax => (
                "record_set_count_max",
                RECORD_SET_COUNT_MAX,
                0,
                4_096,
                "record sets that there may be",
            ),
        };
        SettingSpec { name, default, min, max, doc }
    }

    /// The setting of a name.
    #[must_use]
    pub fn find(name: &str) -> Option<Setting> {
        Setting::ALL.into_iter().find(|setting| setting.spec().name == name)
    }

    /// Whether the value may be set.
    ///
    /// # Errors
    /// `Value` out of bounds.
    pub fn check(self, value: u64) -> Result<(), SettingError> {
        let SettingSpec { name, min, max, .. } = self.spec();
        if (min..=max).contains(&value) {
            return Ok(());
        }
        Err(SettingError::Value { name, min, max })
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.spec().name)
    }
}

impl Settings {
    /// A setting's value.
    #[must_use]
    pub fn get(&self, setting: Setting) -> u64 {
        self.values[setting as usize]
    }

    /// Sets a value.
    ///
    /// # Errors
    /// An unknown name, or a value out of bounds; nothing is changed then.
    pub fn set(&mut self, name: &str, value: u64) -> Result<(), SettingError> {
        let unknown = || SettingError::Unknown { name: name.to_owned() };
        let setting = Setting::find(name).ok_or_else(unknown)?;
        setting.check(value)?;
        self.values[setting as usize] = value;
        Ok(())
    }

    /// What differs from the defaults, by name.
    pub fn changed(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let all = Setting::ALL.into_iter().map(|setting| (setting.spec(), self.get(setting)));
        all.filter(|(spec, value)| spec.default != *value).map(|(spec, value)| (spec.name, value))
    }
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { values: Setting::ALL.map(|setting| setting.spec().default) }
    }
}

fn names() -> String {
    Setting::ALL.map(|setting| setting.spec().name).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_has_its_place_and_a_default_within_its_bounds() {
        for (position, setting) in Setting::ALL.into_iter().enumerate() {
            assert_eq!(setting as usize, position);
            let spec = setting.spec();
            assert_eq!(Setting::find(spec.name), Some(setting));
            assert!(setting.check(spec.default).is_ok(), "{setting}");
            assert_eq!(Settings::default().get(setting), spec.default);
        }
    }

    #[test]
    fn what_is_refused_changes_nothing() {
        let mut settings = Settings::default();
        let error = settings.set("blob_grace_hours", 0).expect_err("refused");
        assert_eq!(
            error.to_string(),
            "setting blob_grace_hours: a whole number from 1 to 10000 is wanted"
        );
        assert!(settings.set("pancakes", 1).expect_err("refused").to_string().contains("memo_mb"));
        assert_eq!(settings, Settings::default());
        settings.set("blob_grace_hours", 48).expect("accepted");
        assert_eq!(settings.changed().collect::<Vec<_>>(), [("blob_grace_hours", 48)]);
    }
}
