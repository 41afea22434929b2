//! `windlass records query`: conditions from the command line, rows to stdout.

use super::arguments::RecordsArguments;
use super::say;
use crate::place::Place;
use crate::{CliError, EXIT_FAILED_FILES};
use serde_json::{Value, json};
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::PathBuf;
use windlass_client::cluster::ClusterError;
use windlass_client::records::Looked;
use windlass_client::report::text::{printable, width};
use windlass_core::records::{Condition, Query, SetName, Wanted};
use windlass_records::row_fields;

/// How long a query waits for workers that load its groups.
const SECONDS_DEFAULT: u64 = 60;
/// Workers of a cluster of this process's own.
const OWN_WORKER_COUNT: u32 = 1;
/// Rows that a table is laid out for; what comes behind them keeps its columns.
const TABLE_ROW_COUNT: usize = 200;
/// Columns of the screen that one field takes at most.
const CELL_WIDTH_MAX: usize = 40;

/// What the words behind the set's name say.
#[derive(PartialEq, Eq, Debug, Default)]
struct Asked {
    conditions: Vec<Condition>,
    json: bool,
    seconds: Option<u64>,
    state: Option<PathBuf>,
    master: Option<String>,
    token: Option<String>,
    insecure: bool,
}

pub(super) fn query(
    arguments: &RecordsArguments,
    name: &SetName,
    words: &[String],
) -> Result<u8, CliError> {
    let asked = Asked::read(words)?;
    let master = asked.master.as_ref().or(arguments.place.master.as_ref());
    let state = asked.state.as_ref().or(arguments.place.state.as_ref());
    let mut access = arguments.place.access.clone();
    access.token = asked.token.clone().or(access.token);
    access.insecure |= asked.insecure;
    let (master, state) = (master.map(String::as_str), state.map(PathBuf::as_path));
    let place = Place::of(master, &access, state, OWN_WORKER_COUNT)?;
    place.check_recorded()?;
    let attached = place.attach()?;
    let query = Query { conditions: asked.conditions };
    let limit_ms = Some(asked.seconds.unwrap_or(SECONDS_DEFAULT) * 1_000);
    let mut out = match (asked.json, io::stdout().is_terminal()) {
        (true, _) => Out::Json(0),
        (false, true) => Out::Table(Table::default()),
        (false, false) => Out::Lines,
    };
    let mut stdout = BufWriter::new(io::stdout().lock());
    let looked =
        attached.cluster().query(name, &query, limit_ms, &mut |row| out.row(row, &mut stdout));
    let looked = looked.and_then(|looked| {
        out.end(&looked, &mut stdout).map_err(ClusterError::Take)?;
        stdout.flush().map_err(ClusterError::Take)?;
        Ok(looked)
    });
    attached.stop(&mut || {}, &|| false);
    match looked {
        Ok(looked) if looked.missing.is_empty() => Ok(0),
        Ok(looked) => {
            for (group, why) in &looked.missing {
                say(&format!("windlass: nothing from group {group}: {why}\n"));
            }
            Ok(EXIT_FAILED_FILES)
        }
        // A reader that has seen enough (`| head`) is no error.
        Err(ClusterError::Take(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(0),
        Err(error) => Err(CliError::of_cluster(error)),
    }
}

impl Asked {
    fn read(words: &[String]) -> Result<Asked, CliError> {
        let mut asked = Asked::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let Some(flag) = word.strip_prefix("--").filter(|flag| !flag.is_empty()) else {
                let text =
                    format!("{word:?} is no condition: write --FIELD VALUE, as --name alice");
                return Err(CliError::usage(text));
            };
            match flag {
                "json" => {
                    asked.json = true;
                    continue;
                }
                "insecure" => {
                    asked.insecure = true;
                    continue;
                }
                _ => {}
            }
            let (name, value) = match flag.split_once('=') {
                Some((name, value)) => (name, value.to_owned()),
                None => {
                    let value = words.next().cloned();
                    let missing = || CliError::usage(format!("--{flag}: its value is missing"));
                    (flag, value.ok_or_else(missing)?)
                }
            };
            asked.take(name, value)?;
        }
        if asked.conditions.is_empty() {
            return Err(CliError::usage(
                "nothing is asked: add a condition, as --name alice; `windlass records query \
                 --help` shows more",
            ));
        }
        Ok(asked)
    }

    fn take(&mut self, name: &str, value: String) -> Result<(), CliError> {
        match name {
            "state" => self.state = Some(value.into()),
            "master" => self.master = Some(value),
            "token" => self.token = Some(value),
            "timeout" => {
                let seconds = value.parse().ok().filter(|seconds| (1..=600).contains(seconds));
                let wanted =
                    || CliError::usage(format!("--timeout {value}: 1 to 600 seconds are possible"));
                self.seconds = Some(seconds.ok_or_else(wanted)?);
            }
            "where" => {
                let pair = value.split_once('=');
                let form = || CliError::usage(format!("--where {value}: write it as FIELD=VALUE"));
                let (field, value) = pair.ok_or_else(form)?;
                self.condition(field, value)?;
            }
            field => self.condition(field, &value)?,
        }
        Ok(())
    }

    fn condition(&mut self, field: &str, value: &str) -> Result<(), CliError> {
        let field =
            field.parse().map_err(|error| CliError::usage(format!("--{field}: {error}")))?;
        let wanted = Wanted::Written(value.to_owned());
        self.conditions.push(Condition { field, wanted });
        Ok(())
    }
}

/// How rows are shown.
enum Out {
    /// As they come, one a line.
    Lines,
    /// One document; so many rows of it are written.
    Json(u64),
    /// For people.
    Table(Table),
}

impl Out {
    fn row(&mut self, row: &str, into: &mut impl Write) -> io::Result<()> {
        match self {
            Out::Lines => writeln!(into, "{row}"),
            // Rows stay as they are spelled.
            Out::Json(count) => {
                let before = if *count == 0 { "{\"version\":1,\"rows\":[" } else { "," };
                *count += 1;
                write!(into, "{before}\n{row}")
            }
            Out::Table(table) => table.row(row, into),
        }
    }

    fn end(&mut self, looked: &Looked, into: &mut impl Write) -> io::Result<()> {
        match self {
            Out::Lines => Ok(()),
            Out::Json(count) => {
                let missing = looked.missing.iter();
                let missing =
                    missing.map(|(group, why)| json!({ "group": group.as_str(), "cause": why }));
                let missing: Vec<Value> = missing.collect();
                let begin = if *count == 0 { "{\"version\":1,\"rows\":[" } else { "\n" };
                writeln!(into, "{begin}],\"missing\":{}}}", Value::from(missing))
            }
            Out::Table(table) => {
                table.lay_out(into)?;
                match looked.row_count {
                    1 => writeln!(into, "1 row"),
                    count => writeln!(into, "{count} rows"),
                }
            }
        }
    }
}

/// Columns for the fields that the first rows have; a field that only a later row has is left out.
/// A row's fields as they are shown.
type Cells = Vec<(String, String)>;

#[derive(Default)]
struct Table {
    waiting: Vec<Cells>,
    /// Fields and the columns of the screen that each takes, once they are known.
    columns: Option<Vec<(String, usize)>>,
}

impl Table {
    fn row(&mut self, row: &str, into: &mut impl Write) -> io::Result<()> {
        let shown = |(name, value): (String, &str)| (printable(name.as_bytes()), cell(value));
        let cells = row_fields(row).into_iter().map(shown);
        let row: Cells = cells.collect();
        match &self.columns {
            Some(columns) => line(columns, &row, into),
            None => {
                self.waiting.push(row);
                if self.waiting.len() < TABLE_ROW_COUNT { Ok(()) } else { self.lay_out(into) }
            }
        }
    }

    fn lay_out(&mut self, into: &mut impl Write) -> io::Result<()> {
        if self.columns.is_some() || self.waiting.is_empty() {
            return Ok(());
        }
        let mut columns: Vec<(String, usize)> = Vec::new();
        for (name, shown) in self.waiting.iter().flatten() {
            let needed = width(shown).min(CELL_WIDTH_MAX);
            match columns.iter_mut().find(|(known, _)| known == name) {
                Some((_, taken)) => *taken = needed.max(*taken),
                None => columns.push((name.clone(), needed.max(width(name)))),
            }
        }
        let names: Cells = columns.iter().map(|(name, _)| (name.clone(), name.clone())).collect();
        line(&columns, &names, into)?;
        for row in std::mem::take(&mut self.waiting) {
            line(&columns, &row, into)?;
        }
        self.columns = Some(columns);
        Ok(())
    }
}

fn cell(json: &str) -> String {
    match serde_json::from_str::<String>(json) {
        Ok(text) => printable(text.as_bytes()),
        Err(_) => json.to_owned(),
    }
}

fn line(columns: &[(String, usize)], row: &Cells, into: &mut impl Write) -> io::Result<()> {
    let mut text = String::new();
    for (name, taken) in columns {
        let shown = row.iter().find(|(of, _)| of == name).map_or("", |(_, shown)| shown);
        let gap = taken.saturating_sub(width(shown)) + 2;
        text.push_str(shown);
        text.push_str(&" ".repeat(gap));
    }
    writeln!(into, "{}", text.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str]) -> Result<Asked, String> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        Asked::read(&words).map_err(|error| error.text)
    }

    #[test]
    fn any_field_is_a_flag_and_options_may_stand_among_them() {
        let words =
            ["--name", "alice", "--json", "--year=2002", "--where", "state=a=b", "--timeout", "5"];
        let asked = read(&words).expect("reads");
        let conditions: Vec<String> = asked
            .conditions
            .iter()
            .map(|it| match &it.wanted {
                Wanted::Written(text) => format!("{}:{text}", it.field),
                Wanted::Exact(_) => panic!("nobody says of which kind it is"),
            })
            .collect();
        assert_eq!(conditions, ["name:alice", "year:2002", "state:a=b"]);
        assert_eq!((asked.json, asked.seconds), (true, Some(5)));
        assert_eq!(read(&["--name", "--x"]).expect("reads").conditions.len(), 1);
    }

    #[test]
    fn what_is_no_condition_says_how_to_write_one() {
        let wrong =
            [&["alice"][..], &["--name"], &["--where", "a"], &["--timeout", "0", "--a", "b"]];
        let texts: Vec<String> =
            wrong.iter().map(|words| read(words).expect_err("refused")).collect();
        assert_eq!(
            texts,
            [
                "\"alice\" is no condition: write --FIELD VALUE, as --name alice",
                "--name: its value is missing",
                "--where a: write it as FIELD=VALUE",
                "--timeout 0: 1 to 600 seconds are possible",
            ]
        );
        assert!(read(&[]).expect_err("refused").starts_with("nothing is asked"));
        assert!(read(&["--json"]).is_err());
    }

    #[test]
    fn a_table_has_the_fields_of_all_its_first_rows() {
        let mut table = Table::default();
        let mut out = Vec::new();
        for row in [r#"{"name":"alice","year":2002}"#, r#"{"name":"bo","tag":[1]}"#] {
            table.row(row, &mut out).expect("memory");
        }
        table.lay_out(&mut out).expect("memory");
        let text = String::from_utf8(out).expect("text");
        assert_eq!(text, "name   year  tag\nalice  2002\nbo           [1]\n");
    }
}
