//! A disk that remembers what was written to it in which order, and what a loss of power could
//! leave of that.

use super::content::{BLOCK_BYTES, Content};
use std::mem::take;

/// What a disk writes as a whole.
const SECTOR_BYTES: usize = 512;
/// Says what the user has been told until now, most of all which results there are.
pub(crate) type Witness = Box<dyn FnMut() -> Vec<String> + Send>;

pub(crate) struct Disk {
    content: Content,
    size_bytes: u64,
    recording: Recording,
    witness: Witness,
}

/// What happened to a disk since its content was `base`.
#[derive(Default)]
pub(crate) struct Recording {
    base: Content,
    steps: Vec<Step>,
    told: Vec<String>,
}

enum Step {
    Write(Write),
    /// The disk was asked to make everything before this durable, and so many words of `told` had
    /// been heard when it was asked.
    Flush {
        told_count: usize,
    },
}

struct Write {
    offset: u64,
    bytes: Vec<u8>,
}

/// Which of the writes that no flush has covered reached the disk. It may keep any of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Fate {
    /// None: they were in the disk's memory.
    Nothing,
    /// All: what a copy of the disk at this moment has.
    Everything,
    /// Any blocks.
    SomeBlocks,
    /// Any sectors, so that blocks are torn.
    SomeSectors,
}

pub(crate) const FATES: [Fate; 4] =
    [Fate::Nothing, Fate::SomeBlocks, Fate::Everything, Fate::SomeSectors];

/// A disk after the loss of power.
pub(crate) struct Cut<'a> {
    pub(crate) image: Content,
    /// What the user had been told by then.
    pub(crate) told: &'a [String],
    pub(crate) number: usize,
    /// How many flushes came before, and what became of the writes after the last of them.
    pub(crate) name: String,
}

impl Disk {
    pub(crate) fn new(content: Content, size_bytes: u64, witness: Witness) -> Disk {
        let recording = Recording { base: content.clone(), ..Recording::default() };
        Disk { content, size_bytes, recording, witness }
    }

    pub(crate) fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    pub(crate) fn content(&self) -> &Content {
        &self.content
    }

    pub(crate) fn read(&self, offset: u64, length: usize) -> Vec<u8> {
        let left = self.size_bytes.saturating_sub(offset);
        self.content.read(offset, length.min(usize::try_from(left).unwrap_or(length)))
    }

    pub(crate) fn write(&mut self, offset: u64, bytes: &[u8]) {
        self.content.write(offset, bytes);
        self.recording.steps.push(Step::Write(Write { offset, bytes: bytes.to_vec() }));
    }

    pub(crate) fn flush(&mut self) {
        for word in (self.witness)() {
            if !self.recording.told.contains(&word) {
                self.recording.told.push(word);
            }
        }
        let told_count = self.recording.told.len();
        self.recording.steps.push(Step::Flush { told_count });
    }

    /// Takes the recording so far and begins a new one.
    pub(crate) fn take_recording(&mut self) -> Recording {
        let base = self.content.clone();
        std::mem::replace(&mut self.recording, Recording { base, ..Recording::default() })
    }
}

impl Recording {
    /// So many losses of power, spread evenly over the recording, each just before a flush takes
    /// effect: then most has been told and written since the flush before.
    pub(crate) fn cuts(&self, count: usize, each: impl FnMut(Cut<'_>)) {
        let flushes = self.steps.iter().filter(|step| matches!(step, Step::Flush { .. }));
        let flush_count = flushes.count();
        let chosen = (0..count).map(|number| number * flush_count / count).collect::<Vec<_>>();
        self.cuts_at(&chosen, each);
    }

    /// `chosen` ascends; a flush that is named several times is cut with another fate each time.
    fn cuts_at(&self, chosen: &[usize], mut each: impl FnMut(Cut<'_>)) {
        let mut chosen = chosen.iter().enumerate().peekable();
        let mut durable = self.base.clone();
        let mut pending: Vec<&Write> = Vec::new();
        let mut flush_index = 0;
        for step in &self.steps {
            match step {
                Step::Write(write) => pending.push(write),
                Step::Flush { told_count } => {
                    while let Some((number, _)) = chosen.next_if(|(_, at)| **at == flush_index) {
                        let fate = FATES[number % FATES.len()];
                        let mut image = durable.clone();
                        let mut coins = Coins(number as u64);
                        pending.iter().for_each(|write| write.reach(&mut image, fate, &mut coins));
                        let name = format!("{number}: {flush_index} flushes, then {fate:?}");
                        each(Cut { image, number, told: &self.told[..*told_count], name });
                    }
                    for write in take(&mut pending) {
                        durable.write(write.offset, &write.bytes);
                    }
                    flush_index += 1;
                }
            }
        }
    }
}

impl Write {
    /// Puts on the disk what this fate lets reach it.
    fn reach(&self, image: &mut Content, fate: Fate, coins: &mut Coins) {
        match fate {
            Fate::Nothing => {}
            Fate::Everything => image.write(self.offset, &self.bytes),
            Fate::SomeBlocks => self.reach_by(BLOCK_BYTES, image, coins),
            Fate::SomeSectors => {
                for block in self.pieces(BLOCK_BYTES) {
                    let whole = is_superblock(&block);
                    block.reach_by(if whole { BLOCK_BYTES } else { SECTOR_BYTES }, image, coins);
                }
            }
        }
    }

    fn reach_by(&self, piece_bytes: usize, image: &mut Content, coins: &mut Coins) {
        for piece in self.pieces(piece_bytes).filter(|_| coins.toss()) {
            image.write(piece.offset, &piece.bytes);
        }
    }

    fn pieces(&self, piece_bytes: usize) -> impl Iterator<Item = Write> {
        self.bytes.chunks(piece_bytes).enumerate().map(move |(index, bytes)| Write {
            offset: self.offset + (index * piece_bytes) as u64,
            bytes: bytes.to_vec(),
        })
    }
}

/// The superblocks of ext4 and of its journal are longer than a sector, and a torn one cannot be
/// mounted: that would be a test of ext4. (fs/ext4/ext4.h: block 0; include/linux/jbd2.h: magic and
/// block types 3 and 4, big endian.)
fn is_superblock(block: &Write) -> bool {
    const JOURNAL: [&[u8]; 2] = [b"\xc0\x3b\x39\x98\0\0\0\x03", b"\xc0\x3b\x39\x98\0\0\0\x04"];
    block.offset < BLOCK_BYTES as u64 || JOURNAL.iter().any(|it| block.bytes.starts_with(it))
}

/// SplitMix64: the same tosses from the same number.
struct Coins(u64);

impl Coins {
    fn toss(&mut self) -> bool {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) & 1 == 1
    }
}
