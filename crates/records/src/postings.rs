//! The rows of each value, in two arrays: a hash map of vectors would cost a vector a value.

/// What stands in a column for a row without a value.
pub(crate) const NO_VALUE: u32 = u32::MAX;

/// Rows by number of their value.
#[derive(Debug, Default)]
pub(crate) struct Postings {
    /// Where the rows of each value begin; one more, the end of the last.
    starts: Vec<u32>,
    /// Rows, value after value, ascending within each.
    rows: Vec<u32>,
}

impl Postings {
    /// Sorts the rows of a column, which has the number of a value for each row, or [`NO_VALUE`].
    pub(crate) fn of_column(column: &[u32], value_count: usize) -> Postings {
        let mut starts = vec![0_u32; value_count + 1];
        for &value in column.iter().filter(|&&value| value != NO_VALUE) {
            starts[value as usize + 1] += 1;
        }
        for value in 0..value_count {
            starts[value + 1] += starts[value];
        }
        let mut next = starts.clone();
        let mut rows = vec![0; starts[value_count] as usize];
        for (row, &value) in (0_u32..).zip(column) {
            if value != NO_VALUE {
                let at = &mut next[value as usize];
                rows[*at as usize] = row;
                *at += 1;
            }
        }
        Postings { starts, rows }
    }

    /// The rows of a value.
    pub(crate) fn rows(&self, value: u32) -> &[u32] {
        let value = value as usize;
        &self.rows[self.starts[value] as usize..self.starts[value + 1] as usize]
    }

    /// Bytes of memory that they take.
    pub(crate) fn memory_bytes(&self) -> usize {
        (self.starts.capacity() + self.rows.capacity()) * 4
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_found_in_their_order() {
        let postings = Postings::of_column(&[2, 0, NO_VALUE, 2, 3, 0, 2], 5);
        let rows: Vec<&[u32]> = (0..5).map(|value| postings.rows(value)).collect();
        assert_eq!(rows, [&[1, 5][..], &[], &[0, 3, 6], &[4], &[]]);
        assert_eq!(Postings::of_column(&[], 0).memory_bytes(), 4);
    }
}
