//! Tensors out of a `model.safetensors`: a length (u64, little-endian), a JSON object of that
//! length which says where each tensor lies, then the tensors (github.com/huggingface/safetensors).

use super::{ModelError, damaged};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

const FILE: &str = "model.safetensors";
/// The key of what says nothing of a tensor.
const METADATA: &str = "__metadata__";

/// A file's tensors.
#[derive(Debug)]
pub(super) struct Tensors<'a> {
    listed: BTreeMap<String, Tensor>,
    data: &'a [u8],
}

#[derive(Clone, Debug, Deserialize)]
struct Tensor {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: [usize; 2],
}

impl<'a> Tensors<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Result<Tensors<'a>, ModelError> {
        let short = || damaged(FILE, "it ends too early");
        let (length, rest) = bytes.split_first_chunk::<8>().ok_or_else(short)?;
        let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| short())?;
        let (header, data) = rest.split_at_checked(length).ok_or_else(short)?;
        let mut header: BTreeMap<String, Value> =
            serde_json::from_slice(header).map_err(|error| damaged(FILE, error))?;
        header.remove(METADATA);
        let tensor = |(name, value)| match serde_json::from_value(value) {
            Ok(tensor) => Ok((name, tensor)),
            Err(error) => Err(damaged(FILE, format!("{name}: {error}"))),
        };
        let listed = header.into_iter().map(tensor).collect::<Result<_, _>>()?;
        Ok(Tensors { listed, data })
    }

    /// What a tensor of this name is called here, with one of these prefixes before it.
    pub(super) fn prefix_of(&self, name: &str, prefixes: &[&'static str]) -> Option<&'static str> {
        prefixes.iter().copied().find(|prefix| self.has(&format!("{prefix}{name}")))
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.listed.contains_key(name)
    }

    /// A tensor's sizes, the outermost first.
    pub(super) fn shape(&self, name: &str) -> Result<&[usize], ModelError> {
        Ok(&self.tensor(name)?.shape)
    }

    /// A tensor of these sizes as numbers, the last index running fastest.
    pub(super) fn floats(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, ModelError> {
        let (tensor, bytes) = self.content(name)?;
        if tensor.shape != shape {
            let cause = format!("{name} has the sizes {:?}, not {shape:?}", tensor.shape);
            return Err(damaged(FILE, cause));
        }
        Ok(match tensor.dtype.as_str() {
            "F64" => each(bytes, |it| f64::from_le_bytes(it) as f32),
            "F32" => each(bytes, f32::from_le_bytes),
            "F16" => each(bytes, |it| of_half(u16::from_le_bytes(it))),
            "BF16" => each(bytes, |it| f32::from_bits(u32::from(u16::from_le_bytes(it)) << 16)),
            "I8" => each(bytes, |it: [u8; 1]| f32::from(it[0].cast_signed())),
            other => return Err(damaged(FILE, format!("{name} holds numbers of kind {other}"))),
        })
    }

    /// A list of positions.
    pub(super) fn positions(&self, name: &str) -> Result<Vec<usize>, ModelError> {
        let (tensor, bytes) = self.content(name)?;
        let position = |number: i64| usize::try_from(number).unwrap_or(usize::MAX);
        Ok(match tensor.dtype.as_str() {
            "I64" => each(bytes, |it| position(i64::from_le_bytes(it))),
            "I32" => each(bytes, |it| position(i32::from_le_bytes(it).into())),
            other => return Err(damaged(FILE, format!("{name} holds numbers of kind {other}"))),
        })
    }

    fn tensor(&self, name: &str) -> Result<&Tensor, ModelError> {
        self.listed.get(name).ok_or_else(|| damaged(FILE, format!("it has no tensor {name}")))
    }

    /// A tensor with its bytes, which are as many as its sizes say.
    fn content(&self, name: &str) -> Result<(&Tensor, &'a [u8]), ModelError> {
        let tensor = self.tensor(name)?;
        let number_bytes = match tensor.dtype.as_str() {
            "F64" | "I64" => 8,
            "F32" | "I32" => 4,
            "F16" | "BF16" => 2,
            _ => 1,
        };
        let wanted =
            tensor.shape.iter().try_fold(number_bytes, |all: usize, size| all.checked_mul(*size));
        let [from, to] = tensor.data_offsets;
        let bytes = self.data.get(from..to).filter(|bytes| Some(bytes.len()) == wanted);
        let astray = || damaged(FILE, format!("{name} does not lie where the file says"));
        Ok((tensor, bytes.ok_or_else(astray)?))
    }
}

fn each<const N: usize, T>(bytes: &[u8], number: impl Fn([u8; N]) -> T) -> Vec<T> {
    let (pieces, _) = bytes.as_chunks::<N>();
    pieces.iter().map(|piece| number(*piece)).collect()
}

/// A number of 16 bits (IEEE 754 binary16).
fn of_half(bits: u16) -> f32 {
    let sign = if bits >> 15 == 0 { 1.0 } else { -1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1F), f32::from(bits & 0x3FF));
    sign * match exponent {
        0 => fraction * 2_f32.powi(-24),
        0x1F if fraction == 0.0 => f32::INFINITY,
        0x1F => f32::NAN,
        _ => (1.0 + fraction / 1024.0) * 2_f32.powi(exponent - 15),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str, data: &[u8]) -> Vec<u8> {
        [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), data].concat()
    }

    #[test]
    fn numbers_of_every_kind_are_read() {
        let header = r#"{"__metadata__":{"format":"pt"},
            "a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},
            "b":{"dtype":"F16","shape":[1,3],"data_offsets":[8,14]},
            "c":{"dtype":"I64","shape":[1],"data_offsets":[14,22]},
            "d":{"dtype":"BF16","shape":[1],"data_offsets":[22,24]},
            "e":{"dtype":"I8","shape":[1],"data_offsets":[24,25]}}"#;
        let mut data = [1.5_f32.to_le_bytes(), (-2.0_f32).to_le_bytes()].concat();
        data.extend([0x3C01_u16, 0x8001, 0x7C00].iter().flat_map(|it| it.to_le_bytes()));
        data.extend(7_i64.to_le_bytes());
        data.extend(0xC040_u16.to_le_bytes());
        data.push(0xFF);
        let bytes = file(header, &data);
        let tensors = Tensors::read(&bytes).expect("read");
        assert_eq!(tensors.floats("a", &[2]).expect("read"), [1.5, -2.0]);
        let half = tensors.floats("b", &[1, 3]).expect("read");
        assert_eq!(half, [1.0 + 1.0 / 1024.0, -(2_f32.powi(-24)), f32::INFINITY]);
        assert_eq!(tensors.positions("c").expect("read"), [7]);
        assert_eq!(tensors.floats("d", &[1]).expect("read"), [-3.0]);
        assert_eq!(tensors.floats("e", &[1]).expect("read"), [-1.0]);
        assert!(tensors.floats("a", &[1, 2]).is_err());
        assert!(tensors.floats("none", &[2]).is_err());
    }

    #[test]
    fn what_lies_nowhere_is_refused() {
        for (header, data) in [
            (r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, &[0; 7][..]),
            (r#"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}}"#, &[0; 8]),
            (r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#, &[0; 8]),
            (r#"{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}}"#, &[]),
        ] {
            let bytes = file(header, data);
            let tensors = Tensors::read(&bytes).expect("a header");
            assert!(tensors.floats("a", &[2]).is_err(), "{header}");
            assert!(tensors.floats("a", &[4_611_686_018_427_387_904, 4]).is_err(), "{header}");
        }
        for bytes in [&b""[..], &[9, 0, 0, 0, 0, 0, 0, 0, b'{'], &[0xFF; 16], &file("[]", b"")] {
            assert!(Tensors::read(bytes).is_err());
        }
    }
}
