//! Bombs and damage, for every format alike.

use super::*;

/// Formats whose file is an archive, with the part that holds most of it.
const ARCHIVES: &[(Media, &str)] = &[
    (Media::Docx, "word/document.xml"),
    (Media::Xlsx, "xl/workbook.xml"),
    (Media::Pptx, "ppt/presentation.xml"),
    (Media::Odt, "content.xml"),
    (Media::Ods, "content.xml"),
    (Media::Odp, "content.xml"),
    (Media::Epub, "META-INF/container.xml"),
];

/// A part of so many mebibytes of spaces, in an archive.
fn bomb(part: &str, mebibytes: usize) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    writer.start_file(part, options.compression_level(Some(1))).unwrap();
    let spaces = vec![b' '; 1 << 20];
    (0..mebibytes).for_each(|_| writer.write_all(&spaces).unwrap());
    writer.finish().unwrap().into_inner()
}

#[test]
fn a_bomb_in_any_archive_is_refused() {
    for (media, part) in ARCHIVES {
        let mut file = bomb(part, 100);
        assert_eq!(refused(*media, &file).code, "unpacked_too_large", "{media:?}");
        // The same with a lie about its size.
        let size = (100_u32 << 20).to_le_bytes();
        while let Some(at) = memchr::memmem::find(&file, &size) {
            file[at..at + 4].copy_from_slice(&1_000_u32.to_le_bytes());
        }
        match process(*media, &file) {
            Ok(given) => assert!(!given.notes.is_empty(), "{media:?}"),
            Err(failure) => assert!(!failure.next_step.is_empty(), "{media:?}"),
        }
    }
}

#[test]
fn nesting_in_any_archive_is_bounded() {
    for (media, part) in ARCHIVES {
        let deep = format!("<a>{}", "<w:r>".repeat(10_000));
        // Parts of which only single elements are looked for may be as deep as they like.
        match process(*media, &archive(&[(part, &deep)])) {
            Ok(_) => {}
            Err(failure) => assert!(!failure.cause.is_empty(), "{media:?}"),
        }
    }
    let content = format!("<office:text>{}", "<text:p>".repeat(10_000));
    assert_eq!(refused(Media::Odt, &archive(&[("content.xml", &content)])).code, "nested_too_deep");
    let groups = format!("{{\\rtf1 {}", "{".repeat(10_000));
    assert_eq!(refused(Media::Rtf, groups.as_bytes()).code, "nested_too_deep");
}

#[test]
fn archives_without_their_parts_are_damaged() {
    for (media, _) in ARCHIVES {
        let failure = refused(*media, &archive(&[("a.txt", "x")]));
        assert!(failure.code.starts_with("damaged_"), "{media:?} {failure:?}");
        assert!(refused(*media, b"PK\x03\x04 no archive").code.starts_with("damaged_"));
    }
    assert_eq!(refused(Media::Rtf, b"no rich text").code, "damaged_rtf");
}

#[test]
fn bytes_of_any_kind_come_to_an_end() {
    const PIECES: &[u8] = b"<>/\"'{}\\a=&;:\n- 9!";
    let mut state = 1_u32;
    for length in 0..600 {
        let mut bytes = b"{\\rtf1 <p>From: a\n".to_vec();
        bytes.extend((0..length).map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            PIECES[(state >> 24) as usize % PIECES.len()]
        }));
        for media in [Media::Html, Media::Eml, Media::Rtf] {
            if let Err(failure) = process(media, &bytes) {
                assert!(!failure.cause.is_empty() && !failure.next_step.is_empty());
            }
        }
    }
}
