//! `windlass worker drain --wait`.

use super::{LOOK, Room, held, is_free, status};
use crate::arguments::PlaceArguments;
use crate::{
    CliError, EXIT_ERROR, EXIT_INTERRUPTED, EXIT_TIMED_OUT, EXIT_UNREACHABLE, say, signals,
};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use windlass_client::cluster::Cluster;
use windlass_core::WorkerName;

/// Waits until a drained worker holds nothing, or is gone, which is the same; a master that is away
/// is waited for as well. The cluster as it was found last, and the exit code.
pub(super) fn wait(
    place: &PlaceArguments,
    mut cluster: Cluster,
    name: &WorkerName,
    seconds_max: Option<u64>,
) -> Result<(Cluster, u8), CliError> {
    let interrupted = signals::interrupts()?;
    let mut is_lost_told = false;
    let mut room = Room::default();
    let until = seconds_max.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    loop {
        if interrupted.load(Ordering::Relaxed) {
            return Ok((cluster, EXIT_INTERRUPTED));
        }
        let is_late = until.is_some_and(|until| Instant::now() >= until);
        match status(&cluster) {
            Ok(view) => {
                let worker = view.workers.iter().find(|worker| worker.name == *name);
                if worker.is_some_and(|worker| !worker.draining) {
                    let text = format!("worker {name} takes tasks again: somebody has resumed it");
                    return Err(CliError { text, code: EXIT_ERROR });
                }
                let Some(worker) = worker.filter(|worker| !is_free(worker)) else {
                    return Ok((cluster, 0));
                };
                room.tell(&view, &format!("finish what {name} holds"));
                if is_late {
                    let text = format!("worker {name} is drained and still holds {}", held(worker));
                    return Err(CliError { text, code: EXIT_TIMED_OUT });
                }
            }
            Err(error) if error.code == EXIT_UNREACHABLE && !is_late => {
                if !std::mem::replace(&mut is_lost_told, true) {
                    say(&format!("windlass: {}; looking for it again\n", error.text));
                }
                if let Ok(found) = super::cluster(place) {
                    cluster = found;
                    is_lost_told = false;
                }
            }
            Err(error) => return Err(error),
        }
        std::thread::sleep(LOOK);
    }
}
