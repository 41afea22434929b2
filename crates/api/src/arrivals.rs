//! Blobs on their way in.

use crate::node::{Traffic, of_blobs, of_write};
use std::io::{self, Write};
use std::sync::Arc;
use tracing::info;
use windlass_blobs::{BlobError, BlobWriter, Blobs};
use windlass_core::BlobId;
use windlass_wire::{BlobSink, HostError};

/// A blob from its start, whatever it will be.
pub(crate) fn begin(blobs: &Blobs, traffic: &Arc<Traffic>) -> Result<Box<dyn BlobSink>, HostError> {
    let (writer, traffic) = (blobs.writer().map_err(of_blobs)?, Arc::clone(traffic));
    Ok(Box::new(Arriving { writer, named: None, has_come: false, traffic }))
}

/// What is to become this blob, behind so many bytes that have come of it.
pub(crate) fn go_on(
    blobs: &Blobs,
    traffic: &Arc<Traffic>,
    id: BlobId,
    offset: u64,
) -> Result<Box<dyn BlobSink>, HostError> {
    match blobs.resume(id, offset).map_err(of_blobs)? {
        Some(writer) => {
            let (named, traffic) = (Some((id, offset)), Arc::clone(traffic));
            Ok(Box::new(Arriving { writer, named, has_come: false, traffic }))
        }
        // Whoever sends it whole is not disturbed by another who does.
        None if offset == 0 => begin(blobs, traffic),
        None if blobs.put_again(id).map_err(of_blobs)? => Ok(Box::new(Present(id))),
        None => Err(HostError::Ended(format!("blob {id} has come otherwise meanwhile"))),
    }
}

struct Arriving {
    writer: BlobWriter,
    /// The blob that it is to become, and how much of it had come before.
    named: Option<(BlobId, u64)>,
    /// Whether bytes of it have come by this connection.
    has_come: bool,
    traffic: Arc<Traffic>,
}

impl BlobSink for Arriving {
    fn write(&mut self, bytes: &[u8]) -> Result<(), HostError> {
        // One that was left here whole comes without bytes.
        let is_first = !bytes.is_empty() && !std::mem::replace(&mut self.has_come, true);
        if let Some((blob, before @ 1..)) = self.named.filter(|_| is_first) {
            info!(%blob, bytes = before, "an upload goes on where it broke off");
        }
        self.traffic.on_received(bytes.len());
        self.writer.write_all(bytes).map_err(of_write)
    }

    fn finish(self: Box<Self>) -> Result<BlobId, HostError> {
        let Arriving { writer, named, .. } = *self;
        let finished = writer.finish().map(|(id, _)| id);
        finished.map_err(|error| match (&error, named) {
            (BlobError::Damaged { .. }, Some((id, 0))) => {
                HostError::Refused(format!("the bytes that came are not blob {id}"))
            }
            // The sender looks again, and finds that nothing has come.
            (BlobError::Damaged { .. }, Some((id, _))) => HostError::Ended(format!(
                "what had come of blob {id} was damaged, it is needed anew"
            )),
            // Whoever had left it took it back.
            (BlobError::Io { source, .. }, Some((id, 1..)))
                if source.kind() == io::ErrorKind::NotFound =>
            {
                HostError::Ended(format!("what had come of blob {id} is gone, it is needed anew"))
            }
            _ => of_blobs(error),
        })
    }
}

/// A blob that is there already, for who says that all of it has come.
struct Present(BlobId);

impl BlobSink for Present {
    fn write(&mut self, bytes: &[u8]) -> Result<(), HostError> {
        match bytes.is_empty() {
            true => Ok(()),
            false => Err(HostError::Ended(format!("blob {} has come otherwise", self.0))),
        }
    }

    fn finish(self: Box<Self>) -> Result<BlobId, HostError> {
        Ok(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    const CONTENT: &[u8] = b"some words";

    struct Place {
        blobs: Blobs,
        _folder: tempfile::TempDir,
    }

    impl Place {
        fn new() -> Place {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let blobs = Blobs::open(folder.path().join("blobs")).expect("opened");
            Place { blobs, _folder: folder }
        }

        fn go_on(&self, offset: u64) -> Result<Box<dyn BlobSink>, HostError> {
            go_on(&self.blobs, &Arc::default(), BlobId::of(CONTENT), offset)
        }

        /// So much comes, and no more.
        fn break_off(&self, bytes: &[u8]) {
            let mut sink = self.go_on(0).expect("begun");
            sink.write(bytes).expect("written");
        }
    }

    fn refused<T>(what: Result<T, HostError>) -> HostError {
        what.err().expect("refused")
    }

    #[test]
    fn a_full_disk_is_told_from_one_that_fails() {
        let of = |kind: io::ErrorKind| of_write(kind.into());
        assert!(matches!(of(io::ErrorKind::StorageFull), HostError::Full(_)));
        assert!(matches!(of(io::ErrorKind::QuotaExceeded), HostError::Full(_)));
        assert!(matches!(of(io::ErrorKind::BrokenPipe), HostError::Failed(_)));
    }

    #[test]
    fn a_blob_goes_on_behind_what_has_come() {
        let place = Place::new();
        place.break_off(&CONTENT[..4]);
        let mut sink = place.go_on(4).expect("so much has come");
        sink.write(&CONTENT[4..]).expect("written");
        assert_eq!(sink.finish().expect("whole"), BlobId::of(CONTENT));
        assert!(matches!(refused(Place::new().go_on(4)), HostError::Ended(_)), "nothing has come");
    }

    #[test]
    fn what_is_not_the_blob_is_refused_and_what_was_damaged_is_needed_anew() {
        let place = Place::new();
        let mut sink = place.go_on(0).expect("begun");
        sink.write(b"other words").expect("written");
        assert!(matches!(refused(sink.finish()), HostError::Refused(_)));
        place.break_off(b"s0me");
        let mut sink = place.go_on(4).expect("so much has come");
        sink.write(&CONTENT[4..]).expect("written");
        assert!(matches!(refused(sink.finish()), HostError::Ended(_)));
        assert_eq!(place.blobs.partial_bytes(BlobId::of(CONTENT)), 0);
    }

    #[test]
    fn what_is_taken_back_meanwhile_is_needed_anew() {
        let place = Place::new();
        place.break_off(CONTENT);
        let sink = place.go_on(CONTENT.len() as u64).expect("all of it has come");
        let left = place.blobs.dir().join("partial").join(BlobId::of(CONTENT).to_hex());
        fs::remove_file(left).expect("removed");
        assert!(matches!(refused(sink.finish()), HostError::Ended(_)));
    }

    #[test]
    fn what_is_there_already_is_put_without_its_bytes_alone() {
        let place = Place::new();
        let id = place.blobs.put(CONTENT).expect("put");
        let all = CONTENT.len() as u64;
        let mut sink = place.go_on(all).expect("it is there");
        assert!(matches!(refused(sink.write(b"more")), HostError::Ended(_)));
        sink.write(b"").expect("nothing");
        assert_eq!(sink.finish().expect("there"), id);
        fs::write(place.blobs.path(id), "s0me words").expect("damaged");
        assert!(matches!(refused(place.go_on(all)), HostError::Ended(_)));
    }
}
