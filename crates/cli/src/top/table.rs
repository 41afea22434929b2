//! A table within so many columns: what matters least is left out, long texts are cut.

use windlass_client::report::text::{cut_end, cut_middle, width};

/// Columns between two cells.
const GAP: usize = 2;

/// A column of a table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    pub(super) head: &'static str,
    pub(super) fit: Fit,
    /// Left out first where this is highest; 0: never.
    pub(super) rank: u8,
}

/// How a column takes its room.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fit {
    /// As wide as its widest cell, to the right.
    Number,
    /// As wide as its widest cell.
    Word,
    /// Cut in the middle where there is no more room, but not below so many columns.
    Name(usize),
    /// Cut at its end where there is no more room, but not below so many columns.
    Text(usize),
}

impl Fit {
    fn min(self, natural: usize) -> usize {
        match self {
            Fit::Number | Fit::Word => natural,
            Fit::Name(min) | Fit::Text(min) => natural.min(min),
        }
    }

    fn cell(self, text: &str, columns: usize) -> String {
        let shown = match self {
            Fit::Name(_) => cut_middle(text, columns),
            Fit::Number | Fit::Word | Fit::Text(_) => cut_end(text, columns),
        };
        let pad = " ".repeat(columns.saturating_sub(width(&shown)));
        if self == Fit::Number { pad + &shown } else { shown + &pad }
    }
}

/// The head and the rows as lines of at most so many columns; each row has a cell a column.
pub(super) fn table(columns: &[Column], rows: &[Vec<String>], columns_max: usize) -> Vec<String> {
    let natural: Vec<usize> = columns
        .iter()
        .enumerate()
        .map(|(at, column)| {
            let cells = rows.iter().map(|row| width(&row[at]));
            cells.chain([width(column.head)]).max().unwrap_or(0)
        })
        .collect();
    let shown = shown(columns, &natural, columns_max);
    let widths = widths(columns, &natural, &shown, columns_max);
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let cells: Vec<&str> = cells.collect();
        let cell =
            |(at, columns_of): (&usize, &usize)| columns[*at].fit.cell(cells[*at], *columns_of);
        let line: Vec<String> = shown.iter().zip(&widths).map(cell).collect();
        cut_end(line.join(&" ".repeat(GAP)).trim_end(), columns_max)
    };
    let head = line(&mut columns.iter().map(|column| column.head));
    let rows = rows.iter().map(|row| line(&mut row.iter().map(String::as_str)));
    std::iter::once(head).chain(rows).collect()
}

/// Which columns have room at their least width.
fn shown(columns: &[Column], natural: &[usize], columns_max: usize) -> Vec<usize> {
    let mut shown: Vec<usize> = (0..columns.len()).collect();
    let least = |shown: &[usize]| {
        let widths = shown.iter().map(|at| columns[*at].fit.min(natural[*at]));
        widths.sum::<usize>() + GAP * shown.len().saturating_sub(1)
    };
    while least(&shown) > columns_max {
        let last = shown.iter().max_by_key(|at| columns[**at].rank).copied();
        match last.filter(|at| columns[*at].rank > 0) {
            Some(at) => shown.retain(|it| *it != at),
            None => break,
        }
    }
    shown
}

/// How wide they are: what is left over goes to those that are cut, a column at a time.
fn widths(
    columns: &[Column],
    natural: &[usize],
    shown: &[usize],
    columns_max: usize,
) -> Vec<usize> {
    let mut widths: Vec<usize> =
        shown.iter().map(|at| columns[*at].fit.min(natural[*at])).collect();
    let used = widths.iter().sum::<usize>() + GAP * shown.len().saturating_sub(1);
    let mut left = columns_max.saturating_sub(used);
    while left > 0 {
        let wanting = widths.iter_mut().zip(shown).filter(|(width, at)| **width < natural[**at]);
        let narrowest = wanting.min_by_key(|(width, _)| **width);
        let Some((width, _)) = narrowest else { break };
        *width += 1;
        left -= 1;
    }
    widths
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    const COLUMNS: [Column; 4] = [
        Column { head: "NAME", fit: Fit::Name(6), rank: 0 },
        Column { head: "N", fit: Fit::Number, rank: 1 },
        Column { head: "STATE", fit: Fit::Word, rank: 2 },
        Column { head: "TEXT", fit: Fit::Text(6), rank: 3 },
    ];

    fn drawn(columns_max: usize) -> String {
        let row = |name: &str, count: &str, text: &str| {
            vec![name.to_owned(), count.to_owned(), "open".to_owned(), text.to_owned()]
        };
        let rows = [
            row("a", "1", "short"),
            row("a-very-long-name.pdf", "12345", "日本語のテキスト and more"),
        ];
        let lines = table(&COLUMNS, &rows, columns_max);
        assert!(lines.iter().all(|line| width(line) <= columns_max), "{lines:#?}");
        lines.join("\n") + "\n"
    }

    #[test]
    fn long_texts_are_cut_and_the_least_important_columns_left_out() {
        expect![[r#"
            NAME                      N  STATE  TEXT
            a                         1  open   short
            a-very-long-name.pdf  12345  open   日本語のテキスト and more
        "#]]
        .assert_eq(&drawn(80));
        expect![[r#"
            NAME              N  STATE  TEXT
            a                 1  open   short
            a-very…e.pdf  12345  open   日本語のテ…
        "#]]
        .assert_eq(&drawn(40));
        expect![[r#"
            NAME        N  STATE
            a           1  open
            a-v…df  12345  open
        "#]]
        .assert_eq(&drawn(20));
        assert!(drawn(3).lines().all(|line| width(line) <= 3));
        assert_eq!(drawn(0), "\n\n\n");
    }

    #[test]
    fn an_empty_table_has_its_head() {
        assert_eq!(table(&COLUMNS, &[], 80), ["NAME  N  STATE  TEXT"]);
    }
}
