//! What a slave's answer says of each file.

use super::super::kinds::Kind;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use std::collections::BTreeMap;
use windlass_core::TaskIndex;

/// What was made of each file that the answer has something about.
pub(crate) type Returned = BTreeMap<TaskIndex, Vec<u8>>;

/// Reads an answer about files of these names. A result is told by the name of its file; where
/// there are as many results as files, those that have another name by their place.
pub(super) fn read(
    kind: &Kind,
    names: Vec<(TaskIndex, String)>,
    body: &[u8],
) -> Result<Returned, String> {
    let answer: Value =
        serde_json::from_slice(body).map_err(|error| format!("its answer is no JSON: {error}"))?;
    let Some(results) = answer["results"].as_array() else {
        return Err("its answer has no list of results".to_owned());
    };
    let is_whole = results.len() == names.len();
    let mut left: Vec<Option<&Value>> = results.iter().map(Some).collect();
    let mut returned = Returned::new();
    let mut unnamed = Vec::new();
    for (place, (index, name)) in names.into_iter().enumerate() {
        let is_its = |result: &Option<&Value>| result.is_some_and(|it| it["filename"] == *name);
        match left.iter().position(is_its) {
            Some(found) => {
                let data = left[found].take().and_then(|result| data(kind, result));
                returned.extend(data.map(|data| (index, data)));
            }
            None => unnamed.push((place, index)),
        }
    }
    for (place, index) in unnamed {
        let result = left.get_mut(place).filter(|_| is_whole).and_then(Option::take);
        let data = result.and_then(|result| data(kind, result));
        returned.extend(data.map(|data| (index, data)));
    }
    Ok(returned)
}

/// The bytes of a result; `None`: there are none.
fn data(kind: &Kind, result: &Value) -> Option<Vec<u8>> {
    let text: String = result[kind.result].as_str()?.split_ascii_whitespace().collect();
    STANDARD.decode(text).ok()
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
        for nothing in ["", "{}", "3", "{\"filename\": \"a.txt\"}", &named("a.txt", "?")] {
            assert_eq!(read_results(nothing), [], "{nothing}");
        }
    }

    #[test]
    fn what_is_no_answer_is_told() {
        assert!(read_of("<html>").expect_err("no JSON").contains("no JSON"));
        assert!(read_of("{\"error\": 1}").expect_err("no results").contains("no list"));
    }
}
