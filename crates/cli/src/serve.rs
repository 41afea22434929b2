//! `windlass up` and `windlass master`: a cluster that stays, until it is told to end.

use crate::arguments::ServeArguments;
use crate::cluster::{OwnCluster, OwnWorkers, Plan};
use crate::logs::Log;
use crate::{CliError, older, settings, signals};
use std::net::{SocketAddr, ToSocketAddrs, UdpSocket};
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;
use windlass_core::tokens::Role;
use windlass_wire::Registrar;

/// Life of the token that is made by itself.
const FIRST_TOKEN_LIFE: Duration = Duration::from_secs(24 * 3_600);
/// How soon a signal, or the master's end, is noticed.
const LOOK: Duration = Duration::from_millis(100);

/// Serves, with these workers in this process.
pub(crate) fn serve(arguments: &ServeArguments, workers: OwnWorkers) -> Result<u8, CliError> {
    let log = Log::start(&arguments.log);
    let state = settings::state_dir(arguments.state.as_deref())?;
    let is_open = arguments.insecure;
    let listen = listen(&arguments.listen, is_open, &log)?;
    let interrupted = signals::interrupts()?;
    let crew = crew(&workers);
    let slave_timeout = Duration::from_secs(arguments.older.slave_timeout);
    let plan = Plan { workers, listen, is_open, collects: true, slave_timeout };
    let cluster = OwnCluster::take(&state, &plan)?;
    cluster.notes().iter().for_each(|note| log.warn(&format!("windlass: {note}\n")));
    log.say(&banner(&cluster, &crew, &state, is_open));
    older::open(&cluster, &arguments.older, &log)?;
    welcome(&cluster, is_open, &log)?;
    log.say("Ctrl-C ends it; nothing is lost.\n");
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

/// A master and its workers, in words.
fn crew(workers: &OwnWorkers) -> String {
    let mut text = match (workers.count, workers.slots) {
        (0, _) => "A master without workers of its own".to_owned(),
        (1, 1) => "A master with 1 worker".to_owned(),
        (count, 1) => format!("A master with {count} workers"),
        (count, slots) => format!("A master with {count} workers of {slots} slots"),
    };
    if !workers.pins.is_empty() {
        let pins: Vec<String> = workers.pins.iter().map(ToString::to_string).collect();
        text.push_str(&format!(" for {}", pins.join(", ")));
    }
    text
}

/// What there is, and how it is used.
fn banner(cluster: &OwnCluster, crew: &str, state: &Path, is_open: bool) -> String {
    let mut text = format!("{crew}; state: {}\n", state.display());
    for address in cluster.addresses() {
        text.push_str(&format!("Listening on {address}\n"));
        let there = reached_at(*address);
        let (token, login, insecure) = match (address.ip().is_loopback(), is_open) {
            (true, _) => ("", String::new(), ""),
            (false, true) => ("", String::new(), " --insecure"),
            (false, false) => (" --token TOKEN", format!("windlass login {there}, then "), ""),
        };
        if !token.is_empty() {
            text.push_str("  by TLS; tokens: windlass token create [--role client]\n");
        }
        text.push_str(&format!(
            "  more workers:  windlass worker --join {there}{token}{insecure}\n"
        ));
        text.push_str(&format!(
            "  a run on it:   {login}windlass run --master {there}{insecure} FILES\n"
        ));
    }
    text
}

/// At the first start on an address that others reach: a token, and the line that uses it.
fn welcome(cluster: &OwnCluster, is_open: bool, log: &Log) -> Result<(), CliError> {
    let reached = cluster.addresses().iter().find(|it| !it.ip().is_loopback());
    let Some(address) = reached.filter(|_| !is_open && !cluster.gate.has_tokens()) else {
        return Ok(());
    };
    let made = cluster.gate.create_token(Role::Worker, FIRST_TOKEN_LIFE, "the first");
    let token = made.map_err(|error| CliError::failed(format!("make a token: {error}")))?;
    log.say(
        "Paste this line on another machine to have it work here (for 24 hours, and as often as \
         you like; then `windlass token create` makes another token):\n",
    );
    let line =
        format!("windlass worker --join {} --token {}\n", reached_at(*address), token.reveal());
    crate::print(&line);
    Ok(())
}

/// How others reach what listens there: where it listens everywhere, by the address that this
/// machine has on its way out.
fn reached_at(listening: SocketAddr) -> SocketAddr {
    if !listening.ip().is_unspecified() {
        return listening;
    }
    // Nothing is sent: the system only chooses the address. Those are for documents (RFC 5737,
    // 3849).
    let (any, far) = match listening {
        SocketAddr::V4(_) => ("0.0.0.0:0", "192.0.2.1:9"),
        SocketAddr::V6(_) => ("[::]:0", "[2001:db8::1]:9"),
    };
    let socket = UdpSocket::bind(any).and_then(|socket| socket.connect(far).map(|()| socket));
    let chosen = socket.and_then(|socket| socket.local_addr());
    chosen.map_or(listening, |chosen| SocketAddr::new(chosen.ip(), listening.port()))
}

/// The addresses to listen on.
fn listen(places: &[String], insecure: bool, log: &Log) -> Result<Vec<SocketAddr>, CliError> {
    let mut addresses = Vec::new();
    for place in places {
        for address in addresses_of(place, "--listen", "127.0.0.1:5000")? {
            if !address.ip().is_loopback() && insecure {
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

/// What an option's value names, written as in the example.
pub(crate) fn addresses_of(
    place: &str,
    option: &str,
    example: &str,
) -> Result<Vec<SocketAddr>, CliError> {
    let resolved = place.to_socket_addrs().map_err(|error| {
        CliError::usage(format!("{option} {place}: {error}; write address:port, as {example}"))
    })?;
    Ok(resolved.collect())
}

/// Ends it at once: a service is asked to end by somebody who waits.
fn stop(cluster: OwnCluster, log: &Log) {
    if let Some(why) = cluster.stop(&mut || {}, &|| false) {
        log.warn(&format!("windlass: {why}\n"));
    }
}
