//! Which documents are nearest to each, by the cosine between their vectors.
//!
//! For each feature it is known which documents have it: a document is compared with those alone
//! that share a feature with it, and only by these features.

use serde_json::json;

/// Products that are calculated at most: a few minutes of work.
const PRODUCT_COUNT_MAX: u64 = 200_000_000_000;
/// Documents between two signs of life.
const PROGRESS_DOCUMENT_COUNT: usize = 64;

/// The vectors of all documents, of length 1.
#[derive(Debug)]
pub(super) struct Neighbours {
    names: Vec<String>,
    /// Of each document: numbers of features and weights.
    vectors: Vec<Vec<(u32, f64)>>,
    /// Of each feature: the documents that have it, and its weight there.
    having: Vec<Vec<(u32, f64)>>,
}

impl Neighbours {
    pub(super) fn new(feature_count: usize) -> Neighbours {
        Neighbours {
            names: Vec::new(),
            vectors: Vec::new(),
            having: vec![Vec::new(); feature_count],
        }
    }

    /// Adds a document with the features that it has.
    pub(super) fn add(&mut self, name: String, weights: &[(u32, f64)]) {
        let document = u32::try_from(self.names.len()).unwrap_or(u32::MAX);
        let length = weights.iter().map(|(_, weight)| weight * weight).sum::<f64>().sqrt();
        let scale = |(number, weight): &(u32, f64)| (*number, weight / length);
        let vector: Vec<_> =
            weights.iter().map(scale).filter(|(_, weight)| *weight != 0.0).collect();
        for (number, weight) in &vector {
            self.having[*number as usize].push((document, *weight));
        }
        self.names.push(name);
        self.vectors.push(vector);
    }

    /// Why the nearest documents are not looked for, where there are too many.
    pub(super) fn too_much_work(&self) -> Option<String> {
        let products = self.having.iter().map(|having| (having.len() as u64).pow(2)).sum::<u64>();
        (products > PRODUCT_COUNT_MAX)
            .then(|| too_much_work(self.names.len(), "fewer max_features or a lower max_df help"))
    }

    /// The nearest documents of each as JSON, a document on each line.
    pub(super) fn write(&self, count_max: usize, progress: &mut dyn FnMut(u64, u64)) -> Vec<u8> {
        let mut scores = Scores::new(self.names.len());
        let mut nearest = |document| self.nearest(document, count_max, &mut scores);
        write(&self.names, &mut nearest, progress)
    }

    /// The most similar documents, as [`ranked`].
    fn nearest(&self, document: usize, count_max: usize, scores: &mut Scores) -> Vec<(f64, usize)> {
        for (number, weight) in &self.vectors[document] {
            for (other, other_weight) in &self.having[*number as usize] {
                scores.add(*other as usize, weight * other_weight);
            }
        }
        let found = scores.drain().filter(|(score, other)| *score > 0.0 && *other != document);
        ranked(found.collect(), count_max)
    }
}

/// So many of these documents, the most similar first, equally similar ones in their order.
pub(super) fn ranked(mut found: Vec<(f64, usize)>, count_max: usize) -> Vec<(f64, usize)> {
    let rank = |a: &(f64, usize), b: &(f64, usize)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
    if found.len() > count_max {
        found.select_nth_unstable_by(count_max, rank);
        found.truncate(count_max);
    }
    found.sort_unstable_by(rank);
    found
}

/// What is told where nearest documents are not looked for.
pub(super) fn too_much_work(document_count: usize, help: &str) -> String {
    format!(
        "the nearest documents were not looked for: {document_count} documents have too much in \
         common ({help})"
    )
}

/// The nearest documents of each as JSON, a document on each line.
pub(super) fn write(
    names: &[String],
    nearest: &mut dyn FnMut(usize) -> Vec<(f64, usize)>,
    progress: &mut dyn FnMut(u64, u64),
) -> Vec<u8> {
    let mut out = b"{\n  \"measure\": \"cosine\",\n  \"documents\": [".to_vec();
    for (document, name) in names.iter().enumerate() {
        let nearest: Vec<_> = nearest(document)
            .into_iter()
            .map(|(similarity, other)| (&names[other], similarity.min(1.0)))
            .collect();
        out.extend_from_slice(if document == 0 { b"\n    " } else { b",\n    " });
        let line = json!({ "name": name, "nearest": nearest });
        out.extend_from_slice(line.to_string().as_bytes());
        if document % PROGRESS_DOCUMENT_COUNT == 0 {
            progress(document as u64, names.len() as u64);
        }
    }
    out.extend_from_slice(b"\n  ]\n}\n");
    out
}

/// The sum of each document; those that have one are known.
#[derive(Debug)]
struct Scores {
    sums: Vec<f64>,
    touched: Vec<u32>,
    is_touched: Vec<bool>,
}

impl Scores {
    fn new(document_count: usize) -> Scores {
        let (sums, is_touched) = (vec![0.0; document_count], vec![false; document_count]);
        Scores { sums, touched: Vec::new(), is_touched }
    }

    #[inline]
    fn add(&mut self, document: usize, product: f64) {
        if !self.is_touched[document] {
            self.is_touched[document] = true;
            self.touched.push(document as u32);
        }
        self.sums[document] += product;
    }

    /// Each sum with its document; nothing is left.
    fn drain(&mut self) -> impl Iterator<Item = (f64, usize)> {
        let Scores { sums, touched, is_touched } = self;
        touched.drain(..).map(|document| {
            let document = document as usize;
            is_touched[document] = false;
            (std::mem::take(&mut sums[document]), document)
        })
    }
}
