//! What an operation's function is given: the source, the parameters and the output.

use crate::Earlier;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use windlass_core::media::Media;
use windlass_core::model::ModelRef;
use windlass_core::params::Params;
use windlass_core::{BlobId, Failure};

/// One attempt as its function sees it.
pub struct Work<'a> {
    /// The input file; `None` for tasks without one.
    pub source: Option<Source>,
    /// What earlier phases of the job made and this task builds on.
    pub earlier: Earlier<'a>,
    /// The task's position in its phase: what tells apart those that work on the same.
    pub index: u32,
    /// Normalised parameters.
    pub params: &'a Params,
    /// The model that the parameters name, if they do.
    pub model: Option<Model>,
    /// Where artifacts, notes and progress go.
    pub output: &'a mut dyn Output,
}

impl<'a> Work<'a> {
    /// An attempt at a task that builds on no others.
    pub fn new(source: Option<Source>, params: &'a Params, output: &'a mut dyn Output) -> Work<'a> {
        Work { source, earlier: Earlier::default(), index: 0, params, model: None, output }
    }
}

/// A model's open file. Its bytes are those that the id names: whoever opened it has verified them.
#[derive(Debug)]
pub struct Model {
    /// Which one it is.
    pub asked: ModelRef,
    /// To be read by position: others read it at the same time through the same description.
    pub file: File,
}

/// Where an attempt's results go. A seam: the executor's descriptor, a vector in tests.
pub trait Output {
    /// Adds an artifact. `name` holds `{base}` where the input's base name goes
    /// (`processed_{base}.png`, `{base}.txt`); the first artifact added is the main one.
    ///
    /// # Errors
    /// The output limit is reached, or the disk is full.
    fn artifact(&mut self, name: &str, media_type: &str, bytes: &[u8]) -> Result<(), Failure>;

    /// The same of bytes that are not needed any more: who keeps them does not copy them.
    ///
    /// # Errors
    /// As [`Output::artifact`].
    fn artifact_of(&mut self, name: &str, media_type: &str, bytes: Vec<u8>) -> Result<(), Failure> {
        self.artifact(name, media_type, &bytes)
    }

    /// Something that the user should know of a success, one sentence.
    fn note(&mut self, note: String);

    /// Shows that the attempt lives; cheap, call it once a page or a few megabytes. A `total` of 0
    /// says that nobody knows yet how much there is.
    fn progress(&mut self, done: u64, total: u64);

    /// Whether the attempt is to end early; only an operation that waits need ask. An executor is
    /// simply killed.
    fn is_cancelled(&self) -> bool {
        false
    }
}

/// An open input file with what was known of it at submission.
#[derive(Debug)]
pub struct Source {
    file: File,
    /// Its file name, without folders; for messages only.
    pub name: String,
    /// What its results are named by (`{base}`); its file name without extension unless whoever
    /// opened it says otherwise. No two inputs of a job have the same.
    pub base: String,
    /// What its bytes are.
    pub media: Media,
    /// Size in bytes at submission.
    pub size: u64,
    hash: Option<BlobId>,
}

impl Source {
    /// A source whose content must still be `hash`; `None`: whatever it holds.
    #[must_use]
    pub fn new(file: File, name: String, media: Media, size: u64, hash: Option<BlobId>) -> Source {
        let base = Path::new(&name).file_stem().unwrap_or_default().to_string_lossy().into_owned();
        Source { file, name, base, media, size, hash }
    }

    /// The whole content, verified.
    ///
    /// # Errors
    /// `input_too_large` above `bytes_max`, `input_changed` where the content is no longer what was
    /// submitted, `input_unreadable` where the read fails.
    pub fn read(&mut self, bytes_max: u64) -> Result<Vec<u8>, Failure> {
        if self.size > bytes_max {
            return Err(Failure::rejected(
                "input_too_large",
                format!("the file has {} bytes, more than the {bytes_max} allowed", self.size),
                "Split the file.",
            ));
        }
        // One byte more than submitted shows a file that grew.
        let wanted = self.size + 1;
        let mut bytes = Vec::with_capacity(usize::try_from(wanted).unwrap_or(0));
        self.rewind()?;
        let read = (&self.file).take(wanted).read_to_end(&mut bytes);
        read.map_err(|error| unreadable(&error))?;
        if bytes.len() as u64 != self.size {
            return Err(input_changed());
        }
        if self.hash.is_some_and(|hash| BlobId::of(&bytes) != hash) {
            return Err(input_changed());
        }
        Ok(bytes)
    }

