//! Which documents are nearest to each by vectors whose numbers all count: products of all with
//! all, some documents at a time.

use super::nearest::{ranked, too_much_work, write};
use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, Axis, Slice};

/// Products that are calculated at most: a few minutes of work.
const PRODUCT_COUNT_MAX: u64 = 1_000_000_000_000;
/// Documents that are compared with all others at once.
const BLOCK_DOCUMENT_COUNT: usize = 64;

/// The vectors of all documents, of length 1 or nought.
#[derive(Debug, Default)]
pub(super) struct DenseNeighbours {
    names: Vec<String>,
    dimension_count: usize,
    numbers: Vec<f32>,
}

impl DenseNeighbours {
    /// Adds a document; `false`: its vector has another length than those before.
    pub(super) fn add(&mut self, name: String, vector: &[f32]) -> bool {
        if self.names.is_empty() {
            self.dimension_count = vector.len();
        }
        let length = vector.iter().map(|number| number * number).sum::<f32>().sqrt();
        let scale = if length > 0.0 { 1.0 / length } else { 0.0 };
        self.numbers.extend(vector.iter().map(|number| number * scale));
        self.names.push(name);
        vector.len() == self.dimension_count
    }

    /// Why the nearest documents are not looked for, where there are too many.
    pub(super) fn too_much_work(&self) -> Option<String> {
        let count = self.names.len() as u64;
        let products = count.saturating_mul(count).saturating_mul(self.dimension_count as u64);
        (products > PRODUCT_COUNT_MAX)
            .then(|| too_much_work(self.names.len(), "a model with shorter vectors helps"))
    }

    /// The nearest documents of each as JSON, a document on each line.
    pub(super) fn write(self, count_max: usize, progress: &mut dyn FnMut(u64, u64)) -> Vec<u8> {
        let DenseNeighbours { names, dimension_count, numbers } = self;
        let shape = (names.len(), dimension_count);
        let all =
            Array2::from_shape_vec(shape, numbers).expect("a vector was added with each name");
        let mut scores = Array2::zeros((0, names.len()));
        let mut nearest = |document: usize| {
            let at = document % BLOCK_DOCUMENT_COUNT;
            if at == 0 {
                let end = names.len().min(document + BLOCK_DOCUMENT_COUNT);
                let block = all.slice_axis(Axis(0), Slice::from(document..end));
                scores = Array2::zeros((block.nrows(), names.len()));
                general_mat_mul(1.0, &block, &all.t(), 0.0, &mut scores);
            }
            let row = scores.row(at);
            let found = row.iter().map(|score| f64::from(*score)).zip(0..);
            let found = found.filter(|(score, other)| *score > 0.0 && *other != document);
            ranked(found.collect(), count_max)
        };
        write(&names, &mut nearest, progress)
    }
}
