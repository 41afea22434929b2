//! Requests to programs of older systems, which speak HTTP/1: a connection for each, and a limit in
//! time and in bytes for all of it.

use axum::body::{Body, Bytes, to_bytes};
use axum::http::header::{CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST};
use axum::http::{Method, Request, StatusCode};
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use std::fmt;
use std::time::Duration;
use thiserror::Error;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long a connection may take to stand.
const CONNECT_TIME_MAX: Duration = Duration::from_secs(2);
/// Longest name of a machine.
const HOST_BYTES_MAX: usize = 48;

/// Where a program listens.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Target {
    host: String,
    port: u16,
}

/// What was asked for is not there.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub(crate) enum Unanswered {
    /// Nobody listens: nothing was asked.
    #[error("{0} takes no connection: {1}")]
    Unreached(Target, String),
    /// It has heard of the request, or may have.
    #[error("{0} broke off: {1}")]
    Broken(Target, String),
    #[error("{0} has not answered within {took} s", took = .1.as_secs_f32())]
    Late(Target, Duration),
}

/// A request to be made.
pub(crate) struct Ask {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) content_type: Option<String>,
    pub(crate) body: Body,
    /// Length of the body: the servers of these systems want it told.
    pub(crate) body_bytes: u64,
    /// For all of it.
    pub(crate) limit: Duration,
    /// Longest answer.
    pub(crate) answer_bytes_max: usize,
}

impl Ask {
    /// A request without a body.
    pub(crate) fn get(path: &str, limit: Duration) -> Ask {
        Ask {
            method: Method::GET,
            path: path.to_owned(),
            content_type: None,
            body: Body::empty(),
            body_bytes: 0,
            limit,
            answer_bytes_max: 1 << 20,
        }
    }

    /// A request that says something short.
    pub(crate) fn post(path: &str, content_type: &str, body: Vec<u8>, limit: Duration) -> Ask {
        Ask {
            method: Method::POST,
            content_type: Some(content_type.to_owned()),
            body_bytes: body.len() as u64,
            body: Body::from(body),
            ..Ask::get(path, limit)
        }
    }
}

impl Target {
    /// A machine by name or address, and a port; `None`: it is no name.
    pub(crate) fn new(host: &str, port: u16) -> Option<Target> {
        let host = host.trim().trim_start_matches('[').trim_end_matches(']');
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':');
        let fits = (1..=HOST_BYTES_MAX).contains(&host.len()) && host.chars().all(is_plain);
        (fits && port > 0).then(|| Target { host: host.to_owned(), port })
    }

    /// The target and the path of an `http://` URL, whose port may be left out.
    pub(crate) fn of_url(url: &str) -> Option<(Target, String)> {
        let rest = url.trim().strip_prefix("http://")?;
        let (place, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().ok()?),
            _ => (place, 80),
        };
        let path = if path.is_empty() { "/" } else { path };
        Some((Target::new(host, port)?, path.to_owned()))
    }

    /// The same as a part of a worker's name, of which [`Target::of_name`] makes it again.
    pub(crate) fn as_name(&self) -> String {
        format!("{}-{}", self.host.replace(':', "_"), self.port)
    }

    pub(crate) fn of_name(name: &str) -> Option<Target> {
        let (host, port) = name.rsplit_once('-')?;
        Target::new(&host.replace('_', ":"), port.parse().ok()?)
    }

    /// Asks it.
    pub(crate) async fn ask(&self, ask: Ask) -> Result<(StatusCode, Bytes), Unanswered> {
        let limit = ask.limit;
        let connecting = TcpStream::connect((&*self.host, self.port));
        let stream = match timeout(limit.min(CONNECT_TIME_MAX), connecting).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Err(Unanswered::Unreached(self.clone(), error.to_string())),
            Err(_) => return Err(Unanswered::Unreached(self.clone(), "no answer".to_owned())),
        };
        match timeout(limit, self.exchange(stream, ask)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(why)) => Err(Unanswered::Broken(self.clone(), why)),
            Err(_) => Err(Unanswered::Late(self.clone(), limit)),
        }
    }

    async fn exchange(&self, stream: TcpStream, ask: Ask) -> Result<(StatusCode, Bytes), String> {
        // One without the option is slower.
        let _ = stream.set_nodelay(true);
        let mut request = Request::builder()
            .method(ask.method)
            .uri(ask.path)
            .header(HOST, self.to_string())
            .header(CONNECTION, "close");
        if let Some(content_type) = ask.content_type {
            request = request.header(CONTENT_TYPE, content_type);
            request = request.header(CONTENT_LENGTH, ask.body_bytes);
        }
        let request = request.body(ask.body).map_err(|error| error.to_string())?;
        let shaken = handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = shaken.map_err(|error| told(&error))?;
        let carrying = tokio::spawn(connection);
        let answered = sender.send_request(request).await;
        let answer = match answered {
            Ok(answer) => answer,
            Err(error) => return Err(told(&error)),
        };
        let status = answer.status();
        let body = to_bytes(Body::new(answer.into_body()), ask.answer_bytes_max).await;
        carrying.abort();
        Ok((status, body.map_err(|error| told(&error))?))
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.host.contains(':') {
            true => write!(f, "[{}]:{}", self.host, self.port),
            false => write!(f, "{}:{}", self.host, self.port),
        }
    }
}

