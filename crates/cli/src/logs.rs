//! How services tell what they do: lines for people, or JSON objects for programs.

use clap::{Args, ValueEnum};
use std::io::Write;
use tracing::level_filters::LevelFilter;
use tracing::{info, warn};

/// How a service tells what it does.
#[derive(Debug, Args)]
pub(crate) struct LogArguments {
    /// Lines for people, or JSON objects, one a line, for programs
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = LogFormat::Text)]
    #[arg(env = "WINDLASS_LOG_FORMAT", hide_env_values = true)]
    pub(crate) log_format: LogFormat,
    /// The least of what is told
    #[arg(long, value_name = "LEVEL", value_enum, default_value_t = LogLevel::Info)]
    #[arg(env = "WINDLASS_LOG_LEVEL", hide_env_values = true)]
    pub(crate) log_level: LogLevel,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum LogLevel {
    Off,
    Warn,
    Info,
}

/// A service's log, on stderr.
pub(crate) struct Log {
    format: LogFormat,
}

impl Log {
    /// Begins to tell what all threads of this process have to say.
    pub(crate) fn start(arguments: &LogArguments) -> Log {
        let level = match arguments.log_level {
            LogLevel::Off => LevelFilter::OFF,
            LogLevel::Warn => LevelFilter::WARN,
            LogLevel::Info => LevelFilter::INFO,
        };
        let lines = tracing_subscriber::fmt()
            .with_writer(std::io::stderr)
            .with_max_level(level)
            .with_target(false);
        // A second start in one process would be refused: there is none.
        let _ = match arguments.log_format {
            LogFormat::Text => lines.try_init(),
            LogFormat::Json => lines.json().flatten_event(true).try_init(),
        };
        Log { format: arguments.log_format }
    }

    /// Sentences for whoever started the service.
    pub(crate) fn say(&self, text: &str) {
        match self.format {
            LogFormat::Text => {
                let _ = std::io::stderr().write_all(text.as_bytes());
            }
            LogFormat::Json => text.lines().for_each(|line| info!("{}", line.trim_start())),
        }
    }

    /// Sentences that nobody should miss.
    pub(crate) fn warn(&self, text: &str) {
        match self.format {
            LogFormat::Text => {
                let _ = std::io::stderr().write_all(text.as_bytes());
            }
            LogFormat::Json => text.lines().for_each(|line| warn!("{}", line.trim_start())),
        }
    }
}
