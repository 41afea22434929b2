//! A number instead of files.

use crate::lab::Lab;

#[test]
fn a_factorial_is_written_with_all_its_digits() {
    let lab = Lab::new();
    let factorial = ["run", "--op", "factorial", "--param", "n=52"];
    lab.run(&factorial).ended(0);
    assert_eq!(lab.results("factorial"), ["factorial_52.json", "factorial_52.txt"]);
    let digits = std::fs::read(lab.path("processed_results/factorial/factorial_52.txt"));
    // By Python's math.factorial.
    let expected = "80658175170943878571660636856403766975289505440883277824000000000000\n";
    assert_eq!(String::from_utf8(digits.expect("a result")).expect("digits"), expected);
    assert_eq!(lab.result("factorial", "factorial_52.json")["digit_count"], 68);
    let summary = lab.summary();
    assert_eq!(summary["rows"].as_array().map(Vec::len), Some(1));
    // The steps on the way count as work, too.
    let seconds = |it: &serde_json::Value| it["seconds"].as_f64().expect("seconds");
    assert!(seconds(&summary["totals"]) > seconds(&summary["rows"][0]), "{summary:#}");
}

#[test]
fn what_it_does_not_take_is_a_usage_error() {
    let lab = Lab::new();
    lab.input("a.txt", "52");
    let with = |n| ["run", "--op", "factorial", "--param", n];
    lab.run(&["run", "--op", "factorial"]).ended(2).said("n=…");
    lab.run(&with("n=-1")).ended(2).said("a whole number from 0 to 10000000 is wanted");
    lab.run(&with("n=1.5")).ended(2).said("a whole number from 0 to 10000000 is wanted");
    lab.run(&["run", "in", "--op", "factorial", "--param", "n=5"]).ended(2).said("takes no files");
    assert!(!lab.path("processed_results").exists());
}
