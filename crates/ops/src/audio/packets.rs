//! Everything that is not plain WAV: containers and codecs by symphonia.

use super::codecs::DECODERS;
use super::containers::{
    check_caf, decodable, ends_within, extension, facts, is_companded, no_codec, refused, weights,
};
use super::edits::{self, Edit};
use super::opus::{as_in_ogg, lead_in};
use super::shared::Shared;
use super::sound::{Block, Facts, Sound, check, cut_off, damaged, empty, unsupported};
use crate::SourceReader;
use std::io::{Seek, SeekFrom};
use std::panic::{AssertUnwindSafe, catch_unwind};
use symphonia::core::codecs::audio::{AudioDecoder, AudioDecoderOptions};
use symphonia::core::errors::Error;
use symphonia::core::formats::FormatReader;
use symphonia::core::formats::probe::Hint;
use symphonia::core::io::MediaSourceStream;
use windlass_core::Failure;
use windlass_core::media::Media;

/// Broken packets in a row after which the rest is given up.
const BROKEN_IN_A_ROW_MAX: u64 = 1_000;
/// A difference to the promised length that no listener misses.
const MISSING_SECONDS_MIN: f64 = 0.1;

pub(super) struct Packets {
    file: Shared,
    format: Box<dyn FormatReader>,
    decoder: Box<dyn AudioDecoder>,
    track: u32,
    facts: Facts,
    /// Decoded to learn the facts, and not given out yet.
    first: Option<Block>,
    /// What is meant to be heard; samples before it are left out.
    edit: Option<Edit>,
    /// Samples that the header promises, and that were given out.
    promised: Option<u64>,
    given: u64,
    /// Whether the end of the file is missing.
    has_no_end: bool,
    broken: u64,
    broken_in_a_row: u64,
    warnings: Vec<String>,
}

impl Packets {
    pub(super) fn open(mut reader: SourceReader, media: Media) -> Result<Packets, Failure> {
        if media == Media::Caf {
            check_caf(&mut reader)?;
        }
        let is_cut = ends_within(&mut reader, media)?;
        // One that jumps to what should come behind the samples would find nothing there.
        let file = match media {
            Media::Aiff | Media::M4a if is_cut => Shared::in_order(reader),
            _ => Shared::new(reader),
        };
        let opened = catch_unwind(AssertUnwindSafe(|| Packets::probe(file.clone(), media)));
        let mut packets =
            opened.unwrap_or_else(|_| Err(damaged("its headers contradict each other")))?;
        if media == Media::M4a {
            packets.follow_edit();
        }
        packets.has_no_end = is_cut;
        Ok(packets)
    }

    fn follow_edit(&mut self) {
        let mut reader = self.file.lock();
        let position = reader.position();
        let edit = edits::read(&mut reader, self.facts.sample_rate);
        // The decoder goes on reading where it was.
        if reader.seek(SeekFrom::Start(position)).is_ok() {
            self.edit = edit.or(self.edit);
            self.promised = edit.map(|edit| edit.length).or(self.promised);
        }
    }

    /// Leaves out of the block what is not meant to be heard.
    fn cut(&mut self, block: &mut Block) {
        let Some(edit) = &mut self.edit else { return };
        let count = block.samples().first().map_or(0, |plane| plane.len() as u64);
        let start = edit.skip.min(count);
        let end = count.min(start.saturating_add(edit.length));
        (edit.skip, edit.length) = (edit.skip - start, edit.length - (end - start));
        for plane in block.vecs() {
            plane.truncate(usize::try_from(end).unwrap_or(plane.len()));
            plane.drain(..usize::try_from(start).unwrap_or(0));
        }
    }

    fn probe(file: Shared, media: Media) -> Result<Packets, Failure> {
        let mut hint = Hint::new();
        if let Some(extension) = extension(media) {
            hint.with_extension(extension);
        }
        let stream = MediaSourceStream::new(Box::new(file.clone()), Default::default());
        let probed = symphonia::default::get_probe().probe(
            &hint,
            stream,
            Default::default(),
            Default::default(),
        );
        let format = match probed {
            Ok(format) => format,
            Err(error) => return Err(refused(&file, media, &error)),
        };
        let Some((track, params)) = decodable(format.tracks()) else {
            return Err(no_codec(&file, media, format.tracks()));
        };
        let mut params = params.clone();
        if media == Media::M4a {
            as_in_ogg(&mut params);
        }
        let lead_in = lead_in(&params);
        // The last page of Ogg counts from 0, wherever the first one begins.
        let start = if media == Media::Ogg { track.start_ts.get().max(0) } else { 0 };
        let before = start.unsigned_abs().saturating_add(lead_in);
        let promised = track.num_frames.filter(|count| i64::try_from(*count).is_ok());
        let promised = promised.map(|count| count.saturating_sub(before));
        let id = track.id;
        if is_companded(&params) {
            // CAF says 8 bits, as they are written; the decoder expects those that it gives out.
            (params.bits_per_sample, params.bits_per_coded_sample) = (None, None);
        }
        let decoder = DECODERS
            .make_audio_decoder(&params, &AudioDecoderOptions::default())
            .map_err(|error| match error {
                Error::Unsupported(what) => unsupported(&format!("in {} ({what})", media.label())),
                error => damaged(error),
            })?;
        let facts = facts(media, &params, decoder.as_ref());
        let mut packets = Packets {
            file,
            format,
            decoder,
            track: id,
            facts,
            first: None,
            edit: Edit::after(lead_in),
            promised,
            given: 0,
            has_no_end: false,
            broken: 0,
            broken_in_a_row: 0,
            warnings: Vec::new(),
        };
        packets.begin()?;
        Ok(packets)
    }

