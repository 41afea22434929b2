//! Word before 2007: files put together here, byte by byte, as [MS-DOC] wants them.

use super::*;

/// Paragraphs and letters begin here in the stream of the text.
const TEXT_AT: usize = 1_024;
const PAGE_BYTES: usize = 512;

/// A file before it is put together.
#[derive(Default)]
struct Draft {
    /// Of each story: paragraphs with their ends, the number of their style, and changes.
    stories: [Vec<(&'static str, u16, &'static [u8])>; 8],
    /// Letters that differ: the first one, how many, and by which changes.
    letters: Option<(usize, usize, &'static [u8])>,
    flags: u16,
    /// Where pieces begin, whether theirs are letters of one byte, and how many; else one is all.
    pieces: Vec<(usize, bool, u32)>,
}

const PLAIN: &[u8] = &[];
const CELL: &[u8] = &[0x16, 0x24, 1];
const ROW: &[u8] = &[0x16, 0x24, 1, 0x17, 0x24, 1];
const ITEM: &[u8] = &[0x0B, 0x46, 1, 0, 0x0A, 0x26, 0];
const INNER_ITEM: &[u8] = &[0x0B, 0x46, 1, 0, 0x0A, 0x26, 1];

impl Draft {
    fn of_body(paragraphs: &[(&'static str, u16, &'static [u8])]) -> Draft {
        let mut draft = Draft::default();
        draft.stories[0] = paragraphs.to_vec();
        draft
    }

    fn file(&self) -> Vec<u8> {
        let (document, tables) = self.streams();
        file_of(&document, &tables)
    }

