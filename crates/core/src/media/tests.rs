//! What the bytes and the names of files of every kind are taken for.

use super::*;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

#[test]
fn all_lists_every_kind_in_order() {
    for (index, media) in Media::ALL.iter().enumerate() {
        assert_eq!(*media as usize, index, "{media:?}");
    }
    assert_eq!(Media::Doc as usize + 1, Media::ALL.len());
}

#[test]
fn extensions_are_unique_and_lowercase() {
    let mut seen = std::collections::BTreeSet::new();
    for word in extension::EXTENSIONS.iter().flat_map(|(_, words)| words.iter()) {
        assert!(seen.insert(*word), "{word} twice");
        assert_eq!(*word, word.to_ascii_lowercase());
    }
}

#[test]
fn extension_is_what_follows_the_last_dot_of_the_file_name() {
    assert_eq!(by_extension(b"/a.pdf/b.tar.GZ"), Some(Media::Archive));
    assert_eq!(by_extension(b"Report.PDF"), Some(Media::Pdf));
    assert_eq!(by_extension(b"\xff\xfe.txt"), Some(Media::Text));
    for nothing in [&b"/a.pdf/readme"[..], b".png", b"x.", b"", b"x.dat", b"a.pdf/"] {
        assert_eq!(by_extension(nothing), None, "{nothing:?}");
    }
}

#[test]
fn contradiction_is_a_broken_promise_across_families() {
    let broken = [
        (Media::Pdf, Media::Html),
        (Media::Pdf, Media::Unknown),
        (Media::Pdf, Media::Empty),
        (Media::Png, Media::Text),
        (Media::Text, Media::Pdf),
        (Media::Text, Media::Unknown),
        (Media::Text, Media::Program),
        (Media::Xlsx, Media::Zip),
        (Media::Docx, Media::Text),
        (Media::Rtf, Media::Text),
        (Media::Zip, Media::Unknown),
        (Media::Archive, Media::Text),
        (Media::Mp3, Media::Jpeg),
    ];
    for (extension, content) in broken {
        assert!(contradicts(extension, content), "{extension:?} {content:?}");
    }
    let kept = [
        (Media::Jpeg, Media::Png),
        (Media::Text, Media::Html),
        (Media::Html, Media::Text),
        (Media::Text, Media::Rtf),
        (Media::Zip, Media::Docx),
        (Media::Archive, Media::Zip),
        (Media::Ole, Media::Docx),
        (Media::Docx, Media::OfficeLocked),
        (Media::M4a, Media::Video),
        (Media::Video, Media::Ogg),
    ];
    for (extension, content) in kept {
        assert!(!contradicts(extension, content), "{extension:?} {content:?}");
    }
    for media in Media::ALL {
        assert!(!contradicts(*media, *media));
    }
}

/// What a file of these bytes is, cut into head and tail as a reader of files does it.
fn sniffed(bytes: &[u8]) -> Media {
    let head = &bytes[..bytes.len().min(SAMPLE_HEAD_BYTES_MAX)];
    let cut = bytes.len().saturating_sub(SAMPLE_HEAD_BYTES_MAX);
    let tail = if cut > 0 { &bytes[cut..] } else { &[] };
    sniff(&Sample { head, tail, size: bytes.len() as u64 })
}

fn filled(start: &[u8], size: usize) -> Vec<u8> {
    let mut bytes = start.to_vec();
    bytes.resize(size, 0);
    bytes
}

