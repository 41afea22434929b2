//! The loss of power in the middle of a run: what the user was told stays true.
//!
//! The state lies on an ext4 on a loop device whose backing file we serve ourselves, so that every
//! write and every flush of the disk is known in its order. From that, images are made of what a
//! loss of power could have left, and each must recover. See docs/decisions/0023.

mod cell;
mod content;
mod disk;
mod fuse;

use crate::lab::{Lab, Ran, not_run, until};
use cell::{CHECKED_EVERY, Cell};
use content::Content;
use disk::{Cut, Witness};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Stdio};

/// Images in both tests together, unless `WINDLASS_POWER_IMAGES` says otherwise.
const IMAGE_COUNT: usize = 50;
/// Files of a run.
const FILE_COUNT: usize = 96;
/// Capacity of a journal's first segment.
const SEGMENT_BYTES: usize = 1 << 20;
/// The run that is cut begins with so much room in the first segment at most, so that it mostly
/// needs the next one: how many tasks share a record depends on the machine.
const ROOM_BYTES: usize = 6 << 10;

/// How many images of the asked number belong to a test that has so many fifths of them.
fn image_count(fifths: usize) -> usize {
    let asked = std::env::var("WINDLASS_POWER_IMAGES").ok();
    let asked = asked.map_or(IMAGE_COUNT, |it| it.parse().expect("WINDLASS_POWER_IMAGES"));
    asked * fifths / 5
}

/// A lab whose folder `disk` is where disks are mounted.
struct Bench {
    lab: Lab,
    empty: Content,
}

impl Bench {
    /// `None` where this machine cannot mount such a disk.
    fn new() -> Option<Bench> {
        let lab = Lab::new();
        std::fs::create_dir(lab.path("disk")).expect("a folder");
        let empty = cell::empty_ext4();
        let tried = empty.and_then(|empty| {
            let cell = Cell::mount(empty.clone(), &lab.path("disk"), silent())?;
            drop(cell);
            Ok(empty)
        });
        match tried {
            Ok(empty) => Some(Bench { lab, empty }),
            Err(why) => {
                not_run("loop", &why);
                None
            }
        }
    }

    fn mount(&self, content: Content, witness: Witness) -> Cell {
        let cell = Cell::mount(content, &self.lab.path("disk"), witness);
        cell.unwrap_or_else(|why| panic!("the disk cannot be mounted: {why}"))
    }

    /// Starts the binary with its state on the disk; `args` name files by absolute paths.
    fn start(&self, cell: &Cell, args: &[String]) -> Child {
        let mut command = cell.command(env!("CARGO_BIN_EXE_windlass"));
        command.args(args).arg("--state").arg(self.lab.path("disk/state"));
        command.env("NO_COLOR", "1").stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().expect("the binary starts")
    }

    fn run(&self, cell: &Cell, args: &[String]) -> Ran {
        Ran::of(self.start(cell, args).wait_with_output().expect("it ends"))
    }

    /// Mounts what a loss of power left and gives the same command again. The file system must be
    /// whole when it is done; if not, the images are no images of a loss of power.
    fn recover(&self, cut: &Cut<'_>, args: &[String], look: impl FnOnce(&Cell)) {
        let cell = self.mount(cut.image.clone(), silent());
        let ran = self.run(&cell, args);
        assert_eq!(ran.code, 0, "{}: {}{}", cut.name, ran.stdout, ran.stderr);
        look(&cell);
        let left = cell.unmount().expect("it can be unmounted");
        if cut.number.is_multiple_of(CHECKED_EVERY) {
            cell::checked(&left).unwrap_or_else(|why| panic!("{}: {why}", cut.name));
        }
    }

    /// Fills the first segment of the journal but for little.
    fn fill_segment(&self, cell: &Cell) {
        let segment = cell.seen(&self.lab.path("disk/state/journal/00000000000000000001.log"));
        let room = || {
            let bytes = std::fs::read(&segment).unwrap_or_default();
            let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            SEGMENT_BYTES - used
        };
        while room() > ROOM_BYTES {
            // A task takes less than 24 bytes, a run less than 4 KiB.
            let count = format!("count={}", (room() - ROOM_BYTES / 2) / 24);
            let args = ["run", "--op", "noop", "--param", &count, "--out"].map(str::to_owned);
            let out = self.lab.path("nothing").display().to_string();
            self.run(cell, &[args.as_slice(), &[out]].concat()).ended(0);
        }
    }
}

/// Hears nothing.
fn silent() -> Witness {
    Box::new(Vec::new)
}

