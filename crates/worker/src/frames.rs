//! The frames between a worker and its executor. What an executor says is checked here: it has read
//! hostile bytes, and may be in other hands by now.
//!
//! Frames are postcard: both ends are the same binary, so they need no version. Descriptors pass
//! beside them; no path and no secret crosses.

use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use windlass_core::limits::{ARTIFACT_COUNT_MAX, NOTE_BYTES_MAX, NOTE_COUNT_MAX};
use windlass_core::media::Media;
use windlass_core::model::ModelRef;
use windlass_core::params::Params;
use windlass_core::{BlobId, Failure, FailureKind};

/// What an artifact's name may have beside the base of its input: what a file name has room for
/// behind the longest base (`windlass_client::names::BASE_BYTES_MAX`).
const DECORATION_BYTES_MAX: usize = 55;
/// The longest media types in use have some 80 characters.
const MEDIA_TYPE_BYTES_MAX: usize = 127;
/// A failure's code: a few words.
const CODE_BYTES_MAX: usize = 64;

/// What an executor is asked to do.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Request {
    /// The operation's name.
    pub operation: String,
    /// Its parameters, normalised.
    pub params: Params,
    /// The task's position in its phase.
    pub index: u32,
    /// What is known of the input, where there is one.
    pub source: Option<SourceFacts>,
    /// Where in the input file the list of what earlier phases made begins, where the task builds
    /// on that: the list may be longer than a frame.
    pub earlier_at: Option<u64>,
    /// The model that it works with, where there is one: its file comes behind the input.
    pub model: Option<ModelRef>,
    /// Size of all artifacts together, in bytes.
    pub output_bytes_max: u64,
}

/// What is known of the input file; the file itself comes as a descriptor.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct SourceFacts {
    /// Its file name, for messages.
    pub name: String,
    /// What its results are named by.
    pub base: String,
    /// What it is.
    pub media: Media,
    /// Its length in bytes.
    pub size: u64,
    /// The hash of the content that was submitted.
    pub hash: Option<BlobId>,
}

/// What an executor made; the artifacts' bytes lie one after another in the output file.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Answer {
    /// The parts of the output file, from its beginning.
    pub artifacts: Vec<Section>,
    /// What the user should know of a success.
    pub notes: Vec<String>,
}

/// One artifact's part of the output file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Section {
    /// The artifact's name, see [`windlass_core::manifest::Artifact::name`].
    pub name: String,
    /// Its MIME type.
    pub media_type: String,
    /// Its length in bytes.
    pub size: u64,
}

impl Request {
    /// The frame.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        postcard::to_allocvec(self).expect("writing to memory cannot fail")
    }

    /// The reverse of [`Request::encode`]; `None` for what is no request.
    #[must_use]
    pub fn decode(frame: &[u8]) -> Option<Request> {
        postcard::from_bytes(frame).ok()
    }
}

impl Answer {
    /// The frame of an answer or a failure.
    #[must_use]
    pub fn encode(answer: &Result<Answer, Failure>) -> Vec<u8> {
        postcard::to_allocvec(answer).expect("writing to memory cannot fail")
    }

    /// Reads what an executor says of an output file of `output_bytes` bytes. Nothing of it is
    /// believed: an answer is within its limits or a failure, and a failure is within its own.
    ///
    /// # Errors
    /// The operation's failure, or `executor_protocol` (a crash) for what no operation says.
    pub fn decode(frame: &[u8], output_bytes: u64) -> Result<Answer, Failure> {
        let said = postcard::from_bytes::<Result<Answer, Failure>>(frame);
        let said = said.map_err(|_| astray("the executor's answer cannot be read"))?;
        let Answer { artifacts, mut notes } = said.map_err(bounded)?;
        if artifacts.len() > ARTIFACT_COUNT_MAX {
            return Err(astray(&format!("the executor tells {} artifacts", artifacts.len())));
        }
        let mut names = BTreeSet::new();
        if !artifacts.iter().all(|it| it.is_sound() && names.insert(it.name.as_str())) {
            return Err(astray("the executor names an artifact as no operation does"));
        }
        let total = artifacts.iter().try_fold(0_u64, |sum, it| sum.checked_add(it.size));
        if total.is_none_or(|total| total > output_bytes) {
            return Err(astray("the executor tells of more output than there is"));
        }
        notes.truncate(NOTE_COUNT_MAX);
        notes.iter_mut().for_each(|note| windlass_core::failure::cut(note, NOTE_BYTES_MAX));
        Ok(Answer { artifacts, notes })
    }
}

