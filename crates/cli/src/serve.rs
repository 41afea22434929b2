//! `windlass up` and `windlass master`: a cluster that stays, until it is told to end.

use crate::arguments::ServeArguments;
use crate::cluster::{OwnCluster, Plan};
use crate::logs::Log;
use crate::{CliError, settings, signals};
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::atomic::Ordering;
use std::time::Duration;

/// How soon a signal, or the master's end, is noticed.
const LOOK: Duration = Duration::from_millis(100);

/// Serves with so many workers in this process.
pub(crate) fn serve(
    arguments: &ServeArguments,
    worker_count: u32,
    slots: u32,
) -> Result<u8, CliError> {
    let log = Log::start(&arguments.log);
    let state = settings::state_dir(arguments.state.as_deref())?;
    let listen = listen(&arguments.listen, arguments.insecure, &log)?;
    let interrupted = signals::interrupts()?;
    let cluster = OwnCluster::take(&state, &Plan { worker_count, slots, listen, collects: true })?;
    cluster.notes().iter().for_each(|note| log.warn(&format!("windlass: {note}\n")));
    log.say(&banner(&cluster, worker_count, slots, &state));
    while !interrupted.load(Ordering::Relaxed) {
        if let Some(error) = cluster.failure() {
            stop(cluster, &log);
            return Err(CliError::failed(error));
        }
        std::thread::sleep(LOOK);
    }
    log.say("Stopping. What is not finished goes on with the next start.\n");
    stop(cluster, &log);
    Ok(0)
}

/// What there is, and how it is used.
fn banner(cluster: &OwnCluster, worker_count: u32, slots: u32, state: &std::path::Path) -> String {
    let mut text = match (worker_count, slots) {
        (0, _) => "A master without workers of its own".to_owned(),
        (1, 1) => "A master with 1 worker".to_owned(),
        (count, 1) => format!("A master with {count} workers"),
        (count, slots) => format!("A master with {count} workers of {slots} slots"),
    };
    text.push_str(&format!("; state: {}\n", state.display()));
    for address in cluster.addresses() {
        text.push_str(&format!("Listening on {address}\n"));
        text.push_str(&format!("  more workers:  windlass worker --join {address}\n"));
        text.push_str(&format!("  a run on it:   windlass run --master {address} FILES\n"));
    }
    text.push_str("Ctrl-C ends it; nothing is lost.\n");
    text
}

/// The addresses to listen on; others than this machine's own only when said twice.
fn listen(places: &[String], insecure: bool, log: &Log) -> Result<Vec<SocketAddr>, CliError> {
    let mut addresses = Vec::new();
    for place in places {
        let resolved = place.to_socket_addrs().map_err(|error| {
            CliError::usage(format!(
                "--listen {place}: {error}; write address:port, as 127.0.0.1:5000"
            ))
        })?;
        for address in resolved {
            if !address.ip().is_loopback() && !insecure {
                return Err(CliError::usage(format!(
                    "--listen {place}: whoever reaches that address could run commands here: \
                     connections are neither encrypted nor checked; listen on 127.0.0.1 and use a \
                     tunnel, or add --insecure on a network where everybody is trusted"
                )));
            }
            if !address.ip().is_loopback() {
                log.warn(&format!(
                    "WARNING: whoever reaches {address} can run commands as this user: connections \
                     are neither encrypted nor checked (--insecure)\n"
                ));
            }
            addresses.push(address);
        }
    }
    Ok(addresses)
}

/// Ends it at once: a service is asked to end by somebody who waits.
fn stop(cluster: OwnCluster, log: &Log) {
    if let Some(why) = cluster.stop(&mut || {}, &|| false) {
        log.warn(&format!("windlass: {why}\n"));
    }
}