#[test]
fn signatures_name_their_kinds() {
    let windows = [filled(b"MZ", 0x3c), b"\x40\0\0\0PE\0\0".to_vec()].concat();
    let bitmap = b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x01\0\0\0".to_vec();
    let tar = [filled(b"a.txt", 257), b"ustar\0".to_vec(), vec![0; 300]].concat();
    let cases: Vec<(Media, Vec<u8>)> = vec![
        (Media::Empty, vec![]),
        (Media::Pdf, b"%PDF-1.4\n1 0 obj".to_vec()),
        (Media::Pdf, b"\xef\xbb\xbf \r\n%PDF-1.4".to_vec()),
        (Media::Pdf, b"%!PS-Adobe-3.0 PDF-1.4\n".to_vec()),
        (Media::Rtf, b"{\\rtf1\\ansi x}".to_vec()),
        (Media::Ole, filled(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 600)),
        (Media::Png, b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec()),
        (Media::Jpeg, b"\xff\xd8\xff\xe0\0\x10JFIF".to_vec()),
        (Media::WebP, b"RIFF\x10\0\0\0WEBPVP8L".to_vec()),
        (Media::Gif, b"GIF89a\x01\0\x01\0".to_vec()),
        (Media::Tiff, b"II*\0\x08\0\0\0".to_vec()),
        (Media::Tiff, b"MM\0*\0\0\0\x08".to_vec()),
        (Media::Bmp, bitmap),
        (Media::Wav, b"RIFF\x24\0\0\0WAVEfmt ".to_vec()),
        (Media::Flac, b"fLaC\0\0\0\x22".to_vec()),
        (Media::Ogg, b"OggS\0\x02\x01vorbis".to_vec()),
        (Media::Video, b"OggS\0\x02\0\0\x80theora".to_vec()),
        (Media::Aiff, b"FORM\0\0\0\x20AIFFCOMM".to_vec()),
        (Media::Aiff, b"FORM\0\0\0\x20AIFCCOMM".to_vec()),
        (Media::Caf, b"caff\0\x01\0\0desc".to_vec()),
        (Media::Amr, b"#!AMR\n\x3c\x91".to_vec()),
        (Media::Amr, b"#!AMR-WB\n\x24".to_vec()),
        (Media::Video, b"RIFF\x24\0\0\0AVI LIST".to_vec()),
        (Media::Video, b"\x1a\x45\xdf\xa3\x01".to_vec()),
        (Media::Archive, b"\x1f\x8b\x08\0".to_vec()),
        (Media::Archive, b"BZh91AY&SY\0".to_vec()),
        (Media::Archive, tar),
        (Media::Program, b"\x7fELF\x02\x01".to_vec()),
        (Media::Program, windows),
    ];
    for (media, bytes) in cases {
        assert_eq!(sniffed(&bytes), media, "{:?}", String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn words_that_begin_like_signatures_are_text() {
    for text in ["BM is a shop", "MZ wrote this", "ID3 tags explained", "BZh is no word", "FORM of"]
    {
        assert_eq!(sniffed(text.as_bytes()), Media::Text, "{text}");
    }
}

#[test]
fn pdf_header_may_stand_behind_other_bytes_when_the_end_is_there() {
    let mailed = b"Content-Type: application/pdf\r\n\r\n%PDF-1.3\n...\nstartxref\n9\n%%EOF\n";
    assert_eq!(sniffed(mailed), Media::Pdf);
    let program = b"if data.startswith(b'%PDF-'):\n    print('pdf')\n";
    assert_eq!(sniffed(program), Media::Text);
    let far = [vec![b' '; 1], vec![b'x'; 2_000], b"%PDF-1.3 %%EOF".to_vec()].concat();
    assert_eq!(sniffed(&far), Media::Text);
}

#[test]
fn locked_office_file_is_told_from_an_old_one() {
    let mut bytes = filled(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 100_000);
    assert_eq!(sniffed(&bytes), Media::Ole);
    let name = |name: &str| name.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
    let word = [bytes.clone(), name("WordDocument")].concat();
    assert_eq!(sniffed(&word), Media::Doc);
    // The names of the streams lie in the middle; the first one is Word's.
    bytes[512..516].copy_from_slice(b"\xec\xa5\xc1\0");
    assert_eq!(sniffed(&bytes), Media::Doc);
    bytes.extend(name("EncryptedPackage"));
    assert_eq!(sniffed(&bytes), Media::OfficeLocked);
}

/// Name and content.
type Entry<'a> = (&'a str, &'a [u8]);

/// A ZIP archive of stored entries; `streamed`: lengths stand behind the data, not before it.
fn archive(entries: &[Entry<'_>], streamed: bool) -> Vec<u8> {
    let (mut out, mut central) = (Vec::new(), Vec::new());
    for (name, data) in entries {
        let told = if streamed { 0 } else { data.len() as u32 };
        let mut fields =
            [20_u16, if streamed { 8 } else { 0 }, 0, 0, 0].map(u16::to_le_bytes).concat();
        fields.extend([0, told, told].map(u32::to_le_bytes).concat());
        fields.extend([name.len() as u16, 0].map(u16::to_le_bytes).concat());
        out.extend([&b"PK\x03\x04"[..], &fields, name.as_bytes(), data].concat());
        central.extend([&b"PK\x01\x02\x14\0"[..], &fields, &[0; 14], name.as_bytes()].concat());
    }
    [out, central, filled(b"PK\x05\x06", 22)].concat()
}

#[test]
fn zip_kinds_are_told_by_names_in_any_order() {
    let types: Entry<'_> = ("[Content_Types].xml", b"<Types/>");
    let media: (&str, Vec<u8>) = ("word/media/image1.png", vec![7; 150_000]);
    let cases: &[(Media, Vec<Entry<'_>>)] = &[
        (Media::Docx, vec![types, ("_rels/.rels", b"x"), ("word/document.xml", b"x")]),
        (Media::Docx, vec![("word/document.xml", b"x"), (media.0, &media.1), types]),
        (Media::Docx, vec![("word/embeddings/t.xlsx", b"x"), types]),
        (Media::Docx, vec![("\\word\\document2.xml", b"x"), types]),
        (Media::Xlsx, vec![("xl/media/1.png", &media.1), ("xl/workbook.xml", b"x"), types]),
        (Media::Pptx, vec![types, ("ppt/presentation.xml", b"x")]),
        (Media::Odt, vec![("mimetype", b"application/vnd.oasis.opendocument.text")]),
        (Media::Ods, vec![("mimetype", b"application/vnd.oasis.opendocument.spreadsheet")]),
        (Media::Epub, vec![("a", &media.1), ("mimetype", b"application/epub+zip")]),
        (Media::Epub, vec![("META-INF/container.xml", b"x"), ("OEBPS/content.opf", b"x")]),
        (Media::Zip, vec![("word/readme.txt", b"x")]),
        (Media::Zip, vec![("mimetype", b"application/x-krita")]),
        (Media::Zip, vec![]),
    ];
    for (media, entries) in cases {
        for streamed in [false, true] {
            let found = sniffed(&archive(entries, streamed));
            assert_eq!(found, *media, "{:?}", entries.iter().map(|e| e.0).collect::<Vec<_>>());
        }
    }
}

fn boxed(name: &[u8], content: &[u8]) -> Vec<u8> {
    [&(content.len() as u32 + 8).to_be_bytes(), name, content].concat()
}

#[test]
fn mpeg4_files_are_told_by_brand_and_by_handler() {
    let brands = |list: &[u8]| boxed(b"ftyp", list);
    assert_eq!(sniffed(&brands(b"M4A \0\0\0\0isom")), Media::M4a);
    assert_eq!(sniffed(&brands(b"heic\0\0\0\0mif1heic")), Media::Heic);
    assert_eq!(sniffed(&brands(b"mif1\0\0\0\0mif1avif")), Media::Avif);
    assert_eq!(sniffed(&brands(b"avif\0\0\0\0")), Media::Avif);
    assert_eq!(sniffed(&brands(b"jp2 \0\0\0\0")), Media::Unknown);
    let handler = |kind: &[u8]| boxed(b"hdlr", &[&[0; 8], kind].concat());
    let plain = brands(b"isom\0\0\x02\0isommp41");
    let data = boxed(b"mdat", &vec![1; 200_000]);
    let sound = [plain.clone(), data.clone(), boxed(b"moov", &handler(b"soun"))].concat();
    assert_eq!(sniffed(&sound), Media::M4a);
    let tracks = [handler(b"soun"), handler(b"vide")].concat();
    assert_eq!(sniffed(&[plain.clone(), data, boxed(b"moov", &tracks)].concat()), Media::Video);
    assert_eq!(sniffed(&plain), Media::Video);
}

#[test]
fn bare_frames_must_follow_one_another() {
    // MPEG-1 layer III, 128 kbit/s, 44.1 kHz: 417 bytes a frame; with padding 418.
    let frame = filled(b"\xff\xfb\x90\x64", 417);
    let padded = filled(b"\xff\xfb\x92\x64", 418);
    assert_eq!(sniffed(&[frame.clone(), padded, frame.clone()].concat()), Media::Mp3);
    assert_eq!(sniffed(&[vec![0; 100], frame.clone(), frame.clone()].concat()), Media::Mp3);
    assert_eq!(sniffed(&frame), Media::Unknown);
    assert_eq!(sniffed(&filled(b"\xff\xfb\x90\x64", 2_000)), Media::Unknown);
    let tagged = [b"ID3\x04\0\0\0\0\0\x05tag..".to_vec(), frame.clone(), frame].concat();
    assert_eq!(sniffed(&tagged), Media::Mp3);
    assert_eq!(sniffed(b"ID3\x04\0\0\0\0\0\x05tag..fLaC\0\0"), Media::Flac);
    // ADTS, AAC-LC, 44.1 kHz, stereo, 300 bytes a frame.
    let adts = filled(b"\xff\xf1\x50\x80\x25\x9f\xfc", 300);
    assert_eq!(sniffed(&adts.repeat(3)), Media::Aac);
}

#[test]
fn text_is_found_in_every_encoding() {
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
    let big = |text: &str| text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<_>>();
    let japanese = "これは短い文章です。 次の行、\n吾輩は猫である。名前はまだ無い。\n";
    let russian = "Все счастливые семьи похожи друг на друга.\r\n";
    let utf32: Vec<u8> = "\u{feff}Ünï".chars().flat_map(|c| u32::from(c).to_le_bytes()).collect();
    let cases: Vec<Vec<u8>> = vec![
        b"a".to_vec(),
        b"\n".to_vec(),
        "naïve — 日本語 🎩\n".into(),
        b"\xef\xbb\xbfwith a mark".to_vec(),
        "日本語".as_bytes()[..7].to_vec(),
        b"caf\xe9 cr\xe8me \x93quoted\x94 and more words\n".to_vec(),
        b"\xc2\xf1\xe5 \xf1\xf7\xe0\xf1\xf2\xeb\xe8\xe2\xfb\xe5".to_vec(),
        b"\x82\xb1\x82\xea\x82\xcd\x92\x5a\x82\xa2\x95\xb6\x8f\xcd\x82\xc5\x82\xb7\x81\x42"
            .to_vec(),
        b"\xa4\xb3\xa4\xec\xa4\xcf\xc3\xbb\xa4\xa4\xca\xb8\xbe\xcf".to_vec(),
        b"\x1b$B$3$l\x1b(B in ISO 2022".to_vec(),
        b"\x1b[31mred\x1b[0m\n".to_vec(),
        b"line\r\n\x1a".to_vec(),
        utf16(&format!("\u{feff}{japanese}")),
        big(&format!("\u{feff}{russian}")),
        utf16("plain words without a mark\r\n"),
        big("plain words without a mark\r\n"),
        utf16(russian),
        big(russian),
        utf16(&japanese.repeat(9)),
        utf32,
        format!("{}\0\0{}", "log line\n".repeat(500), "log line\n".repeat(500)).into(),
        "tab\u{1}separated\u{1}by ones and more words\n".into(),
        "long é\n".repeat(30_000).into(),
        utf16(&format!("\u{feff}{}", "long é\n".repeat(30_000))),
        b"long caf\xe9 lines\n".repeat(30_000),
    ];
    for bytes in cases {
        assert_eq!(sniffed(&bytes), Media::Text, "{:?}", &bytes[..bytes.len().min(40)]);
    }
}

#[test]
fn binary_is_not_text() {
    let numbers: Vec<u8> = (0..2_000_u32).flat_map(|n| (n * n).to_le_bytes()).collect();
    let sound: Vec<u8> = (0..4_000).flat_map(|n| ((n % 97) as i16 * 331).to_le_bytes()).collect();
    let mut noise = Vec::new();
    let mut state = 0x9e37_79b9_u32;
    for _ in 0..4_096 {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        noise.push((state >> 24) as u8);
    }
    let script = [b"#!/bin/sh\nexit 0\n".repeat(6_000), noise.repeat(20)].concat();
    for bytes in [numbers, sound, noise.clone(), noise[..64].to_vec(), script, vec![0; 900]] {
        assert_eq!(sniffed(&bytes), Media::Unknown, "{:?}", &bytes[..40]);
    }
}

#[test]
fn web_pages_are_told_from_text_that_holds_tags() {
    let utf16: Vec<u8> =
        "\u{feff}<HTML lang=en>".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let pages: [&[u8]; 5] = [
        b"<!DOCTYPE html><p>x",
        b"\xef\xbb\xbf\n<html>x</html>",
        b"<?xml version='1.0'?>\n<!-- a note -->\n<html xmlns='x'>",
        b"<head\n>caf\xe9",
        &utf16,
    ];
    for page in pages {
        assert_eq!(sniffed(page), Media::Html, "{page:?}");
    }
    for text in ["<p align=center>readme</p>", "<header>", "<svg/>", "<!-- html", "a <html>", "<"] {
        assert_eq!(sniffed(text.as_bytes()), Media::Text, "{text}");
    }
}

proptest! {
    #[test]
    fn any_bytes_have_a_kind(
        start in select(STARTS),
        head in vec(any::<u8>(), 0..600),
        tail in vec(any::<u8>(), 0..200),
        size in any::<u64>(),
    ) {
        let head = [start, &head].concat();
        let media = sniff(&Sample { head: &head, tail: &tail, size });
        prop_assert_eq!(media == Media::Empty, size == 0 || head.is_empty());
    }

    #[test]
    fn any_text_is_text(text in "[a-zàéЖ語 ,.]{4,200}") {
        prop_assert_eq!(sniffed(text.as_bytes()), Media::Text);
    }
}

/// Beginnings that lead into each branch.
const STARTS: &[&[u8]] = &[
    b"",
    b"PK\x03\x04",
    b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\x08\0\0\0mimetype",
    b"PK\x01\x02",
    b"\0\0\0\x20ftypmif1",
    b"\0\0\0\x09ftyp",
    b"\xff\xff\xff\xffmoovhdlr",
    b"ID3\x04\0\x10\x7f\x7f\x7f\x7f",
    b"\xff\xfb\x90\x64",
    b"\xff\xf1\x50\x80",
    b"MZ",
    b"\xff\xfe",
    b"\xff\xfe\0\0",
    b"%!PS-Adobe-",
    b"%PDF-",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    b"<!--",
    b"<?",
    b"BM",
];

#[test]
fn a_mail_begins_with_fields_that_programs_write() {
    let mail = "Received: from a by b;\r\n\tThu, 1 Jan 2026\r\nFrom: a@example.org\r\n\r\ntext";
    assert_eq!(sniffed(mail.as_bytes()), Media::Eml);
    assert_eq!(sniffed(b"From: Ada\nSubject: x\nMessage-ID: <1@x>"), Media::Eml);
    for text in [
        "From: Ada\nTo: Bob\nSubject: our plan\n\nDear Bob,",
        "From: Ada\nand a line that is no field\nMessage-ID: <1@x>\n",
        "MIME-Version: 1.0\nServer: x\n\nno author",
        "name: value\nReceived: 12\n",
        " From: x\nMessage-ID: y\n",
    ] {
        assert_eq!(sniffed(text.as_bytes()), Media::Text, "{text}");
    }
}

#[test]
fn a_windows_media_file_is_sound_unless_a_stream_of_it_is_video() {
    const HEADER: &[u8] = b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c";
    const AUDIO: &[u8] = b"\x40\x9e\x69\xf8\x4d\x5b\xcf\x11\xa8\xfd\x00\x80\x5f\x5c\x44\x2b";
    const VIDEO: &[u8] = b"\xc0\xef\x19\xbc\x4d\x5b\xcf\x11\xa8\xfd\x00\x80\x5f\x5c\x44\x2b";
    assert_eq!(sniffed(&[HEADER, AUDIO].concat()), Media::Wma);
    assert_eq!(sniffed(&[HEADER, AUDIO, VIDEO].concat()), Media::Video);
    assert_eq!(sniffed(HEADER), Media::Video);
}
