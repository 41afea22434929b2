//! Connections that break, and files that were there before.

use super::*;
use std::cell::{Cell, RefCell};
use windlass_wire::Address;

const SIZE: usize = 1 << 20;

fn lost() -> WireError {
    let address = Address::Tcp("127.0.0.1:5000".to_owned());
    WireError::Lost { address, cause: "it is gone".to_owned() }
}

fn blob() -> (BlobId, Vec<u8>) {
    let bytes: Vec<u8> = (0..SIZE).map(|at| (at % 251) as u8).collect();
    (BlobId::of(&bytes), bytes)
}

struct Place {
    folder: tempfile::TempDir,
    /// What was asked for.
    offsets: RefCell<Vec<u64>>,
    pause_count: Cell<u32>,
}

impl Place {
    fn new() -> Place {
        let folder = tempfile::tempdir().expect("a folder");
        Place { folder, offsets: RefCell::default(), pause_count: Cell::new(0) }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("out").join(name)
    }

    /// Fetches over connections that break after so many bytes each.
    fn fetch(&self, breaks: &[usize]) -> Result<(), FetchError> {
        let (id, bytes) = blob();
        let breaks = RefCell::new(breaks.iter());
        let ask = |offset: u64, into: &mut dyn Write| {
            self.offsets.borrow_mut().push(offset);
            let rest = &bytes[offset as usize..];
            match breaks.borrow_mut().next() {
                Some(count) => {
                    into.write_all(&rest[..*count]).map_err(|_| lost())?;
                    Err(lost())
                }
                None => into.write_all(rest).map_err(|_| lost()),
            }
        };
        let wait = |_| self.pause_count.set(self.pause_count.get() + 1);
        let target = (id, SIZE as u64);
        fetch(&ask, target, &self.path("a.bin"), &self.path("spare"), &wait)
    }

    #[track_caller]
    fn is_whole(&self) {
        assert_eq!(fs::read(self.path("a.bin")).expect("a result"), blob().1);
        assert_eq!(fs::read_dir(self.path("")).expect("a folder").count(), 1);
    }
}

#[test]
fn a_broken_download_goes_on_where_it_was() {
    let place = Place::new();
    place.fetch(&[300_000, 0, 400_000]).expect("fetched");
    place.is_whole();
    assert_eq!(*place.offsets.borrow(), [0, 300_000, 300_000, 700_000]);
    assert_eq!(place.pause_count.get(), 3);
}

#[test]
fn after_many_vain_tries_what_came_is_kept_for_the_next_time() {
    let place = Place::new();
    let error = place.fetch(&[300_000, 0, 0, 0, 0, 10]).expect_err("it broke too often");
    assert!(matches!(error, FetchError::Broken { came_bytes: 300_010, .. }), "{error:?}");
    assert!(!place.path("a.bin").exists());
    place.fetch(&[]).expect("fetched");
    place.is_whole();
    assert_eq!(place.offsets.borrow().last(), Some(&300_010));
}

#[test]
fn what_came_before_it_was_left_is_kept() {
    let place = Place::new();
    let (id, bytes) = blob();
    let ask = |_: u64, into: &mut dyn Write| {
        into.write_all(&bytes[..300_000]).map_err(|_| lost())?;
        Err(WireError::Unwritten("it was stopped".to_owned()))
    };
    let (path, spare) = (place.path("a.bin"), place.path("spare"));
    let left = fetch(&ask, (id, SIZE as u64), &path, &spare, &|_| panic!("it is left at once"));
    assert!(matches!(left, Err(FetchError::Left)), "{left:?}");
    place.fetch(&[]).expect("fetched");
    place.is_whole();
    assert_eq!(*place.offsets.borrow(), [300_000]);
}

#[test]
fn a_damaged_beginning_comes_anew_and_damaged_bytes_are_no_result() {
    let place = Place::new();
    let (id, bytes) = blob();
    fs::create_dir(place.path("")).expect("a folder");
    fs::write(place.path(&part_name(id)), [0xff; 1_000]).expect("a file");
    place.fetch(&[]).expect("fetched");
    place.is_whole();
    assert_eq!(*place.offsets.borrow(), [1_000, 0]);
    fs::remove_file(place.path("a.bin")).expect("it is ours");
    let ask = |_: u64, into: &mut dyn Write| into.write_all(&bytes[1..]).map_err(|_| lost());
    let (target, path) = ((id, SIZE as u64), place.path("a.bin"));
    let error = fetch(&ask, target, &path, &place.path("spare"), &|_| {});
    let is_damaged = matches!(error, Err(FetchError::Refused(ClusterError::Damaged(_))));
    assert!(is_damaged, "{error:?}");
    assert_eq!(fs::read_dir(place.path("")).expect("a folder").count(), 0);
}

#[test]
fn two_who_fetch_the_same_do_not_disturb_each_other() {
    let place = Place::new();
    fs::create_dir(place.path("")).expect("a folder");
    let named = place.path(&part_name(blob().0));
    let other = Part::open(&named, true).expect("opened").expect("it is free");
    other.file.set_len(7).expect("it is ours");
    place.fetch(&[300_000]).expect("fetched");
    assert_eq!(other.file.metadata().expect("there").len(), 7);
    assert_eq!(*place.offsets.borrow(), [0, 300_000]);
    fs::remove_file(place.path("a.bin")).expect("it is ours");
    let error = place.fetch(&[300_000, 0, 0, 0, 0, 0]).expect_err("it broke too often");
    assert!(matches!(error, FetchError::Broken { came_bytes: 0, .. }), "{error:?}");
    assert_eq!(fs::read_dir(place.path("")).expect("a folder").count(), 1, "only the other's");
    place.fetch(&[]).expect("fetched");
    drop(other);
    fs::remove_file(named).expect("it is ours");
    place.is_whole();
}

#[test]
fn a_link_in_its_place_is_not_written_through() {
    let place = Place::new();
    fs::create_dir(place.path("")).expect("a folder");
    let precious = place.folder.path().join("precious");
    fs::write(&precious, "keep").expect("a file");
    let named = place.path(&part_name(blob().0));
    std::os::unix::fs::symlink(&precious, &named).expect("a link");
    place.fetch(&[]).expect("fetched");
    assert_eq!(fs::read(precious).expect("read"), b"keep");
    fs::remove_file(named).expect("it is ours");
    place.is_whole();
}

#[test]
fn only_old_parts_are_swept() {
    let folder = tempfile::tempdir().expect("a folder");
    let old = SystemTime::now() - PART_GRACE - Duration::from_secs(60);
    let make = |name: &str, is_old: bool| {
        let path = folder.path().join(name);
        let file = File::create(&path).expect("a file");
        if is_old {
            file.set_modified(old).expect("it is ours");
        }
        sweep_part(&path);
        path.exists()
    };
    assert!(make(&part_name(BlobId::of(b"a")), false));
    assert!(!make(&part_name(BlobId::of(b"b")), true));
    assert!(make(".windlass-x.part", true));
    assert!(make("a.part", true));
}
