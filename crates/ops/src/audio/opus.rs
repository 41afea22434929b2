//! Opus (RFC 6716) in the containers that symphonia reads, decoded by `opus-pure`.

use opus_pure::{MAX_PACKET_SAMPLES, OpusMSDecoder};
use symphonia::core::audio::{
    AsGenericAudioBufferRef, AudioBuffer, AudioMut, AudioSpec, Channels, GenericAudioBufferRef,
};
use symphonia::core::codecs::CodecInfo;
use symphonia::core::codecs::audio::well_known::CODEC_ID_OPUS;
use symphonia::core::codecs::audio::{
    AudioCodecParameters, AudioDecoder, AudioDecoderOptions, FinalizeResult,
};
use symphonia::core::codecs::registry::{RegisterableAudioDecoder, SupportedAudioCodec};
use symphonia::core::errors::{Result, decode_error, unsupported_error};
use symphonia::core::packet::PacketRef;
use symphonia::core::units::Duration;

/// All sounds are decoded at this rate, whatever they were before (RFC 7845, 5.1).
const RATE: u32 = 48_000;

/// Channels in the order of WAV out of those in Vorbis' order (RFC 7845, 5.1.1.2), which has the
/// centre second and the bass effects last.
const ORDERS: [&[usize]; 9] = [
    &[],
    &[0],
    &[0, 1],
    &[0, 2, 1],
    &[0, 1, 2, 3],
    &[0, 2, 1, 3, 4],
    &[0, 2, 1, 5, 3, 4],
    &[0, 2, 1, 6, 5, 3, 4],
    &[0, 2, 1, 7, 5, 6, 3, 4],
];

const CODECS: &[SupportedAudioCodec] = &[SupportedAudioCodec {
    id: CODEC_ID_OPUS,
    info: CodecInfo { short_name: "opus", long_name: "Opus", profiles: &[] },
}];

/// Before the identification header of a stream.
const MARK: &[u8] = b"OpusHead";

/// What the identification header of a stream says (RFC 7845, 5.1).
#[derive(PartialEq, Eq, Debug)]
struct Head<'a> {
    channels: usize,
    /// Samples that the encoder needed to get going.
    lead_in: u16,
    /// In parts of a decibel, 256 to one.
    gain: i16,
    family: u8,
    /// Streams, how many of them are pairs, and which of their channels goes where; none for one
    /// or two channels.
    layout: Option<(usize, usize, &'a [u8])>,
}

impl<'a> Head<'a> {
    /// Of the bytes as Ogg has them.
    fn read(bytes: &'a [u8]) -> Option<Head<'a>> {
        let rest = bytes.strip_prefix(MARK)?;
        let [_, channels, a, b, _, _, _, _, c, d, family, layout @ ..] = rest else {
            return None;
        };
        let channels = usize::from(*channels);
        let layout = match family {
            0 => None,
            _ => {
                let [streams, pairs, mapping @ ..] = layout else { return None };
                Some((usize::from(*streams), usize::from(*pairs), mapping.get(..channels)?))
            }
        };
        Some(Head {
            channels,
            lead_in: u16::from_le_bytes([*a, *b]),
            gain: i16::from_le_bytes([*c, *d]),
            family: *family,
            layout,
        })
    }
}

/// Puts the header of a track out of MPEG-4 into the form that it has in Ogg: symphonia gives it
/// the mark of Ogg, and leaves the numbers with their larger end first.
pub(super) fn as_in_ogg(params: &mut AudioCodecParameters) {
    if params.codec != CODEC_ID_OPUS {
        return;
    }
    let numbers = params.extra_data.as_deref_mut().and_then(|bytes| bytes.get_mut(10..18));
    if let Some(numbers) = numbers {
        // The lead-in, the rate of what was encoded, the gain.
        for number in [0..2, 2..6, 6..8] {
            numbers[number].reverse();
        }
    }
}

/// Whether it is told where the speaker of each channel of a stream stands; bytes that are no whole
/// header tell nothing else.
pub(super) fn has_places(bytes: &[u8]) -> bool {
    Head::read(bytes).is_none_or(|head| matches!(head.family, 0 | 1))
}

/// How many samples at a stream's start are not meant to be heard, as far as its codec knows.
pub(super) fn lead_in(params: &AudioCodecParameters) -> u64 {
    let bytes = params.extra_data.as_deref().filter(|_| params.codec == CODEC_ID_OPUS);
    bytes.and_then(Head::read).map_or(0, |head| u64::from(head.lead_in))
}

pub(super) struct Opus {
    params: AudioCodecParameters,
    decoder: OpusMSDecoder,
    /// For each channel that is given out, which one it is of those that are decoded.
    order: &'static [usize],
    interleaved: Vec<f32>,
    decoded: AudioBuffer<f32>,
}

impl Opus {
    fn new(params: &AudioCodecParameters) -> Result<Opus> {
        let Some(bytes) = params.extra_data.as_deref() else {
            return unsupported_error("without its header");
        };
        let Some(head) = Head::read(bytes) else {
            return decode_error("the header of Opus is incomplete");
        };
        let decoder = OpusMSDecoder::new(RATE as i32, head.channels, head.family);
        let (Ok(mut decoder), Some(order)) = (decoder, ORDERS.get(head.channels)) else {
            return unsupported_error("whose channels have no places");
        };
        let layout = decoder.layout();
        let usual = (layout.nb_streams, layout.nb_coupled_streams, layout.mapping.as_slice());
        if head.layout.is_some_and(|layout| layout != usual) {
            return unsupported_error("with channels in another order than usual");
        }
        for stream in decoder.streams_mut() {
            stream.gain_q8 = i32::from(head.gain);
        }
        let channels = match &params.channels {
            Some(channels) if channels.count() == head.channels => channels.clone(),
            _ => Channels::Discrete(u16::try_from(head.channels).unwrap_or(u16::MAX)),
        };
        Ok(Opus {
            params: params.clone(),
            decoder,
            order,
            interleaved: vec![0.0; MAX_PACKET_SAMPLES * head.channels],
            decoded: AudioBuffer::new(AudioSpec::new(RATE, channels), MAX_PACKET_SAMPLES),
        })
    }
}

impl AudioDecoder for Opus {
    fn reset(&mut self) {
        // It fails for no state that a decoder can be in; one that stays as it was is no harm.
        let _ = self.decoder.reset_state();
    }

