//! The cluster at a glance.

use super::words::{Malformed, needed};
use crate::generated as pb;
use windlass_core::JobId;
use windlass_core::ledger::Counts;
use windlass_core::overview::{Flow, OpenJob, Overview};

impl From<Overview> for pb::Overview {
    fn from(overview: Overview) -> pb::Overview {
        let operations = overview.operations.into_iter();
        pb::Overview {
            cluster: Some(overview.cluster.into()),
            at_ms: overview.at_ms,
            operations: operations.map(|(name, flow)| (name, flow.into())).collect(),
            open_jobs: overview.open_job_count,
            jobs: overview.jobs.into_iter().map(pb::OpenJob::from).collect(),
        }
    }
}

impl TryFrom<pb::Overview> for Overview {
    type Error = Malformed;

    fn try_from(overview: pb::Overview) -> Result<Overview, Malformed> {
        let operations = overview.operations.into_iter();
        Ok(Overview {
            cluster: needed(overview.cluster, "an overview without its cluster")?.try_into()?,
            at_ms: overview.at_ms,
            operations: operations.map(|(name, flow)| (name, flow.into())).collect(),
            open_job_count: overview.open_jobs,
            jobs: overview.jobs.into_iter().map(OpenJob::from).collect(),
        })
    }
}

impl From<Flow> for pb::Flow {
    fn from(flow: Flow) -> pb::Flow {
        pb::Flow {
            pending: flow.pending_count,
            waiting: flow.waiting_count,
            succeeded: flow.succeeded_count,
            failed: flow.failed_count,
            retried: flow.retried_count,
        }
    }
}

impl From<pb::Flow> for Flow {
    fn from(flow: pb::Flow) -> Flow {
        Flow {
            pending_count: flow.pending,
            waiting_count: flow.waiting,
            succeeded_count: flow.succeeded,
            failed_count: flow.failed,
            retried_count: flow.retried,
        }
    }
}

impl From<OpenJob> for pb::OpenJob {
    fn from(job: OpenJob) -> pb::OpenJob {
        let Counts { pending, succeeded, failed } = job.counts;
        pb::OpenJob {
            id: job.id.0,
            name: job.name,
            age_ms: job.age_ms,
            paused: job.is_paused,
            pending,
            succeeded,
            failed,
        }
    }
}

impl From<pb::OpenJob> for OpenJob {
    fn from(job: pb::OpenJob) -> OpenJob {
        let pb::OpenJob { id, name, age_ms, paused, pending, succeeded, failed } = job;
        let counts = Counts { pending, succeeded, failed };
        OpenJob { id: JobId(id), name, age_ms, is_paused: paused, counts }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_overview_arrives_as_it_was_made() {
        let flow = Flow {
            pending_count: 1,
            waiting_count: 2,
            succeeded_count: 3,
            failed_count: 4,
            retried_count: 5,
        };
        let job = OpenJob {
            id: JobId(6),
            name: "a".to_owned(),
            age_ms: 7,
            is_paused: true,
            counts: Counts { pending: 8, succeeded: 9, failed: 10 },
        };
        let overview = Overview {
            at_ms: 11,
            operations: [("ocr".to_owned(), flow)].into(),
            open_job_count: 12,
            jobs: vec![job],
            ..Overview::default()
        };
        assert_eq!(Overview::try_from(pb::Overview::from(overview.clone())), Ok(overview));
        assert!(Overview::try_from(pb::Overview::default()).is_err());
    }
}
