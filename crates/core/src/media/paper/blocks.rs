//! The mean brightness of a JPEG's blocks, without unpacking its pixels: the first coefficient of
//! each block is its mean, and the others are only counted (ITU-T T.81, annexes B, F and G). Read
//! as far as the bytes reach.

use super::Block;

/// More blocks tell nothing more.
const BLOCK_COUNT_MAX: usize = 1 << 16;
/// A block has this many coefficients.
const COEFFICIENT_COUNT: usize = 64;

/// A component of the picture.
#[derive(Clone, Copy, Default)]
struct Component {
    id: u8,
    /// Blocks of it in each unit of the scan.
    block_count: u8,
    quantiser: u8,
}

/// Codes of one kind, by their length.
#[derive(Clone, Copy)]
struct Codes {
    /// For each length, what comes behind the last code of it; -1: no code has this length.
    limit: [i32; 17],
    /// Where a code of this length finds its value: the code and this.
    shift: [i32; 17],
    values: [u8; 256],
}

/// What stands before a scan.
struct Tables {
    /// The divisor of the first coefficient, by table.
    quantisers: [u16; 4],
    dc: [Option<Codes>; 4],
    ac: [Option<Codes>; 4],
    components: Vec<Component>,
    is_progressive: bool,
    restart_interval: usize,
}

/// Blocks of the first component, which is brightness in all but rare files; `None` where the file
/// is coded in another way, or its first scan is not reached.
pub(super) fn luma(bytes: &[u8]) -> Option<Vec<Block>> {
    let mut tables = Tables {
        quantisers: [1; 4],
        dc: [None; 4],
        ac: [None; 4],
        components: Vec::new(),
        is_progressive: false,
        restart_interval: 0,
    };
    let mut rest = bytes.strip_prefix(b"\xff\xd8")?;
    loop {
        let at = rest.iter().position(|byte| *byte != 0xff)?;
        let (marker, behind) = (*rest.get(at)?, rest.get(at + 1..)?);
        if at == 0 {
            return None;
        }
        let length = usize::from(u16::from_be_bytes(*behind.first_chunk()?));
        let content = behind.get(2..length.max(2))?;
        rest = behind.get(length.max(2)..)?;
        match marker {
            0xc0..=0xc2 => tables.frame(content, marker == 0xc2)?,
            0xc4 => tables.codes(content)?,
            0xdb => tables.quantisers(content)?,
            0xdd => tables.restart_interval = u16::from_be_bytes(*content.first_chunk()?).into(),
            0xda => return tables.scan(content, rest),
            // Lossless and arithmetic coding.
            0xc3 | 0xc5..=0xc7 | 0xc9..=0xcf => return None,
            _ => {}
        }
    }
}

impl Tables {
    fn frame(&mut self, content: &[u8], is_progressive: bool) -> Option<()> {
        let count = usize::from(*content.get(5)?);
        // Four are ink for a printing press.
        if content[0] != 8 || !matches!(count, 1 | 3) {
            return None;
        }
        let parts = content.get(6..6 + count * 3)?.chunks_exact(3);
        self.components = parts
            .map(|part| {
                let (across, down) = (part[1] >> 4, part[1] & 15);
                // A single component's unit is one block, whatever it says.
                let block_count = if count == 1 { 1 } else { across.min(4) * down.min(4) };
                Component { id: part[0], block_count, quantiser: part[2] & 3 }
            })
            .collect();
        self.is_progressive = is_progressive;
        Some(())
    }

    fn quantisers(&mut self, mut content: &[u8]) -> Option<()> {
        while let Some((head, behind)) = content.split_first() {
            let (first, bytes) = match head >> 4 {
                0 => (u16::from(*behind.first()?), COEFFICIENT_COUNT),
                _ => (u16::from_be_bytes(*behind.first_chunk()?), 2 * COEFFICIENT_COUNT),
            };
            self.quantisers[usize::from(head & 3)] = first;
            content = behind.get(bytes..)?;
        }
        Some(())
    }

    fn codes(&mut self, mut content: &[u8]) -> Option<()> {
        while let Some((head, behind)) = content.split_first() {
            let counts = behind.get(..16)?;
            let total: usize = counts.iter().map(|count| usize::from(*count)).sum();
            let values = behind.get(16..16 + total)?;
            let codes = Codes::new(counts, values)?;
            let kind = if head >> 4 == 0 { &mut self.dc } else { &mut self.ac };
            kind[usize::from(head & 3)] = Some(codes);
            content = &behind[16 + total..];
        }
        Some(())
    }

