//! Blobs from a master elsewhere. One that breaks off goes on where it was, also when another
//! process fetches it next: what has come waits in a file beside its target.

use crate::cluster::ClusterError;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use windlass_blobs::OpenBlob;
use windlass_core::BlobId;
use windlass_wire::{Client, WireError};

/// So often in a row a connection may bring next to nothing.
const VAIN_COUNT_MAX: u32 = 6;
/// What next to nothing is.
const PROGRESS_BYTES_MIN: u64 = 256 << 10;
/// Pause before the first repetition; doubles: 6.2 s in all.
const PAUSE_MIN: Duration = Duration::from_millis(200);
/// What is said where whoever wanted a blob has left.
pub(crate) const STOPPED: &str = "it was stopped";
/// Bytes hashed at once.
const PIECE_BYTES: usize = 256 << 10;
/// What has come of a blob is named `.windlass-<its name>.part`.
const PART_PREFIX: &str = ".windlass-";
const PART_SUFFIX: &str = ".part";
/// What nobody goes on with is removed after so long.
const PART_GRACE: Duration = Duration::from_secs(24 * 60 * 60);

/// Asks for the bytes of one blob from an offset on; `Unwritten`: whoever wanted them has left.
pub(crate) type Ask<'a> = &'a dyn Fn(u64, &mut dyn Write) -> Result<(), WireError>;

/// Writes a blob's bytes from an offset on. Where the connection breaks it is asked for again,
/// behind what has come: `into` gets each byte once. `wait` makes the pauses.
///
/// # Errors
/// `Take` where `into` takes no more, else what the connection said last.
pub(crate) fn receive(
    ask: Ask<'_>,
    offset: u64,
    into: &mut dyn Write,
    wait: &dyn Fn(Duration),
) -> Result<(), ClusterError> {
    let mut counted = Counted { into, count: offset, failed: None };
    let mut vain_count = 0;
    loop {
        let before = counted.count;
        let Err(error) = ask(before, &mut counted) else { return Ok(()) };
        if let Some(error) = counted.failed {
            return Err(ClusterError::Take(error));
        }
        if !error.is_lost() {
            return Err(error.into());
        }
        let came_bytes = counted.count - before;
        vain_count = if came_bytes < PROGRESS_BYTES_MIN { vain_count + 1 } else { 1 };
        if vain_count == VAIN_COUNT_MAX {
            return Err(error.into());
        }
        wait(PAUSE_MIN * 2_u32.pow(vain_count - 1));
    }
}

/// Writes a blob of at most so many bytes, verified; goes on where the connection breaks.
///
/// # Errors
/// See [`ClusterError`]; what was written is worth nothing then.
pub(crate) fn copy_from(
    client: &Client,
    id: BlobId,
    bytes_max: u64,
    into: &mut dyn Write,
) -> Result<(), ClusterError> {
    let ask = |offset, into: &mut dyn Write| client.copy_blob(id, offset, bytes_max - offset, into);
    let mut hashed = Hashed::new(into);
    receive(&ask, 0, &mut hashed, &std::thread::sleep)?;
    if hashed.id() == id { Ok(()) } else { Err(ClusterError::Damaged(id)) }
}

/// A blob where it lies, if its master is on this machine and this user may read there: bytes that
/// need not pass through two processes and a connection. Where it fails the master is asked, who
/// knows what is wrong with the blob.
pub(crate) fn lying_here(client: &Client, id: BlobId) -> Option<OpenBlob> {
    client.blob_folder().and_then(|folder| OpenBlob::find(folder, id))
}

/// Takes bytes unless whoever wanted them has left.
pub(crate) struct Unless<'a> {
    is_left: &'a dyn Fn() -> bool,
    into: &'a mut dyn Write,
}

impl<'a> Unless<'a> {
    pub(crate) fn new(is_left: &'a dyn Fn() -> bool, into: &'a mut dyn Write) -> Unless<'a> {
        Unless { is_left, into }
    }
}

impl Write for Unless<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match (self.is_left)() {
            true => Err(io::Error::other(STOPPED)),
            false => self.into.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.into.flush()
    }
}

/// Counts what passes, and keeps why no more does.
struct Counted<'a> {
    into: &'a mut dyn Write,
    count: u64,
    failed: Option<io::Error>,
}

impl Write for Counted<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.into.write(bytes);
        match written {
            Ok(count) => {
                self.count += count as u64;
                Ok(count)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                let told = io::Error::from(error.kind());
                self.failed = Some(error);
                Err(told)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.into.flush()
    }
}

/// Hashes what it hands on.
pub(crate) struct Hashed<'a> {
    into: &'a mut dyn Write,
    hasher: blake3::Hasher,
}

impl<'a> Hashed<'a> {
    pub(crate) fn new(into: &'a mut dyn Write) -> Hashed<'a> {
        Hashed { into, hasher: blake3::Hasher::new() }
    }

    /// The name of all that passed.
    pub(crate) fn id(&self) -> BlobId {
        BlobId(*self.hasher.finalize().as_bytes())
    }
}

impl Write for Hashed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.into.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.into.flush()
    }
}

/// Why a blob is not in place.
#[derive(Debug)]
pub(crate) enum FetchError {
    /// The file system refuses.
    Io(io::Error),
    /// The cluster does not give it.
    Refused(ClusterError),
    /// The connection broke too often; so many bytes are kept for the next time.
    Broken { came_bytes: u64, error: ClusterError },
    /// Whoever asked for it has left; what has come is kept.
    Left,
}

