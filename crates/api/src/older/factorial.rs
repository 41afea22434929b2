//! The factorial service over plain TCP: a number comes, the digits of its factorial go back, and
//! the connection ends. Its clients connect first and ask their user then, so a connection may be
//! silent for minutes. They send digits without an end mark and keep the connection open: what
//! tells the end is silence.

use super::{calls, factorial_workers};
use crate::lobby::Place;
use crate::node::Node;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use windlass_core::calls::CallError;
use windlass_master::CallNews;

/// How long a client may say nothing at all.
const SILENCE_MAX: Duration = Duration::from_secs(600);
/// Silence that ends a number.
const PAUSE: Duration = Duration::from_millis(50);
/// How long a number may take to come.
const NUMBER_TIME_MAX: Duration = Duration::from_secs(10);
/// Longest text that can be a number which is answered; more is no number.
const NUMBER_BYTES_MAX: usize = 64;
/// How long a client may take nothing of its answer.
const TAKE_TIME_MAX: Duration = Duration::from_secs(60);
/// Times that workers of that service are asked before ours are: each time several are tried.
const OLDER_ROUND_COUNT_MAX: usize = 8;

/// Serves one connection until it ends. `has_workers`: whether there may be workers of that
/// service.
pub(super) async fn answer(mut stream: TcpStream, node: Node, has_workers: bool, place: Place) {
    let Some(number) = number(&mut stream).await else { return };
    place.leave();
    let mut asking = Asking { stream: &mut stream, node: &node };
    if asking.answer(&number, has_workers).await.is_err() {
        // Whoever reads to the end must not take what there is for the whole number.
        let _ = stream.set_zero_linger();
    }
}

/// What the client sends until it ends its number; `None`: it has gone, or trickles.
async fn number(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut text = Vec::new();
    let mut deadline = Instant::now() + SILENCE_MAX;
    loop {
        let may_end = text.last().is_some_and(u8::is_ascii_digit);
        let until = if may_end { deadline.min(Instant::now() + PAUSE) } else { deadline };
        let byte = match timeout_at(until, stream.read_u8()).await {
            Ok(Ok(byte)) => byte,
            Ok(Err(_)) if text.is_empty() => return None,
            // The end of the stream, or of the number.
            Ok(Err(_)) => break,
            Err(_) if may_end && Instant::now() < deadline => break,
            Err(_) => return None,
        };
        if text.is_empty() {
            deadline = Instant::now() + NUMBER_TIME_MAX;
        }
        if byte == b'\n' || text.len() == NUMBER_BYTES_MAX {
            break;
        }
        text.push(byte);
    }
    Some(String::from_utf8_lossy(&text).into_owned())
}

/// A client that waits for its answer.
struct Asking<'a> {
    stream: &'a mut TcpStream,
    node: &'a Node,
}

impl Asking<'_> {
    /// Sends the digits, or what is wrong.
    async fn answer(&mut self, number: &str, has_workers: bool) -> io::Result<()> {
        let number = number.trim();
        let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
        let mut error = None;
        // Each that is asked in vain is passed over from then on.
        for _ in 0..if has_workers && is_number { OLDER_ROUND_COUNT_MAX } else { 0 } {
            match self.ask(&factorial_workers::call(), number).await? {
                None => return self.stream.shutdown().await,
                Some(CallError::NoWorker { .. }) => break,
                Some(other) => error = Some(other),
            }
        }
        let wording = match (self.ask("factorial", number).await?, error) {
            (None, _) => return self.stream.shutdown().await,
            // There were others, and all of them failed.
            (Some(CallError::NoWorker { .. }), Some(error)) => wording(&error),
            (Some(error), _) => wording(&error),
        };
        self.write(wording.as_bytes()).await?;
        self.stream.shutdown().await
    }

    /// Has it calculated and sends the digits; answers why there are none.
    async fn ask(&mut self, operation: &str, number: &str) -> io::Result<Option<CallError>> {
        let (call, mut news) = calls::begin(self.node, operation, ("n", number), None)?;
        let mut taken = 0;
        while let Some(it) = news.recv().await {
            match it {
                CallNews::Piece { bytes, is_last } => {
                    let end = if is_last { bytes.strip_suffix(b"\n") } else { None };
                    self.write(end.unwrap_or(&bytes)).await?;
                    taken += bytes.len() as u64;
                    if is_last {
                        return Ok(None);
                    }
                    call.taken(taken);
                }
                CallNews::Failed(error) if taken == 0 => return Ok(Some(error)),
                CallNews::Failed(_) | CallNews::Ended => break,
            }
        }
        Err(io::ErrorKind::UnexpectedEof.into())
    }

    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let written = timeout(TAKE_TIME_MAX, self.stream.write_all(bytes)).await;
        written.map_err(|_| io::ErrorKind::TimedOut)?
    }
}

/// An error in the words of that service.
fn wording(error: &CallError) -> String {
    match error {
        CallError::NoWorker { .. } => "Error: No workers available.".to_owned(),
        CallError::TriesUsedUp { .. } | CallError::AnswerDiffers { .. } => {
            "Error: Worker communication failed.".to_owned()
        }
        CallError::Rejected { failure, .. } => format!("Error: {}", failure.cause),
        error => format!("Error: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::duplex;
    use tokio::runtime::Builder;
    use tokio::time::sleep;

    /// What is read of a client that says these pieces, each so many milliseconds after the last.
    fn read(said: &'static [(u64, &str)], ends: bool) -> (Option<String>, Duration) {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("a runtime").block_on(async {
            let (mut near, mut far) = duplex(256);
            let began = Instant::now();
            let says = tokio::spawn(async move {
                for (pause, text) in said {
                    sleep(Duration::from_millis(*pause)).await;
                    let _ = far.write_all(text.as_bytes()).await;
                }
                if !ends {
                    sleep(2 * SILENCE_MAX).await;
                }
            });
            let found = number(&mut near).await;
            says.abort();
            (found, began.elapsed())
        })
    }

    #[test]
    fn a_number_ends_at_a_newline_the_end_or_a_pause() {
        let number = |text: &str| Some(text.to_owned());
        assert_eq!(read(&[(0, "52\nmore")], false).0, number("52"));
        assert_eq!(read(&[(0, "52\r\n")], false).0, number("52\r"));
        assert_eq!(read(&[(0, "5"), (49, "2")], true).0, number("52"));
        let (found, took) = read(&[(300_000, "5"), (40, "2")], false);
        assert_eq!(found, number("52"));
        assert_eq!(took, Duration::from_millis(300_090));
    }

    #[test]
    fn who_says_nothing_or_trickles_is_dropped() {
        assert_eq!(read(&[], true).0, None);
        assert_eq!(read(&[], false), (None, SILENCE_MAX));
        assert_eq!(read(&[(0, "x")], false), (None, NUMBER_TIME_MAX));
        let trickle: &[(u64, &str)] = &[(0, "-"), (3_000, " "), (3_000, " "), (3_000, " ")];
        assert_eq!(read(trickle, false), (None, NUMBER_TIME_MAX));
        let (found, _) = read(
            &[(0, "1234567890123456789012345678901234567890123456789012345678901234567890")],
            false,
        );
        assert_eq!(found.map(|it| it.len()), Some(NUMBER_BYTES_MAX));
    }
}
