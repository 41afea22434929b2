//! The bytes of blobs between connections and the disk. Nobody holds a thread while he waits for a
//! peer, and whose peer says or takes nothing for long is ended: others need the place.

use super::service::blocking;
use crate::blob_host::{BlobHost, BlobSink, Source};
use crate::convert::blob_id;
use crate::generated as pb;
use crate::host::HostError;
use crate::limits::{PIECE_BYTES, PIECE_COUNT_MAX};
use prost::bytes::Bytes;
use std::future::poll_fn;
use std::io::Read;
use std::ops::ControlFlow;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::timeout;
use tokio_stream::Stream;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Status, Streaming};
use windlass_core::BlobId;

/// Streams that are at work at once; those above wait. Each may have a file open and, while its
/// disk is slow, a thread: a quarter of the 1,024 descriptors that a process commonly has, half of
/// the 512 threads that a runtime has for what blocks.
const STREAM_COUNT_MAX: usize = 256;
/// A stream whose peer says or takes nothing for so long is ended. A piece of 256 KiB takes 8 s at
/// 256 kbit/s, and some streams may share that.
const QUIET_TIMEOUT: Duration = Duration::from_secs(60);
/// What is written at once, of what has come: the many small results of a worker are few trips to a
/// thread.
const BATCH_BYTES_MAX: usize = PIECE_COUNT_MAX * PIECE_BYTES;
const BATCH_PIECE_COUNT_MAX: usize = 1_024;

const NOTHING_CAME: &str = "no piece of a blob came for 60 s: send the rest again";
const NOTHING_TAKEN: &str = "no piece of the blob was taken for 60 s: ask for the rest again";

pub(super) type Pieces = ReceiverStream<Result<pb::BlobPiece, Status>>;

/// Places for streams; clones share them.
#[derive(Clone, Debug)]
pub(super) struct Places(Arc<Semaphore>);