/// Puts a blob in place, whole and verified, going on with what came of it before. `spare` is where
/// it is written while another process fetches the same to the same folder.
pub(crate) fn fetch(
    ask: Ask<'_>,
    (id, size): (BlobId, u64),
    path: &Path,
    spare: &Path,
    wait: &dyn Fn(Duration),
) -> Result<(), FetchError> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let named = folder.join(part_name(id));
    let opened = match Part::open(&named, true) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(folder).and_then(|()| Part::open(&named, true))
        }
        opened => opened,
    };
    let mut part = match opened.map_err(FetchError::Io)? {
        Some(part) => part,
        None => {
            let alone = Part::open(spare, false).map_err(FetchError::Io)?;
            alone.ok_or_else(|| FetchError::Io(io::ErrorKind::AlreadyExists.into()))?
        }
    };
    match part.fill(ask, id, size, wait) {
        Ok(()) => fs::rename(&part.path, path).map_err(FetchError::Io),
        Err(error) => {
            let error = match error {
                ClusterError::Wire(WireError::Unwritten(_)) => FetchError::Left,
                ClusterError::Wire(error) if error.is_lost() || error.is_denied() => {
                    let came_bytes = if part.is_kept { part.came_bytes() } else { 0 };
                    FetchError::Broken { came_bytes, error: error.into() }
                }
                ClusterError::Take(error) => FetchError::Io(error),
                error => FetchError::Refused(error),
            };
            let goes_on = matches!(error, FetchError::Left | FetchError::Broken { .. });
            if !(part.is_kept && goes_on) {
                // Nothing else can be done about a file that will not go either.
                let _ = fs::remove_file(&part.path);
            }
            Err(error)
        }
    }
}

/// A file that becomes a blob; nobody else writes it meanwhile.
struct Part {
    path: PathBuf,
    file: File,
    /// Whether what has come stays for the next time.
    is_kept: bool,
}

impl Part {
    /// `None`: another process has it.
    fn open(path: &Path, is_kept: bool) -> io::Result<Option<Part>> {
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Ok(None),
            // Some file systems lock nothing; then a name of this process's own is safe.
            Err(fs::TryLockError::Error(_)) if is_kept => return Ok(None),
            Err(fs::TryLockError::Error(_)) => {}
        }
        // Whoever had it before may have put it in place since: it is a result now, not a part.
        let is_it = path.symlink_metadata().is_ok_and(|there| {
            file.metadata().is_ok_and(|ours| (there.dev(), there.ino()) == (ours.dev(), ours.ino()))
        });
        Ok(is_it.then(|| Part { path: path.to_owned(), file, is_kept }))
    }

    /// Brings what is missing, and verifies the whole.
    fn fill(
        &mut self,
        ask: Ask<'_>,
        id: BlobId,
        size: u64,
        wait: &dyn Fn(Duration),
    ) -> Result<(), ClusterError> {
        loop {
            let mut sink = io::sink();
            let mut hashed = Hashed::new(&mut sink);
            let had_bytes = self.had(size, &mut hashed).map_err(ClusterError::Take)?;
            let Hashed { hasher, .. } = hashed;
            let mut hashed = Hashed { into: &mut self.file, hasher };
            if had_bytes < size {
                receive(ask, had_bytes, &mut hashed, wait)?;
            }
            if hashed.id() == id {
                return Ok(());
            }
            self.empty().map_err(ClusterError::Take)?;
            if had_bytes == 0 {
                return Err(ClusterError::Damaged(id));
            }
            // What had come before was damaged, as by a loss of power: all of it comes anew.
        }
    }

    /// Hashes what came before, and stands behind it.
    fn had(&mut self, size: u64, hashed: &mut Hashed<'_>) -> io::Result<u64> {
        if self.file.metadata()?.len() > size {
            self.empty()?;
        }
        self.file.seek(SeekFrom::Start(0))?;
        let mut piece = vec![0; PIECE_BYTES];
        let mut had_bytes = 0;
        loop {
            let count = self.file.read(&mut piece)?;
            if count == 0 {
                return Ok(had_bytes);
            }
            hashed.write_all(&piece[..count])?;
            had_bytes += count as u64;
        }
    }

    fn came_bytes(&self) -> u64 {
        self.file.metadata().map_or(0, |facts| facts.len())
    }

    fn empty(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()
    }
}

fn part_name(id: BlobId) -> String {
    format!("{PART_PREFIX}{}{PART_SUFFIX}", id.to_hex())
}

/// Removes a file of this name if it is a part that nobody has gone on with for a day.
pub(crate) fn sweep_part(path: &Path) {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let hex = name.strip_prefix(PART_PREFIX).and_then(|rest| rest.strip_suffix(PART_SUFFIX));
    let is_part = hex.is_some_and(|hex| hex.len() == 64 && hex.bytes().all(is_digit));
    let changed = path.symlink_metadata().and_then(|facts| facts.modified());
    let age = changed.ok().and_then(|at| SystemTime::now().duration_since(at).ok());
    if is_part && age.is_some_and(|age| age > PART_GRACE) {
        // Left for the next time where it will not go.
        let _ = fs::remove_file(path);
    }
}

fn is_digit(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

#[cfg(test)]
mod tests;
