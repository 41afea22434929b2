//! Sweeping: what goes, what comes back, and what races with it. Files are made old by setting
//! their times.

use std::fs::{File, FileTimes};
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tempfile::TempDir;
use windlass_blobs::{Blobs, Marks, Swept};
use windlass_core::collection::{Collection, SweepBatch};
use windlass_core::ledger::{Applied, Ledger};
use windlass_core::memo::MemoKey;
use windlass_core::{BlobId, LogTime};

const DAY: Duration = Duration::from_secs(24 * 3_600);
static GOING: AtomicBool = AtomicBool::new(false);

fn store() -> (TempDir, Blobs) {
    let dir = tempfile::tempdir().expect("the test folder works");
    let blobs = Blobs::open(dir.path().join("blobs")).expect("the test folder works");
    (dir, blobs)
}

/// Makes a file, or every file below a folder, look last used so long ago.
fn age(path: &Path, by: Duration) {
    if path.is_dir() {
        std::fs::read_dir(path)
            .expect("the test folder works")
            .for_each(|entry| age(&entry.expect("the test folder works").path(), by));
        return;
    }
    let times = FileTimes::new().set_modified(SystemTime::now() - by);
    File::options()
        .write(true)
        .open(path)
        .expect("the test folder works")
        .set_times(times)
        .expect("the test folder works");
}

fn batches(empties_trash: bool) -> Vec<SweepBatch> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("the test folder works");
    let now = LogTime(u64::try_from(now.as_millis()).expect("the test folder works"));
    let mut collection = Collection::begin(now, empties_trash);
    let mut ledger = Ledger::default();
    let mut applied = Vec::new();
    while let Some(entry) = collection.next_entry() {
        ledger.apply(now, &entry, &mut applied);
    }
    let batch = |done| match done {
        Applied::SweepBegun(batch) => batch,
        other => panic!("{other:?}"),
    };
    applied.into_iter().map(batch).collect()
}

fn marks(blobs: &Blobs, named: &[BlobId]) -> Marks {
    let mut marks = Marks::new(blobs);
    named.iter().for_each(|id| marks.add(*id).expect("the test folder works"));
    marks
}

fn sweep(blobs: &Blobs, named: &[BlobId]) -> Swept {
    let (marks, mut swept) = (marks(blobs, named), Swept::default());
    for batch in batches(false) {
        blobs.sweep(&batch, &marks, &GOING, &mut swept).expect("the test folder works");
    }
    swept
}

#[test]
fn what_is_old_and_unnamed_goes_in_two_steps() {
    let (dir, blobs) = store();
    let [named, old, fresh] = ["named", "old", "fresh"].map(|t| blobs.put(t.as_bytes()).unwrap());
    [named, old].iter().for_each(|id| age(&blobs.path(*id), DAY * 2));
    let swept = sweep(&blobs, &[named]);
    assert_eq!((swept.kept.count, swept.trashed.count, swept.trashed.bytes), (2, 1, 3));
    assert!(blobs.path(named).exists() && blobs.path(fresh).exists());
    assert!(!blobs.path(old).exists());
    assert_eq!(sweep(&blobs, &[named]).deleted.count, 0, "the trash has its own grace");
    age(&dir.path().join("blobs/trash"), DAY * 2);
    assert_eq!(sweep(&blobs, &[named]).deleted.count, 1);
    assert!(blobs.renew(old).unwrap().is_none());
}

#[test]
fn a_blob_in_the_trash_comes_back_to_whoever_asks() {
    let (_dir, blobs) = store();
    let texts = ["read", "put", "renewed", "named"];
    let ids = texts.map(|text| blobs.put(text.as_bytes()).unwrap());
    ids.iter().for_each(|id| age(&blobs.path(*id), DAY * 2));
    assert_eq!(sweep(&blobs, &[]).trashed.count, 4);
    assert_eq!(blobs.read(ids[0], 100).unwrap(), b"read");
    assert_eq!(blobs.put(b"put").unwrap(), ids[1]);
    blobs.sync().unwrap();
    assert_eq!(blobs.renew(ids[2]).unwrap(), Some(7));
    // What a later marking finds named goes back by itself.
    let swept = sweep(&blobs, &[ids[3]]);
    assert_eq!((swept.trashed.count, swept.restored.count), (0, 1));
    assert!(ids.iter().all(|id| blobs.path(*id).exists()));
}

#[test]
fn a_put_of_an_old_blob_keeps_it() {
    let (_dir, blobs) = store();
    let id = blobs.put(b"again").unwrap();
    age(&blobs.path(id), DAY * 2);
    blobs.put(b"again").unwrap();
    let mut writer = blobs.writer().unwrap();
    std::io::Write::write_all(&mut writer, b"again").unwrap();
    assert_eq!(sweep(&blobs, &[]).trashed.count, 0);
    age(&blobs.path(id), DAY * 2);
    writer.finish().unwrap();
    assert_eq!(sweep(&blobs, &[]).trashed.count, 0);
}

