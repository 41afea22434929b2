//! `windlass run`: a cluster for the length of one run, or the one that is there.

use crate::arguments::RunArguments;
use crate::cluster::{Attached, Plan};
use crate::screen::{Doing, Screen, ScreenMode, SlotView, View};
use crate::{CliError, EXIT_INTERRUPTED, EXIT_UNREACHABLE, settings, signals};
use std::collections::BTreeSet;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::available_parallelism;
use std::time::Duration;
use windlass_client::cluster::Cluster;
use windlass_client::follow::Standing;
use windlass_client::memorandum::Asked;
use windlass_client::report::{Report, Style, text};
use windlass_client::run::{Finished, Run, RunError, Stage};
use windlass_core::{BlobId, JobId};
use windlass_wire::{Address, Client};

/// Bound on a stored memorandum: the paths of one command line.
const MEMORANDUM_BYTES_MAX: u64 = 16 << 20;
/// Columns where the terminal does not tell.
const COLUMNS_DEFAULT: usize = 100;

/// Pause before a lost cluster is looked for again.
const LOST_PAUSE: Duration = Duration::from_millis(500);

pub(crate) fn run(arguments: &RunArguments) -> Result<u8, CliError> {
    let mut asked = settings::asked(arguments)?;
    let place = Place::of(arguments)?;
    let interrupted = signals::interrupts()?;
    let mut own_jobs = BTreeSet::new();
    let mut attached = place.attach()?;
    attached.notes().iter().for_each(|note| say(&format!("windlass: {note}\n")));
    loop {
        let cluster = attached.cluster();
        let run = Run {
            cluster: &cluster,
            operations: settings::operations(),
            asked: match asked {
                Some(asked) => asked,
                None => newest(&cluster)?,
            },
            failed_too: arguments.failed && own_jobs.is_empty(),
            own_jobs: own_jobs.clone(),
            excluded: place.excluded(),
            current_folder: std::env::current_dir().unwrap_or_default(),
            reader_count: cores() as usize,
            interrupted: &interrupted,
        };
        let mut screen = Screen::new(screen_mode(), slot_count(&cluster));
        screen.phase("Looking at files");
        let finished = run.run(&mut |stage| place.show(&mut screen, &stage, &mut own_jobs));
        screen.finish();
        asked = Some(run.asked);
        attached.stop();
        match finished {
            Err(RunError::Interrupted) => {
                say("Stopped before anything was begun.\n");
                return Ok(EXIT_INTERRUPTED);
            }
            Err(error) if error.is_cluster_lost() => {
                say(&format!("The cluster was lost: failed to {error}; looking for it again\n"));
                match place.attach_again(&interrupted)? {
                    Some(found) => attached = found,
                    None => {
                        say("Stopped. Nothing is lost: the same command goes on from here.\n");
                        return Ok(EXIT_INTERRUPTED);
                    }
                }
            }
            finished => return report(arguments, &finished.map_err(CliError::failed)?),
        }
    }
}

/// Where the cluster of a run is.
enum Place {
    /// The state folder: whoever holds it, or this process.
    State(PathBuf, Plan),
    /// A master elsewhere.
    Master(Address),
}

impl Place {
    fn of(arguments: &RunArguments) -> Result<Place, CliError> {
        if let Some(master) = &arguments.master {
            let address = master.parse();
            let address = address.map_err(|e| CliError::usage(format!("--master: {e}")))?;
            return Ok(Place::Master(address));
        }
        let worker_count = arguments.workers.unwrap_or_else(cores);
        let plan = Plan { worker_count, slots: 1, listen: Vec::new() };
        Ok(Place::State(settings::state_dir(arguments.state.as_deref())?, plan))
    }

    fn attach(&self) -> Result<Attached, CliError> {
        match self {
            Place::State(state, plan) => Attached::attach(state, plan),
            Place::Master(address) => match Client::connect(address) {
                Ok(client) => Ok(Attached::Joined(client)),
                Err(error) => Err(CliError {
                    text: format!("failed to {error}; start one there with `windlass up`"),
                    code: EXIT_UNREACHABLE,
                }),
            },
        }
    }

    /// Attaches as soon as there is a cluster again; `None`: it was stopped meanwhile.
    fn attach_again(&self, interrupted: &AtomicBool) -> Result<Option<Attached>, CliError> {
        while !interrupted.load(Ordering::Relaxed) {
            match self.attach() {
                Ok(attached) => return Ok(Some(attached)),
                Err(error) if error.code != EXIT_UNREACHABLE => return Err(error),
                Err(_) => std::thread::sleep(LOST_PAUSE),
            }
        }
        Ok(None)
    }

    /// What is never taken for an input.
    fn excluded(&self) -> Vec<PathBuf> {
        match self {
            Place::State(state, _) => vec![state.clone()],
            Place::Master(_) => Vec::new(),
        }
    }

    fn show(&self, screen: &mut Screen, stage: &Stage<'_>, own_jobs: &mut BTreeSet<JobId>) {
        match stage {
            Stage::Looking(found) => screen.phase(&format!(
                "Looking at files: {} of {} ({} MB)",
                found.done_count,
                found.file_count,
                found.done_bytes >> 20
            )),
            Stage::WaitingForRoom => screen.notice(&self.waiting_for_room()),
            Stage::Submitted(jobs) => own_jobs.clone_from(jobs),
            Stage::Working(standing) => {
                let mut view = view(standing);
                if standing.waits_for_room {
                    view.note = Some(self.waiting_for_room());
                }
                screen.update(&view);
            }
        }
    }

    fn waiting_for_room(&self) -> String {
        let place = match self {
            Place::State(state, _) => state.display().to_string(),
            Place::Master(address) => format!("the master at {address}"),
        };
        format!("the disk of {place} is full; waiting for room")
    }
}

/// Rows that the screen keeps for slots.
fn slot_count(cluster: &Cluster) -> usize {
    let workers = cluster.status().map(|status| status.workers).unwrap_or_default();
    workers.iter().map(|worker| worker.slots as usize).sum()
}

fn cores() -> u32 {
    available_parallelism().map_or(1, |count| u32::try_from(count.get()).unwrap_or(1))
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
    let jobs = cluster.jobs().map_err(CliError::failed)?;
    let Some(job) = jobs.last() else {
        return Err(CliError::failed("retry: this state has no earlier run"));
    };
    let read = |id: BlobId| cluster.read_blob(id, MEMORANDUM_BYTES_MAX).ok();
    job.memorandum.and_then(read).and_then(|bytes| Asked::decode(&bytes)).ok_or_else(|| {
        CliError::failed(format!(
            "read how job {} was asked for; give the run's arguments with --failed",
            job.id
        ))
    })
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
