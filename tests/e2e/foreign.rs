//! Programs in another language, written from `proto/` alone: `tests/foreign/`.

use crate::cluster::{joined, master, run_on};
use crate::lab::{Lab, Ran, not_run, until};
use crate::service::Service;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Python with the library that `make deps` fetches for it, where it is.
fn python() -> Option<Command> {
    let library = std::env::var_os("WINDLASS_LIB").map(PathBuf::from).or_else(|| {
        let data = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from);
        let home = || Some(PathBuf::from(std::env::var_os("HOME")?).join(".local/share"));
        Some(data.or_else(home)?.join("windlass/lib"))
    });
    let grpc = library.map(|library| library.join("grpc-python"));
    let Some(grpc) = grpc.filter(|grpc| grpc.join("grpc_tools").is_dir()) else {
        not_run("grpc-python", "gRPC for Python; `make deps` fetches it");
        return None;
    };
    let mut python = Command::new("python3");
    python.env("PYTHONPATH", grpc).env("PYTHONDONTWRITEBYTECODE", "1");
    Some(python)
}

/// A program of `tests/foreign/`.
fn program(name: &str) -> PathBuf {
    root().join("tests/foreign").join(name)
}

/// Has stubs made of `proto/` in a folder.
fn make_stubs(lab: &Lab) -> Option<PathBuf> {
    let folder = lab.path("stubs");
    std::fs::create_dir(&folder).expect("a folder");
    let mut compiler = python()?;
    compiler.args(["-m", "grpc_tools.protoc", "-I"]).arg(root().join("proto"));
    compiler.arg("--python_out").arg(&folder).arg("--grpc_python_out").arg(&folder);
    let contract = std::fs::read_dir(root().join("proto/windlass/v1")).expect("a folder");
    compiler.args(contract.flatten().map(|file| file.path()));
    let made = Ran::of(compiler.output().expect("python3 starts"));
    assert_eq!(made.code, 0, "{}", made.stderr);
    Some(folder)
}

fn foreign_worker(lab: &Lab, stubs: &Path, master: &str, name: &str) -> Option<Service> {
    let mut command = lab.command_of(Path::new("python3"), &[program("worker.py")]);
    command.arg(stubs).args([master, name]);
    let python = python()?;
    command.envs(python.get_envs().filter_map(|(name, value)| Some((name, value?))));
    Some(Service::start(&mut command))
}

#[test]
fn a_worker_written_from_the_contract_alone_takes_tasks_and_calls() {
    let lab = Lab::new();
    let Some(stubs) = make_stubs(&lab) else { return };
    let (_master, address) = master(&lab);
    for number in 0..20 {
        lab.input(format!("f{number:02}.txt"), format!("words of file {number}"));
    }
    lab.input(
        "not_text.txt",
        b"plain \xff bytes that only look like text, of which there are many",
    );
    let Some(mut worker) = foreign_worker(&lab, &stubs, &address, "py1") else { return };
    let status = || lab.run(&["cluster", "status"]).stdout;
    until("it has joined", || status().contains("worker py1: "));

    let args = ["in", "--op", "document"];
    Ran::of(run_on(&lab, &address, &args).output().expect("starts")).ended(3);
    assert_eq!(lab.summary()["totals"]["succeeded"], 20);
    for number in 0..20 {
        let result = lab.path(format!("processed_results/document/f{number:02}.txt"));
        let text = std::fs::read_to_string(result).expect("a result");
        assert_eq!(text, format!("f{number:02}.txt: WORDS OF FILE {number}"));
    }
    let bad = lab.row("not_text.txt");
    assert_eq!((&bad["kind"], &bad["code"]), (&"rejected".into(), &"not_text".into()));

    let called = lab.run(&["call", "factorial", "20"]);
    assert_eq!(called.ended(0).stdout.trim(), "2432902008176640000");

    // It never said that it serves record sets: nobody waits for it to.
    let rows = lab.input("people.ndjson", "{\"name\": \"ada\"}\n");
    let load = [Path::new("records"), Path::new("load"), Path::new("people"), &rows];
    lab.run(&[&load[..], &[Path::new("--key"), Path::new("name")]].concat()).ended(0);
    lab.run(&["records", "query", "people", "--name", "ada"])
        .ended(3)
        .said("no worker serves people:all");

    // What it held when it died goes to a worker of ours.
    worker.kill();
    let _ours = joined(&lab, "w1", &address, "1");
    lab.input("late.txt", "one more");
    Ran::of(run_on(&lab, &address, &["in/late.txt", "--op", "document"]).output().expect("starts"))
        .ended(0);
}

#[test]
fn health_and_reflection_answer_the_usual_tools() {
    let lab = Lab::new();
    let Some(mut python) = python() else { return };
    let (_master, address) = master(&lab);
    let told = python.arg(program("about.py")).arg(&address).output().expect("python3 starts");
    let told = Ran::of(told);
    assert_eq!(told.code, 0, "{}", told.stderr);
    for line in ["all SERVING", "windlass.v1.JobControl SERVING", "windlass/v1/session.proto True"]
    {
        assert!(told.stdout.contains(line), "{line} is not in {}", told.stdout);
    }
    for service in ["Blobs", "Calls", "Cluster", "Memo"] {
        assert!(told.stdout.contains(&format!("windlass.v1.{service} ")), "{}", told.stdout);
    }
}
