//! What a client names must be with the master, whoever wrote the client.

use crate::cluster::Cluster;
use windlass_core::ledger::{ChunkRef, JobSpec, PhaseSpec};
use windlass_core::model::ModelRef;
use windlass_core::records::{RecordSet, StoredShard};
use windlass_core::{BlobId, JobId, PhaseId, PhaseIndex, RequestId, TaskIndex};
use windlass_wire::{Host, HostError, RecordsHost};

fn spec(model: &ModelRef, memorandum: Option<BlobId>) -> JobSpec {
    let mut phase = PhaseSpec::plain("embedding", 1);
    phase.params.0.insert("model".to_owned(), model.to_string());
    JobSpec { name: "a job".to_owned(), fingerprint: 1, phases: vec![phase], memorandum }
}

fn refusal<T>(answer: Result<T, HostError>) -> String {
    match answer {
        Err(HostError::Refused(text)) => text,
        Err(other) => panic!("{other:?} instead of a refusal"),
        Ok(_) => panic!("it was taken"),
    }
}

#[test]
fn a_job_that_names_what_the_master_lacks_is_refused() {
    let cluster = Cluster::start();
    let node = &cluster.node;
    let model = ModelRef { name: "small".to_owned(), id: BlobId::of(b"model"), size: 5 };
    let memorandum = BlobId::of(b"memorandum");
    let job = spec(&model, Some(memorandum));
    let said = refusal(node.submit(RequestId(1), job.clone()));
    assert_eq!(said, format!("the model small is not there: put blob {} first", model.id));
    node.blobs.put(b"model").expect("stored");
    let said = refusal(node.submit(RequestId(1), job.clone()));
    assert_eq!(said, format!("the job's memorandum is not there: put blob {memorandum} first"));
    node.blobs.put(b"memorandum").expect("stored");
    assert_eq!(node.submit(RequestId(1), job).expect("all of it is there"), (JobId(1), true));
}

/// A blob that cannot be synced ends all syncs of its store.
#[test]
fn what_is_named_is_durable_before_it_is() {
    let cluster = Cluster::start();
    let node = &cluster.node;
    let model = ModelRef { name: "small".to_owned(), id: BlobId::of(b"model"), size: 5 };
    node.blobs.put(b"model").expect("stored");
    let lost = node.blobs.put(b"lost").expect("stored");
    std::fs::remove_file(node.blobs.path(lost)).expect("it is there");
    let submitted = node.submit(RequestId(1), spec(&model, None));
    assert!(matches!(submitted, Err(HostError::Failed(_))), "{submitted:?}");
    assert!(node.handle.jobs().expect("the master runs").is_empty());
}

#[test]
fn inputs_and_rows_that_the_master_lacks_are_refused() {
    let cluster = Cluster::start();
    let node = &cluster.node;
    let model = ModelRef { name: "small".to_owned(), id: BlobId::of(b"model"), size: 5 };
    node.blobs.put(b"model").expect("stored");
    let (job, _) = node.submit(RequestId(1), spec(&model, None)).expect("is sound");
    let phase = PhaseId { job, phase: PhaseIndex(0) };
    let missing = BlobId::of(b"not there");
    let said = refusal(node.add_tasks(phase, TaskIndex(0), 1, ChunkRef::Blob(missing)));
    assert_eq!(said, format!("the list of inputs is not there: put blob {missing} first"));

    let set = RecordSet {
        name: "people".parse().expect("a name"),
        key: "name".parse().expect("a name"),
        indexed: Vec::new(),
        shards: vec!["all=*".parse().expect("a shard")].try_into().expect("one"),
        replica_count: 1,
    };
    let shard = StoredShard { blob: missing, size: 9, row_count: 1 };
    let said = refusal(node.load_records(set, vec![shard], false));
    assert_eq!(said, format!("a shard of people is not there: put blob {missing} first"));
}
