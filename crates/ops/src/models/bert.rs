//! BERT models (MiniLM and its like): tokens through layers of attention, pooled to one vector.
//!
//! "BERT: Pre-training of Deep Bidirectional Transformers", Devlin et al. 2018, as Hugging Face's
//! `modeling_bert.py` computes it, with what sentence-transformers does before and behind. One text
//! at a time, in numbers of 32 bits.

use super::encoder::{Encoded, Modules, Reach, json};
use super::family::Family;
use super::layers::{gelu, normalise, normalise_layer, softmax};
use super::pooling::Pooling;
use super::safetensors::Tensors;
use super::tokenizer::{Tokenizer, Tokens};
use super::{Facts, ModelError, Pack, damaged};
use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ArrayView2, ArrayViewMut2, Axis, Slice};
use serde_json::Value;

const CONFIG: &str = "config.json";
/// What the names of tensors begin with where a model was saved with its head.
const PREFIXES: &[&str] = &["", "bert.", "roberta."];
/// A model of more is none of those that this is for.
const LAYER_COUNT_MAX: usize = 100;

/// A loaded model.
#[derive(Debug)]
pub(super) struct Bert {
    family: Family,
    tokenizer: Tokenizer,
    words: Array2<f32>,
    positions: Array2<f32>,
    /// See [`Family::filling`].
    filling: Option<u32>,
    /// What is added to each token of a first text.
    kind: Vec<f32>,
    first: Norm,
    layers: Vec<Layer>,
    head_count: usize,
    pooling: Pooling,
    normalises: bool,
    token_count_max: usize,
}

#[derive(Debug)]
struct Layer {
    /// Queries, keys and values beside each other.
    asked: Linear,
    attended: Linear,
    attended_norm: Norm,
    wide: Linear,
    narrow: Linear,
    narrow_norm: Norm,
}

/// A matrix of a column for each number that comes out, and what is added to it. Files have a row
/// for each; products with those spend most of their time on turning them round.
#[derive(Debug)]
struct Linear {
    weights: Array2<f32>,
    biases: Vec<f32>,
}

#[derive(Debug)]
struct Norm {
    weights: Vec<f32>,
    biases: Vec<f32>,
    epsilon: f32,
}

/// The sizes of a model, as its `config.json` has them.
#[derive(Clone, Copy, Debug)]
struct Sizes {
    hidden: usize,
    wide: usize,
    head_count: usize,
    layer_count: usize,
    position_count: usize,
    epsilon: f32,
}

impl Bert {
    pub(super) fn of(
        family: Family,
        pack: &Pack,
        tokenizer: &[u8],
        tensors: &[u8],
        config: &Value,
        modules: &Modules,
    ) -> Result<Bert, ModelError> {
        let sizes = Sizes::of(config)?;
        let tensors = Tensors::read(tensors)?;
        let word_tensor = "embeddings.word_embeddings.weight";
        let prefix = tensors.prefix_of(word_tensor, PREFIXES).unwrap_or("");
        let reader = Reader { tensors: &tensors, prefix, sizes };
        let Sizes { hidden, head_count, position_count, .. } = sizes;
        let filling = family.filling(config);
        let place_count = position_count.saturating_sub(first_place(filling));
        // A text has a token at its beginning and one at its end.
        if place_count < 2 {
            return Err(damaged(CONFIG, "it has too few places for tokens"));
        }
        let places =
            reader.matrix("embeddings.position_embeddings.weight", position_count, hidden)?;
        let rows = |name: &str| -> Result<usize, ModelError> {
            Ok(tensors.shape(&format!("{prefix}{name}"))?.first().copied().unwrap_or(0))
        };
        let (word_count, kind_count) =
            (rows(word_tensor)?, rows("embeddings.token_type_embeddings.weight")?);
        let tokenizer = Tokenizer::read(tokenizer)?;
        if tokenizer.token_id_max as usize >= word_count || kind_count == 0 {
            let cause = format!("it has {word_count} vectors for more tokens");
            return Err(damaged("model.safetensors", cause));
        }
        let kinds = reader.matrix("embeddings.token_type_embeddings.weight", kind_count, hidden)?;
        let layers = (0..sizes.layer_count).map(|number| reader.layer(number));
        let sentence = json(pack, "sentence_bert_config.json")?;
        let read = sentence["max_seq_length"].as_u64().and_then(|it| usize::try_from(it).ok());
        Ok(Bert {
            family,
            words: reader.matrix(word_tensor, word_count, hidden)?,
            positions: places,
            filling,
            kind: kinds.row(0).to_vec(),
            first: reader.norm("embeddings.LayerNorm")?,
            layers: layers.collect::<Result<_, _>>()?,
            head_count,
            pooling: Pooling::of(pack, modules)?,
            normalises: modules.normalises,
            token_count_max: read.unwrap_or(place_count).clamp(2, place_count),
            tokenizer,
        })
    }

