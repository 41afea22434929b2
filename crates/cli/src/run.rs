//! `windlass run`: a cluster for the length of one run, or the one that is there.

pub(crate) mod stopped;

use crate::arguments::{AskArguments, RunArguments};
use crate::cluster::Attached;
use crate::doctor;
use crate::place::{Place, cores};
use crate::screen::{Doing, Screen, ScreenMode, SlotView, View};
use crate::{CliError, EXIT_INTERRUPTED, models, say, settings, signals};
use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use stopped::Left;
use windlass_client::cluster::Cluster;
use windlass_client::follow::Standing;
use windlass_client::memorandum::{Asked, Memorandum};
use windlass_client::report::{Report, Style, text};
use windlass_client::run::{Begun, Finished, Run, RunError, Stage};
use windlass_core::JobId;
use windlass_core::view::ClusterView;

/// Columns where the terminal does not tell.
const COLUMNS_DEFAULT: usize = 100;

pub(crate) fn run(arguments: &RunArguments) -> Result<u8, CliError> {
    let mut asked = settings::asked(&arguments.ask)?;
    asked.iter().try_for_each(|asked| settings::check_out(&asked.out))?;
    let workers = arguments.workers.unwrap_or_else(cores);
    let (master, state) = (arguments.master.as_deref(), arguments.state.as_deref());
    // Who says how many workers means some of this machine's own.
    let place = match (master, arguments.workers) {
        (None, Some(_)) => Place::here(state, workers)?,
        _ => Place::of(master, &arguments.access, state, workers)?,
    };
    let interrupted = signals::interrupts()?;
    let begun = Begun::default();
    let mut layers_told = false;
    let mut attached = place.attach()?;
    attached.notes().iter().for_each(|note| say(&format!("windlass: {note}\n")));
    loop {
        let cluster = attached.cluster();
        let run = Run {
            begun: begun.clone(),
            ..prepared(&cluster, &place, asked, &arguments.ask, &interrupted)?
        };
        let mut screen = Screen::new(screen_mode(), slot_count(&cluster));
        screen.phase("Looking at files");
        let finished = run.run(&mut |stage| {
            if matches!(stage, Stage::Working(_)) {
                unconfined(&attached, &mut layers_told).iter().for_each(|it| screen.remark(it));
            }
            show(&place, &mut screen, &stage);
        });
        screen.finish();
        // A short run is over before it is looked at.
        unconfined(&attached, &mut layers_told).iter().for_each(|it| say(&format!("{it}\n")));
        let out = run.asked.out.clone();
        asked = Some(run.asked);
        match finished {
            Err(RunError::Interrupted) => {
                let jobs = stopped::going_on(&cluster, &begun.jobs(), None);
                say(&stopped::told(None, &jobs, &place, &out));
                attached.stop(&mut || {}, &|| false);
                return Ok(EXIT_INTERRUPTED);
            }
            Err(error) if error.is_cluster_lost() => {
                attached.stop(&mut || {}, &|| false);
                say(&format!("The cluster was lost: failed to {error}; looking for it again\n"));
                match place.attach_again(&interrupted)? {
                    Some(found) => attached = found,
                    None => {
                        let jobs = stopped::going_on_unheard(&place, &begun.jobs());
                        say(&stopped::told(None, &jobs, &place, &out));
                        return Ok(EXIT_INTERRUPTED);
                    }
                }
            }
            finished => {
                // The results are told before the state is tidied.
                let finished = finished.map_err(CliError::of_run);
                let ended = finished.and_then(|done| report(arguments, &attached, &place, &done));
                tidy(attached, &interrupted);
                return ended;
            }
        }
    }
}

/// A run over what was asked for; without that, over what the newest job was asked for.
pub(crate) fn prepared<'a>(
    cluster: &'a Cluster,
    place: &Place,
    asked: Option<Asked>,
    arguments: &AskArguments,
    interrupted: &'a AtomicBool,
) -> Result<Run<'a>, CliError> {
    let params = arguments.params.clone();
    Ok(Run {
        cluster,
        operations: settings::operations(),
        lacking: match cluster {
            // Its workers have what this machine has; they may not have said so yet.
            Cluster::Here { .. } => settings::lacking(),
            Cluster::There(_) => cluster.status().map(|view| withdrawn(&view)).unwrap_or_default(),
        },
        asked: match asked {
            Some(asked) => asked,
            None => newest(cluster)?,
        },
        failed_too: arguments.failed,
        prepare: Arc::new(move |cluster, asked| models::bring(cluster, &params, asked)),
        begun: Begun::default(),
        excluded: place.excluded(),
        current_folder: std::env::current_dir().unwrap_or_default(),
        reader_count: cores() as usize,
        interrupted,
    })
}

