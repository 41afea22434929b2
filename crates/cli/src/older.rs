//! Programs of older systems: which ports are opened for them, and what is said about it.

use crate::CliError;
use crate::arguments::{OlderArguments, TCP_FACTORIAL_PLACE};
use crate::cluster::OwnCluster;
use crate::logs::Log;
use crate::serve::addresses_of;
use std::net::SocketAddr;
use windlass_api::OlderPort;

/// A port for one of the older systems.
struct Gateway {
    port: OlderPort,
    /// The option that asks for it.
    option: &'static str,
    /// Where that system listened.
    usual_place: &'static str,
    /// Whom it serves.
    serves: &'static str,
    /// A line that shows it at work.
    example: fn(SocketAddr) -> String,
}

const GATEWAYS: &[Gateway] = &[Gateway {
    port: OlderPort::Factorial,
    option: "--tcp-factorial",
    usual_place: TCP_FACTORIAL_PLACE,
    serves: "clients of the factorial service",
    example: |at| format!("printf 52 | nc {} {}", at.ip(), at.port()),
}];

/// Opens what is asked for. A port that cannot be had is told, and stops nothing else.
pub(crate) fn open(
    cluster: &OwnCluster,
    arguments: &OlderArguments,
    log: &Log,
) -> Result<(), CliError> {
    for gateway in GATEWAYS {
        let given = match gateway.port {
            OlderPort::Factorial => arguments.tcp_factorial.as_deref(),
        };
        let usual = arguments.older.then_some(gateway.usual_place);
        let Some(place) = given.or(usual) else { continue };
        let Gateway { port, option, usual_place, serves, example } = gateway;
        for address in addresses_of(place, option, usual_place)? {
            match cluster.open_older(*port, address) {
                Ok(taken) => {
                    log.say(&format!(
                        "Serving {serves} on {taken}\n  try it:  {}\n",
                        example(taken)
                    ));
                    if !taken.ip().is_loopback() {
                        log.warn(&format!(
                            "WARNING: whoever reaches {taken} is served: programs of older systems \
                             know no tokens\n"
                        ));
                    }
                }
                Err(error) => log.warn(&format!(
                    "windlass: {serves} are not served: {error}; name another address with \
                     {option} ADDRESS:PORT\n"
                )),
            }
        }
    }
    Ok(())
}