    pub(super) fn facts(&self) -> Facts {
        let Bert { family, layers, head_count, tokenizer, .. } = self;
        Facts {
            kind: format!("{}, {} layers of {head_count} heads", family.name(), layers.len()),
            dimension_count: self.kind.len(),
            token_count: tokenizer.token_count,
            read_token_count_max: Some(self.token_count_max),
        }
    }

    /// `alive` hears of each layer that is done.
    pub(super) fn encode(
        &self,
        text: &str,
        reach: Reach,
        alive: &mut dyn FnMut(usize, usize),
    ) -> Encoded {
        let [before, behind] = &self.tokenizer.frame;
        // A token at least is read, whatever stands around it.
        let room = self.token_count_max.saturating_sub(before.len() + behind.len()).max(1);
        let read = (reach == Reach::Beginning).then_some(room);
        let Tokens { ids, is_cut } = self.tokenizer.tokens(text, read);
        let pieces: Vec<&[u32]> = match ids.is_empty() {
            true => vec![&[]],
            false => ids.chunks(room).collect(),
        };
        let step_count = pieces.len() * self.layers.len();
        let mut vector = vec![0.0; self.kind.len()];
        let (mut token_count, mut step) = (0, 0);
        for piece in pieces {
            let mut framed = [before, piece, behind].concat();
            framed.truncate(self.token_count_max);
            let made = self.pooled(&framed, &mut || {
                step += 1;
                alive(step, step_count);
            });
            let weight = framed.len() as f32;
            vector.iter_mut().zip(&made).for_each(|(sum, x)| *sum += x * weight);
            token_count += framed.len();
        }
        vector.iter_mut().for_each(|x| *x /= token_count.max(1) as f32);
        if self.normalises {
            normalise(&mut vector);
        }
        Encoded { vector, token_count, is_cut }
    }

    /// The vector of tokens with what stands around them.
    fn pooled(&self, ids: &[u32], alive: &mut dyn FnMut()) -> Vec<f32> {
        let hidden = self.kind.len();
        if ids.is_empty() {
            return vec![0.0; hidden];
        }
        let mut state = Array2::zeros((ids.len(), hidden));
        let mut next_place = first_place(self.filling);
        for (position, id) in ids.iter().enumerate() {
            let place = match self.filling {
                Some(filling) if filling == *id => filling as usize,
                _ => {
                    next_place += 1;
                    next_place - 1
                }
            };
            let (word, place) = (self.words.row(*id as usize), self.positions.row(place));
            let parts = word.iter().zip(place).zip(&self.kind);
            let mut row = state.row_mut(position);
            row.iter_mut().zip(parts).for_each(|(x, ((word, place), kind))| {
                *x = word + place + kind;
            });
        }
        self.first.apply(&mut state);
        for layer in &self.layers {
            layer.apply(&mut state, self.head_count);
            alive();
        }
        let mut vector = match self.pooling {
            Pooling::First => state.row(0).to_vec(),
            Pooling::Mean => {
                let mut sums = vec![0.0; hidden];
                for row in state.rows() {
                    sums.iter_mut().zip(row).for_each(|(sum, x)| *sum += x);
                }
                sums.iter_mut().for_each(|sum| *sum /= ids.len() as f32);
                sums
            }
        };
        if self.normalises {
            normalise(&mut vector);
        }
        vector
    }
}

impl Sizes {
    fn of(config: &Value) -> Result<Sizes, ModelError> {
        let size = |name: &str| {
            let found = config[name].as_u64().and_then(|it| usize::try_from(it).ok());
            let found = found.filter(|it| (1..=1 << 20).contains(it));
            found.ok_or_else(|| damaged(CONFIG, format!("it has no {name} that makes sense")))
        };
        for (name, known) in [("hidden_act", "gelu"), ("position_embedding_type", "absolute")] {
            match config[name].as_str() {
                None => {}
                Some(given) if given == known => {}
                Some(given) => {
                    let cause = format!("its {name} is {given}; {known} is known here");
                    return Err(ModelError::Unsupported(cause));
                }
            }
        }
        let sizes = Sizes {
            hidden: size("hidden_size")?,
            wide: size("intermediate_size")?,
            head_count: size("num_attention_heads")?,
            layer_count: size("num_hidden_layers")?,
            position_count: size("max_position_embeddings")?,
            epsilon: config["layer_norm_eps"].as_f64().unwrap_or(1e-12) as f32,
        };
        let is_deep = sizes.layer_count > LAYER_COUNT_MAX;
        if !sizes.hidden.is_multiple_of(sizes.head_count) || is_deep {
            return Err(damaged(CONFIG, "its sizes make no sense together"));
        }
        Ok(sizes)
    }
}

/// The row of the place of a first token.
fn first_place(filling: Option<u32>) -> usize {
    filling.map_or(0, |filling| (filling as usize).saturating_add(1))
}

/// Takes tensors by their names without prefix.
struct Reader<'a> {
    tensors: &'a Tensors<'a>,
    prefix: &'a str,
    sizes: Sizes,
}

