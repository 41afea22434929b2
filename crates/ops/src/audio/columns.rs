//! Rows of values that are drawn later, in memory that does not grow: once there are twice as many
//! columns as a picture can show, two and two become one.

/// A value of one column that can take in its neighbour.
pub(super) trait Merge {
    /// Becomes both; `weight` and `other_weight` are the inputs that each stands for.
    fn merge(&mut self, weight: u64, other: &Self, other_weight: u64);
}

#[derive(Debug)]
pub(super) struct Columns<T> {
    columns: Vec<T>,
    count_max: usize,
    /// Inputs in each column but the last.
    stride: u64,
    /// Inputs in the last column.
    filled: u64,
}

impl<T: Merge> Columns<T> {
    /// For pictures of up to `width` columns.
    pub(super) fn new(width: usize) -> Columns<T> {
        Columns { columns: Vec::new(), count_max: 2 * width, stride: 1, filled: 0 }
    }

    /// Inputs that can be pushed as one.
    pub(super) fn room(&self) -> u64 {
        let left = self.stride - self.filled;
        if self.columns.is_empty() || left == 0 { self.stride } else { left }
    }

    /// Adds `weight` inputs, no more than there is room for.
    pub(super) fn push(&mut self, value: T, weight: u64) {
        if self.columns.is_empty() || self.filled == self.stride {
            if self.columns.len() == self.count_max {
                self.halve();
            }
            if self.columns.is_empty() || self.filled == self.stride {
                self.columns.push(value);
                self.filled = weight;
                return;
            }
        }
        if let Some(last) = self.columns.last_mut() {
            last.merge(self.filled, &value, weight);
        }
        self.filled += weight;
    }

    fn halve(&mut self) {
        let stride = self.stride;
        let old = std::mem::take(&mut self.columns);
        let mut old = old.into_iter();
        while let Some(mut first) = old.next() {
            self.filled = stride;
            if let Some(second) = old.next() {
                first.merge(stride, &second, stride);
                self.filled += stride;
            }
            self.columns.push(first);
        }
        self.stride *= 2;
    }

    /// The columns and how many inputs each stands for; the last may stand for fewer.
    pub(super) fn parts(&self) -> (&[T], u64) {
        (&self.columns, self.stride)
    }
}
