//! `windlass worker --older-slave`: this machine's workers for the master of an older file service.
//!
//! That master hands over files and waits for results, so a small cluster of its own stands behind
//! the port that it calls, in a folder that goes with this process.

use crate::arguments::WorkerArguments;
use crate::cluster::{OwnCluster, OwnWorkers, Plan};
use crate::logs::Log;
use crate::place::cores;
use crate::scratch::Scratch;
use crate::{CliError, settings, signals};
use std::collections::BTreeMap;
use std::net::{SocketAddr, ToSocketAddrs, UdpSocket};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Duration;
use windlass_api::{OlderPort, SlaveOf};
use windlass_core::ledger::Setting;

/// Where that master listened, and where its slaves did.
const MASTER_URL: &str = "http://localhost:5000";
const SLAVE_PORT: u16 = 3000;
/// The file beside which such slaves were started.
const VARIABLES_FILE: &str = ".env";
/// How soon a signal is noticed.
const LOOK: Duration = Duration::from_millis(100);
/// Nobody asks again for what that master was given: files and results go soon.
const LIMITS: [(Setting, u64); 3] =
    [(Setting::SettledTaskCountMax, 200), (Setting::BlobGraceHours, 1), (Setting::MemoMbMax, 100)];

pub(crate) fn serve(arguments: &WorkerArguments) -> Result<u8, CliError> {
    let log = Log::start(&arguments.log);
    let slave = slave(&Variables::read(Path::new(VARIABLES_FILE))?)?;
    let address = listens_at(&slave)?;
    let interrupted = signals::interrupts()?;
    let folder = arguments.offer.scratch.clone().unwrap_or_else(std::env::temp_dir);
    let folder = Scratch::of(&Some(folder), PathBuf::new)?;
    let count = arguments.slots.unwrap_or_else(cores);
    let operations = arguments.offer.operations.clone();
    let workers = OwnWorkers { operations, ..OwnWorkers::plain(count) };
    let plan = Plan { workers, collects: true, ..Plan::alone() };
    let cluster = OwnCluster::take(&folder.path().join("state"), &plan)?;
    for (setting, value) in LIMITS {
        cluster.handle.set(setting.spec().name, value).map_err(CliError::failed)?;
    }
    let port = OlderPort::Slave(slave.clone(), settings::operations());
    let at = cluster
        .open_older(port, address)
        .map_err(|error| CliError::failed(format!("{error}; name another port with SLAVE_PORT")))?;
    if !at.ip().is_loopback() {
        log.warn(&format!(
            "WARNING: whoever reaches {at} is served: masters of the older file service know no \
             tokens\n"
        ));
    }
    log.say(&format!(
        "Working as a slave of the file service at {}, on {at}\nCtrl-C ends it.\n",
        slave.master_url
    ));
    while !interrupted.load(Ordering::Relaxed) {
        if let Some(error) = cluster.failure() {
            return Err(CliError::failed(error));
        }
        std::thread::sleep(LOOK);
    }
    if let Some(why) = cluster.stop(&mut || {}, &|| false) {
        log.warn(&format!("windlass: {why}\n"));
    }
    Ok(0)
}

/// What the variables say of master and slave.
fn slave(variables: &Variables) -> Result<SlaveOf, CliError> {
    let master_url = variables.get("MASTER_URL")?.unwrap_or_else(|| MASTER_URL.to_owned());
    let place = master_place(&master_url).ok_or_else(|| {
        CliError::usage(format!("MASTER_URL {master_url}: write it as {MASTER_URL}"))
    })?;
    let port = match variables.get("SLAVE_PORT")? {
        None => SLAVE_PORT,
        Some(port) => port.trim().parse().map_err(|_| {
            CliError::usage(format!("SLAVE_PORT {port}: a port is wanted, as {SLAVE_PORT}"))
        })?,
    };
    let ip = match variables.get("SLAVE_IP")? {
        Some(ip) => ip.trim().to_owned(),
        None => own_address(&place).ok_or_else(|| {
            CliError::usage(format!("no address leads to {place}: say this machine's in SLAVE_IP"))
        })?,
    };
    Ok(SlaveOf { master_url, ip, port })
}

