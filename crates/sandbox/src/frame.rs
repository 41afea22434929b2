//! What parents and children say to each other: the bytes of every frame, numbers little-endian.
//!
//! What a child says is decoded as hostile: a parser that was taken over says what it likes. Public
//! for the targets that throw such bytes at it.

use crate::death::Bounds;
use crate::launcher::Profile;
use crate::layers::Layers;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

/// First bytes of the frames that a child sends.
const READY: u8 = b'r';
const PROGRESS: u8 = b'p';
const DONE: u8 = b'd';
const ENDED: u8 = b'e';
const UNSTARTED: u8 = b'x';

/// All of the frame that has a launcher end its command.
pub(crate) const KILL: &[u8] = b"k";

/// What an executor or a launcher says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FromChild<'a> {
    /// It is confined by these layers and waits for requests.
    Ready(Layers),
    /// How far an executor is.
    Progress {
        /// Parts done, in the operation's own unit.
        done: u64,
        /// Parts in all; 0 where it does not know.
        total: u64,
    },
    /// An executor's answer: the caller's bytes.
    Done(&'a [u8]),
    /// A launcher's command and all that it started are gone.
    Ended {
        /// Whether it was ended because it had too many processes.
        is_bomb: bool,
        /// Its status as wait(2) tells it.
        status: i32,
    },
    /// A launcher could not start a command.
    Unstarted {
        /// The system's error number.
        errno: i32,
    },
}

/// What a launcher is to start.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CommandRequest {
    /// Size of any file that it writes, in bytes.
    pub file_bytes_max: u64,
    /// The command line for `/bin/sh -c`.
    pub line: OsString,
    /// Variables beside those of the launcher.
    pub variables: Vec<(OsString, OsString)>,
}

impl FromChild<'_> {
    /// Reads a frame; `None`: no child says that.
    #[must_use]
    pub fn decode(frame: &[u8]) -> Option<FromChild<'_>> {
        let (&kind, body) = frame.split_first()?;
        Some(match kind {
            READY => FromChild::Ready(Layers::decode(body)?),
            PROGRESS => {
                let (done, total) = body.split_first_chunk()?;
                let total = u64::from_le_bytes(total.try_into().ok()?);
                FromChild::Progress { done: u64::from_le_bytes(*done), total }
            }
            DONE => FromChild::Done(body),
            ENDED => {
                let (&is_bomb, status) = body.split_first()?;
                let status = i32::from_le_bytes(status.try_into().ok()?);
                FromChild::Ended { is_bomb: is_bomb != 0, status }
            }
            UNSTARTED => FromChild::Unstarted { errno: i32::from_le_bytes(body.try_into().ok()?) },
            _ => return None,
        })
    }

    /// The frame.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        match self {
            FromChild::Ready(layers) => [&[READY][..], &layers.encode()].concat(),
            FromChild::Progress { done, total } => {
                [&[PROGRESS][..], &done.to_le_bytes(), &total.to_le_bytes()].concat()
            }
            FromChild::Done(answer) => [&[DONE], *answer].concat(),
            FromChild::Ended { is_bomb, status } => {
                [&[ENDED, u8::from(*is_bomb)][..], &status.to_le_bytes()].concat()
            }
            FromChild::Unstarted { errno } => [&[UNSTARTED][..], &errno.to_le_bytes()].concat(),
        }
    }
}

impl Bounds {
    /// Bytes of their encoding.
    pub(crate) const FRAME_BYTES: usize = 16;

    pub(crate) fn encode(self) -> [u8; Bounds::FRAME_BYTES] {
        let mut frame = [0; Bounds::FRAME_BYTES];
        frame[..8].copy_from_slice(&self.memory_bytes.to_le_bytes());
        frame[8..].copy_from_slice(&self.output_bytes.to_le_bytes());
        frame
    }

    /// Reads them from the beginning of a frame; the rest is the second part.
    #[must_use]
    pub fn decode(frame: &[u8]) -> Option<(Bounds, &[u8])> {
        let (memory, rest) = frame.split_first_chunk()?;
        let (output, rest) = rest.split_first_chunk()?;
        let memory_bytes = u64::from_le_bytes(*memory);
        Some((Bounds { memory_bytes, output_bytes: u64::from_le_bytes(*output) }, rest))
    }
}

