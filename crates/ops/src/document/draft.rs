//! A table while its cells come in: its rows as text, and the same content as blocks.

use super::model::Block;
use std::mem::take;

/// Cells longer than this on average hold a page's layout, no data.
const DATA_CELL_BYTES_MAX: usize = 400;
/// Columns of a row that are told apart.
pub(super) const COLUMN_COUNT_MAX: usize = 16_384;

/// A table that is open.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) rows: String,
    pub(super) cell: String,
    pub(super) is_cell_open: bool,
    /// Cells of the open row.
    row_cells: usize,
    /// Where in `rows` the open row begins.
    pub(super) row_start: usize,
    /// How many rows it stands for; 0 is one.
    pub(super) row_repeat: usize,
    /// Tabs that stand before its next full cell: empty cells at its end are not written.
    tabs: usize,
    columns: usize,
    /// Full cells of all rows.
    cells: usize,
    /// The same content as blocks, for a table that turns out to be mere layout.
    pub(super) blocks: Vec<Block>,
    pub(super) has_inner: bool,
}

impl Draft {
    /// `keeps_blocks`: whether it may turn out to be layout.
    pub(super) fn add(&mut self, block: Block, keeps_blocks: bool) {
        let text = match &block {
            Block::Heading(_, line) | Block::Paragraph(line) | Block::Item { line, .. } => {
                &line.text
            }
            Block::Table(table) => &table.0,
            Block::Break(_) => return,
        };
        for word in text.split_whitespace() {
            if !self.cell.is_empty() {
                self.cell.push(' ');
            }
            self.cell.push_str(word);
        }
        if keeps_blocks {
            self.blocks.push(block);
        }
    }

    /// What the open cell adds to the rows; an empty one adds nothing before a full one follows.
    pub(super) fn next_cell_bytes(&self) -> usize {
        if self.cell.is_empty() { 0 } else { self.cell.len() + self.tabs + 1 }
    }

    /// Ends the open cell, which stands for `repeat` of them.
    pub(super) fn end_cells(&mut self, repeat: usize) {
        // Words between the cells (a caption) are a cell of their own.
        if !take(&mut self.is_cell_open) && self.cell.is_empty() {
            return;
        }
        let room = COLUMN_COUNT_MAX.saturating_sub(self.row_cells);
        let repeat = repeat.min(room);
        if self.cell.is_empty() {
            self.tabs += repeat - usize::from(self.row_cells == 0 && repeat > 0);
            self.row_cells += repeat;
            return;
        }
        for _ in 0..repeat {
            self.tabs += usize::from(self.row_cells > 0);
            self.rows.extend(std::iter::repeat_n('\t', take(&mut self.tabs)));
            self.rows.push_str(&self.cell);
            self.row_cells += 1;
            self.cells += 1;
        }
        self.cell.clear();
    }

    /// Ends the open row; one without any text is left out.
    pub(super) fn end_row(&mut self) {
        self.end_cells(1);
        self.tabs = 0;
        if self.rows.len() > self.row_start {
            self.rows.push('\n');
        }
        self.row_start = self.rows.len();
        self.columns = self.columns.max(take(&mut self.row_cells));
    }

    pub(super) fn is_layout(&self) -> bool {
        self.has_inner || self.columns <= 1 || self.rows.len() > self.cells * DATA_CELL_BYTES_MAX
    }
}