/// An error with what caused it, which says more.
fn told(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio::runtime::Builder;

    #[test]
    fn places_are_told_from_what_is_none() {
        let shown = |url| Target::of_url(url).map(|(target, path)| format!("{target} {path}"));
        assert_eq!(shown("http://localhost:23001/").as_deref(), Some("localhost:23001 /"));
        assert_eq!(shown("http://127.0.0.1:5000").as_deref(), Some("127.0.0.1:5000 /"));
        assert_eq!(shown("http://[::1]:5000/RPC2").as_deref(), Some("[::1]:5000 /RPC2"));
        assert_eq!(shown("http://nas/x").as_deref(), Some("nas:80 /x"));
        for wrong in
            ["", "localhost:1", "https://a:1/", "http://a:99999/", "http://a b:1/", "http://:1"]
        {
            assert_eq!(shown(wrong), None, "{wrong}");
        }
        for (host, port) in [("127.0.0.1", 3000), ("::1", 3000), ("my-slave.lan", 1)] {
            let target = Target::new(host, port).expect("a place");
            assert_eq!(Target::of_name(&target.as_name()), Some(target));
        }
    }

    /// What comes of a request where the other side does this with its connection.
    fn asked<F, G>(limit_ms: u64, serve: F) -> Result<(StatusCode, Bytes), Unanswered>
    where
        F: FnOnce(TcpStream) -> G + Send + 'static,
        G: Future<Output = ()> + Send + 'static,
    {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let port = listener.local_addr().expect("bound").port();
            tokio::spawn(async move { serve(listener.accept().await.expect("one").0).await });
            let target = Target::new("127.0.0.1", port).expect("a place");
            let limit = Duration::from_millis(limit_ms);
            target.ask(Ask::post("/get_task", "text/plain", b"abc".to_vec(), limit)).await
        })
    }

    #[test]
    fn an_answer_of_http_1_0_without_a_length_is_read_to_its_end() {
        let answered = asked(60_000, |mut stream| async move {
            let mut head = Vec::new();
            while !head.ends_with(b"abc") {
                stream.read_buf(&mut head).await.expect("a request");
            }
            let head = String::from_utf8_lossy(&head).to_lowercase();
            assert!(head.starts_with("post /get_task http/1.1\r\n"), "{head}");
            assert!(head.contains("content-length: 3\r\n") && head.ends_with("abc"), "{head}");
            let answer = b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\nfine";
            stream.write_all(answer).await.expect("it is taken");
        });
        assert_eq!(answered, Ok((StatusCode::OK, Bytes::from_static(b"fine"))));
    }

    #[test]
    fn who_breaks_off_and_who_is_late_are_told_apart() {
        let broken = asked(60_000, |stream| async move { drop(stream) });
        assert!(matches!(broken, Err(Unanswered::Broken(..))), "{broken:?}");
        let late = asked(20, |stream| async move {
            let _stream = stream;
            std::future::pending::<()>().await;
        });
        assert!(matches!(late, Err(Unanswered::Late(..))), "{late:?}");
    }
}
