//! A stream whose peer is to say in good time what it speaks, and by HTTP/2 that it lives.
//!
//! HTTP/1 and HTTP/2 are told apart by the first bytes, and the library that does so waits for them
//! for ever. An HTTP/2 peer is asked for a sign of life every second; the library knows one limit
//! for the answer, and bytes of blobs that leave by a slow line delay it more than others may be.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

/// What every HTTP/2 connection begins with (RFC 9113, section 3.4); HTTP/1 differs from it soon.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Who says nothing for so long is gone: a second until it is asked, two for the answer.
const SILENCE_MAX: Duration = Duration::from_secs(3);
/// The same of a connection with blobs. What waits before an answer is a frame of 256 KiB and the
/// system's buffer, which is as much or less on a slow line: 16 s at 256 kbit/s.
pub(crate) const BLOB_SILENCE_MAX: Duration = Duration::from_secs(30);
/// Who notices so much too late that time was up has not listened himself.
const LATE: Duration = Duration::from_secs(1);

/// Whether a connection has blobs to carry; clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Load(Arc<AtomicBool>);

impl Load {
    /// It has from now on.
    pub(crate) fn on_blobs(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn silence_max(&self) -> Duration {
        if self.0.load(Ordering::Relaxed) { BLOB_SILENCE_MAX } else { SILENCE_MAX }
    }
}

/// What is known of what a peer speaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Speaks {
    /// So many bytes of the preface have come.
    Unknown(usize),
    Http1,
    Http2,
}

/// A stream that fails unless its peer has said in time what it speaks, and then lives.
pub(crate) struct Prompt<S> {
    stream: S,
    speaks: Speaks,
    load: Load,
    heard_at: Instant,
    /// When time is up, unless something has been heard meanwhile.
    limit: Pin<Box<Sleep>>,
}

impl<S> Prompt<S> {
    pub(crate) fn new(stream: S, within: Duration, load: Load) -> Prompt<S> {
        let (speaks, limit) = (Speaks::Unknown(0), Box::pin(sleep(within)));
        Prompt { stream, speaks, load, heard_at: Instant::now(), limit }
    }

    /// Looks at bytes that came.
    fn on_come(&mut self, bytes: &[u8]) {
        self.heard_at = Instant::now();
        let Speaks::Unknown(come_count) = self.speaks else { return };
        let left = &PREFACE[come_count..];
        let come_count = come_count + bytes.len().min(left.len());
        self.speaks = match bytes.iter().zip(left).all(|(come, expected)| come == expected) {
            false => Speaks::Http1,
            true if come_count == PREFACE.len() => Speaks::Http2,
            true => Speaks::Unknown(come_count),
        };
        if self.speaks == Speaks::Http2 {
            self.limit.as_mut().reset(self.heard_at + SILENCE_MAX);
        }
    }

    /// Ends once time is up.
    fn poll_limit(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        while self.speaks != Speaks::Http1 {
            ready!(self.limit.as_mut().poll(cx));
            let (now, limit) = (Instant::now(), self.limit.deadline());
            let next = match self.speaks {
                Speaks::Http2 if now > limit + LATE => now + SILENCE_MAX,
                Speaks::Http2 => self.heard_at + self.load.silence_max(),
                _ => return Poll::Ready(()),
            };
            if next <= now {
                return Poll::Ready(());
            }
            self.limit.as_mut().reset(next);
        }
        Poll::Pending
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Prompt<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        match Pin::new(&mut self.stream).poll_read(cx, buffer) {
            Poll::Ready(read) => {
                self.on_come(&buffer.filled()[before..]);
                Poll::Ready(read)
            }
            Poll::Pending => self.poll_limit(cx).map(|()| Err(io::ErrorKind::TimedOut.into())),
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Prompt<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::time::timeout;

    const WITHIN: Duration = Duration::from_secs(5);

    /// After how many seconds reading ends behind these bytes, after which nothing comes.
    async fn end_behind(said: &[u8], load: Load) -> Option<u64> {
        let (mut peer, ours) = tokio::io::duplex(64);
        let mut prompt = Prompt::new(ours, WITHIN, load);
        for byte in said {
            // One by one, as they may come.
            peer.write_all(&[*byte]).await.expect("there is room");
            assert_eq!(prompt.read_u8().await.expect("it has come"), *byte);
        }
        let began = Instant::now();
        let next = timeout(Duration::from_secs(600), prompt.read_u8()).await.ok()?;
        assert_eq!(next.expect_err("nothing comes").kind(), io::ErrorKind::TimedOut);
        Some(began.elapsed().as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_has_said_what_it_speaks_has_the_limits_of_that() {
        let end = async |said| end_behind(said, Load::default()).await;
        assert_eq!(end(b"").await, Some(5));
        assert_eq!(end(&PREFACE[..PREFACE.len() - 1]).await, Some(5));
        assert_eq!(end(PREFACE).await, Some(3));
        assert_eq!(end(b"PR*").await, None);
        assert_eq!(end(b"G").await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_with_blobs_may_be_silent_for_longer() {
        let load = Load::default();
        load.on_blobs();
        assert_eq!(end_behind(PREFACE, load).await, Some(30));
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_says_something_now_and_then_stays() {
        let (mut peer, ours) = tokio::io::duplex(64);
        let mut prompt = Prompt::new(ours, WITHIN, Load::default());
        peer.write_all(PREFACE).await.expect("there is room");
        prompt.read_exact(&mut [0; PREFACE.len()]).await.expect("it has come");
        for _ in 0..10 {
            let waited = timeout(Duration::from_secs(2), prompt.read_u8()).await;
            assert!(waited.is_err(), "nothing has come");
            peer.write_all(b".").await.expect("there is room");
            assert_eq!(prompt.read_u8().await.expect("it has come"), b'.');
        }
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_has_not_listened_himself_listens_once_more() {
        let (mut peer, ours) = tokio::io::duplex(64);
        let mut prompt = Prompt::new(ours, WITHIN, Load::default());
        peer.write_all(PREFACE).await.expect("there is room");
        prompt.read_exact(&mut [0; PREFACE.len()]).await.expect("it has come");
        tokio::time::advance(Duration::from_secs(60)).await;
        let waited = timeout(Duration::from_secs(2), prompt.read_u8()).await;
        assert!(waited.is_err(), "its peer has time for an answer");
        let read = timeout(Duration::from_secs(2), prompt.read_u8()).await;
        assert!(read.expect("and no longer").is_err());
    }
}
