//! Gathering over real folders: what is taken, refused and skipped.

use super::*;
use std::ffi::OsStr;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::symlink;
use std::path::Path;
use windlass_core::BlobId;
use windlass_core::catalogue::{Accepts, Home};
use windlass_core::media::Media;

const TEXT_SPEC: OperationSpec = OperationSpec {
    name: "text",
    version: 1,
    summary: "",
    accepts: Accepts::Media(&[Media::Text, Media::Html]),
    params: &[],
    home: Home::Executor,
    cacheable: windlass_core::catalogue::Cacheable::Always,
    attempt_ms_max: 1,
    progress_ms_max: None,
    memory_bytes_max: 1,
    output_bytes_max: 1,
    steps: &[],
};

static TEXT: OperationSpec = TEXT_SPEC;

static COMMAND: OperationSpec =
    OperationSpec { name: "command", accepts: Accepts::AnyFile, ..TEXT_SPEC };

/// A folder of its own whose paths are shown relative to it.
struct Tree(tempfile::TempDir);

impl Tree {
    fn new(files: &[&str]) -> Tree {
        let tree = Tree(tempfile::tempdir().expect("a folder"));
        for name in files {
            tree.write(name, format!("the text of {name}\n"));
        }
        tree
    }

    fn path(&self, name: impl AsRef<OsStr>) -> PathBuf {
        self.0.path().canonicalize().expect("the folder").join(name.as_ref())
    }

    fn write(&self, name: impl AsRef<OsStr>, content: impl AsRef<[u8]>) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, content).expect("a file");
    }

    fn gather_with(&self, paths: &[&str], excluded: &[&str]) -> Gathered {
        let request = Request {
            paths: paths.iter().map(|path| self.path(path).into_os_string()).collect(),
            choice: Choice::Auto { skip: Vec::new() },
            operations: vec![&TEXT],
            excluded: excluded.iter().map(|path| self.path(path)).collect(),
            reader_count: 3,
        };
        gather(&request, &mut |_| {})
    }

    fn gather(&self, paths: &[&str]) -> Vec<String> {
        self.show(&self.gather_with(paths, &[]))
    }

    fn show(&self, gathered: &Gathered) -> Vec<String> {
        let name = |path: &[u8]| {
            let path = Path::new(OsStr::from_bytes(path));
            let name = path.strip_prefix(self.path("")).expect("inside the folder");
            name.to_string_lossy().into_owned()
        };
        let line = |outcome: &Outcome| match outcome {
            Outcome::Accepted { operation, input, .. } => {
                format!("{operation} {}", name(&input.path))
            }
            Outcome::Refused { path, code, cause, .. } => {
                format!("{code} {}: {cause}", name(path))
            }
            Outcome::Skipped { path, reason } => format!("skipped {}: {reason}", name(path)),
        };
        gathered.outcomes.iter().map(line).collect()
    }
}

#[test]
fn folders_are_walked_in_order_of_path_without_hidden_entries() {
    let tree = Tree::new(&["b/z.txt", "b/a.txt", "a.txt", "b/.git/config", "b/.env", "b-c/x.txt"]);
    // By bytes, `-` comes before `/`.
    assert_eq!(
        tree.gather(&["."]),
        ["text a.txt", "text b-c/x.txt", "text b/a.txt", "text b/z.txt"]
    );
    assert_eq!(tree.gather(&["b/.env", "b/.git"]), ["text b/.env", "text b/.git/config"]);
}

#[test]
fn an_input_has_size_hash_and_kind_of_its_content() {
    let tree = Tree::new(&[]);
    let content = "line of text\n".repeat(100_000);
    tree.write("large.txt", &content);
    let gathered = tree.gather_with(&["large.txt"], &[]);
    let Outcome::Accepted { input, .. } = &gathered.outcomes[0] else { panic!("{gathered:?}") };
    assert_eq!(input.size, content.len() as u64);
    assert_eq!(input.hash, BlobId::of(content.as_bytes()));
    assert_eq!(input.media, Media::Text);
    assert_eq!(input.path, tree.path("large.txt").into_os_string().into_vec());
}

