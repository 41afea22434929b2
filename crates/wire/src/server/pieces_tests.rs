//! Streams of blobs over a disk that only remembers, and peers that fall silent.

use super::*;
use crate::blob_host::LocalFile;
use axum::body::Body;
use prost::Message;
use std::io;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::runtime::Builder;
use tokio::time::Instant;
use tokio_stream::StreamExt;
use tonic::Code;
use tonic::codec::Codec;
use tonic_prost::ProstCodec;
use windlass_core::TaskId;

/// A disk that keeps what it is told.
#[derive(Default)]
struct Disk {
    begun_count: AtomicUsize,
    sync_count: AtomicUsize,
    stored: Arc<Mutex<Vec<Vec<u8>>>>,
}

struct Sink {
    bytes: Vec<u8>,
    stored: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl BlobSink for Sink {
    fn write(&mut self, bytes: &[u8]) -> Result<(), HostError> {
        self.bytes.extend(bytes);
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<BlobId, HostError> {
        let id = BlobId::of(&self.bytes);
        self.stored.lock().expect("whole").push(self.bytes);
        Ok(id)
    }
}

fn unasked<T>() -> Result<T, HostError> {
    Err(HostError::Failed("not asked for here".to_owned()))
}

impl BlobHost for Disk {
    fn missing(&self, _: Vec<BlobId>) -> Result<Vec<BlobId>, HostError> {
        unasked()
    }

    fn blob_sink(&self) -> Result<Box<dyn BlobSink>, HostError> {
        self.begun_count.fetch_add(1, Ordering::Relaxed);
        Ok(Box::new(Sink { bytes: Vec::new(), stored: Arc::clone(&self.stored) }))
    }

    fn begun(&self, _: Vec<BlobId>) -> Result<Vec<u64>, HostError> {
        unasked()
    }

    fn resume_blob(&self, _: BlobId, _: u64) -> Result<Box<dyn BlobSink>, HostError> {
        unasked()
    }

    fn sync(&self) -> Result<(), HostError> {
        self.sync_count.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn read_blob(&self, _: BlobId, _: u64) -> Result<Source, HostError> {
        unasked()
    }

    fn blob_folder(&self) -> PathBuf {
        PathBuf::new()
    }

    fn unseen(&self, _: &[LocalFile]) -> Result<Vec<u32>, HostError> {
        unasked()
    }

    fn read_input(&self, _: TaskId) -> Result<Source, HostError> {
        unasked()
    }
}

fn piece(bytes: &[u8], end: Option<BlobId>) -> pb::BlobPiece {
    let end = end.map(|id| Bytes::copy_from_slice(&id.0)).unwrap_or_default();
    pb::BlobPiece { bytes: bytes.to_vec().into(), end, ..pb::BlobPiece::default() }
}

/// A stream of these pieces, which then ends or falls silent.
fn stream(pieces: &[pb::BlobPiece], ends: bool) -> Streaming<pb::BlobPiece> {
    let frames: Vec<io::Result<Vec<u8>>> = pieces
        .iter()
        .map(|piece| {
            let message = piece.encode_to_vec();
            let length = u32::try_from(message.len()).expect("a short one");
            // A frame of gRPC: not compressed, its length, the message.
            Ok([&[0][..], &length.to_be_bytes(), &message].concat())
        })
        .collect();
    let frames = tokio_stream::iter(frames);
    let body = match ends {
        true => Body::from_stream(frames),
        false => Body::from_stream(frames.chain(tokio_stream::pending())),
    };
    let decoder = ProstCodec::<pb::BlobIds, pb::BlobPiece>::default().decoder();
    Streaming::new_request(decoder, body, None, None)
}

#[test]
fn streams_that_stand_still_take_nobodys_thread() {
    const COUNT: usize = 8;
    let runtime = Builder::new_current_thread().enable_time().max_blocking_threads(1).build();
    runtime.expect("a runtime").block_on(async {
        let (disk, places) = (Arc::new(Disk::default()), Places::new());
        let mut open = Vec::new();
        for _ in 0..COUNT {
            let (place, host) = (places.take().await.expect("free"), Arc::clone(&disk));
            tokio::spawn(receive(place, host, stream(&[piece(b"some", None)], false)));
            let place = places.take().await.expect("free");
            open.push(send(place, Box::new(io::repeat(7)), None));
        }
        let others = async {
            while disk.begun_count.load(Ordering::Relaxed) < COUNT {
                blocking(|| Ok(())).await.expect("it is done");
            }
            for _ in 0..COUNT {
                blocking(|| Ok(())).await.expect("it is done");
            }
        };
        timeout(Duration::from_secs(20), others).await.expect("there is a thread for others");
    });
}

#[tokio::test(start_paused = true)]
async fn a_stream_whose_peer_says_nothing_is_ended_and_its_place_is_free() {
    let places = Places(Arc::new(Semaphore::new(1)));
    let place = places.take().await.expect("free");
    let began = Instant::now();
    let host = Arc::new(Disk::default());
    let ended = receive(place, host, stream(&[piece(b"some", None)], false)).await;
    assert_eq!(ended.expect_err("it is ended").code(), Code::Unavailable);
    assert!(began.elapsed() >= QUIET_TIMEOUT);
    places.take().await.expect("free again");
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_nobody_takes_is_ended_and_told_so_behind_what_was_sent() {
    let places = Places(Arc::new(Semaphore::new(1)));
    let place = places.take().await.expect("free");
    let pieces = send(place, Box::new(io::repeat(7)), None);
    places.take().await.expect("free once it is ended");
    let told: Vec<_> = pieces.collect().await;
    let lengths = told.iter().map(|it| it.as_ref().map(|piece| piece.bytes.len()));
    let lengths: Vec<_> = lengths.map(|it| it.map_err(Status::code)).collect();
    let mut expected = vec![Ok(PIECE_BYTES); PIECE_COUNT_MAX];
    expected.push(Err(Code::Unavailable));
    assert_eq!(lengths, expected);
}

#[tokio::test]
async fn what_comes_is_stored_under_its_name_and_synced_once() {
    let (disk, places) = (Arc::new(Disk::default()), Places::new());
    let ids = [b"some words", b"more words"].map(|bytes| BlobId::of(bytes));
    let pieces = [piece(b"some", None), piece(b" words", Some(ids[0]))];
    let pieces = [&pieces[..], &[piece(b"more words", Some(ids[1]))]].concat();
    let place = places.take().await.expect("free");
    let stored = receive(place, Arc::clone(&disk), stream(&pieces, true)).await;
    assert_eq!(stored.expect("stored"), ids);
    assert_eq!(*disk.stored.lock().expect("whole"), [b"some words", b"more words"]);
    assert_eq!(disk.sync_count.load(Ordering::Relaxed), 1);
    let place = places.take().await.expect("free");
    let wrong = [piece(b"other words", Some(ids[0]))];
    let refused = receive(place, disk, stream(&wrong, true)).await;
    assert_eq!(refused.expect_err("it is another").code(), Code::FailedPrecondition);
}

#[tokio::test]
async fn what_is_sent_ends_with_its_name() {
    let content: &[u8] = &[5; PIECE_BYTES + 1];
    let id = BlobId::of(content);
    let place = Places::new().take().await.expect("free");
    let told: Vec<_> = send(place, Box::new(content), Some(id)).collect().await;
    let told: Vec<_> = told.into_iter().map(|it| it.expect("a piece")).collect();
    assert_eq!(told, [piece(&content[..PIECE_BYTES], None), piece(&[5], Some(id))]);
}
