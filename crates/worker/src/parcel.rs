//! What an attempt made and a master elsewhere has not got yet. A slot packs it and goes on; the
//! keeper sends the parcels of all slots together, so that one wait for the master's disk is
//! enough.

use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::os::unix::fs::FileExt;
use windlass_core::BlobId;
use windlass_wire::WireError;

/// Blobs of one result, in the order in which they were made: the manifest last.
#[derive(Debug, Default)]
pub(crate) struct Parcel {
    blobs: Vec<(BlobId, Content)>,
}

#[derive(Debug)]
enum Content {
    Bytes(Vec<u8>),
    Section { file: File, offset: u64, size: u64 },
}

impl Parcel {
    /// Packs bytes that have this name.
    pub(crate) fn pack(&mut self, id: BlobId, bytes: Vec<u8>) {
        self.blobs.push((id, Content::Bytes(bytes)));
    }

    /// Packs a section of a file, which had this name when it was hashed.
    pub(crate) fn pack_from(
        &mut self,
        id: BlobId,
        file: &File,
        offset: u64,
        size: u64,
    ) -> io::Result<()> {
        self.blobs.push((id, Content::Section { file: file.try_clone()?, offset, size }));
        Ok(())
    }

    /// Those that the master may have from elsewhere, and that cost much to send.
    pub(crate) fn large(&self) -> impl Iterator<Item = BlobId> {
        let is_large = |content: &Content| matches!(content, Content::Section { .. });
        self.blobs.iter().filter(move |(_, content)| is_large(content)).map(|(id, _)| *id)
    }

    /// All of them but those that the master has.
    pub(crate) fn unsent(
        &self,
        has: impl Fn(BlobId) -> bool,
    ) -> impl Iterator<Item = (BlobId, Packed<'_>)> {
        self.blobs.iter().filter(move |(id, _)| !has(*id)).map(|(id, content)| {
            let unsent = match content {
                Content::Bytes(bytes) => Packed::Bytes(bytes),
                Content::Section { file, offset, size } => {
                    Packed::Section(Section::new(file, *offset, *size))
                }
            };
            (*id, unsent)
        })
    }
}

/// What is to be sent of a blob.
pub(crate) enum Packed<'a> {
    Bytes(&'a [u8]),
    Section(Section<'a>),
}

impl Packed<'_> {
    /// Its length in bytes.
    pub(crate) fn len(&self) -> u64 {
        match self {
            Packed::Bytes(bytes) => bytes.len() as u64,
            Packed::Section(section) => section.len(),
        }
    }

    /// Writes it into a file of this machine.
    pub(crate) fn write_to(&self, file: &mut File) -> io::Result<()> {
        match self {
            Packed::Bytes(bytes) => file.write_all(bytes),
            Packed::Section(section) => section.write_to(file),
        }
    }
}

impl Read for Packed<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Packed::Bytes(bytes) => bytes.read(into),
            Packed::Section(section) => section.read(into),
        }
    }
}

/// A part of a file, read without moving its position.
#[derive(Clone, Copy)]
pub(crate) struct Section<'a> {
    file: &'a File,
    offset: u64,
    left: u64,
}

impl<'a> Section<'a> {
    pub(crate) fn new(file: &'a File, offset: u64, size: u64) -> Section<'a> {
        Section { file, offset, left: size }
    }

    /// Bytes that are left of it.
    pub(crate) fn len(&self) -> u64 {
        self.left
    }

    /// Writes what is left of it into a file.
    pub(crate) fn write_to(mut self, file: &mut File) -> io::Result<()> {
        /// Copied at once.
        const PIECE_BYTES: usize = 256 << 10;
        let mut out = BufWriter::with_capacity(PIECE_BYTES, file);
        io::copy(&mut self, &mut out)?;
        out.flush()
    }
}

impl Read for Section<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let wanted = usize::try_from(self.left).unwrap_or(usize::MAX).min(into.len());
        let count = self.file.read_at(&mut into[..wanted], self.offset)?;
        if count == 0 && wanted > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.offset += count as u64;
        self.left -= count as u64;
        Ok(count)
    }
}

/// Sends parcels together. Where the master refuses that, each goes alone: the one that is not what
/// it was when it was packed fails, and no other.
pub(crate) fn send(
    parcels: &[&Parcel],
    mut put: impl FnMut(&[&Parcel]) -> Result<(), WireError>,
) -> Vec<Result<(), WireError>> {
    match put(parcels) {
        Err(error) if !error.is_lost() && parcels.len() > 1 => {
            parcels.iter().map(|parcel| put(&[*parcel])).collect()
        }
        result => vec![result; parcels.len()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_wire::Address;

    fn packed(text: &str) -> (BlobId, Parcel) {
        let mut parcel = Parcel::default();
        let id = BlobId::of(text.as_bytes());
        parcel.pack(id, text.as_bytes().to_vec());
        (id, parcel)
    }

    #[test]
    fn what_the_master_has_is_not_sent_again() {
        let mut file = tempfile::tempfile().expect("a file");
        std::io::Write::write_all(&mut file, b"..result..").expect("written");
        let (first, (second, mut parcel)) = (BlobId::of(b"result"), packed("manifest"));
        parcel.pack_from(first, &file, 2, 6).expect("packed");
        assert_eq!(parcel.large().collect::<Vec<_>>(), [first]);
        let sent = |has: BlobId| {
            let unsent = parcel.unsent(move |id| id == has);
            unsent.map(|(_, source)| io::read_to_string(source).expect("read"))
        };
        assert_eq!(sent(first).collect::<Vec<_>>(), ["manifest"]);
        assert_eq!(sent(second).collect::<Vec<_>>(), ["result"]);
    }

    #[test]
    fn a_parcel_that_is_refused_fails_alone() {
        let (refused, bad) = packed("changed");
        let (_, good) = packed("as it was");
        let error = WireError::Refused("other bytes".to_owned());
        let put = |some: &[&Parcel]| {
            let has_bad = some.iter().any(|it| it.blobs.iter().any(|(id, _)| *id == refused));
            if has_bad { Err(error.clone()) } else { Ok(()) }
        };
        let expected = [Ok(()), Err(error.clone()), Ok(())];
        assert_eq!(send(&[&good, &bad, &good], put), expected);
    }

    #[test]
    fn a_lost_connection_is_not_tried_once_for_each_parcel() {
        let ((_, first), (_, second)) = (packed("a"), packed("b"));
        let address = Address::Tcp("127.0.0.1:5000".to_owned());
        let error = WireError::Lost { address, cause: "it is gone".to_owned() };
        let mut count = 0;
        let answers = send(&[&first, &second], |_| {
            count += 1;
            Err(error.clone())
        });
        assert_eq!((count, answers), (1, vec![Err(error.clone()), Err(error)]));
    }
}