/// A stream's place, until it is dropped.
#[derive(Debug)]
pub(super) struct Place(#[expect(dead_code, reason = "it is only held")] OwnedSemaphorePermit);

impl Places {
    pub(super) fn new() -> Places {
        Places(Arc::new(Semaphore::new(STREAM_COUNT_MAX)))
    }

    /// Waits for a place.
    pub(super) async fn take(&self) -> Result<Place, Status> {
        let permit = Arc::clone(&self.0).acquire_owned().await;
        permit.map(Place).map_err(|error| Status::internal(error.to_string()))
    }
}

/// Writes the pieces of one blob after the other, and makes them durable together.
pub(super) async fn receive<H: BlobHost>(
    place: Place,
    host: Arc<H>,
    mut incoming: Streaming<pb::BlobPiece>,
) -> Result<Vec<BlobId>, Status> {
    let mut arriving = Arriving { host, open: None, stored: Vec::new(), _place: place };
    loop {
        let batch = next_batch(&mut incoming).await;
        match blocking(move || arriving.on_batch(batch)).await? {
            ControlFlow::Continue(goes_on) => arriving = goes_on,
            ControlFlow::Break(ended) => return ended,
        }
    }
}

/// Pieces that came together, and how the stream ended if it did.
#[derive(Default)]
struct Batch {
    pieces: Vec<pb::BlobPiece>,
    bytes: usize,
    end: Option<Result<(), Status>>,
}

impl Batch {
    fn add(&mut self, message: Result<Option<pb::BlobPiece>, Status>) {
        match message {
            Ok(Some(piece)) => {
                self.bytes += piece.bytes.len();
                self.pieces.push(piece);
            }
            Ok(None) => self.end = Some(Ok(())),
            Err(status) => self.end = Some(Err(status)),
        }
    }

    fn has_room(&self) -> bool {
        let is_full = self.bytes >= BATCH_BYTES_MAX || self.pieces.len() >= BATCH_PIECE_COUNT_MAX;
        !is_full && self.end.is_none()
    }
}

/// Waits for the next piece, and takes what has come behind it.
async fn next_batch(incoming: &mut Streaming<pb::BlobPiece>) -> Batch {
    let mut batch = Batch::default();
    let first = timeout(QUIET_TIMEOUT, incoming.message()).await;
    batch.add(first.unwrap_or_else(|_| Err(Status::unavailable(NOTHING_CAME))));
    while batch.has_room() {
        let next = poll_fn(|cx| {
            Poll::Ready(match Pin::new(&mut *incoming).poll_next(cx) {
                Poll::Ready(next) => Some(next.transpose()),
                Poll::Pending => None,
            })
        });
        match next.await {
            Some(message) => batch.add(message),
            None => break,
        }
    }
    batch
}

/// What comes by one stream.
struct Arriving<H> {
    host: Arc<H>,
    open: Option<Box<dyn BlobSink>>,
    stored: Vec<BlobId>,
    _place: Place,
}

/// How a stream goes on, or what it ended with.
type Step<H> = ControlFlow<Result<Vec<BlobId>, Status>, Arriving<H>>;

impl<H: BlobHost> Arriving<H> {
    fn on_batch(mut self, batch: Batch) -> Result<Step<H>, HostError> {
        for piece in batch.pieces {
            self.on_piece(&piece)?;
        }
        Ok(match batch.end {
            None => ControlFlow::Continue(self),
            Some(Ok(())) => {
                self.host.sync()?;
                ControlFlow::Break(Ok(self.stored))
            }
            Some(Err(status)) => ControlFlow::Break(Err(status)),
        })
    }

    fn on_piece(&mut self, piece: &pb::BlobPiece) -> Result<(), HostError> {
        let mut sink = match self.open.take() {
            Some(sink) => sink,
            None if piece.begin.is_empty() => self.host.blob_sink()?,
            None => {
                let id = blob_id(&piece.begin).map_err(|e| HostError::Refused(e.to_string()))?;
                self.host.resume_blob(id, piece.offset)?
            }
        };
        sink.write(&piece.bytes)?;
        if piece.end.is_empty() {
            self.open = Some(sink);
            return Ok(());
        }
        let id = sink.finish()?;
        if piece.end != id.0.as_slice() {
            return Err(HostError::Refused(format!("the bytes that came are blob {id}")));
        }
        self.stored.push(id);
        Ok(())
    }
}

/// Sends what a source has; the last piece bears the blob's name, where it is known.
pub(super) fn send(place: Place, source: Source, id: Option<BlobId>) -> Pieces {
    // One more, for the word that it was not taken.
    let (outgoing, pieces) = mpsc::channel(PIECE_COUNT_MAX + 1);
    tokio::spawn(hand_over(Leaving { source, id, _place: place }, outgoing));
    ReceiverStream::new(pieces)
}

async fn hand_over(mut leaving: Leaving, outgoing: mpsc::Sender<Result<pb::BlobPiece, Status>>) {
    let Ok(last_word) = outgoing.clone().try_reserve_owned() else { return };
    loop {
        let room = match timeout(QUIET_TIMEOUT, outgoing.reserve()).await {
            Ok(Ok(room)) => room,
            // The peer is gone.
            Ok(Err(_)) => return,
            Err(_) => {
                last_word.send(Err(Status::unavailable(NOTHING_TAKEN)));
                return;
            }
        };
        let read = blocking(move || Ok(leaving.read())).await;
        let (piece, goes_on) = read.unwrap_or_else(|status| (Err(status), None));
        room.send(piece);
        match goes_on {
            Some(rest) => leaving = rest,
            None => return,
        }
    }
}

/// What goes by one stream.
struct Leaving {
    source: Source,
    id: Option<BlobId>,
    _place: Place,
}

impl Leaving {
    /// The next piece, and what is left if it is not the last.
    fn read(mut self) -> (Result<pb::BlobPiece, Status>, Option<Leaving>) {
        let mut bytes = Vec::with_capacity(PIECE_BYTES);
        let read = self.source.by_ref().take(PIECE_BYTES as u64).read_to_end(&mut bytes);
        match read {
            Err(error) => (Err(Status::data_loss(error.to_string())), None),
            Ok(count) => {
                let has_ended = count < PIECE_BYTES;
                let end = self.id.filter(|_| has_ended).map(|id| Bytes::copy_from_slice(&id.0));
                let (bytes, end) = (bytes.into(), end.unwrap_or_default());
                let piece = pb::BlobPiece { bytes, end, ..pb::BlobPiece::default() };
                (Ok(piece), (!has_ended).then_some(self))
            }
        }
    }
}

#[cfg(test)]
#[path = "pieces_tests.rs"]
mod tests;
