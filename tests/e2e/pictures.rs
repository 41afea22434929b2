//! Pictures that a library of the machine decodes, in confined executors of the real binary.

use crate::lab::{Lab, Ran, not_run};
use serde_json::Value;
use std::path::Path;

fn sample(name: &str) -> String {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples/more");
    samples.join(name).to_str().expect("a plain path").to_owned()
}

fn doctor(ran: &Ran) -> Value {
    let doctor: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let findings = doctor["findings"].as_array().expect("findings");
    findings.iter().find(|finding| finding["name"] == "image").expect("a line").clone()
}

/// Whether libheif is on this machine.
pub(crate) fn has_heif(lab: &Lab) -> bool {
    doctor(&lab.run(&["doctor", "--json"]))["ok"] == true
}

#[test]
fn heic_and_avif_become_png() {
    let lab = Lab::new();
    if !has_heif(&lab) {
        return not_run("heif", "libheif is not installed");
    }
    let names = ["on-its-side.avif", "anchor.avif", "deep.heic"];
    let paths = names.map(sample);
    let arguments = [&["run"], &paths.each_ref().map(String::as_str)[..]].concat();
    lab.run(&arguments).ended(0);
    for name in names {
        assert_eq!(lab.row(name)["operation"], "image");
        let base = name.split('.').next().expect("a base");
        let png = std::fs::read(lab.path(format!("processed_results/image/processed_{base}.png")));
        assert!(png.expect("a result").starts_with(b"\x89PNG"));
    }
}

/// The user's folder of libraries comes before the system's: one that is broken there stands for
/// one that is missing.
#[test]
fn without_libheif_its_kinds_fail_with_what_to_install_and_others_do_not() {
    const INSTALL: &str = "apt-get install libheif1";
    let lab = Lab::new();
    std::fs::create_dir(lab.path("libraries")).expect("a folder");
    std::fs::write(lab.path("libraries/libheif.so.1"), "no library").expect("written");
    let run = |arguments: &[&str]| {
        let mut command = lab.command(arguments);
        command.env("WINDLASS_LIB", lab.path("libraries"));
        Ran::of(command.output().expect("the binary starts"))
    };
    run(&["run", &sample("with-exif.heic"), &sample("hills.bmp")]).ended(3).said(INSTALL);
    let row = lab.row("with-exif.heic");
    assert_eq!((&row["code"], &row["kind"]), (&"heif_unavailable".into(), &"rejected".into()));
    assert_eq!(lab.row("hills.bmp")["outcome"], "succeeded");
    let image = doctor(&run(&["doctor", "--json"]));
    assert_eq!((&image["ok"], &image["optional"]), (&false.into(), &true.into()));
    assert!(image["missing"].as_str().expect("what to do").contains(INSTALL), "{image}");
}
