//! Programs of older systems: which ports are opened for them, and what is said about it.

use crate::CliError;
use crate::arguments::{OlderArguments, TCP_FACTORIAL_PLACE, XMLRPC_PLACE};
use crate::cluster::OwnCluster;
use crate::logs::Log;
use crate::serve::addresses_of;
use std::net::SocketAddr;
use std::time::Duration;
use windlass_api::{OlderPort, ServerError, XmlRpc};

/// A port for one of the older systems.
struct Gateway<'a> {
    port: OlderPort,
    /// The option that asks for it, and what it was given.
    option: &'static str,
    given: Option<&'a str>,
    /// Where that system listened.
    usual_place: &'static str,
    /// Whom it serves.
    serves: &'static str,
    /// Lines that show it at work, each with what it is about.
    examples: fn(SocketAddr) -> Vec<(&'static str, String)>,
}

fn gateways(arguments: &OlderArguments) -> [Gateway<'_>; 2] {
    [
        Gateway {
            port: OlderPort::Factorial(arguments.tcp_workers.clone()),
            option: "--tcp-factorial",
            // Its workers are of no use without its port.
            given: arguments
                .tcp_factorial
                .as_deref()
                .or(arguments.tcp_workers.as_ref().map(|_| TCP_FACTORIAL_PLACE)),
            usual_place: TCP_FACTORIAL_PLACE,
            serves: "clients of the factorial service",
            examples: |at| vec![("try it", format!("printf 52 | nc {} {}", at.ip(), at.port()))],
        },
        Gateway {
            port: OlderPort::XmlRpc(XmlRpc {
                set: arguments.xmlrpc_records.clone(),
                task_timeout: Duration::from_secs(arguments.xmlrpc_timeout),
            }),
            option: "--xmlrpc",
            given: arguments.xmlrpc.as_deref(),
            usual_place: XMLRPC_PLACE,
            serves: "clients of the look-up service",
            examples: |at| {
                let look_up = format!(
                    "python3 -c \"import xmlrpc.client as x; \
                     print(x.ServerProxy('http://{at}').getbyname('alice'))\""
                );
                let count = "windlass run --op word-count --param tokens=ws --param workers=older \
                             FILES";
                vec![("try it", look_up), ("for workers of MapReduce", count.to_owned())]
            },
        },
    ]
}

/// Opens what is asked for. A port that cannot be had is told, and stops nothing else.
pub(crate) fn open(
    cluster: &OwnCluster,
    arguments: &OlderArguments,
    log: &Log,
) -> Result<(), CliError> {
    if arguments.older {
        tell_of_files(cluster, log);
    }
    for gateway in gateways(arguments) {
        let Gateway { port, option, given, usual_place, serves, examples } = gateway;
        let usual = arguments.older.then_some(usual_place);
        let Some(place) = given.or(usual) else { continue };
        for address in addresses_of(place, option, usual_place)? {
            match cluster.open_older(port.clone(), address) {
                Ok(at) => {
                    log.say(&format!("Serving {serves} on {at}\n"));
                    for (about, line) in examples(at) {
                        log.say(&format!("  {about}:  {line}\n"));
                    }
                    if !at.ip().is_loopback() {
                        log.warn(&format!(
                            "WARNING: whoever reaches {at} is served: programs of older systems \
                             know no tokens\n"
                        ));
                    }
                }
                Err(error) => log.warn(&format!(
                    "windlass: {serves} are not served: {}\n",
                    reason(&error, option)
                )),
            }
        }
    }
    Ok(())
}

/// The file service has no port of its own.
fn tell_of_files(cluster: &OwnCluster, log: &Log) {
    let addresses = cluster.addresses();
    if addresses.iter().any(|address| !address.ip().to_canonical().is_loopback()) {
        return log.warn(
            "windlass: clients of the file service are not served: other machines reach the main \
             port; leave --listen away\n",
        );
    }
    for at in addresses {
        log.say(&format!(
            "Serving clients and slaves of the file service on {at}\n  try it:  curl -F \
             task_type=text -F texts=@FILE http://{at}/assign_task\n  for its slaves:  \
             MASTER_URL=http://{at}\n"
        ));
    }
}

/// Why a port is not open, and what to do.
fn reason(error: &ServerError, option: &str) -> String {
    match error {
        ServerError::Unready(why) => why.clone(),
        error => format!("{error}; name another address with {option} ADDRESS:PORT"),
    }
}
