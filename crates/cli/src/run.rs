//! `windlass run`: a cluster for the length of one run.

use crate::arguments::RunArguments;
use crate::cluster::Cluster;
use crate::screen::{Doing, Screen, ScreenMode, SlotView, View};
use crate::settings;
use crate::{CliError, EXIT_INTERRUPTED};
use signal_hook::consts::{SIGINT, SIGTERM};
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::available_parallelism;
use windlass_client::follow::Standing;
use windlass_client::memorandum::Asked;
use windlass_client::report::{Report, Style, text};
use windlass_client::run::{Finished, Run, RunError, Stage};
use windlass_core::BlobId;

/// Bound on a stored memorandum: the paths of one command line.
const MEMORANDUM_BYTES_MAX: u64 = 16 << 20;
/// Columns where the terminal does not tell.
const COLUMNS_DEFAULT: usize = 100;

pub(crate) fn run(arguments: &RunArguments) -> Result<u8, CliError> {
    let asked = settings::asked(arguments)?;
    let state = settings::state_dir(arguments.state.as_deref())?;
    let interrupted = interrupts()?;
    let cores = available_parallelism().map_or(1, |count| u32::try_from(count.get()).unwrap_or(1));
    let worker_count = arguments.workers.unwrap_or(cores);
    let cluster = Cluster::start(&state, worker_count)?;
    cluster.notes().iter().for_each(|note| say(&format!("windlass: {note}\n")));
    let asked = match asked {
        Some(asked) => asked,
        None => newest(&cluster)?,
    };
    let mut screen = Screen::new(screen_mode(), worker_count as usize);
    screen.phase("Looking at files");
    let run = Run {
        handle: &cluster.handle,
        blobs: &cluster.blobs,
        operations: settings::operations(),
        asked,
        failed_too: arguments.failed,
        excluded: vec![state.clone()],
        current_folder: std::env::current_dir().unwrap_or_default(),
        reader_count: cores as usize,
        interrupted: &interrupted,
    };
    let finished = run.run(&mut |stage| match stage {
        Stage::Looking(found) => screen.phase(&format!(
            "Looking at files: {} of {} ({} MB)",
            found.done_count,
            found.file_count,
            found.done_bytes >> 20
        )),
        Stage::WaitingForRoom => screen.notice(&waiting_for_room(&state)),
        Stage::Working(standing) => {
            let mut view = view(standing);
            if standing.waits_for_room {
                view.note = Some(waiting_for_room(&state));
            }
            screen.update(&view);
        }
    });
    screen.finish();
    cluster.stop();
    match finished {
        Err(RunError::Interrupted) => {
            say("Stopped before anything was begun.\n");
            Ok(EXIT_INTERRUPTED)
        }
        finished => report(arguments, &finished.map_err(CliError::failed)?),
    }
}

/// Writes the summaries and says how it went.
fn report(arguments: &RunArguments, finished: &Finished) -> Result<u8, CliError> {
    let Finished { report, interrupted, .. } = finished;
    report.write().map_err(CliError::failed)?;
    say(&report.render(style()));
    if arguments.json {
        print_json(report)?;
    }
    if *interrupted {
        let totals = report.totals();
        say(&format!(
            "\nStopped: {} of {} files still to do. Nothing is lost:\n\
             the same command goes on from here.\n",
            totals.unfinished, totals.files
        ));
        return Ok(EXIT_INTERRUPTED);
    }
    Ok(report.exit_code())
}

/// What the newest job of the state was asked to do.
fn newest(cluster: &Cluster) -> Result<Asked, CliError> {
    let jobs = cluster.handle.jobs().map_err(CliError::failed)?;
    let Some(job) = jobs.last() else {
        return Err(CliError::failed("retry: this state has no earlier run"));
    };
    let read = |id: BlobId| cluster.blobs.read(id, MEMORANDUM_BYTES_MAX).ok();
    job.memorandum.and_then(read).and_then(|bytes| Asked::decode(&bytes)).ok_or_else(|| {
        CliError::failed(format!(
            "read how job {} was asked for; give the run's arguments with --failed",
            job.id
        ))
    })
}

/// A flag that Ctrl-C or SIGTERM raises; the second Ctrl-C ends the process at once.
fn interrupts() -> Result<Arc<AtomicBool>, CliError> {
    let interrupted = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        let again = Arc::clone(&interrupted);
        signal_hook::flag::register_conditional_shutdown(signal, EXIT_INTERRUPTED.into(), again)
            .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&interrupted)))
            .map_err(|error| CliError::failed(format!("catch Ctrl-C: {error}")))?;
    }
    Ok(interrupted)
}

fn view(standing: &Standing) -> View {
    View {
        total: standing.task_count,
        done: standing.done_count,
        failed: standing.failed_count,
        bytes_done: standing.bytes_done,
        bytes_total: standing.bytes_total,
        note: standing.note.clone(),
        slots: standing
            .slots
            .iter()
            .map(|slot| SlotView {
                label: slot.worker.clone(),
                doing: slot.doing.as_ref().map(|doing| Doing {
                    name: text::printable(file_name(&doing.name)),
                    operation: doing.operation.clone(),
                    since: doing.elapsed,
                    stalled: Some(doing.quiet).filter(|quiet| quiet.as_secs() >= 3),
                }),
            })
            .collect(),
    }
}

fn waiting_for_room(state: &Path) -> String {
    format!("the disk of {} is full; waiting for room", state.display())
}

fn file_name(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or(path)
}

fn screen_mode() -> ScreenMode {
    if std::io::stderr().is_terminal() { ScreenMode::Live } else { ScreenMode::Plain }
}

fn style() -> Style {
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let is_terminal = std::io::stderr().is_terminal();
    let columns = terminal_size::terminal_size_of(std::io::stderr())
        .map_or(COLUMNS_DEFAULT, |(width, _)| usize::from(width.0));
    Style { colour: is_terminal && !no_color, width: columns }
}

fn print_json(report: &Report) -> Result<(), CliError> {
    let mut stdout = std::io::stdout().lock();
    let written = report.write_json(&mut stdout).and_then(|()| stdout.flush());
    match written {
        // A reader that has seen enough (`| head`) is no error.
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(CliError::failed(format!("write the summary to stdout: {error}")))
        }
        _ => Ok(()),
    }
}

fn say(text: &str) {
    let _ = std::io::stderr().write_all(text.as_bytes());
}