    fn codec_info(&self) -> &CodecInfo {
        &CODECS[0].info
    }

    fn codec_params(&self) -> &AudioCodecParameters {
        &self.params
    }

    fn decode_ref(&mut self, packet: &PacketRef<'_>) -> Result<GenericAudioBufferRef<'_>> {
        self.decoded.clear();
        // To the decoder an empty packet is a lost one, whose sound it makes up.
        if packet.data.is_empty() {
            return decode_error("a packet of Opus is empty");
        }
        let decoded = self.decoder.decode(packet.data, MAX_PACKET_SAMPLES, &mut self.interleaved);
        // Of many streams one may be cut off just before its part, which the decoder makes up.
        let told = opus_pure::packet::samples(packet.data, RATE as i32).ok();
        let Some(count) = decoded.ok().filter(|count| told == Some(*count)) else {
            return decode_error("a packet of Opus is damaged");
        };
        let channels = self.order.len();
        self.decoded.render_uninit(Some(count));
        for (plane, channel) in self.order.iter().enumerate() {
            let samples = self.interleaved[*channel..].iter().step_by(channels);
            let plane = self.decoded.plane_mut(plane).expect("as many planes as channels");
            for (to, sample) in plane.iter_mut().zip(samples) {
                *to = *sample;
            }
        }
        let cut = |frames: Duration| usize::try_from(frames.get()).unwrap_or(usize::MAX).min(count);
        self.decoded.trim(cut(packet.trim_start), cut(packet.trim_end));
        Ok(self.decoded.as_generic_audio_buffer_ref())
    }

    fn finalize(&mut self) -> FinalizeResult {
        FinalizeResult::default()
    }

    fn last_decoded(&self) -> GenericAudioBufferRef<'_> {
        self.decoded.as_generic_audio_buffer_ref()
    }
}

impl RegisterableAudioDecoder for Opus {
    fn try_registry_new(
        params: &AudioCodecParameters,
        _: &AudioDecoderOptions,
    ) -> Result<Box<dyn AudioDecoder>> {
        Ok(Box::new(Opus::new(params)?))
    }

    fn supported_codecs() -> &'static [SupportedAudioCodec] {
        CODECS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_of_ogg_and_of_mpeg_4_say_the_same() {
        let ogg = b"OpusHead\x00\x02\x38\x01\x80\xbb\0\0\x00\xfd\0";
        let mpeg_4 = b"OpusHead\x00\x02\x01\x38\0\0\xbb\x80\xfd\x00\0";
        let head = Head { channels: 2, lead_in: 312, gain: -768, family: 0, layout: None };
        assert_eq!(Head::read(ogg), Some(head));
        let mut params = AudioCodecParameters::new();
        params.for_codec(CODEC_ID_OPUS).with_extra_data(Box::from(mpeg_4.as_slice()));
        as_in_ogg(&mut params);
        assert_eq!(params.extra_data.as_deref(), Some(ogg.as_slice()));
        assert_eq!(Head::read(&ogg[..18]), None);
        assert_eq!(Head::read(b"OpusTags"), None);
    }

    #[test]
    fn heads_of_many_channels_say_where_each_goes() {
        let mut bytes = b"OpusHead\x01\x06\x38\x01\x80\xbb\0\0\0\0\x01\x04\x02".to_vec();
        bytes.extend([0, 4, 1, 2, 3, 5]);
        let head = Head::read(&bytes).unwrap();
        assert_eq!(head.layout, Some((4, 2, [0, 4, 1, 2, 3, 5].as_slice())));
        assert_eq!(Head::read(&bytes[..bytes.len() - 1]), None);
    }

    #[test]
    fn each_channel_is_given_out_once() {
        for (count, order) in ORDERS.iter().enumerate() {
            let mut sorted = order.to_vec();
            sorted.sort_unstable();
            assert_eq!(sorted, (0..count).collect::<Vec<_>>());
        }
    }
}
