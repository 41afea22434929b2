//! What a slave's answer says of each file.

use super::super::kinds::Kind;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fmt;
use windlass_core::TaskIndex;

/// What was made of each file that the answer has something about.
pub(crate) type Returned = BTreeMap<TaskIndex, Vec<u8>>;

/// Reads an answer about files of these names. A result is told by the name of its file; where
/// there are as many results as files, those that have another name by their place.
///
/// Of what an answer says beside that nothing is kept, however much it is.
pub(super) fn read(
    kind: &Kind,
    names: Vec<(TaskIndex, String)>,
    body: &[u8],
) -> Result<Returned, String> {
    let wrong = |error| format!("its answer is no JSON with a list of results: {error}");
    let answer: Answer<'_> = serde_json::from_slice(body).map_err(wrong)?;
    let mut found = Found {
        key: kind.result,
        places: (0..).zip(&names).map(|(place, (_, name))| (name.as_str(), place)).collect(),
        named: vec![None; names.len()],
        others: vec![None; names.len()],
        count: 0,
    };
    let mut results = serde_json::Deserializer::from_str(answer.results.get());
    results.deserialize_seq(&mut found).map_err(wrong)?;
    let Found { named, mut others, count, .. } = found;
    if count != names.len() {
        others.fill(None);
    }
    let told = named.into_iter().zip(others).map(|(named, other)| named.or(other));
    let made = names.iter().zip(told).map(|((index, _), told)| Some((*index, bytes(told??)?)));
    Ok(made.flatten().collect())
}

/// The bytes of a result; `None`: there are none.
fn bytes(data: &RawValue) -> Option<Vec<u8>> {
    let mut text: String = serde_json::from_str(data.get()).ok()?;
    text.retain(|c| !c.is_ascii_whitespace());
    STANDARD.decode(text).ok()
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    results: &'a RawValue,
}

/// What stands in the place of a result's bytes, where it has any.
type Data<'a> = Option<&'a RawValue>;

/// The results that are of use.
struct Found<'n, 'a> {
    /// Under which name a result has its bytes.
    key: &'static str,
    /// Where each file stands among those that are awaited.
    places: BTreeMap<&'n str, usize>,
    /// Of these files by their names.
    named: Vec<Option<Data<'a>>>,
    /// Of the results that are nobody's by name, by where they stand in the answer.
    others: Vec<Option<Data<'a>>>,
    /// Results in the answer.
    count: usize,
}

impl<'a> Visitor<'a> for &mut Found<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of results")
    }

    fn visit_seq<A: SeqAccess<'a>>(self, mut results: A) -> Result<(), A::Error> {
        while let Some(result) = results.next_element::<&RawValue>()? {
            let mut told = Told { key: self.key, filename: None, data: None };
            // What is no object tells nothing.
            let _ = serde_json::Deserializer::from_str(result.get()).deserialize_map(&mut told);
            let filename =
                told.filename.and_then(|raw| serde_json::from_str::<String>(raw.get()).ok());
            let place = filename.and_then(|name| self.places.get(name.as_str()));
            match place.map(|place| &mut self.named[*place]) {
                Some(named @ None) => *named = Some(told.data),
                _ => {
                    if let Some(other) = self.others.get_mut(self.count) {
                        *other = Some(told.data);
                    }
                }
            }
            self.count += 1;
        }
        Ok(())
    }
}

/// One result.
struct Told<'a> {
    key: &'static str,
    filename: Option<&'a RawValue>,
    data: Data<'a>,
}

impl<'a> Visitor<'a> for &mut Told<'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a result")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(key) = members.next_key::<String>()? {
            let value = members.next_value::<&RawValue>()?;
            if key == "filename" {
                self.filename = Some(value);
            } else if key == self.key {
                self.data = Some(value);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is read of an answer about `a.txt` and `b.txt`.
    fn read_of(answer: &str) -> Result<Vec<(u32, String)>, String> {
        let kind = Kind::of("text").expect("it is one");
        let names = vec![(TaskIndex(0), "a.txt".to_owned()), (TaskIndex(1), "b.txt".to_owned())];
        let returned = read(kind, names, answer.as_bytes())?;
        let text = |bytes| String::from_utf8(bytes).expect("text");
        Ok(returned.into_iter().map(|(index, bytes)| (index.0, text(bytes))).collect())
    }

    fn read_results(results: &str) -> Vec<(u32, String)> {
        read_of(&format!("{{\"results\": [{results}]}}")).expect("an answer")
    }

    #[test]
    fn results_are_told_by_name_else_by_place() {
        // "one" and "two".
        let (one, two) = ("b25l", "dHdv");
        let named = |name: &str, data: &str| {
            format!("{{\"filename\": \"{name}\", \"analysis_data\": \"{data}\"}}")
        };
        let both = [(0, "one".to_owned()), (1, "two".to_owned())];
        let swapped = [named("b.txt", two), named("a.txt", one)].join(",");
        assert_eq!(read_results(&swapped), both);
        let renamed = [named("x_a.txt", one), named("b.txt", "dH\\ndv")].join(",");
        assert_eq!(read_results(&renamed), both);
        assert_eq!(read_results(&named("b.txt", two)), both[1..]);
        assert_eq!(read_results(&named("x.txt", two)), []);
        // What has its name is its own; a second one of that name is told by its place.
        let twice = [named("a.txt", one), named("a.txt", two)].join(",");
        assert_eq!(read_results(&twice), both);
        let mute = ["", "{}", "3", "[1]", "{\"filename\": \"a.txt\"}", &named("a.txt", "?")];
        for nothing in mute {
            assert_eq!(read_results(nothing), [], "{nothing}");
        }
    }

    #[test]
    fn what_is_no_answer_is_told() {
        for wrong in ["<html>", "{\"error\": 1}", "{\"results\": 1}", "[]", "\u{0}", ""] {
            let why = read_of(wrong).expect_err("no answer");
            assert!(why.contains("no JSON with a list of results"), "{wrong}: {why}");
        }
    }

    #[test]
    fn results_are_found_among_much_else() {
        let many = vec!["0"; 100_000].join(",");
        assert_eq!(read_results(&many), []);
        let members: Vec<String> = (0..100_000).map(|member| format!("\"{member}\":0")).collect();
        let full =
            format!("{{{},\"filename\":\"a.txt\",\"analysis_data\":\"b25l\"}}", members.join(","));
        assert_eq!(read_results(&full), [(0, "one".to_owned())]);
    }
}