/// Names and contents of the files of a folder that are complete.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let name_of = |path: &Path| path.file_name().expect("a name").to_string_lossy().into_owned();
    let paths = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|it| it.path());
    let whole = paths.filter(|path| !name_of(path).starts_with('.'));
    whole.map(|path| (name_of(&path), std::fs::read(&path).expect("a file"))).collect()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    names.filter(|name| !name.starts_with('.')).collect()
}

/// Every third file is so long that its result becomes a blob of its own.
fn text(number: usize) -> String {
    let line = format!("File {number} is a good file. ");
    if number.is_multiple_of(3) { line.repeat(20_000 / line.len()) } else { line }
}

/// Long names: the list of inputs is then a blob too.
fn base(number: usize) -> String {
    format!("f{number:03}-{}", "long".repeat(40))
}

/// A result that is exported was settled before. Each command's output has a number drawn at
/// random, so a result that was lost and made again shows.
#[test]
fn what_was_exported_survives_the_loss_of_power() {
    let Some(bench) = Bench::new() else { return };
    let lab = &bench.lab;
    for number in 0..FILE_COUNT {
        lab.input(base(number), text(number));
    }
    // This one does not end before everything else has: a job that is complete could not go on.
    lab.input("held", "held");
    let gate = lab.path("gate");
    rustix::fs::mkfifoat(rustix::fs::CWD, &gate, rustix::fs::Mode::RUSR).expect("a pipe");
    let cmd = format!(
        "cmd=test $WINDLASS_BASE != held || read line < '{}'; cat; cat /proc/sys/kernel/random/uuid",
        gate.display()
    );
    let out = lab.path("out");
    let [paths, results] = [lab.path("in"), out.clone()].map(|it| it.display().to_string());
    let args = ["run", &paths, "--op", "command", "--workers", "3", "--param", &cmd, "--out"];
    let args = args.iter().map(|it| (*it).to_owned()).chain([results]).collect::<Vec<_>>();

    let results = out.join("command");
    let witness = {
        let results = results.clone();
        move || names(&results)
    };
    let cell = bench.mount(bench.empty.clone(), Box::new(witness));
    bench.fill_segment(&cell);
    cell.take_recording();
    let child = bench.start(&cell, &args);
    until("all others are done", || names(&results).len() == 2 * FILE_COUNT);
    let recording = cell.take_recording();
    // Open for both, it waits for no reader and stays until one has come.
    let mut opened = std::fs::File::options().read(true).write(true).open(&gate).expect("a pipe");
    opened.write_all(b"\n").expect("room");
    Ran::of(child.wait_with_output().expect("it ends")).ended(0);
    let first = files(&results);
    drop(cell);

    std::fs::remove_file(&gate).expect("it is there");
    std::fs::write(&gate, "\n").expect("a file");
    recording.cuts(image_count(4), |cut| {
        std::fs::remove_dir_all(&out).expect("it is there");
        bench.recover(&cut, &args, |_| {
            let second = files(&results);
            for name in cut.told {
                assert!(second.get(name) == first.get(name), "{}: {name} was done again", cut.name);
            }
            for number in 0..FILE_COUNT {
                let output = second.get(&format!("{}.out", base(number)));
                let is_right = output.is_some_and(|it| it.starts_with(text(number).as_bytes()));
                assert!(is_right, "{}: {number}: {output:?} in {:?}", cut.name, names(&results));
            }
        });
    });
}

/// Results on the same disk are lost or cut short with it, and made whole from the state.
#[test]
fn results_on_the_disk_that_lost_power_are_made_whole() {
    let Some(bench) = Bench::new() else { return };
    let lab = &bench.lab;
    for number in 0..FILE_COUNT {
        lab.input(format!("{}.txt", base(number)), text(number));
    }
    let out = lab.path("disk/out");
    let paths = [lab.path("in"), out.clone()].map(|it| it.display().to_string());
    let args = ["run", &paths[0], "--op", "text", "--out", &paths[1]].map(str::to_owned);

    let cell = bench.mount(bench.empty.clone(), silent());
    bench.run(&cell, &args).ended(0);
    let first = files(&cell.seen(&out).join("text"));
    assert_eq!(first.len(), FILE_COUNT);
    let recording = cell.take_recording();
    drop(cell);

    recording.cuts(image_count(1), |cut| {
        bench.recover(&cut, &args, |cell| {
            assert!(files(&cell.seen(&out).join("text")) == first, "{}: results differ", cut.name);
        });
    });
}