impl Section {
    /// Whether name and type are such that no result of another input can be hit.
    fn is_sound(&self) -> bool {
        let mut around = self.name.split("{base}");
        let (Some(before), Some(after), None) = (around.next(), around.next(), around.next())
        else {
            return false;
        };
        let decoration = [before, after].concat();
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        (1..=DECORATION_BYTES_MAX).contains(&decoration.len())
            && decoration.bytes().all(is_plain)
            && self.media_type.len() <= MEDIA_TYPE_BYTES_MAX
            && self.media_type.bytes().all(|byte| (b' '..=b'~').contains(&byte))
    }
}

/// A failure as an operation may tell it: cause and next step cut, a code that is a name.
fn bounded(failure: Failure) -> Failure {
    let Failure { kind, code, cause, next_step, .. } = failure;
    let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    if !(1..=CODE_BYTES_MAX).contains(&code.len()) || !code.bytes().all(is_name) {
        return astray("the executor gives a failure that has no name");
    }
    Failure::new(kind, &code, cause, next_step)
}

fn astray(cause: &str) -> Failure {
    Failure::new(FailureKind::Crashed, "executor_protocol", cause, "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_core::limits::CAUSE_BYTES_MAX;

    fn section(name: &str, size: u64) -> Section {
        Section { name: name.to_owned(), media_type: "text/plain".to_owned(), size }
    }

    fn told(artifacts: Vec<Section>, notes: Vec<String>) -> Result<Answer, Failure> {
        Answer::decode(&Answer::encode(&Ok(Answer { artifacts, notes })), 100)
    }

    #[test]
    fn what_operations_say_comes_through() {
        let artifacts = vec![section("{base}.txt", 40), section("processed_{base}.png", 60)];
        let answer = told(artifacts.clone(), vec!["a note".to_owned()]);
        assert_eq!(answer, Ok(Answer { artifacts, notes: vec!["a note".to_owned()] }));
        let failure = Failure::rejected("password_required", "it is locked", "Unlock it.");
        assert_eq!(Answer::decode(&Answer::encode(&Err(failure.clone())), 0), Err(failure));
    }

    #[test]
    fn sizes_that_overflow_or_exceed_the_file_are_a_crash() {
        let over = told(vec![section("{base}.a", u64::MAX), section("{base}.b", 2)], Vec::new());
        assert_eq!(over.expect_err("refused").code, "executor_protocol");
        assert!(told(vec![section("{base}.a", 101)], Vec::new()).is_err());
        assert!(told(vec![section("{base}.a", 100)], Vec::new()).is_ok());
    }

    #[test]
    fn names_that_could_hit_other_results_are_a_crash() {
        let long = format!("{{base}}{}", "x".repeat(56));
        for name in
            ["", "a", "{base}", "../{base}.a", "{base}/a", "{base}{base}", "{base}\n", &long]
        {
            assert!(told(vec![section(name, 0)], Vec::new()).is_err(), "{name}");
        }
        let twice = vec![section("{base}.a", 0), section("{base}.a", 0)];
        assert!(told(twice, Vec::new()).is_err());
        let many = (0..=ARTIFACT_COUNT_MAX).map(|n| section(&format!("{{base}}.{n}"), 0));
        assert!(told(many.collect(), Vec::new()).is_err());
    }

    #[test]
    fn notes_and_failures_are_cut() {
        let notes = told(Vec::new(), vec!["é".repeat(1_000); 30]).expect("an answer").notes;
        assert_eq!(notes.len(), NOTE_COUNT_MAX);
        assert!(notes.iter().all(|note| note.len() <= NOTE_BYTES_MAX && note.ends_with('…')));
        let endless = Failure {
            kind: FailureKind::Rejected,
            code: "bad".to_owned(),
            cause: "x".repeat(9_000),
            next_step: "y".repeat(9_000),
            duration_us: u64::MAX,
        };
        let cut = Answer::decode(&Answer::encode(&Err(endless.clone())), 0).expect_err("a failure");
        assert!(cut.cause.len() + cut.next_step.len() <= CAUSE_BYTES_MAX);
        assert_eq!((cut.kind, cut.duration_us), (FailureKind::Rejected, 0));
        let nameless = Failure { code: "Not A Name".to_owned(), ..endless };
        let failure = Answer::decode(&Answer::encode(&Err(nameless)), 0).expect_err("a failure");
        assert_eq!(failure.code, "executor_protocol");
    }
}
