//! Damage to the structure of a PDF: numbers, references, names, objects and what streams unpack
//! to.

use super::bytes::{deflate, inflate, places};
use super::damage::Mutator;

/// Keys and words whose number readers rely on.
const COUNTED: &[&[u8]] = &[
    b"/Length ",
    b"/Count ",
    b"/Size ",
    b"/Prev ",
    b"/N ",
    b"/First ",
    b"/W [",
    b"/Columns ",
    b"/Predictor ",
    b"/Width ",
    b"/Height ",
    b"/FirstChar ",
    b"/Rotate ",
    b"/MediaBox [",
    b"startxref\n",
    b"xref\n",
];
/// What page descriptions are made of.
const OPERATORS: &[&[u8]] = &[
    b" q ",
    b" Q ",
    b" BT ",
    b" ET ",
    b" Tf ",
    b" Tj ",
    b" TJ ",
    b" Do ",
    b" cm ",
    b" 1e38 ",
    b" -1e38 ",
    b" 0 0 0 0 0 0 cm ",
    b" 0 Tz ",
    b" /F1 1e9 Tf ",
    b" (\\",
    b" <0",
    b" [",
    b" <<",
    b" BI /W 65535 /H 65535 /BPC 8 /CS /RGB ID ",
    b" EI ",
    b" 9 9 9 9 9 9 c ",
    b" W n ",
    b" sh ",
    b" gs ",
    b" /Span <</ActualText (x)>> BDC ",
];
/// Deeper than any reader can follow by recursion alone.
const NESTING: usize = 20_000;

pub(super) fn damage(mutator: &mut Mutator, pdf: &mut Vec<u8>) {
    match mutator.below(7) {
        0 => {
            let key = mutator.pick(COUNTED).unwrap_or_default();
            if let Some(at) = mutator.pick(&places(pdf, key)) {
                mutator.decimal(pdf, at + key.len());
            }
        }
        1 => redirect(mutator, pdf),
        2 => rename(mutator, pdf),
        3 => object(mutator, pdf),
        4 => nest(mutator, pdf),
        _ => stream(mutator, pdf),
    }
}

/// Lets a reference name another object, perhaps the one that it stands in.
fn redirect(mutator: &mut Mutator, pdf: &mut Vec<u8>) {
    let Some(at) = mutator.pick(&places(pdf, b" 0 R")) else { return };
    let start = pdf[..at].iter().rposition(|byte| !byte.is_ascii_digit()).map_or(0, |it| it + 1);
    let target = mutator.below(16).to_string();
    drop(pdf.splice(start..at, target.into_bytes()));
}

/// Puts another name of the file in the place of a name.
fn rename(mutator: &mut Mutator, pdf: &mut Vec<u8>) {
    let names = places(pdf, b"/");
    let (Some(to), Some(from)) = (mutator.pick(&names), mutator.pick(&names)) else { return };
    let end = |at: usize| {
        let rest = pdf[at + 1..].iter();
        at + 1 + rest.take_while(|byte| byte.is_ascii_alphanumeric()).count()
    };
    let name = pdf[from..end(from)].to_vec();
    let old = to..end(to);
    drop(pdf.splice(old, name));
}

/// Removes an object, or repeats it behind itself.
fn object(mutator: &mut Mutator, pdf: &mut Vec<u8>) {
    let Some(start) = mutator.pick(&places(pdf, b" 0 obj")) else { return };
    let Some(end) = places(&pdf[start..], b"endobj").first().map(|at| start + at + 6) else {
        return;
    };
    let object = pdf[start..end].to_vec();
    match mutator.below(2) {
        0 => drop(pdf.drain(start..end)),
        _ => drop(pdf.splice(end..end, [b"\n7".as_slice(), &object].concat())),
    }
}

/// Opens arrays or dictionaries in the place of a value.
fn nest(mutator: &mut Mutator, pdf: &mut Vec<u8>) {
    let Some(at) = mutator.pick(&places(pdf, b" ")) else { return };
    let opened: &[u8] = [b"[".as_slice(), b"<</A ", b"("][mutator.below(3)];
    drop(pdf.splice(at..at, opened.repeat(mutator.below(NESTING))));
}

/// Damages what a stream unpacks to, and packs it again under its right length.
fn stream(mutator: &mut Mutator, pdf: &mut Vec<u8>) {
    let Some(start) = mutator.pick(&places(pdf, b">>\nstream\n")) else { return };
    let data = start + b">>\nstream\n".len();
    let Some(end) = places(&pdf[data..], b"\nendstream").first().map(|at| data + at) else {
        return;
    };
    let Some(mut content) = inflate(&pdf[data..end]) else { return };
    for _ in 0..=mutator.below(6) {
        if mutator.below(2) == 0 {
            let operator = mutator.pick(OPERATORS).unwrap_or_default();
            let count = if mutator.below(8) == 0 { mutator.below(NESTING) } else { 1 };
            let at = mutator.below(content.len());
            drop(content.splice(at..at, operator.repeat(count)));
        } else {
            let lender = content.clone();
            mutator.damage(&mut content, &lender);
        }
    }
    let packed = deflate(&content);
    let length = packed.len().to_string().into_bytes();
    drop(pdf.splice(data..end, packed));
    if let Some(at) = places(&pdf[..start], b"/Length ").pop() {
        let from = at + b"/Length ".len();
        let digits = pdf[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        drop(pdf.splice(from..from + digits, length));
    }
}