/// The machine and the port of an URL.
fn master_place(url: &str) -> Option<String> {
    let place = url.trim().strip_prefix("http://")?.split('/').next()?;
    let has_port = place.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    if place.is_empty() {
        return None;
    }
    Some(if has_port { place.to_owned() } else { format!("{place}:80") })
}

/// The address that this machine has on its way to a master. Nothing is sent: the system only
/// chooses it.
fn own_address(place: &str) -> Option<String> {
    place.to_socket_addrs().ok()?.find_map(|address| {
        let any = if address.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
        let socket = UdpSocket::bind(any).ok()?;
        socket.connect(address).ok()?;
        Some(socket.local_addr().ok()?.ip().to_string())
    })
}

/// Where it listens: where that master is told to call, and nowhere else.
fn listens_at(slave: &SlaveOf) -> Result<SocketAddr, CliError> {
    let SlaveOf { ip, port, .. } = slave;
    let resolved = (ip.as_str(), *port).to_socket_addrs();
    let wrong = |why: String| CliError::usage(format!("SLAVE_IP {ip}: {why}"));
    let mut resolved: Vec<SocketAddr> =
        resolved.map_err(|error| wrong(error.to_string()))?.collect();
    // Those masters speak to the first kind.
    resolved.sort_by_key(|address| !address.is_ipv4());
    resolved.into_iter().next().ok_or_else(|| wrong("it is no address".to_owned()))
}

/// Variables of the environment; behind them those of a file, a `NAME=VALUE` a line.
struct Variables(BTreeMap<String, String>);

impl Variables {
    fn read(file: &Path) -> Result<Variables, CliError> {
        match std::fs::read_to_string(file) {
            Ok(text) => Ok(Variables(parsed(&text))),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Ok(Variables(BTreeMap::new()))
            }
            Err(error) => {
                Err(CliError::usage(format!("{}: it cannot be read: {error}", file.display())))
            }
        }
    }

    fn get(&self, name: &str) -> Result<Option<String>, CliError> {
        let kept = || self.0.get(name).filter(|value| !value.is_empty()).cloned();
        Ok(settings::variable(name)?.or_else(kept))
    }
}

fn parsed(text: &str) -> BTreeMap<String, String> {
    let lines = text.lines().map(|line| line.trim().trim_start_matches("export "));
    let lines = lines.filter(|line| !line.starts_with('#'));
    let pairs = lines.filter_map(|line| line.split_once('='));
    pairs.map(|(name, value)| (name.trim().to_owned(), unquoted(value.trim()))).collect()
}

fn unquoted(value: &str) -> String {
    for quote in ['"', '\''] {
        let inner = value.strip_prefix(quote).and_then(|rest| rest.split_once(quote));
        if let Some((inner, _)) = inner {
            return inner.to_owned();
        }
    }
    value.split(" #").next().unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_variables_is_read_as_python_reads_it() {
        let text = "# of the slave\nMASTER_URL=\"http://nas:5000\"\nexport SLAVE_IP = 127.0.0.1 # here\n\
                    SLAVE_PORT='3001'\n\nnonsense\nEMPTY=\n";
        let variables = Variables(parsed(text));
        let get = |name| variables.get(name).expect("text");
        assert_eq!(get("MASTER_URL").as_deref(), Some("http://nas:5000"));
        assert_eq!(get("SLAVE_IP").as_deref(), Some("127.0.0.1"));
        assert_eq!(get("SLAVE_PORT").as_deref(), Some("3001"));
        assert_eq!((get("EMPTY"), get("nonsense")), (None, None));
    }

    #[test]
    fn what_is_not_said_is_as_it_was() {
        let slave_of = |text: &str| slave(&Variables(parsed(text)));
        let usual = slave_of("").expect("it is complete");
        assert_eq!((usual.master_url.as_str(), usual.port), (MASTER_URL, SLAVE_PORT));
        let address = listens_at(&usual).expect("an address");
        assert!(address.ip().is_loopback(), "{address}");
        assert!(slave_of("MASTER_URL=ftp://x").is_err());
        assert!(slave_of("SLAVE_PORT=70000").is_err());
        let slashed = slave_of("MASTER_URL=http://127.0.0.1:5000/\nSLAVE_IP=localhost");
        assert_eq!(slashed.expect("it is complete").ip, "localhost");
    }
}
