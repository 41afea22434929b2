//! From a journal to a reign: replay to the head, claim the next epoch.

use crate::error::MasterError;
use windlass_core::ledger::{Applied, Batch, ENTRY_FORMAT, Entry, Ledger};
use windlass_core::random::SplitMix64;
use windlass_core::reign::{Found, Reign};
use windlass_core::writer::Writer;
use windlass_core::{Epoch, LogTime};
use windlass_journal::{AppendError, Engine, Head, Record};

/// The ledger at the head of the log.
///
/// # Errors
/// A log that cannot be read, or that holds what this version cannot.
pub fn replay(journal: &mut Engine) -> Result<(Ledger, Head), MasterError> {
    let mut ledger = Ledger::default();
    let mut applied = Vec::new();
    let mut current = Epoch(0);
    let mut head = Head::default();
    let tail = journal.tail(head.seq.next()).map_err(|e| MasterError::Journal(e.to_string()))?;
    for record in tail {
        let record = record.map_err(|error| MasterError::Journal(error.to_string()))?;
        let (seq, epoch) = (record.seq, record.epoch);
        if epoch < current {
            return Err(MasterError::StaleRecord { seq, epoch, current });
        }
        current = epoch;
        apply(&mut ledger, &record, &mut applied)?;
        head = Head { seq, epoch, hash: record.hash() };
    }
    Ok((ledger, head))
}

/// Claims the next epoch at this wall time; answers the head behind the claim.
///
/// # Errors
/// Another master claimed it, or the log cannot be written.
pub fn claim(
    journal: &mut Engine,
    ledger: &mut Ledger,
    mut head: Head,
    holder: &str,
    wall: LogTime,
    random: &mut SplitMix64,
) -> Result<Head, MasterError> {
    let Reign::Claiming { epoch, .. } = Reign::claim(head.seq, head.epoch) else {
        unreachable!("a claim is being made")
    };
    let mut writer = Writer::new(epoch, head.seq, ledger.time);
    writer.propose(Entry::Claim { epoch, holder: holder.to_owned() }, ());
    if ledger.cluster.is_none() {
        let cluster = draw_u128(random);
        writer.propose(Entry::Genesis { cluster, format: ENTRY_FORMAT }, ());
    }
    let draft = writer.next(wall).expect("the claim waits");
    let record = Record {
        seq: draft.seq,
        epoch: draft.epoch,
        id: draw_u128(random),
        prev_hash: head.hash,
        body: draft.body,
    };
    loop {
        match journal.append(&record) {
            Ok(_) => break,
            Err(AppendError::Unknown(_)) => {}
            Err(AppendError::Fenced { .. }) if found(journal, &record)? == Found::Own => break,
            Err(AppendError::Fenced { .. }) => return Err(MasterError::Deposed),
            Err(error) => return Err(MasterError::Journal(error.to_string())),
        }
    }
    apply(ledger, &record, &mut Vec::new())?;
    head = Head { seq: record.seq, epoch: record.epoch, hash: record.hash() };
    Ok(head)
}

/// What stands where a fenced record wanted to be.
///
/// # Errors
/// A log that cannot be read.
pub fn found(journal: &mut Engine, record: &Record) -> Result<Found, MasterError> {
    let there =
        journal.record_at(record.seq).map_err(|error| MasterError::Journal(error.to_string()))?;
    Ok(match there {
        Some(there) if there.id == record.id => Found::Own,
        Some(there) if there.epoch >= record.epoch => Found::Claim,
        _ => Found::Ordinary,
    })
}

/// 128 random bits.
pub fn draw_u128(random: &mut SplitMix64) -> u128 {
    u128::from(random.next_u64()) << 64 | u128::from(random.next_u64())
}

fn apply(
    ledger: &mut Ledger,
    record: &Record,
    applied: &mut Vec<Applied>,
) -> Result<LogTime, MasterError> {
    let batch = Batch::decode(&record.body)
        .map_err(|error| MasterError::Entry { seq: record.seq, error })?;
    for entry in &batch.entries {
        applied.clear();
        ledger.apply(batch.at, entry, applied);
    }
    Ok(batch.at)
}