    /// Feeds the content piece by piece and verifies it at the end: what `each` built must be
    /// thrown away when this fails.
    ///
    /// # Errors
    /// As [`Source::read`], and whatever `each` returns.
    pub fn stream(
        &mut self,
        mut each: impl FnMut(&[u8]) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        const PIECE_BYTES: usize = 1 << 20;
        let mut hasher = blake3::Hasher::new();
        // A small file needs no large buffer; one byte more than submitted shows a file that grew.
        let wanted = usize::try_from(self.size).unwrap_or(PIECE_BYTES);
        let mut buffer = vec![0_u8; wanted.saturating_add(1).min(PIECE_BYTES)];
        let mut total = 0_u64;
        self.rewind()?;
        loop {
            let count = self.file.read(&mut buffer).map_err(|error| unreadable(&error))?;
            if count == 0 {
                break;
            }
            total += count as u64;
            if total > self.size {
                return Err(input_changed());
            }
            if self.hash.is_some() {
                hasher.update(&buffer[..count]);
            }
            each(&buffer[..count])?;
        }
        let hash_differs =
            self.hash.is_some_and(|hash| BlobId(*hasher.finalize().as_bytes()) != hash);
        if total != self.size || hash_differs { Err(input_changed()) } else { Ok(()) }
    }

    /// The content for a decoder that reads and seeks by itself; [`SourceReader::finish`] verifies.
    ///
    /// # Errors
    /// `input_unreadable` where the file cannot be read from its start.
    pub fn into_reader(mut self) -> Result<SourceReader, Failure> {
        self.rewind()?;
        Ok(SourceReader { source: self, hasher: blake3::Hasher::new(), hashed: 0, position: 0 })
    }

    fn rewind(&mut self) -> Result<(), Failure> {
        self.file.seek(SeekFrom::Start(0)).map(|_| ()).map_err(|error| unreadable(&error))
    }
}

/// A source that is read in any order. Bytes are hashed as they pass for the first time in file
/// order, what was jumped over by [`SourceReader::finish`]: each byte once.
#[derive(Debug)]
pub struct SourceReader {
    source: Source,
    hasher: blake3::Hasher,
    /// Bytes from the start that are hashed.
    hashed: u64,
    position: u64,
}

impl SourceReader {
    /// Size in bytes at submission.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.source.size
    }

    /// Where the next byte is read.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Verifies the content: what was built from it must be thrown away when this fails.
    ///
    /// # Errors
    /// As [`Source::read`].
    pub fn finish(mut self) -> Result<(), Failure> {
        const PIECE_BYTES: u64 = 1 << 16;
        let length = self.source.file.metadata().map_err(|error| unreadable(&error))?.len();
        if length != self.source.size {
            return Err(input_changed());
        }
        let Some(hash) = self.source.hash else { return Ok(()) };
        self.seek(SeekFrom::Start(self.hashed)).map_err(|error| unreadable(&error))?;
        let rest = (self.source.size - self.hashed).min(PIECE_BYTES);
        let mut buffer = vec![0_u8; usize::try_from(rest).unwrap_or(0)];
        while self.hashed < self.source.size {
            if self.read(&mut buffer).map_err(|error| unreadable(&error))? == 0 {
                return Err(input_changed());
            }
        }
        let is_same = BlobId(*self.hasher.finalize().as_bytes()) == hash;
        if is_same { Ok(()) } else { Err(input_changed()) }
    }
}

impl Read for SourceReader {
    /// Ends where the content ended at submission.
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let left = usize::try_from(self.source.size.saturating_sub(self.position));
        let wanted = buffer.len().min(left.unwrap_or(usize::MAX));
        let count = self.source.file.read(&mut buffer[..wanted])?;
        let end = self.position + count as u64;
        if self.position <= self.hashed && end > self.hashed {
            if self.source.hash.is_some() {
                let known = usize::try_from(self.hashed - self.position).unwrap_or(count);
                self.hasher.update(&buffer[known..count]);
            }
            self.hashed = end;
        }
        self.position = end;
        Ok(count)
    }
}

impl Seek for SourceReader {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.position = self.source.file.seek(to)?;
        Ok(self.position)
    }
}

/// The failure of an input whose content is no longer what was submitted.
#[must_use]
pub fn input_changed() -> Failure {
    Failure::rejected(
        "input_changed",
        "the file changed while in work",
        "Run the same command again: the changed file is taken as a new input.",
    )
}

fn unreadable(error: &std::io::Error) -> Failure {
    Failure::rejected(
        "input_unreadable",
        format!("the file cannot be read: {error}"),
        "Check the disk and the permissions, then run again with --failed.",
    )
}
