//! Workers of the older factorial service: programs that listen on ports of this machine, which a
//! file names, one a line.

use super::foreign::{self, Identity, Made, Program};
use crate::node::Node;
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tracing::{info, warn};
use windlass_core::balance::Strategy;
use windlass_core::params::Params;
use windlass_core::{Failure, WorkerName, older};

/// What these workers do.
const OPERATION: &str = "factorial";

/// How often the file is looked at.
const LOOK: Duration = Duration::from_secs(1);
const CONNECT_TIME_MAX: Duration = Duration::from_secs(2);
/// How long a worker may say nothing: it shows no progress.
const SILENCE_MAX: Duration = Duration::from_secs(120);
/// Longest answer: that of the largest number that is taken.
const ANSWER_BYTES_MAX: usize = 66 << 20;
/// How long one that failed is left alone; doubled with each failure after another.
const PAUSE_MIN: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// What they are called by: its own gateway alone does.
pub(super) fn call() -> String {
    older::offered(OPERATION)
}

/// Has the workers that the file names take calls, for as long as it names them.
pub(super) async fn keep(file: PathBuf, node: Node) {
    // The usual one is as good.
    let _ = node.handle.set_strategy(&call(), Strategy::RoundRobin);
    let mut workers: BTreeMap<u16, JoinHandle<()>> = BTreeMap::new();
    let mut last: Option<Result<BTreeSet<u16>, String>> = None;
    loop {
        let read = tokio::task::block_in_place(|| ports(&file));
        if last.as_ref() != Some(&read) {
            match &read {
                Ok(ports) => {
                    workers.retain(|port, worker| {
                        let stays = ports.contains(port);
                        if !stays {
                            worker.abort();
                        }
                        stays
                    });
                    for port in ports {
                        workers
                            .entry(*port)
                            .or_insert_with(|| tokio::spawn(serve(*port, node.clone())));
                    }
                    info!(file = %file.display(), count = ports.len(), "workers of the factorial service");
                }
                // Those that are known stay.
                Err(why) => warn!(file = %file.display(), why, "the file of ports cannot be read"),
            }
            last = Some(read);
        }
        sleep(LOOK).await;
    }
}

/// The ports in a file, one a line.
fn ports(file: &Path) -> Result<BTreeSet<u16>, String> {
    let text = std::fs::read_to_string(file).map_err(|error| error.to_string())?;
    let lines = text.lines().map(str::trim).enumerate().filter(|(_, line)| !line.is_empty());
    let port = |(number, line): (usize, &str)| match line.parse() {
        Ok(0) | Err(_) => Err(format!("line {}: {line:?} is no port", number + 1)),
        Ok(port) => Ok(port),
    };
    lines.map(port).collect()
}

/// One worker, again and again: it is never probed, as an empty connection ends these programs.
async fn serve(port: u16, node: Node) {
    let name = format!("tcp-{port}");
    let identity = Identity {
        name: WorkerName(name.clone()),
        place: format!("127.0.0.1:{port}, an older factorial worker"),
        operations: vec![OPERATION.to_owned()],
        slots: 1,
        limit: SILENCE_MAX,
    };
    let program = Arc::new(Listening(port));
    let mut pause = PAUSE_MIN;
    loop {
        let began = tokio::time::Instant::now();
        let why = foreign::work(&node, &identity, &program).await;
        if began.elapsed() > PAUSE_MAX {
            pause = PAUSE_MIN;
        }
        warn!(worker = name, why, "passed over for {} s", pause.as_secs());
        sleep(pause).await;
        pause = (pause * 2).min(PAUSE_MAX);
    }
}

/// A worker that listens on a port of this machine.
struct Listening(u16);

impl Program for Listening {
    fn answer(self: Arc<Self>, params: Params) -> impl Future<Output = Made> + Send + 'static {
        ask(self.0, params)
    }
}

/// Has the worker calculate: sends the number and reads the digits to the end.
async fn ask(port: u16, params: Params) -> Made {
    let number = params.text("n").unwrap_or_default().to_owned();
    let failed = |why: String| {
        Failure::unavailable("older_worker_failed", why, "See whether the program still runs.")
    };
    let connecting = timeout(CONNECT_TIME_MAX, TcpStream::connect((Ipv4Addr::LOCALHOST, port)));
    let connected = connecting.await.map_err(|_| failed("it takes no connection".to_owned()))?;
    let mut stream = connected.map_err(|error| failed(error.to_string()))?;
    stream.write_all(number.as_bytes()).await.map_err(|error| failed(error.to_string()))?;
    let (mut answer, mut piece) = (Vec::new(), vec![0; 64 << 10]);
    loop {
        let read = timeout(SILENCE_MAX, stream.read(&mut piece)).await;
        let read = read.map_err(|_| failed("it has said nothing for two minutes".to_owned()))?;
        match read.map_err(|error| failed(error.to_string()))? {
            0 => break,
            count if answer.len() + count > ANSWER_BYTES_MAX => {
                return Err(failed("its answer has no end".to_owned()));
            }
            count => answer.extend_from_slice(&piece[..count]),
        }
    }
    let digits = answer.trim_ascii();
    match !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) {
        true => Ok(digits.to_vec()),
        false => {
            let said = String::from_utf8_lossy(&digits[..digits.len().min(80)]).into_owned();
            Err(failed(format!("it answered {said:?}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_ports_has_one_a_line() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("worker_ports.txt");
        let read = |text: &str| {
            std::fs::write(&file, text).expect("written");
            ports(&file)
        };
        assert_eq!(read("5001\n 5002 \r\n\n5001\n"), Ok(BTreeSet::from([5001, 5002])));
        assert_eq!(read(""), Ok(BTreeSet::new()));
        assert_eq!(read("5001\nx\n"), Err("line 2: \"x\" is no port".to_owned()));
        assert!(read("0").is_err() && read("65536").is_err());
        std::fs::remove_file(&file).expect("removed");
        assert!(ports(&file).is_err());
    }
}
