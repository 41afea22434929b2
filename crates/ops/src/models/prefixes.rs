//! Which pieces of a vocabulary a text begins with.

use std::collections::VecDeque;
use std::ops::Range;

/// No piece ends here.
const NONE: u32 = u32::MAX;

/// A trie, level by level; the children of a node lie side by side, in order.
#[derive(Debug, Default)]
pub(super) struct Prefixes {
    /// What leads to each node from the one above it.
    bytes: Vec<u8>,
    /// Where each node's children begin; they end where those of the next one begin.
    children: Vec<u32>,
    /// The piece that ends at each node.
    pieces: Vec<u32>,
}

impl Prefixes {
    /// Of pieces and their numbers; of one that is there twice the last number counts. `None`: they
    /// are too many.
    pub(super) fn of<'a>(pieces: impl Iterator<Item = (&'a str, u32)>) -> Option<Prefixes> {
        let mut sorted: Vec<(&[u8], u32)> = pieces.map(|(it, id)| (it.as_bytes(), id)).collect();
        sorted.sort_unstable();
        let mut trie = Prefixes { bytes: vec![0], ..Prefixes::default() };
        let mut to_do: VecDeque<(Range<usize>, usize)> = [(0..sorted.len(), 0)].into();
        while let Some((mut range, depth)) = to_do.pop_front() {
            let mut piece = NONE;
            while let Some((text, id)) = sorted.get(range.start)
                && !range.is_empty()
                && text.len() == depth
            {
                piece = *id;
                range.start += 1;
            }
            trie.pieces.push(piece);
            trie.children.push(u32::try_from(trie.bytes.len()).ok()?);
            while let Some((text, _)) = sorted.get(range.start).filter(|_| !range.is_empty()) {
                let byte = text[depth];
                let count = sorted[range.clone()].partition_point(|(it, _)| it[depth] == byte);
                trie.bytes.push(byte);
                to_do.push_back((range.start..range.start + count, depth + 1));
                range.start += count;
            }
        }
        trie.children.push(u32::try_from(trie.bytes.len()).ok()?);
        Some(trie)
    }

    /// The number of a piece.
    pub(super) fn find(&self, piece: &[u8]) -> Option<u32> {
        self.of_text(piece).find(|(length, _)| *length == piece.len()).map(|(_, id)| id)
    }

    /// The lengths and numbers of the pieces that a text begins with, the shortest first.
    pub(super) fn of_text<'a>(&'a self, text: &'a [u8]) -> impl Iterator<Item = (usize, u32)> + 'a {
        let nodes = text.iter().scan(0, |node, byte| {
            let begins = self.children[*node] as usize;
            let children = &self.bytes[begins..self.children[*node + 1] as usize];
            *node = begins + children.binary_search(byte).ok()?;
            Some(self.pieces[*node])
        });
        nodes.enumerate().filter(|(_, piece)| *piece != NONE).map(|(at, piece)| (at + 1, piece))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginnings_of_a_text_that_are_pieces_are_found() {
        let pieces = ["a", "abc", "b", "ab", "é", "abc"];
        let trie = Prefixes::of(pieces.into_iter().zip(0..)).expect("few");
        let found = |text: &str| trie.of_text(text.as_bytes()).collect::<Vec<_>>();
        assert_eq!(found("abcd"), [(1, 0), (2, 3), (3, 5)]);
        assert_eq!(found("ax"), [(1, 0)]);
        assert_eq!(found("é"), [(2, 4)]);
        assert_eq!(found("xa"), []);
        assert_eq!(found(""), []);
        assert_eq!(Prefixes::of(std::iter::empty()).expect("none").of_text(b"a").count(), 0);
    }
}