/// What workers have withdrawn and none of them offers.
fn withdrawn(view: &ClusterView) -> Vec<&'static str> {
    let is_in_vain = |name: &str| {
        let offers = view.workers.iter().flat_map(|worker| &worker.offers);
        let withdrawn = view.workers.iter().flat_map(|worker| &worker.withdrawn);
        withdrawn.map(|it| &it.operation).any(|it| it == name)
            && !offers.map(|it| &it.operation).any(|it| it == name)
    };
    let names = settings::operations().into_iter().map(|spec| spec.name);
    names.filter(|name| is_in_vain(name)).collect()
}

/// Ends what is in this process; a collection of the state that is due has its turn before.
fn tidy(attached: Attached, interrupted: &AtomicBool) {
    let mut waits = || say("Removing what is no longer needed from the state (Ctrl-C: later).\n");
    if let Some(why) = attached.stop(&mut waits, &|| !interrupted.load(Ordering::Relaxed)) {
        say(&format!("windlass: {why}\n"));
    }
}

pub(crate) fn show(place: &Place, screen: &mut Screen, stage: &Stage<'_>) {
    match stage {
        Stage::Looking(found) => screen.phase(&format!(
            "Looking at files: {} of {} ({} MB)",
            found.done_count,
            found.file_count,
            found.done_bytes >> 20
        )),
        Stage::WaitingForRoom => screen.notice(&place.waiting_for_room()),
        Stage::Working(standing) => {
            let mut view = view(standing);
            if standing.waits_for_room {
                view.note = Some(place.waiting_for_room());
            }
            screen.update(&view);
        }
    }
}

/// Rows that the screen keeps for slots.
fn slot_count(cluster: &Cluster) -> usize {
    let workers = cluster.status().map(|status| status.workers).unwrap_or_default();
    workers.iter().map(|worker| worker.slots as usize).sum()
}

/// What the user should know of the confinement, where it is not whole and that was not told yet.
fn unconfined(attached: &Attached, told: &mut bool) -> Option<String> {
    if *told {
        return None;
    }
    let missing = doctor::missing_layers(attached.incomplete_layers()?);
    *told = true;
    Some(format!(
        "windlass: what reads the files is not fully confined here ({missing}); \
         `windlass doctor` says what to do"
    ))
}

/// Writes the summaries and says how it went.
fn report(
    arguments: &RunArguments,
    attached: &Attached,
    place: &Place,
    finished: &Finished,
) -> Result<u8, CliError> {
    let Finished { report, interrupted, has_caught_up, .. } = finished;
    // One that knows less does not take the place of the last one.
    let is_older_better = *interrupted && !has_caught_up && report.is_written();
    if !is_older_better {
        report.write().map_err(CliError::failed)?;
    }
    say(&report.render(style()));
    if arguments.json {
        print_json(report)?;
    }
    if *interrupted {
        let jobs = report.job_ids.iter().copied().map(JobId).collect();
        let left = Left::of(finished, is_older_better);
        let jobs = stopped::going_on(&attached.cluster(), &jobs, Some(&left));
        say(&stopped::told(Some(&left), &jobs, place, &report.out));
        return Ok(EXIT_INTERRUPTED);
    }
    Ok(report.exit_code())
}

/// What the newest job of the state was asked to do.
fn newest(cluster: &Cluster) -> Result<Asked, CliError> {
    let jobs = cluster.jobs().map_err(CliError::of_cluster)?;
    let Some(job) = jobs.last() else {
        return Err(CliError::failed("retry: this state has no earlier run"));
    };
    let read = Memorandum::of(cluster, job).map_err(CliError::of_cluster)?;
    let asked = read.map(|memorandum| memorandum.asked).ok_or_else(|| {
        CliError::failed(format!(
            "read how job {}, the newest one, was asked for: this is not kept with it; give the \
             run's arguments with --failed",
            job.id
        ))
    })?;
    settings::check_out(&asked.out)?;
    Ok(asked)
}

fn view(standing: &Standing) -> View {
    View {
        total: standing.file_count,
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

pub(crate) fn screen_mode() -> ScreenMode {
    if std::io::stderr().is_terminal() { ScreenMode::Live } else { ScreenMode::Plain }
}

pub(crate) fn style() -> Style {
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let is_terminal = std::io::stderr().is_terminal();
    let columns = terminal_size::terminal_size_of(std::io::stderr())
        .map_or(COLUMNS_DEFAULT, |(width, _)| usize::from(width.0));
    Style { colour: is_terminal && !no_color, width: columns }
}

pub(crate) fn print_json(report: &Report) -> Result<(), CliError> {
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

#[cfg(test)]
mod tests;