impl Profile {
    /// The first frame that a launcher gets: the profile, and the folder where commands run.
    #[must_use]
    pub fn encode(&self, scratch: &Path) -> Vec<u8> {
        let mut frame = vec![u8::from(self.network)];
        frame.extend(u16::try_from(self.hidden.len()).unwrap_or(u16::MAX).to_le_bytes());
        field(&mut frame, scratch.as_os_str());
        let paths = self.hidden.iter().take(u16::MAX.into()).chain(&self.writable);
        paths.for_each(|path| field(&mut frame, path.as_os_str()));
        frame
    }

    /// Reads it back; `None`: it is not whole.
    #[must_use]
    pub fn decode(frame: &[u8]) -> Option<(Profile, PathBuf)> {
        let (network, rest) = frame.split_first()?;
        let (hidden_count, rest) = rest.split_first_chunk()?;
        let mut paths = fields(rest)?.into_iter().map(PathBuf::from);
        let scratch = paths.next()?;
        let hidden_count = usize::from(u16::from_le_bytes(*hidden_count));
        let hidden: Vec<PathBuf> = paths.by_ref().take(hidden_count).collect();
        let is_whole = hidden.len() == hidden_count;
        let profile = Profile { network: *network != 0, writable: paths.collect(), hidden };
        is_whole.then_some((profile, scratch))
    }
}

impl CommandRequest {
    /// The frame.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut frame = self.file_bytes_max.to_le_bytes().to_vec();
        field(&mut frame, &self.line);
        for (name, value) in &self.variables {
            field(&mut frame, name);
            field(&mut frame, value);
        }
        frame
    }

    /// Reads it back; `None`: it is not whole.
    #[must_use]
    pub fn decode(frame: &[u8]) -> Option<CommandRequest> {
        let (file_bytes_max, rest) = frame.split_first_chunk()?;
        let file_bytes_max = u64::from_le_bytes(*file_bytes_max);
        let mut fields = fields(rest)?.into_iter();
        let line = fields.next()?;
        let mut variables = Vec::new();
        while let Some(name) = fields.next() {
            variables.push((name, fields.next()?));
        }
        Some(CommandRequest { file_bytes_max, line, variables })
    }
}

/// Appends a byte string behind its length.
fn field(frame: &mut Vec<u8>, bytes: &OsStr) {
    let length = u32::try_from(bytes.len()).expect("frames are short");
    frame.extend_from_slice(&length.to_le_bytes());
    frame.extend_from_slice(bytes.as_bytes());
}

/// Reads byte strings to the end; `None`: the last is not whole.
fn fields(mut bytes: &[u8]) -> Option<Vec<OsString>> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let (length, rest) = bytes.split_first_chunk()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let (field, rest) = rest.split_at_checked(length)?;
        fields.push(OsString::from_vec(field.to_vec()));
        bytes = rest;
    }
    Some(fields)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::User;

    #[test]
    fn what_a_child_says_comes_back() {
        let layers = Layers { user: User::Own, landlock_abi: 7, has_filter: true };
        for said in [
            FromChild::Ready(layers),
            FromChild::Progress { done: 1, total: u64::MAX },
            FromChild::Done(b""),
            FromChild::Done(b"answer"),
            FromChild::Ended { is_bomb: true, status: -1 },
            FromChild::Unstarted { errno: 2 },
        ] {
            assert_eq!(FromChild::decode(&said.encode()), Some(said));
        }
        for frame in [&b""[..], b"r", b"p12345678", b"e1234", b"x12345", b"?"] {
            assert_eq!(FromChild::decode(frame), None, "{frame:?}");
        }
    }

    #[test]
    fn a_profile_comes_back() {
        let writable = vec![PathBuf::from("/a b"), PathBuf::from("/c")];
        let hidden = vec![PathBuf::from("/state/secrets")];
        let profile = Profile { network: true, writable, hidden };
        let frame = profile.encode(Path::new("/scratch"));
        assert_eq!(Profile::decode(&frame), Some((profile, PathBuf::from("/scratch"))));
        assert_eq!(Profile::decode(&frame[..1]), None);
        assert_eq!(Profile::decode(&frame[..frame.len() - 1]), None);
    }

    #[test]
    fn a_command_comes_back() {
        let variables = vec![("A".into(), "1 2".into()), ("B".into(), OsString::new())];
        let request = CommandRequest { file_bytes_max: 7, line: "true".into(), variables };
        let frame = request.encode();
        assert_eq!(CommandRequest::decode(&frame), Some(request));
        assert_eq!(CommandRequest::decode(&frame[..frame.len() - 4]), None, "a name alone");
        assert_eq!(CommandRequest::decode(&frame[..8]), None, "no line");
    }
}