#[test]
fn a_file_is_taken_once_however_it_is_reached() {
    let tree = Tree::new(&["a/x.txt"]);
    symlink("x.txt", tree.path("a/link.txt")).expect("a link");
    symlink("a", tree.path("again")).expect("a link");
    std::fs::hard_link(tree.path("a/x.txt"), tree.path("a/hard.txt")).expect("a hard link");
    assert_eq!(
        tree.gather(&[".", "a", "a/x.txt"]),
        [
            "text a/hard.txt",
            "skipped a/link.txt: a file that is taken by another path already",
            "text a/x.txt",
            "skipped again: a folder that is taken by another path already",
        ]
    );
}

#[test]
fn symbolic_links_are_followed_and_loops_told() {
    let tree = Tree::new(&["in/x.txt", "out/y.txt"]);
    symlink("../out", tree.path("in/linked")).expect("a link");
    symlink("..", tree.path("in/loop")).expect("a link");
    symlink("self", tree.path("in/self")).expect("a link");
    symlink("nowhere", tree.path("in/broken")).expect("a link");
    assert_eq!(
        tree.gather(&["in"]),
        [
            "skipped in/broken: a symbolic link to nothing",
            "text in/linked/y.txt",
            "skipped in/loop: a symbolic link back to a folder that it lies in",
            "skipped in/self: a symbolic link that leads back to itself",
            "text in/x.txt",
        ]
    );
    assert_eq!(
        tree.gather(&["in/broken", "in/self"]),
        [
            "not_found in/broken: a symbolic link to nothing",
            "unreadable in/self: a symbolic link that leads back to itself",
        ]
    );
}

#[test]
fn links_that_branch_at_every_level_do_not_multiply() {
    let tree = Tree::new(&[]);
    for level in 0..40 {
        tree.write(format!("{level}/x.txt"), format!("text {level}"));
        for side in ["left", "right"] {
            symlink(format!("../{}", level + 1), tree.path(format!("{level}/{side}"))).expect("ok");
        }
    }
    let taken = tree.gather(&["0"]).iter().filter(|line| line.starts_with("text")).count();
    assert_eq!(taken, 40);
}

#[test]
fn failed_inputs_are_told_each() {
    let tree = Tree::new(&[]);
    tree.write("empty.pdf", "");
    tree.write("page.pdf", "<!DOCTYPE html><html><body>not found</body></html>");
    assert_eq!(
        tree.gather(&["empty.pdf", "page.pdf", "missing.txt", "page.pdf/x", "*.docx"]),
        [
            "not_found *.docx: no file matches this pattern",
            "empty_file empty.pdf: the file is empty",
            "not_found missing.txt: no such file or folder",
            "content_mismatch page.pdf: named .pdf, but its content is another kind (HTML page)",
            "not_found page.pdf/x: no such file or folder",
        ]
    );
}

#[test]
fn what_is_no_file_is_skipped_without_waiting() {
    let tree = Tree::new(&[]);
    let mode = rustix::fs::Mode::RUSR;
    rustix::fs::mknodat(rustix::fs::CWD, tree.path("pipe"), rustix::fs::FileType::Fifo, mode, 0)
        .expect("a pipe");
    let _socket = std::os::unix::net::UnixListener::bind(tree.path("socket")).expect("a socket");
    let told = ["skipped pipe: a named pipe, not a file", "skipped socket: a socket, not a file"];
    assert_eq!(tree.gather(&["."]), told);
    assert_eq!(tree.gather(&["pipe", "socket"]), told);
}

#[test]
fn a_pipe_in_the_place_of_a_found_file_does_not_block() {
    let tree = Tree::new(&[]);
    let mode = rustix::fs::Mode::RUSR;
    rustix::fs::mknodat(rustix::fs::CWD, tree.path("pipe"), rustix::fs::FileType::Fifo, mode, 0)
        .expect("a pipe");
    let request = Request {
        paths: Vec::new(),
        choice: Choice::Auto { skip: Vec::new() },
        operations: vec![&TEXT],
        excluded: Vec::new(),
        reader_count: 1,
    };
    let outcome = Inspector::new(&request, &Shared::default()).inspect(&tree.path("pipe"));
    assert!(matches!(outcome, Outcome::Skipped { reason, .. } if reason.contains("pipe")));
}