    /// Works through the first scan.
    fn scan(&self, content: &[u8], data: &[u8]) -> Option<Vec<Block>> {
        let count = usize::from(*content.first()?);
        let named = content.get(1..1 + count * 2)?;
        let shift = u32::from(content.get(1 + count * 2 + 2)? & 15);
        let find = |part: &[u8]| {
            let component = self.components.iter().find(|it| it.id == part[0])?;
            let (dc, ac) = (usize::from(part[1] >> 4 & 3), usize::from(part[1] & 3));
            Some((*component, self.dc[dc]?, self.ac[ac]))
        };
        let parts: Vec<_> = named.chunks_exact(2).map(find).collect::<Option<_>>()?;
        let first = self.components.first()?;
        let quantiser = i64::from(self.quantisers[usize::from(first.quantiser)]);
        let mut bits = Bits { data, at: 0, held: 0, count: 0 };
        let mut blocks = Vec::new();
        let mut before = vec![0_i64; parts.len()];
        let mut unit = 0_usize;
        'units: while blocks.len() < BLOCK_COUNT_MAX {
            if self.restart_interval > 0 && unit > 0 && unit.is_multiple_of(self.restart_interval) {
                if !bits.restart() {
                    break;
                }
                before.fill(0);
            }
            unit += 1;
            for ((component, dc, ac), before) in parts.iter().zip(&mut before) {
                let block_count = if parts.len() == 1 { 1 } else { component.block_count };
                for _ in 0..block_count {
                    let Some(difference) = bits.difference(dc) else { break 'units };
                    *before += difference;
                    let detail = match (self.is_progressive, ac) {
                        (true, _) => None,
                        (false, Some(ac)) => match bits.skip_coefficients(ac) {
                            Some(detail) => Some(detail),
                            None => break 'units,
                        },
                        (false, None) => return None,
                    };
                    if component.id == first.id {
                        let value = (*before).clamp(-(1 << 20), 1 << 20);
                        let mean = (value << shift) * quantiser / 8 + 128;
                        blocks.push(Block { mean: mean.clamp(0, 255) as u8, detail });
                    }
                }
            }
        }
        Some(blocks)
    }
}

impl Codes {
    fn new(counts: &[u8], given: &[u8]) -> Option<Codes> {
        let mut codes = Codes { limit: [-1; 17], shift: [0; 17], values: [0; 256] };
        codes.values.get_mut(..given.len())?.copy_from_slice(given);
        let (mut code, mut index) = (0_i32, 0_i32);
        for (length, count) in (1..).zip(counts) {
            let count = i32::from(*count);
            codes.shift[length] = index - code;
            if count > 0 {
                code += count;
                codes.limit[length] = code;
                index += count;
            }
            code <<= 1;
        }
        Some(codes)
    }
}

/// Bits of a scan, the upper ones first.
struct Bits<'a> {
    data: &'a [u8],
    at: usize,
    held: u32,
    count: u32,
}

impl Bits<'_> {
    fn bit(&mut self) -> Option<i32> {
        if self.count == 0 {
            let byte = *self.data.get(self.at)?;
            if byte == 0xff {
                // A zero behind it says that it is no marker.
                (*self.data.get(self.at + 1)? == 0).then_some(())?;
                self.at += 1;
            }
            self.at += 1;
            (self.held, self.count) = (byte.into(), 8);
        }
        self.count -= 1;
        Some((self.held >> self.count & 1).cast_signed())
    }

    fn number(&mut self, bit_count: u8) -> Option<i64> {
        (0..bit_count).try_fold(0, |number, _| Some(number << 1 | i64::from(self.bit()?)))
    }

    fn value(&mut self, codes: &Codes) -> Option<u8> {
        let mut code = 0;
        for length in 1..=16 {
            code = code << 1 | self.bit()?;
            if code < codes.limit[length] {
                let index = usize::try_from(code + codes.shift[length]).ok()?;
                return codes.values.get(index).copied();
            }
        }
        None
    }

    /// By how much a first coefficient differs from the one before.
    fn difference(&mut self, codes: &Codes) -> Option<i64> {
        let size = self.value(codes)?;
        if size > 16 {
            return None;
        }
        let number = self.number(size)?;
        // The lower half of the numbers of a size stands for negative ones.
        Some(match size {
            0 => 0,
            _ if number >> (size - 1) == 0 => number - (1 << size) + 1,
            _ => number,
        })
    }

    /// Passes over the other coefficients; tells how many are not zero.
    fn skip_coefficients(&mut self, codes: &Codes) -> Option<u8> {
        let (mut index, mut detail) = (1, 0);
        while index < COEFFICIENT_COUNT {
            let value = self.value(codes)?;
            let (zeros, size) = (usize::from(value >> 4), value & 15);
            match (size, zeros) {
                (0, 15) => index += 16,
                (0, _) => break,
                _ => {
                    self.number(size)?;
                    index += zeros + 1;
                    detail += 1;
                }
            }
        }
        Some(detail)
    }

    /// Goes behind the next restart marker; `false`: there is none.
    fn restart(&mut self) -> bool {
        self.count = 0;
        let marker = self.data.get(self.at..).and_then(|rest| rest.first_chunk());
        let is_there = matches!(marker, Some([0xff, 0xd0..=0xd7]));
        self.at += 2;
        is_there
    }
}
