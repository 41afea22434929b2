//! What becomes of words, ends and cells: lines, tables, notes, copies.

use super::super::model::Line;
use super::*;

fn blocks(build: impl FnOnce(&mut Builder)) -> Vec<Block> {
    let mut builder = Builder::default();
    build(&mut builder);
    builder.finish().blocks
}

#[test]
fn white_space_collapses_and_links_keep_their_words() {
    let found = blocks(|builder| {
        builder.push_collapsed("  see \n ");
        builder.open_link("to".to_owned());
        builder.push_collapsed(" the  page");
        builder.close_link();
        builder.push_collapsed(" , now ");
    });
    let links = vec![(4..12, "to".to_owned())];
    let line = Line { text: "see the page , now".to_owned(), links };
    assert_eq!(found, [Block::Paragraph(line)]);
}

#[test]
fn cells_hold_their_paragraphs_in_one_line_and_trailing_empty_ones_go() {
    let found = blocks(|builder| {
        builder.start_table();
        for row in [["a", "b\n c"], ["d", ""]] {
            for cell in row {
                builder.start_cell();
                builder.push(cell);
                builder.end_cell(1);
            }
            builder.end_row();
        }
        builder.end_table();
    });
    assert_eq!(found, [Block::Table(Table("a\tb c\nd\n".to_owned()))]);
}

#[test]
fn a_table_that_only_lays_out_is_no_table() {
    let found = blocks(|builder| {
        builder.has_layout_tables = true;
        builder.start_table();
        builder.start_cell();
        builder.start_table();
        for cell in ["x", "y"] {
            builder.start_cell();
            builder.push(cell);
            builder.end_cell(1);
        }
        builder.end_table();
        builder.paragraph("below");
        builder.end_table();
    });
    let below = Block::Paragraph(Line::plain("below"));
    assert_eq!(found, [Block::Table(Table("x\ty\n".to_owned())), below]);
}

#[test]
fn notes_come_last_and_interrupt_nothing() {
    let found = blocks(|builder| {
        builder.push("before ");
        builder.start_aside();
        builder.push("the note");
        builder.end_aside();
        builder.push("after");
    });
    let lines = ["before after", "the note"].map(|text| Block::Paragraph(Line::plain(text)));
    assert_eq!(found, lines);
}

#[test]
fn repeated_cells_end_at_the_widest_row() {
    let found = blocks(|builder| {
        builder.start_table();
        builder.start_cell();
        builder.push("x");
        builder.end_cell(usize::MAX);
        builder.end_row();
        for (text, repeat) in [("", 3), ("y", 1), ("", usize::MAX)] {
            builder.start_cell();
            builder.push(text);
            builder.end_cell(repeat);
        }
        builder.end_table();
    });
    let Block::Table(table) = &found[0] else { panic!("{found:?}") };
    let widths: Vec<usize> = table.rows().map(Iterator::count).collect();
    assert_eq!(widths, [COLUMN_COUNT_MAX, 4]);
}

#[test]
fn copies_of_copies_have_an_end_which_is_told() {
    let mut builder = Builder::default();
    for depth in 0..TABLE_DEPTH_MAX {
        builder.start_table();
        builder.set_row_repeat(1_000);
        builder.start_cell();
        builder.paragraph(&format!("level {depth}"));
    }
    for _ in 0..TABLE_DEPTH_MAX {
        builder.end_cell(3);
        builder.end_row();
        builder.end_table();
    }
    builder.paragraph("below");
    let document = builder.finish();
    let [Block::Table(table), Block::Paragraph(below)] = &document.blocks[..] else {
        panic!("{} blocks", document.blocks.len());
    };
    assert!(table.0.starts_with("level 0 level 1 level 2 "), "{}", &table.0[..80]);
    assert!(table.0.len() < 32 << 20, "{} bytes", table.0.len());
    assert_eq!(below.text, "below");
    let [warning] = &document.warnings[..] else { panic!("{:?}", document.warnings) };
    assert!(warning.contains("repeated rows"), "{warning}");
}

#[test]
fn what_follows_copies_that_are_left_out_keeps_its_column() {
    let found = blocks(|builder| {
        builder.start_table();
        builder.start_cell();
        builder.push(&"x".repeat(1 << 20));
        builder.end_cell(9);
        builder.start_cell();
        builder.push("tenth");
        builder.end_cell(1);
        builder.end_row();
        builder.end_table();
    });
    let Block::Table(table) = &found[0] else { panic!("{} blocks", found.len()) };
    let cells: Vec<&str> = table.rows().next().expect("a row").collect();
    assert_eq!(cells.iter().position(|cell| *cell == "tenth"), Some(9));
    assert!(cells[8].is_empty() && cells[1] == cells[0], "{} bytes", table.0.len());
}

#[test]
fn a_repeated_aside_is_kept_once() {
    let found = blocks(|builder| {
        for words in ["head", "head", "other", "", "head"] {
            builder.start_aside();
            builder.paragraph(words);
            builder.end_repeated_aside();
        }
        builder.paragraph("body");
    });
    let lines = ["body", "head", "other"].map(|text| Block::Paragraph(Line::plain(text)));
    assert_eq!(found, lines);
}

/// Each paragraph has a copy of the link that goes on, each item its label.
#[test]
fn link_targets_labels_and_notes_fill_a_document() {
    let long = "x".repeat(1 << 20);
    let count_until_full = |add: &dyn Fn(&mut Builder)| {
        let mut builder = Builder::default();
        let count = (0..1_000).take_while(|_| {
            add(&mut builder);
            !builder.document.is_full()
        });
        count.count()
    };
    let link = count_until_full(&|builder| {
        if builder.is_line_empty() {
            builder.open_link(long.clone());
        }
        builder.paragraph("a");
    });
    let item = count_until_full(&|builder| builder.set_level(None, Some((0, long.clone()))));
    let heading = count_until_full(&|builder| builder.set_level(Some(1), Some((0, long.clone()))));
    assert!(link < 200 && item < 200 && heading < 200, "{link} {item} {heading}");
}
