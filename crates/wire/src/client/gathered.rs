//! A connection whose small writes leave together.
//!
//! The head of a request is flushed before the HTTP library hands over its body: as a packet of its
//! own it wakes the master, which can do nothing with it yet.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes that are held back at most.
const GATHERED_BYTES_MAX: usize = 16 * 1_024;

/// A stream that is flushed at the next turn of the task which asks for it: what other tasks were
/// about to write goes along.
#[derive(Debug)]
pub(super) struct Gathered<S> {
    stream: S,
    bytes: Vec<u8>,
    /// How many of them have left.
    written_count: usize,
    /// Whether the turn after a flush was asked for has come.
    is_due: bool,
}

impl<S> Gathered<S> {
    /// Around a connection of which nothing was written yet.
    pub(super) fn new(stream: S) -> Gathered<S> {
        Gathered { stream, bytes: Vec::new(), written_count: 0, is_due: false }
    }

    fn has_room_for(&self, count: usize) -> bool {
        self.bytes.len() + count <= GATHERED_BYTES_MAX
    }
}

impl<S: AsyncWrite + Unpin> Gathered<S> {
    /// Writes what was held back.
    fn poll_let_go(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.written_count < self.bytes.len() {
            let left = &self.bytes[self.written_count..];
            match ready!(Pin::new(&mut self.stream).poll_write(cx, left))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => self.written_count += count,
            }
        }
        self.bytes.clear();
        (self.written_count, self.is_due) = (0, false);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Gathered<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Gathered<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.as_mut().poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let count = slices.iter().map(|slice| slice.len()).sum();
        if !self.has_room_for(count) {
            ready!(self.poll_let_go(cx))?;
        }
        if !self.has_room_for(count) {
            return Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        }
        slices.iter().for_each(|slice| self.bytes.extend_from_slice(slice));
        Poll::Ready(Ok(count))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.bytes.is_empty() && !self.is_due {
            self.is_due = true;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        ready!(self.poll_let_go(cx))?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_let_go(cx))?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Wake, Waker};

    /// Keeps what is written in one go.
    #[derive(Default)]
    struct Packets(Vec<Vec<u8>>);

    impl AsyncWrite for Packets {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            self.0.push(bytes.to_vec());
            Poll::Ready(Ok(bytes.len()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[derive(Default)]
    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    struct Lab {
        stream: Gathered<Packets>,
        woken: Arc<Count>,
    }

    impl Lab {
        fn new() -> Lab {
            Lab { stream: Gathered::new(Packets::default()), woken: Arc::default() }
        }

        fn with<T>(
            &mut self,
            act: impl FnOnce(Pin<&mut Gathered<Packets>>, &mut Context<'_>) -> Poll<io::Result<T>>,
        ) -> bool {
            let waker = Waker::from(Arc::clone(&self.woken));
            let polled = act(Pin::new(&mut self.stream), &mut Context::from_waker(&waker));
            polled.map(|done| done.expect("it takes all")).is_ready()
        }

        fn write(&mut self, bytes: &[u8]) {
            assert!(self.with(|stream, cx| stream.poll_write(cx, bytes)));
        }

        fn flush(&mut self) -> bool {
            self.with(|stream, cx| stream.poll_flush(cx))
        }
    }

    #[test]
    fn what_is_written_before_the_next_turn_leaves_in_one_go() {
        let mut lab = Lab::new();
        lab.write(b"head ");
        assert!(!lab.flush(), "others may have more");
        assert_eq!(lab.woken.0.load(Ordering::Relaxed), 1, "it has a next turn");
        lab.write(b"body");
        assert!(lab.flush());
        lab.write(b"more");
        assert!(!lab.flush());
        assert!(lab.flush(), "nobody has more");
        assert!(lab.flush(), "nothing is held back");
        assert_eq!(lab.stream.stream.0, [b"head body".to_vec(), b"more".to_vec()]);
    }

    #[test]
    fn much_is_not_held_back_and_stays_in_order() {
        let mut lab = Lab::new();
        let much = vec![7; GATHERED_BYTES_MAX + 1];
        lab.write(b"head");
        lab.write(&much);
        assert_eq!(lab.stream.stream.0, [b"head".to_vec(), much]);
    }

    #[test]
    fn the_end_comes_after_what_was_held_back() {
        let mut lab = Lab::new();
        lab.write(b"last");
        assert!(lab.with(|stream, cx| stream.poll_shutdown(cx)));
        assert_eq!(lab.stream.stream.0, [b"last".to_vec()]);
    }
}
