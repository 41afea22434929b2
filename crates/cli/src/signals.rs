//! Ctrl-C and SIGTERM.

use crate::{CliError, EXIT_INTERRUPTED};
use signal_hook::consts::{SIGINT, SIGTERM};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// A flag that Ctrl-C or SIGTERM raises; the second one ends the process at once.
pub(crate) fn interrupts() -> Result<Arc<AtomicBool>, CliError> {
    let interrupted = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        let again = Arc::clone(&interrupted);
        signal_hook::flag::register_conditional_shutdown(signal, EXIT_INTERRUPTED.into(), again)
            .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&interrupted)))
            .map_err(|error| CliError::failed(format!("catch Ctrl-C: {error}")))?;
    }
    Ok(interrupted)
}
