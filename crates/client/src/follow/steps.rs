//! Steps on the way to the results: how long slots were busy with them.

use super::Follower;
use crate::cluster::Cluster;
use crate::parallel::try_map;
use crate::run::RunError;
use std::collections::BTreeMap;
use std::time::Duration;
use windlass_core::TaskIndex;
use windlass_core::ledger::TaskState;
use windlass_core::limits::MANIFEST_BYTES_MAX;
use windlass_core::manifest::Manifest;
use windlass_core::view::TaskView;

impl Follower<'_> {
    /// By operation, the seconds that its intermediate tasks took which have settled.
    pub(crate) fn step_seconds(&self) -> Result<BTreeMap<String, f64>, RunError> {
        let mut seconds = BTreeMap::new();
        for (id, phase) in self.submission.phases.iter().filter(|(_, it)| it.is_intermediate) {
            let mut from = TaskIndex(0);
            loop {
                let tasks = self.cluster.tasks(*id, from)?;
                let Some(last) = tasks.last() else { break };
                from = TaskIndex(last.index.0 + 1);
                let took = try_map(&tasks, |view| took(self.cluster, view))?;
                let took: Duration = took.iter().sum();
                *seconds.entry(phase.operation.clone()).or_insert(0.0) += took.as_secs_f64();
            }
        }
        Ok(seconds)
    }
}

fn took(cluster: &Cluster, view: &TaskView) -> Result<Duration, RunError> {
    Ok(Duration::from_micros(match (view.state, view.manifest) {
        (TaskState::Succeeded, Some(id)) => {
            let bytes = cluster.read_blob(id, MANIFEST_BYTES_MAX);
            Manifest::decode(&bytes.map_err(RunError::of_result)?)?.duration_us
        }
        (TaskState::Failed, _) => {
            view.failure.as_ref().map_or(0, |failed| failed.failure.duration_us)
        }
        _ => 0,
    }))
}
