//! Where a master is: a host and a port, or a socket file of this machine.

use std::fmt;
use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use thiserror::Error;
use tokio::net::UnixStream;

/// The port of a master, unless said otherwise.
const PORT_DEFAULT: u16 = 5000;
/// Longest path that a socket's address takes, with its end.
const SOCKET_PATH_BYTES_MAX: usize = 108;

/// Where a master is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Address {
    /// `host:port`.
    Tcp(String),
    /// A socket file.
    Unix(PathBuf),
}

/// An address that cannot be one.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("`{text}` is no address of a master: {why}; write host:port, as 192.168.1.10:5000")]
pub struct AddressError {
    text: String,
    why: &'static str,
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Address, AddressError> {
        let error = |why| AddressError { text: text.to_owned(), why };
        if let Some(path) = text.strip_prefix("unix:") {
            return Ok(Address::Unix(PathBuf::from(path)));
        }
        if text.contains('/') {
            return Err(error("it is a path or a web address"));
        }
        // `[::1]`, `[::1]:5000`: colons inside brackets are the host's.
        let after_host = text.rfind(']').map_or(0, |end| end + 1);
        let (host, port) = match text[after_host..].rfind(':') {
            Some(colon) => {
                let (host, port) = text.split_at(after_host + colon);
                (host, port[1..].parse::<u16>().map_err(|_| error("its port is no number"))?)
            }
            None => (text, PORT_DEFAULT),
        };
        match host {
            "" => Err(error("it has no host")),
            host if host.contains(':') && !host.starts_with('[') => {
                Err(error("an IPv6 address stands in brackets, as [::1]:5000"))
            }
            host => Ok(Address::Tcp(format!("{host}:{port}"))),
        }
    }
}

impl Address {
    /// Whether that is on this machine, as far as the address tells: behind a forwarded port it is
    /// another one.
    #[must_use]
    pub fn is_this_machine(&self) -> bool {
        match self {
            Address::Unix(_) => true,
            Address::Tcp(place) => {
                let host = place.rsplit_once(':').map_or(place.as_str(), |(host, _)| host);
                let host = host.trim_start_matches('[').trim_end_matches(']');
                host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
            }
        }
    }

    /// Why the name of its machine is not known here, where that is so; blocks while the system
    /// looks for it.
    #[must_use]
    pub fn unknown_name(&self) -> Option<String> {
        let Address::Tcp(place) = self else { return None };
        not_looked_up(&place.to_socket_addrs().err()?.to_string()).map(str::to_owned)
    }
}

/// The system's words of why a name led nowhere, where an error is that; its kind does not tell.
pub(super) fn not_looked_up(error: &str) -> Option<&str> {
    error.strip_prefix("failed to lookup address information: ")
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Address::Tcp(place) => f.write_str(place),
            Address::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}

/// Connects to a socket file, also where its path is longer than a socket's address may be.
pub(super) async fn connect(path: &Path) -> io::Result<UnixStream> {
    if path.as_os_str().len() < SOCKET_PATH_BYTES_MAX {
        return UnixStream::connect(path).await;
    }
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let folder = std::fs::File::open(folder)?;
    let short = PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd())).join(name);
    UnixStream::connect(short).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_ports_and_sockets_are_told_apart() {
        let tcp = |text: &str| Ok(Address::Tcp(text.to_owned()));
        assert_eq!("here:7000".parse(), tcp("here:7000"));
        assert_eq!("here".parse(), tcp("here:5000"));
        assert_eq!("[::1]:7".parse(), tcp("[::1]:7"));
        assert_eq!("[::1]".parse(), tcp("[::1]:5000"));
        assert_eq!("unix:/a b".parse(), Ok(Address::Unix("/a b".into())));
        for wrong in ["", ":5", "::1", "a:b", "a:70000", "http://a:5000"] {
            assert!(wrong.parse::<Address>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_name_that_leads_nowhere_is_told_from_an_address() {
        // Longer than a name may be, so that nobody is asked.
        let unknown = Address::Tcp(format!("{}.invalid:5000", "x".repeat(64)));
        assert!(unknown.unknown_name().is_some_and(|why| !why.is_empty()));
        assert_eq!(Address::Tcp("192.0.2.1:5000".to_owned()).unknown_name(), None);
        assert_eq!(Address::Unix("/nowhere".into()).unknown_name(), None);
    }
}