    /// Decodes the first packet: what it holds counts, whatever the container says.
    fn begin(&mut self) -> Result<(), Failure> {
        let mut block = Block::default();
        if !self.decode(&mut block)? {
            return Err(match self.broken {
                0 => empty("it has headers and no samples"),
                count => damaged(format!("none of its {count} packets can be decoded")),
            });
        }
        self.first = Some(block);
        Ok(())
    }

    /// Fills the block with the next packet that holds samples; false: there is none.
    fn decode(&mut self, block: &mut Block) -> Result<bool, Failure> {
        while self.broken_in_a_row < BROKEN_IN_A_ROW_MAX {
            let packet = match self.format.next_packet() {
                Ok(Some(packet)) if packet.track_id == self.track => packet,
                Ok(Some(_)) => continue,
                Ok(None) => return Ok(false),
                Err(Error::DecodeError(_)) => {
                    self.count_broken();
                    continue;
                }
                // Another stream of the same file follows, as Ogg radio recordings have it.
                Err(Error::ResetRequired) if self.restart() => continue,
                Err(Error::IoError(_)) => return Ok(false),
                Err(error) => {
                    self.warnings.push(format!("The file is read up to a fault: {error}."));
                    return Ok(false);
                }
            };
            let decoded = match self.decoder.decode(&packet) {
                Ok(decoded) => decoded,
                Err(error) => {
                    if matches!(error, Error::ResetRequired) {
                        self.decoder.reset();
                    }
                    self.count_broken();
                    continue;
                }
            };
            if decoded.frames() == 0 {
                continue;
            }
            let spec = decoded.spec();
            let (rate, channels) = (spec.rate(), spec.channels().count());
            if self.facts.channels == 0 {
                check(rate, channels)?;
                self.facts.sample_rate = rate;
                self.facts.channels = channels;
                self.facts.weights = weights(spec.channels());
            } else if (rate, channels) != (self.facts.sample_rate, self.facts.channels) {
                self.warnings.push(format!(
                    "From {:.2} s on the file goes on with {channels} channels at {rate} Hz; what is before \
                     is measured.",
                    self.given as f64 / f64::from(self.facts.sample_rate)
                ));
                return Ok(false);
            }
            self.broken_in_a_row = 0;
            decoded.copy_to_vecs_planar(block.vecs());
            return Ok(true);
        }
        Ok(false)
    }

    fn count_broken(&mut self) {
        self.broken += 1;
        self.broken_in_a_row += 1;
    }

    /// Makes a decoder for the stream that follows; false: there is none that can be decoded.
    fn restart(&mut self) -> bool {
        self.promised = None;
        let Some((track, params)) = decodable(self.format.tracks()) else { return false };
        self.track = track.id;
        let options = AudioDecoderOptions::default();
        match DECODERS.make_audio_decoder(params, &options) {
            Ok(decoder) => {
                self.edit = Edit::after(lead_in(params));
                self.decoder = decoder;
                true
            }
            Err(_) => false,
        }
    }
}

impl Sound for Packets {
    fn facts(&self) -> &Facts {
        &self.facts
    }

    fn position(&self) -> u64 {
        self.file.lock().position()
    }

    fn next(&mut self, block: &mut Block) -> Result<bool, Failure> {
        if let Some(first) = self.first.take() {
            *block = first;
        } else {
            let decoded = catch_unwind(AssertUnwindSafe(|| self.decode(block)));
            let is_more = decoded.unwrap_or_else(|_| {
                self.warnings.push("The file is read up to a fault in its data.".to_owned());
                Ok(false)
            })?;
            if !is_more {
                return Ok(false);
            }
        }
        self.cut(block);
        self.given += block.samples().first().map_or(0, |plane| plane.len() as u64);
        Ok(true)
    }

    fn take_facts(&mut self) -> Facts {
        let mut facts = self.facts.clone();
        let mut metadata = self.format.metadata();
        while let Some(revision) = metadata.current() {
            facts.tags.add_all(revision);
            if metadata.pop().is_none() {
                break;
            }
        }
        facts
    }

    fn finish(mut self: Box<Self>) -> Result<Vec<String>, Failure> {
        if self.broken > 0 {
            let plural = if self.broken == 1 { "" } else { "s" };
            let broken = self.broken;
            self.warnings.push(format!(
                "{broken} damaged packet{plural} left out; times behind them are too early."
            ));
        }
        let promised = self.promised.unwrap_or(0);
        let missing =
            promised.saturating_sub(self.given) as f64 / f64::from(self.facts.sample_rate.max(1));
        if missing >= MISSING_SECONDS_MIN && self.given > 0 {
            self.warnings.push(cut_off(missing));
        } else if self.has_no_end {
            self.warnings.push("The file is cut off: its end is missing.".to_owned());
        }
        let Packets { file, format, warnings, .. } = *self;
        drop(format);
        file.into_inner().expect("the decoder's half is dropped").finish()?;
        Ok(warnings)
    }
}
