//! Programs of older systems: which ports are opened for them, and what is said about it.

use crate::CliError;
use crate::arguments::{OlderArguments, TCP_FACTORIAL_PLACE, XMLRPC_PLACE};
use crate::cluster::OwnCluster;
use crate::logs::Log;
use crate::serve::addresses_of;
use std::net::SocketAddr;
use windlass_api::{OlderPort, ServerError};

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
    /// A line that shows it at work.
    example: fn(SocketAddr) -> String,
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
            example: |at| format!("printf 52 | nc {} {}", at.ip(), at.port()),
        },
        Gateway {
            port: OlderPort::XmlRpc(arguments.xmlrpc_records.clone()),
            option: "--xmlrpc",
            given: arguments.xmlrpc.as_deref(),
            usual_place: XMLRPC_PLACE,
            serves: "clients of the look-up service",
            example: |at| {
                format!(
                    "python3 -c \"import xmlrpc.client as x; \
                     print(x.ServerProxy('http://{at}').getbyname('alice'))\""
                )
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
    for gateway in gateways(arguments) {
        let Gateway { port, option, given, usual_place, serves, example } = gateway;
        let usual = arguments.older.then_some(usual_place);
        let Some(place) = given.or(usual) else { continue };
        for address in addresses_of(place, option, usual_place)? {
            match cluster.open_older(port.clone(), address) {
                Ok(at) => {
                    log.say(&format!("Serving {serves} on {at}\n  try it:  {}\n", example(at)));
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

/// Why a port is not open, and what to do.
fn reason(error: &ServerError, option: &str) -> String {
    match error {
        ServerError::Unready(why) => why.clone(),
        error => format!("{error}; name another address with {option} ADDRESS:PORT"),
    }
}