impl Reader<'_> {
    fn layer(&self, number: usize) -> Result<Layer, ModelError> {
        let Sizes { hidden, wide, .. } = self.sizes;
        let name = |part: &str| format!("encoder.layer.{number}.{part}");
        let mut asked = Vec::new();
        let mut asked_biases = Vec::new();
        for part in ["query", "key", "value"] {
            let part = name(&format!("attention.self.{part}"));
            asked.extend(self.floats(&format!("{part}.weight"), &[hidden, hidden])?);
            asked_biases.extend(self.floats(&format!("{part}.bias"), &[hidden])?);
        }
        Ok(Layer {
            asked: Linear::of(matrix(asked, 3 * hidden, hidden)?, asked_biases),
            attended: self.linear(&name("attention.output.dense"), hidden, hidden)?,
            attended_norm: self.norm(&name("attention.output.LayerNorm"))?,
            wide: self.linear(&name("intermediate.dense"), wide, hidden)?,
            narrow: self.linear(&name("output.dense"), hidden, wide)?,
            narrow_norm: self.norm(&name("output.LayerNorm"))?,
        })
    }

    fn linear(&self, name: &str, rows: usize, columns: usize) -> Result<Linear, ModelError> {
        let weights = self.matrix(&format!("{name}.weight"), rows, columns)?;
        Ok(Linear::of(weights, self.floats(&format!("{name}.bias"), &[rows])?))
    }

    fn norm(&self, name: &str) -> Result<Norm, ModelError> {
        let Sizes { hidden, epsilon, .. } = self.sizes;
        Ok(Norm {
            weights: self.floats(&format!("{name}.weight"), &[hidden])?,
            biases: self.floats(&format!("{name}.bias"), &[hidden])?,
            epsilon,
        })
    }

    fn matrix(&self, name: &str, rows: usize, columns: usize) -> Result<Array2<f32>, ModelError> {
        matrix(self.floats(name, &[rows, columns])?, rows, columns)
    }

    fn floats(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, ModelError> {
        self.tensors.floats(&format!("{}{name}", self.prefix), shape)
    }
}

fn matrix(numbers: Vec<f32>, rows: usize, columns: usize) -> Result<Array2<f32>, ModelError> {
    let matrix = Array2::from_shape_vec((rows, columns), numbers);
    matrix.map_err(|error| damaged("model.safetensors", error))
}

impl Layer {
    /// One layer: a row of `state` for each token.
    fn apply(&self, state: &mut Array2<f32>, head_count: usize) {
        let asked = self.asked.apply(state.view());
        let attended = attention(&asked, head_count);
        let mut made = self.attended.apply(attended.view());
        made += &*state;
        self.attended_norm.apply(&mut made);
        let mut wide = self.wide.apply(made.view());
        wide.as_slice_mut().into_iter().for_each(gelu);
        *state = self.narrow.apply(wide.view());
        *state += &made;
        self.narrow_norm.apply(state);
    }
}

/// What each token takes from the others, head by head.
fn attention(asked: &Array2<f32>, head_count: usize) -> Array2<f32> {
    let (token_count, hidden) = (asked.nrows(), asked.ncols() / 3);
    let size = hidden / head_count;
    let scale = 1.0 / (size as f32).sqrt();
    let mut attended = Array2::zeros((token_count, hidden));
    let mut shares = Array2::zeros((token_count, token_count));
    for head in 0..head_count {
        let of = |part: usize| {
            let from = part * hidden + head * size;
            asked.slice_axis(Axis(1), Slice::from(from..from + size))
        };
        let (queries, keys, values) = (of(0), of(1), of(2));
        product(queries, keys.t(), shares.view_mut());
        for mut row in shares.rows_mut() {
            row.as_slice_mut().into_iter().for_each(|row| softmax(row, scale));
        }
        let own = Slice::from(head * size..(head + 1) * size);
        product(shares.view(), values, attended.slice_axis_mut(Axis(1), own));
    }
    attended
}

/// One matrix by another one.
fn product(a: ArrayView2<'_, f32>, b: ArrayView2<'_, f32>, mut into: ArrayViewMut2<'_, f32>) {
    general_mat_mul(1.0, &a, &b, 0.0, &mut into);
}

impl Linear {
    /// Of a matrix as files have it.
    fn of(weights: Array2<f32>, biases: Vec<f32>) -> Linear {
        Linear { weights: weights.t().as_standard_layout().into_owned(), biases }
    }

    fn apply(&self, rows: ArrayView2<'_, f32>) -> Array2<f32> {
        let mut made = Array2::zeros((rows.nrows(), self.biases.len()));
        product(rows, self.weights.view(), made.view_mut());
        for mut row in made.rows_mut() {
            row.iter_mut().zip(&self.biases).for_each(|(x, bias)| *x += bias);
        }
        made
    }
}

impl Norm {
    fn apply(&self, state: &mut Array2<f32>) {
        for mut row in state.rows_mut() {
            row.as_slice_mut().into_iter().for_each(|row| {
                normalise_layer(row, &self.weights, &self.biases, self.epsilon);
            });
        }
    }
}
