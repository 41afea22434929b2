//! What ended, on its way to the master.

use crate::host::Send;
use windlass_core::limits::ENDED_RUN_COUNT_MAX;
use windlass_core::session::{EndedRun, ToMaster};

/// Says what ended, no more of it in one message than there may be; `false`: nobody hears it.
pub(crate) fn send_ended(send: &Send, ended: Vec<EndedRun>) -> bool {
    let mut ended = ended.into_iter().peekable();
    while ended.peek().is_some() {
        let some = ended.by_ref().take(ENDED_RUN_COUNT_MAX).collect();
        if send(ToMaster::Ended(some)).is_err() {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Gone;
    use std::sync::{Arc, Mutex};
    use windlass_core::ledger::Results;
    use windlass_core::session::EndedWith;
    use windlass_core::{AttemptId, Epoch, JobId, PhaseId, PhaseIndex, Round, TaskIndex};

    #[test]
    fn what_ended_is_said_in_messages_that_are_taken() {
        let run = EndedRun {
            phase: PhaseId { job: JobId(1), phase: PhaseIndex(0) },
            round: Round(0),
            first: TaskIndex(0),
            attempt: AttemptId { epoch: Epoch(1), counter: 1 },
            with: EndedWith::Results(Results::Empty(1)),
            busy_us: 0,
        };
        let counts = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&counts);
        let send: Send = Arc::new(move |message| {
            let ToMaster::Ended(runs) = message else { return Err(Gone) };
            told.lock().expect("nobody panics").push(runs.len());
            Ok(())
        });
        assert!(send_ended(&send, vec![run; 2 * ENDED_RUN_COUNT_MAX + 1]));
        let most = ENDED_RUN_COUNT_MAX;
        assert_eq!(*counts.lock().expect("nobody panics"), [most, most, 1]);
    }
}
