//! What a worker and its executor say to each other.

use super::shape::{magnitude, without_numbers};
use crate::target::Target;
use windlass_core::limits::{ARTIFACT_COUNT_MAX, CAUSE_BYTES_MAX, NOTE_BYTES_MAX, NOTE_COUNT_MAX};
use windlass_core::media::Media;
use windlass_core::model::ModelRef;
use windlass_core::params::Params;
use windlass_core::{BlobId, Failure};
use windlass_worker::{Answer, Request, Section, SourceFacts};

pub(super) const ANSWER: Target = Target {
    name: "answer",
    run: answer,
    seeds: answers,
    // Two sequences, taken in advance at 1 MiB each, decoded twice.
    fixed_bytes_max: 6 << 20,
    factor_max: 256,
};

pub(super) const REQUEST: Target = Target {
    name: "request",
    run: request,
    seeds: requests,
    fixed_bytes_max: 6 << 20,
    factor_max: 256,
};

/// The first eight bytes say how long the output file is.
fn answer(bytes: &[u8]) -> String {
    let Some((length, frame)) = bytes.split_first_chunk() else { return "too short".to_owned() };
    let output_bytes = u64::from_le_bytes(*length);
    let answer = match Answer::decode(frame, output_bytes) {
        Ok(answer) => answer,
        Err(failure) => {
            assert!(failure.cause.len() + failure.next_step.len() <= CAUSE_BYTES_MAX);
            return format!("{:?} {}", failure.kind, without_numbers(&failure.code));
        }
    };
    assert!(answer.artifacts.len() <= ARTIFACT_COUNT_MAX && answer.notes.len() <= NOTE_COUNT_MAX);
    assert!(answer.notes.iter().all(|note| note.len() <= NOTE_BYTES_MAX), "a long note");
    let total = answer.artifacts.iter().map(|it| u128::from(it.size)).sum::<u128>();
    assert!(total <= u128::from(output_bytes), "more output than there is");
    for Section { name, .. } in &answer.artifacts {
        assert!(name.contains("{base}") && !name.contains(['/', '\0']), "{name}");
    }
    let again = Answer::decode(&Answer::encode(&Ok(answer.clone())), output_bytes);
    assert_eq!(again.as_ref(), Ok(&answer), "an answer does not come back");
    let notes = magnitude(answer.notes.len());
    format!("artifacts {} notes {notes}", magnitude(answer.artifacts.len()))
}

fn answers() -> Vec<Vec<u8>> {
    let section = |name: &str, size| Section {
        name: name.to_owned(),
        media_type: "text/plain; charset=utf-8".to_owned(),
        size,
    };
    let artifacts = vec![section("{base}_document_analysis.json", 90), section("{base}.txt", 10)];
    let made = Answer { artifacts, notes: vec!["page 3 has no text layer".to_owned()] };
    let failed = Failure::rejected("password_required", "it is locked", "Unlock it.");
    let framed = |answer| [&100_u64.to_le_bytes()[..], &Answer::encode(&answer)].concat();
    vec![framed(Ok(made)), framed(Ok(Answer::default())), framed(Err(failed))]
}

fn request(bytes: &[u8]) -> String {
    let Some(request) = Request::decode(bytes) else { return "refused".to_owned() };
    let again = Request::decode(&request.encode());
    assert_eq!(again.as_ref(), Some(&request), "a request does not come back");
    format!("params {} source {}", magnitude(request.params.0.len()), request.source.is_some())
}

fn requests() -> Vec<Vec<u8>> {
    let source = SourceFacts {
        name: "a.pdf".to_owned(),
        base: "a".to_owned(),
        media: Media::Pdf,
        size: 1 << 40,
        hash: Some(BlobId::of(b"a")),
    };
    let params = Params([("width".to_owned(), "12".to_owned())].into());
    let model = ModelRef { name: "m".to_owned(), id: BlobId::of(b"m"), size: 1 };
    let request = |source: Option<SourceFacts>| Request {
        operation: "image".to_owned(),
        params: params.clone(),
        index: 7,
        model: source.is_some().then(|| model.clone()),
        source,
        earlier_at: Some(1 << 40),
        output_bytes_max: 9,
    };
    vec![request(None).encode(), request(Some(source)).encode()]
}