#[test]
fn an_unreadable_file_is_refused_with_the_reason() {
    // Opens for its owner, whoever runs this, and fails at the first read.
    let request = Request {
        paths: vec![OsString::from("/proc/self/mem")],
        choice: Choice::One("text".to_owned()),
        operations: vec![&TEXT],
        excluded: Vec::new(),
        reader_count: 1,
    };
    let gathered = gather(&request, &mut |_| {});
    let [Outcome::Refused { code, cause, .. }] = gathered.outcomes.as_slice() else {
        panic!("{gathered:?}");
    };
    assert_eq!(*code, "unreadable");
    assert!(cause.starts_with("this file cannot be read: "), "{cause}");
}

#[test]
fn names_are_bytes() {
    let tree = Tree::new(&["two\nlines.txt"]);
    tree.write(OsStr::from_bytes(b"caf\xe9.txt"), "coffee");
    let gathered = tree.gather_with(&["."], &[]);
    let names: Vec<_> = gathered.outcomes.iter().map(Outcome::path).collect();
    assert!(names[0].ends_with(b"/caf\xe9.txt"));
    assert!(names[1].ends_with(b"/two\nlines.txt"));
    assert_eq!(tree.gather(&["caf?.txt", "two*"]).len(), 2);
}

#[test]
fn the_output_folder_is_left_out_unless_a_folder_in_it_is_named() {
    let tree = Tree::new(&["a.txt", "out/text/a.txt", "out/summary.csv", "deep/state/b.txt"]);
    let excluded = ["out", "deep/state", "absent"];
    assert_eq!(tree.show(&tree.gather_with(&["."], &excluded)), ["text a.txt"]);
    assert_eq!(tree.show(&tree.gather_with(&["out/text"], &excluded)), ["text out/text/a.txt"]);
    assert_eq!(tree.show(&tree.gather_with(&["*", "**/*.csv"], &excluded)).len(), 2);
    assert_eq!(
        tree.show(&tree.gather_with(&["a.txt", "out"], &excluded)),
        ["text a.txt", "skipped out: the folder of this run's own results or state"]
    );
}

#[test]
fn progress_counts_every_file_and_byte() {
    let tree = Tree::new(&["a.txt", "b.txt", "c.txt"]);
    let request = Request {
        paths: vec![tree.path(".").into_os_string()],
        choice: Choice::Auto { skip: Vec::new() },
        operations: vec![&TEXT],
        excluded: Vec::new(),
        reader_count: 2,
    };
    let mut last = Found::default();
    gather(&request, &mut |found| {
        assert!(found.done_count >= last.done_count && found.file_count >= last.file_count);
        last = found;
    });
    let bytes = 3 * "the text of a.txt\n".len() as u64;
    assert_eq!(last, Found { file_count: 3, done_count: 3, done_bytes: bytes });
}

#[test]
fn an_interrupted_gathering_ends_without_outcomes() {
    let tree = Tree::new(&["a.txt", "b.txt"]);
    // A sparse file that takes half a minute to hash.
    let huge = std::fs::File::create(tree.path("huge.txt")).expect("a file");
    std::io::Write::write_all(&mut &huge, b"text").expect("written");
    huge.set_len(1 << 36).expect("a long file");
    let request = Request {
        paths: vec![tree.path(".").into_os_string()],
        choice: Choice::One("command".to_owned()),
        operations: vec![&COMMAND],
        excluded: Vec::new(),
        reader_count: 2,
    };
    let interrupted = AtomicBool::new(false);
    let gathered = gather_unless(&request, &interrupted, &mut |found| {
        if found.done_bytes > 1 << 20 {
            interrupted.store(true, Ordering::Relaxed);
        }
    });
    assert_eq!(gathered, None);
}
