//! What a state directory holds, told without holding it: nothing is written or repaired.

use crate::error::MasterError;
use crate::recovery::Replay;
use std::path::{Path, PathBuf};
use windlass_core::Seq;
use windlass_core::ledger::{Digest, Ledger};
use windlass_journal::{FileSnapshots, Head, Holder, LockError, Snapshots, Survey, survey};

/// How often a state that changes meanwhile is read again.
const READ_AGAIN_MAX: usize = 8;

/// A state directory as it was found.
#[derive(Debug)]
pub struct Audit {
    /// Who held it; while somebody does, it may change under the reader.
    pub holder: Holder,
    /// Its log.
    pub survey: Survey,
    /// Its snapshots, newest first.
    pub snapshots: Vec<SnapshotAudit>,
    /// The state at the head of the log, as far as it can be built.
    pub ledger: Ledger,
    /// The last record in that.
    pub built: Head,
    /// What is wrong beside the damages of the log: nothing in a sound state.
    pub faults: Vec<String>,
}

/// A snapshot as it was found.
#[derive(Debug)]
pub struct SnapshotAudit {
    /// Where it lies.
    pub path: PathBuf,
    /// Its record.
    pub seq: Seq,
    /// Bytes of the encoded state; `None` where it is damaged.
    pub bytes: Option<u64>,
    /// Whether the log led to the same state; `None` where it begins too late to tell.
    pub agrees: Option<bool>,
}

impl Audit {
    /// Whether everything is as it was written.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.survey.damages.is_empty() && self.faults.is_empty()
    }

    /// Whether a master can start from it: what is damaged are snapshots alone, and the log goes on
    /// from an older state.
    #[must_use]
    pub fn opens(&self) -> bool {
        let differs = self.snapshots.iter().any(|snapshot| snapshot.agrees == Some(false));
        self.survey.damages.is_empty() && !differs && self.built == self.survey.head
    }

    /// Reads a whole state directory: every record, every snapshot, and the state that they build.
    ///
    /// # Errors
    /// The directory cannot be read, or holds no state.
    pub fn of(state: &Path) -> Result<Audit, AuditError> {
        let mut audit = Audit::read(state)?;
        for _ in 0..READ_AGAIN_MAX {
            // A master at work takes snapshots and cuts its log below them: what was read of one
            // before it and of the other after it does not fit together.
            let is_torn = !audit.is_sound()
                && audit.holder != Holder::Nobody
                && seqs(&Snapshots::File(FileSnapshots::look_at(state)))? != audit.seqs();
            if !is_torn {
                break;
            }
            audit = Audit::read(state)?;
        }
        Ok(audit)
    }

    fn seqs(&self) -> Vec<Seq> {
        self.snapshots.iter().map(|snapshot| snapshot.seq).collect()
    }

    fn read(state: &Path) -> Result<Audit, AuditError> {
        let holder = Holder::of(state)?;
        let store = FileSnapshots::look_at(state);
        let snapshots = Snapshots::File(store.clone());
        let mut reading = Reading::default();
        for seq in seqs(&snapshots)? {
            reading.take(&store, &snapshots, seq);
        }
        // The oldest sound state is where the log is read from: the later ones are compared.
        let replay = reading.starts.pop().map(|(head, ledger)| Replay::behind(head, ledger));
        let mut building = Building { replay: replay.unwrap_or_default(), stopped: None };
        let held = holder != Holder::Nobody;
        let survey = survey(state, held, &mut |record| {
            building.take(&record, &mut reading);
        });
        let survey = survey.map_err(|error| AuditError::Read(error.to_string()))?;
        let has_log = !survey.segments.is_empty() || !survey.damages.is_empty();
        if !has_log && reading.snapshots.is_empty() {
            return Err(AuditError::NoState(state.to_path_buf()));
        }
        let Reading { mut faults, snapshots, .. } = reading;
        let Building { replay, stopped } = building;
        faults.extend(stopped);
        if replay.head.seq < survey.head.seq && survey.damages.is_empty() && faults.is_empty() {
            faults.push(format!("no snapshot leads to record {}", survey.segments[0].first));
        }
        if replay.head.seq > survey.head.seq {
            let head = survey.head.seq;
            faults.push(MasterError::LogLost { seq: replay.head.seq, head }.to_string());
        }
        let Replay { ledger, head: built, .. } = replay;
        Ok(Audit { holder, survey, snapshots, ledger, built, faults })
    }
}

fn seqs(snapshots: &Snapshots) -> Result<Vec<Seq>, AuditError> {
    snapshots.seqs().map_err(|error| AuditError::Read(error.to_string()))
}

/// A state directory that cannot be told of.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// Who holds it cannot be told.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// There is none.
    #[error("find a state in {}: nothing was run there yet", .0.display())]
    NoState(PathBuf),
    /// The system could not.
    #[error("{0}")]
    Read(String),
}

/// The snapshots, and what was wrong with them.
#[derive(Debug, Default)]
struct Reading {
    snapshots: Vec<SnapshotAudit>,
    digests: Vec<(Head, Digest)>,
    /// Sound ones, newest first.
    starts: Vec<(Head, Ledger)>,
    faults: Vec<String>,
}

impl Reading {
    fn take(&mut self, store: &FileSnapshots, snapshots: &Snapshots, seq: Seq) {
        let path = store.path(seq);
        let mut audit = SnapshotAudit { path, seq, bytes: None, agrees: None };
        match snapshots.get(seq) {
            Err(error) => self.faults.push(error.to_string()),
            Ok(snapshot) => match Ledger::decode_snapshot(&snapshot.body) {
                Err(error) => self.faults.push(format!("{}: {error}", audit.path.display())),
                Ok(ledger) => {
                    audit.bytes = Some(snapshot.body.len() as u64);
                    self.digests.push((snapshot.head, Digest::of(&snapshot.body)));
                    self.starts.push((snapshot.head, ledger));
                }
            },
        }
        self.snapshots.push(audit);
    }
}

/// The state that the log builds, until something does not fit.
struct Building {
    replay: Replay,
    stopped: Option<String>,
}

impl Building {
    fn take(&mut self, record: &windlass_journal::Record, reading: &mut Reading) {
        // Behind damage records are missing: the survey tells of it.
        let is_next = record.seq == self.replay.head.seq.next();
        if self.stopped.is_some() || !is_next {
            return;
        }
        if let Err(error) = self.replay.apply(record) {
            self.stopped = Some(error.to_string());
            return;
        }
        let head = self.replay.head;
        let snapshot = reading.digests.iter().find(|(of, _)| of.seq == head.seq);
        if let Some((of, digest)) = snapshot {
            let own = Digest::of(&self.replay.ledger.encode_snapshot());
            let agrees = *of == head && *digest == own;
            if let Some(audit) = reading.snapshots.iter_mut().find(|it| it.seq == head.seq) {
                audit.agrees = Some(agrees);
                if !agrees {
                    let path = audit.path.display();
                    reading.faults.push(format!("{path}: the log leads to another state"));
                }
            }
        }
    }
}