/// Whoever puts, syncs and reads beside a sweep never misses a blob, however the two interleave.
#[test]
fn puts_beside_a_sweep_lose_nothing() {
    let (_dir, blobs) = store();
    let texts: Vec<String> = (0..200).map(|number| format!("text {number}")).collect();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let sweeper = scope.spawn(|| {
            let (marks, mut swept) = (marks(&blobs, &[]), Swept::default());
            let batches = batches(false);
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                for batch in &batches {
                    blobs.sweep(batch, &marks, &GOING, &mut swept).unwrap();
                }
            }
            swept.trashed.count
        });
        for round in 0..5 {
            for text in &texts {
                let id = blobs.put(text.as_bytes()).unwrap();
                // The next round finds it old; a sweep between may take it.
                assert_eq!(blobs.read(id, 100).unwrap(), text.as_bytes(), "round {round}");
                blobs.sync().unwrap();
                let old = SystemTime::now() - DAY * 2;
                if let Ok(file) = File::options().write(true).open(blobs.path(id)) {
                    file.set_times(FileTimes::new().set_modified(old)).unwrap();
                }
            }
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        assert!(sweeper.join().unwrap() > 0, "nothing was ever taken");
    });
}

#[test]
fn a_sweep_cut_off_in_a_move_is_taken_up_again() {
    let (dir, blobs) = store();
    let id = blobs.put(b"half moved").unwrap();
    age(&blobs.path(id), DAY * 2);
    // Both names at once, as a file system without an atomic rename may leave it.
    let folder = dir.path().join("blobs/trash").join(&id.to_hex()[..2]);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::hard_link(blobs.path(id), folder.join(&id.to_hex()[2..])).unwrap();
    sweep(&blobs, &[]);
    assert!(!blobs.path(id).exists());
    assert_eq!(blobs.read(id, 100).unwrap(), b"half moved");
}

#[test]
fn a_stopped_sweep_says_so() {
    let (_dir, blobs) = store();
    blobs.put(b"x").unwrap();
    let stopped = AtomicBool::new(true);
    let (marks, mut swept) = (marks(&blobs, &[]), Swept::default());
    let error = batches(false)
        .iter()
        .map(|batch| blobs.sweep(batch, &marks, &stopped, &mut swept))
        .find_map(Result::err);
    assert!(matches!(error, Some(windlass_blobs::BlobError::Cancelled)));
}

#[test]
fn emptying_the_trash_waits_for_nothing_but_marks() {
    let (_dir, blobs) = store();
    let [named, old] = ["named", "old"].map(|text| blobs.put(text.as_bytes()).unwrap());
    [named, old].iter().for_each(|id| age(&blobs.path(*id), DAY * 2));
    let mut swept = Swept::default();
    for batch in batches(true) {
        blobs.sweep(&batch, &marks(&blobs, &[]), &GOING, &mut swept).unwrap();
        blobs.empty_trash(&batch, &marks(&blobs, &[named]), &GOING, &mut swept).unwrap();
    }
    assert_eq!((swept.trashed.count, swept.deleted.count, swept.restored.count), (2, 1, 1));
}

const KEY: MemoKey = MemoKey([7; 32]);

#[test]
fn the_memo_answers_what_it_was_told_last_and_nothing_damaged() {
    let (dir, blobs) = store();
    assert_eq!(blobs.recall(KEY), None);
    for text in ["first", "second"] {
        blobs.remember(KEY, BlobId::of(text.as_bytes()), 10).unwrap();
        assert_eq!(blobs.recall(KEY), Some(BlobId::of(text.as_bytes())));
    }
    let path = dir.path().join("blobs/memo/07").join("07".repeat(31));
    let whole = std::fs::read(&path).unwrap();
    for position in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[position] ^= 1;
        std::fs::write(&path, &flipped).unwrap();
        assert_eq!(blobs.recall(KEY), None, "byte {position}");
    }
    std::fs::write(&path, &whole[..20]).unwrap();
    assert_eq!(blobs.recall(KEY), None);
    // What cannot be read goes at the next look through the memo.
    assert!(blobs.memo_use(&GOING).unwrap().is_empty());
    assert!(!path.exists());
}

#[test]
fn the_memo_that_was_not_used_for_longest_goes_first() {
    let (dir, blobs) = store();
    let keys = [1, 2, 3].map(|byte| MemoKey([byte; 32]));
    for key in keys {
        blobs.remember(key, BlobId::of(&key.0), 100_000).unwrap();
    }
    age(&dir.path().join("blobs/memo"), DAY);
    // It was used since.
    blobs.recall(keys[1]).unwrap();
    let used = blobs.memo_use(&GOING).unwrap();
    assert_eq!(used.values().sum::<u64>(), 3 * (100_000 + 4_096));
    let second = windlass_core::collection::memo_goes_until(&used, 150_000).unwrap();
    assert_eq!(blobs.forget_memo_until(second, &GOING).unwrap(), 2);
    assert_eq!(keys.map(|key| blobs.recall(key).is_some()), [false, true, false]);
}
