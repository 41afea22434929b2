//! `windlass submit`: a run that nobody waits for.

use crate::arguments::SubmitArguments;
use crate::place::Place;
use crate::run::stopped;
use crate::screen::Screen;
use crate::{CliError, EXIT_FAILED_FILES, EXIT_INTERRUPTED, print, run, say, settings, signals};
use serde_json::{Value, json};
use windlass_client::report::{Outcome, Row, text};
use windlass_client::run::{Begun, Detached, Run, RunError};
use windlass_core::words::counted;

/// Files left out that are told one by one.
const LEFT_OUT_COUNT_MAX: usize = 10;

pub(crate) fn submit(arguments: &SubmitArguments) -> Result<u8, CliError> {
    let mut asked = settings::asked(&arguments.ask)?;
    let place = &arguments.place;
    let place = Place::of(place.master.as_deref(), &place.access, place.state.as_deref(), 0)?;
    let interrupted = signals::interrupts()?;
    let begun = Begun::default();
    let mut cluster = place.running()?;
    loop {
        let run = Run {
            begun: begun.clone(),
            ..run::prepared(&cluster, &place, asked, &arguments.ask, &interrupted)?
        };
        let mut screen = Screen::new(run::screen_mode(), 0);
        screen.phase("Looking at files");
        let submitted = run.submit_only(&mut |stage| run::show(&place, &mut screen, &stage));
        screen.finish();
        let out = run.asked.out.clone();
        asked = Some(run.asked);
        let goes_on = match submitted {
            Ok(submitted) => {
                let unit = if arguments.ask.paths.is_empty() { "task" } else { "file" };
                return tell(&submitted, unit, arguments.json);
            }
            Err(RunError::Interrupted) => stopped::going_on(&cluster, &begun.jobs(), None),
            Err(error) if error.is_cluster_lost() => {
                say(&format!("The cluster was lost: failed to {error}; looking for it again\n"));
                match place.running_again(&interrupted)? {
                    Some(found) => {
                        cluster = found;
                        continue;
                    }
                    None => stopped::going_on_unheard(&place, &begun.jobs()),
                }
            }
            Err(error) => return Err(CliError::of_run(error)),
        };
        say(&stopped::told(None, &goes_on, &place, &out));
        return Ok(EXIT_INTERRUPTED);
    }
}

/// Prints the jobs, of what there are how many in each, and says what is in none.
fn tell(submitted: &Detached, unit: &str, as_json: bool) -> Result<u8, CliError> {
    let refused = |row: &&Row| row.outcome == Outcome::Failed;
    let refused_count = submitted.left_out.iter().filter(refused).count();
    left_out(&submitted.left_out, refused_count).iter().for_each(|line| say(line));
    if as_json {
        print(&format!("{:#}\n", to_json(submitted)));
    }
    let Some((newest, _)) = submitted.jobs.last_key_value() else {
        return Err(CliError::failed(
            "submit: no file is one that an operation takes; `windlass ops` shows what they take",
        ));
    };
    for (id, count) in &submitted.jobs {
        let what = if submitted.resumed { "goes on" } else { "is submitted" };
        say(&format!("Job {id} {what}: {}.\n", counted(*count, unit)));
        if !as_json {
            print(&format!("{id}\n"));
        }
    }
    if submitted.reopened_count > 0 {
        say(&format!("{} failed {unit}s are tried again.\n", submitted.reopened_count));
    }
    say(&format!(
        "`windlass job wait {newest}` waits for it, `windlass result export {newest}` fetches what \
         it made.\n"
    ));
    Ok(if refused_count > 0 { EXIT_FAILED_FILES } else { 0 })
}

/// Lines about files that are in no job.
fn left_out(rows: &[Row], refused_count: usize) -> Vec<String> {
    let refused = rows.iter().filter(|row| row.outcome == Outcome::Failed);
    let mut lines: Vec<String> = refused
        .take(LEFT_OUT_COUNT_MAX)
        .map(|row| {
            let Row { input, cause, next_step, .. } = row;
            format!("windlass: {}: {cause}. {next_step}\n", text::printable(input))
        })
        .collect();
    if refused_count > LEFT_OUT_COUNT_MAX {
        let more = refused_count - LEFT_OUT_COUNT_MAX;
        lines.push(format!("windlass: {more} more files cannot be read; --json lists them\n"));
    }
    let skipped_count = rows.len() - refused_count;
    if skipped_count > 0 {
        lines.push(format!("{skipped_count} files are skipped: no operation takes them.\n"));
    }
    lines
}

fn to_json(submitted: &Detached) -> Value {
    let jobs = submitted.jobs.iter().map(|(id, count)| json!({ "id": id.0, "files": count }));
    let left_out = submitted.left_out.iter().map(|row| {
        json!({
            "input": text::reversible(&row.input),
            "outcome": row.outcome.label(),
            "code": row.code,
            "cause": row.cause,
            "next_step": row.next_step,
        })
    });
    json!({
        "version": 1,
        "jobs": jobs.collect::<Vec<_>>(),
        "resumed": submitted.resumed,
        "retried": submitted.reopened_count,
        "left_out": left_out.collect::<Vec<_>>(),
    })
}