    fn streams(&self) -> (Vec<u8>, Vec<u8>) {
        let mut document = vec![0; TEXT_AT];
        let (mut ends, mut entries) = (vec![TEXT_AT as u32], Vec::new());
        let mut lengths = Vec::new();
        for story in &self.stories {
            let before = document.len();
            for (text, style, changes) in story {
                document.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
                ends.push(document.len() as u32);
                entries.push([&style.to_le_bytes()[..], changes].concat());
            }
            lengths.push(((document.len() - before) / 2) as u32);
        }
        let text_length = (document.len() - TEXT_AT) / 2;
        let mut pieces = self.pieces.clone();
        if pieces.is_empty() {
            pieces.push((TEXT_AT, false, text_length as u32));
        } else {
            lengths[0] = pieces.iter().map(|(.., length)| length).sum();
        }
        let mut tables = Vec::new();
        let mut pairs = vec![(0, 0); 93];
        let mut add = |tables: &mut Vec<u8>, part: usize, bytes: &[u8]| {
            pairs[part] = (tables.len() as u32, bytes.len() as u32);
            tables.extend(bytes);
        };
        let plex = plex_of_pieces(&pieces);
        let table = [&[1, 2, 0, 9, 9, 2][..], &(plex.len() as u32).to_le_bytes(), &plex].concat();
        add(&mut tables, 33, &table);
        add(&mut tables, 1, &styles());
        document.resize(document.len().next_multiple_of(PAGE_BYTES), 0);
        let page = (document.len() / PAGE_BYTES) as u32;
        document.extend(paragraph_page(&ends, &entries));
        add(&mut tables, 13, &plex_of_page(&ends, page));
        if let Some((first, count, changes)) = self.letters {
            let start = (TEXT_AT + 2 * first) as u32;
            let ends = [start, start + 2 * count as u32];
            document.extend(letter_page(&ends, changes));
            add(&mut tables, 12, &plex_of_page(&ends, page + 1));
        }
        let (definitions, levels) = lists();
        add(&mut tables, 73, &definitions);
        tables.extend(levels);
        let instances = [&1_u32.to_le_bytes()[..], &7_u32.to_le_bytes(), &[0; 12]].concat();
        pairs[74] = (tables.len() as u32, instances.len() as u32);
        tables.extend(instances);
        let mut put =
            |at: usize, bytes: &[u8]| document[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, &0xA5EC_u16.to_le_bytes());
        put(2, &0xC1_u16.to_le_bytes());
        put(10, &(0x0200 | self.flags).to_le_bytes());
        put(32, &14_u16.to_le_bytes());
        put(62, &22_u16.to_le_bytes());
        for (index, length) in lengths.iter().enumerate() {
            put(76 + 4 * index, &length.to_le_bytes());
        }
        put(152, &93_u16.to_le_bytes());
        for (index, (start, length)) in pairs.iter().enumerate() {
            put(154 + 8 * index, &start.to_le_bytes());
            put(158 + 8 * index, &length.to_le_bytes());
        }
        (document, tables)
    }
}

fn file_of(document: &[u8], tables: &[u8]) -> Vec<u8> {
    let mut file = cfb::CompoundFile::create(Cursor::new(Vec::new())).unwrap();
    file.create_stream("WordDocument").unwrap().write_all(document).unwrap();
    file.create_stream("1Table").unwrap().write_all(tables).unwrap();
    let summary = summary("\u{dc}ber", "Ada");
    file.create_stream("\u{5}SummaryInformation").unwrap().write_all(&summary).unwrap();
    file.flush().unwrap();
    file.into_inner().into_inner()
}

/// Number 0 is plain text, 1 the built-in first heading, 2 builds on that, 3 is the
/// built-in title.
fn styles() -> Vec<u8> {
    let style = |built_in: u16, parent: u16, changes: &[u8]| {
        let head = [built_in, parent << 4 | 1, 0, 0, 0];
        let mut style: Vec<u8> = head.iter().flat_map(|word| word.to_le_bytes()).collect();
        style.extend([1, 0, b'n', 0, 0, 0]);
        style.extend(((2 + changes.len()) as u16).to_le_bytes());
        style.extend([0, 0]);
        style.extend(changes);
        // Each begins at an even place, which its length does not say.
        let padding = &[0][..style.len() % 2];
        [&(style.len() as u16).to_le_bytes()[..], &style, padding].concat()
    };
    let sheet = [
        &4_u16.to_le_bytes()[..],
        &4_u16.to_le_bytes(),
        &10_u16.to_le_bytes(),
        &style(0, 0xFFF, &[]),
        &style(1, 0, &[]),
        &style(0xFFE, 1, &[0x40, 0x26, 1]),
        &style(62, 0, &[]),
    ];
    sheet.concat()
}

/// One list of two levels: `1.` and a bullet.
fn lists() -> (Vec<u8>, Vec<u8>) {
    let mut definition = [&1_u16.to_le_bytes()[..], &7_u32.to_le_bytes(), &[0; 24]].concat();
    definition[2 + 26] = 0;
    let level = |format: u8, text: &str| {
        let mut level = vec![0; 28];
        level[0] = 1;
        level[4] = format;
        level.extend((text.encode_utf16().count() as u16).to_le_bytes());
        level.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
        level
    };
    let mut levels = [level(0, "\0."), level(23, "\u{F0B7}")].concat();
    (0..7).for_each(|_| levels.extend(level(0, "\0.")));
    (definition, levels)
}

fn plex_of_pieces(pieces: &[(usize, bool, u32)]) -> Vec<u8> {
    let mut plex = 0_u32.to_le_bytes().to_vec();
    let mut end = 0;
    for (.., length) in pieces {
        end += length;
        plex.extend(end.to_le_bytes());
    }
    for &(at, is_narrow, _) in pieces {
        let place = if is_narrow { (2 * at as u32) | 0x4000_0000 } else { at as u32 };
        plex.extend([0, 0]);
        plex.extend(place.to_le_bytes());
        plex.extend([0, 0]);
    }
    plex
}

fn plex_of_page(ends: &[u32], page: u32) -> Vec<u8> {
    let ends = [ends[0], ends[ends.len() - 1]];
    [ends[0].to_le_bytes(), ends[1].to_le_bytes(), page.to_le_bytes()].concat()
}

fn paragraph_page(ends: &[u32], entries: &[Vec<u8>]) -> Vec<u8> {
    let mut page: Vec<u8> = ends.iter().flat_map(|end| end.to_le_bytes()).collect();
    let heads_at = page.len();
    page.resize(PAGE_BYTES, 0);
    page[PAGE_BYTES - 1] = entries.len() as u8;
    let mut at = PAGE_BYTES - 2;
    for (index, entry) in entries.iter().enumerate() {
        // Words behind an empty length, or an odd number of bytes.
        let mut bytes = match entry.len() % 2 {
            0 => vec![0, (entry.len() / 2) as u8],
            _ => vec![entry.len().div_ceil(2) as u8],
        };
        bytes.extend(entry);
        at = (at - bytes.len()) & !1;
        page[at..at + bytes.len()].copy_from_slice(&bytes);
        page[heads_at + 13 * index] = (at / 2) as u8;
    }
    assert!(at >= heads_at + 13 * entries.len(), "one page is enough");
    page
}

fn letter_page(ends: &[u32; 2], changes: &[u8]) -> Vec<u8> {
    let mut page: Vec<u8> = ends.iter().flat_map(|end| end.to_le_bytes()).collect();
    page.push(50);
    page.resize(PAGE_BYTES, 0);
    page[100] = changes.len() as u8;
    page[101..101 + changes.len()].copy_from_slice(changes);
    page[PAGE_BYTES - 1] = 1;
    page
}

fn summary(title: &str, author: &str) -> Vec<u8> {
    let mut section = vec![0; 8 + 3 * 8];
    let mut entries = vec![(1_u32, [&2_u32.to_le_bytes()[..], &1252_u32.to_le_bytes()].concat())];
    for (id, text) in [(2, title), (4, author)] {
        let bytes = encoding_rs::WINDOWS_1252.encode(text).0;
        let head = [0x1E_u32.to_le_bytes(), (bytes.len() as u32 + 1).to_le_bytes()].concat();
        entries.push((id, [&head[..], &bytes, &[0; 4]].concat()));
    }
    section[4..8].copy_from_slice(&3_u32.to_le_bytes());
    for (index, (id, bytes)) in entries.iter().enumerate() {
        let at = section.len() as u32;
        section[8 + 8 * index..12 + 8 * index].copy_from_slice(&id.to_le_bytes());
        section[12 + 8 * index..16 + 8 * index].copy_from_slice(&at.to_le_bytes());
        section.extend(bytes);
    }
    let mut stream = vec![0; 48];
    stream[44..48].copy_from_slice(&48_u32.to_le_bytes());
    stream.extend(section);
    stream
}

#[test]
fn word_has_headings_lists_tables_links_and_notes() {
    let mut draft = Draft::of_body(&[
        ("Title\r", 1, PLAIN),
        ("Part\r", 2, PLAIN),
        ("gr\u{fc}n \u{65e5} \u{1f600}\u{2} a\u{b}b\tc\u{1e}d\u{1f}e\r", 0, PLAIN),
        ("one\r", 0, ITEM),
        ("within\r", 0, INNER_ITEM),
        ("two\r", 0, ITEM),
        ("x\u{7}", 0, CELL),
        ("y\r", 0, CELL),
        ("z\u{7}", 0, CELL),
        ("\u{7}", 0, ROW),
        ("1\u{7}", 0, CELL),
        ("2\u{7}", 0, CELL),
        ("\u{7}", 0, ROW),
        (
            "\u{13} HYPERLINK \"http://a.org/\" \u{14}there\u{15} p. \u{13}PAGE\u{14}9\u{15}\u{c}",
            0,
            PLAIN,
        ),
    ]);
    draft.stories[1] = vec![("\u{2} the note\r", 0, PLAIN)];
    draft.stories[2] = vec![("head\r", 0, PLAIN), ("head\r", 0, PLAIN), ("foot\r", 0, PLAIN)];
    draft.stories[4] = vec![("\u{5}a comment\r", 0, PLAIN)];
    draft.stories[6] = vec![("boxed\r", 0, PLAIN)];
    let wanted = "# Title\n\n## Part\n\ngr\u{fc}n \u{65e5} \u{1f600} a\\\nb c\u{2011}de\n\n1. one\n    \
                  - within\n2. two\n\n| x | y z |\n| --- | --- |\n| 1 | 2 |\n\n\
                  [there](<http://a.org/>) p. 9\n\nthe note\n\nhead\n\nfoot\n\na comment\n\nboxed\n";
    assert_eq!(markdown(Media::Doc, &draft.file()), wanted);
    let given = read(Media::Doc, &draft.file());
    let analysis = given.json();
    assert_eq!(analysis["document_type"], "DOC");
    assert_eq!(analysis["metadata"]["title"], "\u{dc}ber");
    assert_eq!(analysis["metadata"]["author"], "Ada");
    assert_eq!(analysis["paragraph_count"], 7);
}

#[test]
fn letters_of_word_that_were_deleted_are_hidden_or_stand_in_are_not_shown() {
    let text = |changes| {
        let mut draft = Draft::of_body(&[("keep gone keep\r", 0, PLAIN)]);
        draft.letters = Some((5, 5, changes));
        read(Media::Doc, &draft.file()).text().to_owned()
    };
    let gone = "keep keep\n";
    assert_eq!(text(&[0x00, 0x08, 1]), gone);
    // As Word writes it, with who deleted it behind.
    assert_eq!(text(&[0x00, 0x08, 0x81, 0x63, 0x48, 2, 0]), gone);
    assert_eq!(text(&[0x3C, 0x08, 0x81]), gone);
    assert_eq!(text(&[0x09, 0x6A, 0, 0, 0x61, 0xF0]), gone, "some sign of a symbol font");
    let shown = "keep gone keep\n";
    assert_eq!(text(&[0x00, 0x08, 1, 0x00, 0x08, 0]), shown, "the last one counts");
    assert_eq!(text(&[0x3C, 0x08, 0x80]), shown);
    assert_eq!(text(&[0x35, 0x08, 1]), shown, "bold");
    assert_eq!(
        text(&[0x09, 0x6A, 0, 0, 0xB7, 0xF0]),
        "keep \u{2022}\u{2022}\u{2022}\u{2022}\u{2022}keep\n"
    );
    let table = [&[0x08, 0xD6, 4, 0, 1, 2, 3][..], &[0x15, 0xC6, 255, 1, 0, 0, 0, 0, 1, 0, 0, 0]];
    let behind: &'static [u8] = Box::leak([table.concat(), vec![0x00, 0x08, 1]].concat().into());
    assert_eq!(text(behind), gone, "what has a length of its own is passed over");
}

#[test]
fn a_field_without_an_end_swallows_its_paragraph_alone() {
    let draft = Draft::of_body(&[("a \u{13} PAGE\r", 0, PLAIN), ("b\u{15}\u{14}c\r", 0, PLAIN)]);
    assert_eq!(read(Media::Doc, &draft.file()).text(), "a\n\nbc\n");
}

/// A file of Word 6 or 95 with this text; `parts` are put behind it and told of by their numbers.
fn old_file(text: &[u8], flags: u16, parts: &[(usize, Vec<u8>)], page: Option<u32>) -> Vec<u8> {
    let mut document = vec![0; TEXT_AT];
    document.extend(text);
    let characters = if flags & 0x1000 == 0 { text.len() } else { text.len() / 2 };
    let mut pairs = Vec::new();
    for (part, bytes) in parts {
        document.resize(document.len().next_multiple_of(PAGE_BYTES), 0);
        pairs.push((0x58 + 8 * part, document.len() as u32, bytes.len() as u32));
        document.extend(bytes);
    }
    let mut put = |at: usize, bytes: &[u8]| document[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, &0xA5DC_u16.to_le_bytes());
    put(2, &0x68_u16.to_le_bytes());
    put(6, &0x0419_u16.to_le_bytes());
    put(10, &flags.to_le_bytes());
    put(24, &(TEXT_AT as u32).to_le_bytes());
    put(28, &((TEXT_AT + text.len()) as u32).to_le_bytes());
    put(52, &(characters as u32).to_le_bytes());
    for (at, start, length) in pairs {
        put(at, &start.to_le_bytes());
        put(at + 4, &length.to_le_bytes());
    }
    let mut file = cfb::CompoundFile::create(Cursor::new(Vec::new())).unwrap();
    file.create_stream("WordDocument").unwrap().write_all(&document).unwrap();
    if let Some(page) = page {
        let mut summary = summary("", "");
        let at = 48 + 8 + 3 * 8 + 4;
        summary[at..at + 4].copy_from_slice(&page.to_le_bytes());
        file.create_stream("\u{5}SummaryInformation").unwrap().write_all(&summary).unwrap();
    }
    file.flush().unwrap();
    file.into_inner().into_inner()
}

/// A list of fonts, one of each character set.
fn fonts(charsets: &[u8]) -> Vec<u8> {
    let fonts = charsets.iter().flat_map(|charset| [5, 0, 0, 0, *charset, 0]);
    [0, 0].into_iter().chain(fonts).collect()
}

#[test]
fn word_of_1995_is_read_in_the_code_page_that_the_file_tells() {
    let text = b"\xcf\xf0\xe8\rone\x07two\x07\x07three\x07four\x07\x07end\r";
    let given = read(Media::Doc, &old_file(text, 0, &[], None));
    assert_eq!(given.text(), "\u{41f}\u{440}\u{438}\n\none\ttwo\nthree\tfour\n\nend\n");
    let read = |parts: &[_], page| {
        read(Media::Doc, &old_file(b"\xe0\xe8\r", 0, parts, page)).text().to_owned()
    };
    // Its properties, else its fonts, else its language.
    let fonts = [(15, fonts(&[0, 2, 161]))];
    assert_eq!(read(&fonts, Some(1252)), "\u{e0}\u{e8}\n");
    assert_eq!(read(&fonts, Some(65_001)), "\u{3b0}\u{3b8}\n");
    assert_eq!(read(&[(15, self::fonts(&[0, 2]))], None), "\u{430}\u{438}\n");
}

#[test]
fn word_of_1995_from_the_far_east_is_wide_or_of_two_bytes() {
    let wide: Vec<u8> = "\u{65e5}a\r".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_eq!(read(Media::Doc, &old_file(&wide, 0x1000, &[], None)).text(), "\u{65e5}a\n");
    let given = read(Media::Doc, &old_file(b"\x93\xfaa\x93\rb\r", 0, &[], Some(932)));
    assert_eq!(given.text(), "\u{65e5}a\n\nb\n");
}

#[test]
fn word_of_1995_tells_of_its_rows_and_of_what_is_deleted() {
    let at = TEXT_AT as u32;
    // Three cells, of which one is empty, the end of a row, and a paragraph with a letter too many.
    let text = b"x\x07\x07y\x07\x07a!b\r";
    let ends = [at, at + 2, at + 3, at + 5, at + 6, at + 10];
    let mut paragraphs: Vec<u8> = ends.iter().flat_map(|end| end.to_le_bytes()).collect();
    let places = [200_u8, 200, 200, 210, 220];
    paragraphs.extend(places.iter().flat_map(|place| [*place, 0, 0, 0, 0, 0, 0]));
    paragraphs.resize(PAGE_BYTES, 0);
    paragraphs[400..405].copy_from_slice(&[2, 0, 0, 24, 1]);
    // Its right edge first.
    paragraphs[420..431].copy_from_slice(&[5, 0, 0, 16, 9, 9, 24, 1, 25, 1, 0]);
    paragraphs[440..443].copy_from_slice(&[1, 0, 0]);
    paragraphs[PAGE_BYTES - 1] = 5;
    let letters = letter_page(&[at + 7, at + 8], &[69, 1, 0, 65, 1]);
    let plex = |ends: [u32; 2], page: u16| {
        [&ends[0].to_le_bytes()[..], &ends[1].to_le_bytes(), &page.to_le_bytes()].concat()
    };
    let parts = [
        (12, plex([at + 7, at + 8], 5)),
        (13, plex([at, at + 10], 6)),
        (40, letters),
        (41, paragraphs),
    ];
    let given = read(Media::Doc, &old_file(text, 0, &parts, None));
    assert_eq!(given.text(), "x\t\ty\n\nab\n");
}

#[test]
fn word_that_is_locked_or_damaged_says_so() {
    let draft = Draft { flags: 0x0100, ..Draft::of_body(&[("a\r", 0, PLAIN)]) };
    assert_eq!(refused(Media::Doc, &draft.file()).code, "password_required");
    assert_eq!(refused(Media::Doc, b"\xd0\xcf\x11\xe0 no file").code, "damaged_office_file");
    let file = cfb::CompoundFile::create(Cursor::new(Vec::new())).unwrap();
    let failure = refused(Media::Doc, &file.into_inner().into_inner());
    assert!(failure.cause.contains("no Word document"), "{failure:?}");
}

/// Every byte of the tables and of the block of information may lie.
#[test]
fn word_with_any_byte_changed_comes_to_an_end() {
    let mut draft = Draft::of_body(&[("a\r", 1, PLAIN), ("b\u{7}", 0, CELL), ("c\r", 0, ITEM)]);
    draft.letters = Some((0, 1, &[0x00, 0x08, 0x81]));
    let file = draft.file();
    for at in (0..file.len()).filter(|at| file[*at] != 0) {
        let mut bytes = file.clone();
        bytes[at] = [0xFF, 1, 0x7F][at % 3];
        if let Err(failure) = process(Media::Doc, &bytes) {
            assert!(!failure.next_step.is_empty(), "{failure:?}");
        }
    }
}

#[test]
fn word_puts_its_text_together_from_pieces() {
    let mut draft = Draft::of_body(&[("abc\rdef\r", 0, PLAIN)]);
    // The second half first, its letters as bytes: every other one is the upper half of a letter.
    draft.pieces = vec![(TEXT_AT + 8, true, 8), (TEXT_AT, false, 4)];
    assert_eq!(read(Media::Doc, &draft.file()).text(), "def\n\nabc\n");
    // What a piece lacks is not taken from the notes.
    draft.stories[1] = vec![("note\r", 0, PLAIN)];
    draft.pieces = vec![(TEXT_AT, false, 4), (1 << 20, false, 9), (TEXT_AT + 16, false, 5)];
    draft.pieces.push((TEXT_AT, false, 0));
    let (mut document, tables) = draft.streams();
    document[76..80].copy_from_slice(&13_u32.to_le_bytes());
    document[80..84].copy_from_slice(&5_u32.to_le_bytes());
    assert_eq!(read(Media::Doc, &file_of(&document, &tables)).text(), "abc\n\nnote\n");
}

#[test]
fn pieces_of_word_that_lie_over_each_other_come_to_an_end() {
    let mut draft = Draft::of_body(&[("abc\r", 0, PLAIN)]);
    draft.pieces = vec![(TEXT_AT, false, 4); 100_000];
    let given = read(Media::Doc, &draft.file());
    assert!(given.text().len() < 4_000);
    assert!(given.notes.iter().any(|note| note.contains("larger than can be read")));
}

#[test]
fn a_button_shows_its_words_and_columns_part_lines() {
    let text = "\u{13}MACROBUTTON Run [Press \u{13}X\u{14}\u{15}here]\u{15} a\u{e}b\u{c}c\r";
    let draft = Draft::of_body(&[(text, 0, PLAIN)]);
    assert_eq!(read(Media::Doc, &draft.file()).text(), "[Press here] a\nb\nc\n");
}

#[test]
fn the_title_is_a_heading_and_a_list_with_indents_of_its_own_a_list() {
    const ITEM: &[u8] = &[0x0B, 0x46, 0xFF, 0xFF];
    const NO_ITEM: &[u8] = &[0x0B, 0x46, 0x01, 0xF8];
    let draft = Draft::of_body(&[("T\r", 3, PLAIN), ("a\r", 0, ITEM), ("b\r", 0, NO_ITEM)]);
    assert_eq!(markdown(Media::Doc, &draft.file()), "# T\n\n1. a\n\nb\n");
}

#[test]
fn what_is_no_word_document_is_named() {
    let mut file = cfb::CompoundFile::create(Cursor::new(Vec::new())).unwrap();
    file.create_stream("Workbook").unwrap().write_all(b"x").unwrap();
    file.flush().unwrap();
    let failure = refused(Media::Doc, &file.into_inner().into_inner());
    assert_eq!(failure.code, "input_unsupported");
    assert!(failure.cause.contains("an Excel workbook"), "{failure:?}");
}

/// Each sector of it names itself as the next one.
#[test]
fn a_list_of_tables_without_an_end_is_refused() {
    let mut file = Draft::of_body(&[("a\r", 0, PLAIN)]).file();
    file[68..72].copy_from_slice(&1_u32.to_le_bytes());
    let sector_bytes = 1 << file[30];
    let end = 512.max(sector_bytes) + 2 * sector_bytes;
    file[end - 4..end].copy_from_slice(&1_u32.to_le_bytes());
    let failure = refused(Media::Doc, &file);
    assert!(failure.cause.contains("table of sectors"), "{failure:?}");
}

#[test]
fn a_table_in_a_header_stays_one() {
    let mut draft = Draft::of_body(&[("body\r", 0, PLAIN)]);
    draft.stories[2] =
        vec![("a\r", 0, CELL), ("b\u{7}", 0, CELL), ("\u{7}", 0, ROW), ("c\r", 0, PLAIN)];
    assert_eq!(markdown(Media::Doc, &draft.file()), "body\n\n| a b |\n| --- |\n\nc\n");
}
