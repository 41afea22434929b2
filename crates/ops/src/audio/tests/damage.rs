//! What damaged sounds come to: a failure with a cause or what is left of them, never harm.

use super::{media_of, run, run_as, sample, set_checksum};
use proptest::prelude::*;
use windlass_core::FailureKind;

const NAMES: &[&str] = &[
    "heave.wav",
    "bells.flac",
    "bells.mp3",
    "bells.ogg",
    "bells.opus",
    "bells.m4a",
    "bells-alac.m4a",
    "bells.aac",
    "bells.aiff",
    "bells.caf",
];

fn good(name: &str) -> Vec<u8> {
    sample(&format!("heap/sounds/{name}"))
}

#[test]
fn cut_off_files_give_what_is_there_or_a_cause() {
    for name in NAMES {
        let bytes = good(name);
        let media = media_of(&bytes);
        for end in [0, 1, 11, 12, 40, bytes.len() / 50, bytes.len() / 2] {
            match run_as(media, &bytes[..end], None, &[]) {
                Ok(output) => assert!(!output.artifacts.is_empty()),
                Err(failure) => {
                    assert_eq!(failure.kind, FailureKind::Rejected, "{name}: {}", failure.cause);
                    assert!(!failure.next_step.is_empty());
                }
            }
        }
    }
}

#[test]
fn a_recording_that_lost_its_end_says_so() {
    let m4a = with_contents_first(&good("bells.m4a"));
    assert!(run(&m4a, &[]).unwrap().notes.is_empty());
    let with_tag = [&m4a[..], b"TAGsome more"].concat();
    assert!(run(&with_tag, &[]).unwrap().notes.is_empty(), "no box begins there");
    let others = ["heave.wav", "bells.flac", "bells.aiff"];
    let others = others.map(|name| (name, good(name)));
    for (name, bytes) in others.into_iter().chain([("m4a", m4a)]) {
        let output = run(&bytes[..bytes.len() * 2 / 3], &[]).unwrap();
        let is_said = output.notes.iter().any(|note| note.contains("cut off"));
        assert!(is_said, "{name}: {:?}", output.notes);
    }
}

/// The file with its box `moov` before the samples, as they are made for the web.
fn with_contents_first(bytes: &[u8]) -> Vec<u8> {
    let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
    let find = |name: &[u8]| memchr::memmem::rfind(bytes, name).unwrap();
    let moov = find(b"moov") - 4;
    let mut contents = bytes[moov..moov + number(moov) as usize].to_vec();
    // Where each chunk of samples begins in the file: behind version, flags and a count.
    let offsets = find(b"stco") + 8;
    for index in 0..number(offsets) as usize {
        let at = offsets + 4 + 4 * index;
        let moved = number(at) + contents.len() as u32;
        contents[at - moov..at - moov + 4].copy_from_slice(&moved.to_be_bytes());
    }
    let head = number(0) as usize;
    let rest = [&bytes[head..moov], &bytes[moov + contents.len()..]].concat();
    [&bytes[..head], &contents, &rest].concat()
}

#[test]
fn an_m4a_that_lost_its_table_of_contents_is_damaged() {
    for name in ["bells.m4a", "bells-alac.m4a"] {
        let bytes = good(name);
        let failure = run(&bytes[..bytes.len() * 2 / 3], &[]).err().unwrap();
        assert_eq!(failure.code, "audio_damaged", "{name}: {}", failure.cause);
        assert!(failure.cause.contains("table of contents"), "{}", failure.cause);
        assert!(failure.next_step.contains("cut off"), "{}", failure.next_step);
    }
}

/// An Ogg stream has its length in its last page: without that nothing is missing but the mark of
/// the end.
#[test]
fn a_stream_without_its_last_page_says_so() {
    const FLAGS: usize = 5;
    for name in ["bells.ogg", "bells.opus"] {
        let mut bytes = good(name);
        assert!(run(&bytes, &[]).unwrap().notes.is_empty());
        let last = memchr::memmem::rfind(&bytes, b"OggS").unwrap();
        let page = &mut bytes[last..];
        page[FLAGS] = 0;
        set_checksum(page);
        let notes = run(&bytes, &[]).unwrap().notes;
        assert_eq!(notes, ["The file is cut off: its end is missing."]);
    }
}

/// Symphonia made room for a packet of four billion samples.
#[test]
fn a_caf_that_claims_huge_packets_is_refused_before_room_is_made() {
    for at in [36, 40] {
        let mut bytes = good("bells.caf");
        bytes[at..at + 4].copy_from_slice(&0x00ff_ffff_u32.to_be_bytes());
        let failure = run(&bytes, &[]).err().unwrap();
        assert_eq!(failure.code, "audio_damaged");
        assert!(failure.cause.contains("16777215"), "{}", failure.cause);
    }
}

proptest! {
    // Each takes a tenth of a second without optimisation; the end-to-end tests try many more.
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]
    #[test]
    fn flipped_bits_fail_or_pass_but_do_no_harm(
        kind in 0..NAMES.len(),
        at in any::<usize>(),
        in_head in any::<bool>(),
        value in any::<u8>(),
    ) {
        let mut bytes = good(NAMES[kind]);
        let media = media_of(&bytes);
        let length = if in_head { 200 } else { bytes.len() };
        bytes[at % length] = value;
        if let Err(failure) = run_as(media, &bytes, None, &[]) {
            prop_assert_eq!(failure.kind, FailureKind::Rejected);
            prop_assert!(!failure.cause.is_empty() && !failure.next_step.is_empty());
        }
    }
}
