//! A stream whose peer is to say in good time what it speaks.
//!
//! HTTP/1 and HTTP/2 are told apart by the first bytes, and the library that does so waits for them
//! for ever. Once they are told apart, each has a limit of its own.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// What every HTTP/2 connection begins with (RFC 9113, section 3.4); HTTP/1 differs from it soon.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A stream that fails unless its peer has said in time what it speaks.
pub(crate) struct Prompt<S> {
    stream: S,
    /// Bytes of the preface that came.
    come_count: usize,
    /// `None`: it has said it.
    limit: Option<Pin<Box<Sleep>>>,
}

impl<S> Prompt<S> {
    pub(crate) fn new(stream: S, within: Duration) -> Prompt<S> {
        Prompt { stream, come_count: 0, limit: Some(Box::pin(sleep(within))) }
    }

    /// Looks at bytes that came.
    fn on_come(&mut self, bytes: &[u8]) {
        let left = &PREFACE[self.come_count..];
        self.come_count += bytes.len().min(left.len());
        let is_preface = bytes.iter().zip(left).all(|(come, expected)| come == expected);
        if !is_preface || self.come_count == PREFACE.len() {
            self.limit = None;
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Prompt<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(limit) = &mut self.limit
            && limit.as_mut().poll(cx).is_ready()
        {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buffer))?;
        if self.limit.is_some() {
            self.on_come(&buffer.filled()[before..]);
        }
        Poll::Ready(Ok(()))
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
    use tokio::runtime::Builder;

    /// What reading ends with behind these bytes, after which nothing comes.
    fn end_behind(said: &[u8]) -> Option<io::ErrorKind> {
        let runtime = Builder::new_current_thread().enable_time().build().expect("a runtime");
        runtime.block_on(async {
            let (mut peer, ours) = tokio::io::duplex(64);
            let mut prompt = Prompt::new(ours, Duration::from_millis(20));
            for byte in said {
                // One by one, as they may come.
                peer.write_all(&[*byte]).await.expect("there is room");
                assert_eq!(prompt.read_u8().await.expect("it has come"), *byte);
            }
            let next = tokio::time::timeout(Duration::from_millis(200), prompt.read_u8()).await;
            next.ok().map(|read| read.expect_err("nothing comes").kind())
        })
    }

    #[test]
    fn whoever_has_said_what_it_speaks_has_all_the_time_and_nobody_else() {
        let late = Some(io::ErrorKind::TimedOut);
        assert_eq!(end_behind(b""), late);
        assert_eq!(end_behind(&PREFACE[..PREFACE.len() - 1]), late);
        assert_eq!(end_behind(PREFACE), None);
        assert_eq!(end_behind(b"PR*"), None);
        assert_eq!(end_behind(b"G"), None);
    }
}
