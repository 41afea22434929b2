//! The pictures that were asked for: what they gather on the way, and how they are written.

use super::report::Measured;
use super::sound::Facts;
use super::spectrogram::Spectrogram;
use super::waveform::Waveform;
use crate::Output;
use windlass_core::Failure;
use windlass_core::params::Params;

/// Channels that are drawn.
const CHANNEL_COUNT_MAX: usize = 8;

pub(super) struct Pictures {
    names: Vec<String>,
    left_out: usize,
    waveform: Option<Waveform>,
    spectrogram: Option<Spectrogram>,
}

impl Pictures {
    /// As the parameters ask.
    pub(super) fn new(params: &Params, facts: &Facts) -> Pictures {
        let width = params.int("picture_width").unwrap_or(super::PICTURE_WIDTH);
        let width = usize::try_from(width).expect("the parameter has bounds");
        let channels = facts.channels.min(CHANNEL_COUNT_MAX);
        let rate = facts.sample_rate;
        let is_asked = |name| params.is_true(name);
        Pictures {
            names: names(facts.channels),
            left_out: facts.channels - channels,
            waveform: is_asked("waveform").then(|| Waveform::new(width, channels)),
            spectrogram: is_asked("spectrogram").then(|| Spectrogram::new(width, channels, rate)),
        }
    }

    /// Takes the samples of every channel.
    pub(super) fn push(&mut self, planes: &[Vec<f32>]) {
        if let Some(waveform) = &mut self.waveform {
            waveform.push(planes);
        }
    }

    /// Takes a channel's power by bin in the next frame.
    pub(super) fn push_frame(&mut self, channel: usize, power: &[f64]) {
        if let Some(spectrogram) = &mut self.spectrogram {
            spectrogram.push(channel, power);
        }
    }

    pub(super) fn write(self, measured: &Measured, output: &mut dyn Output) -> Result<(), Failure> {
        let (seconds, samples) = (measured.seconds, measured.samples);
        if let Some(waveform) = &self.waveform {
            let picture = waveform.draw(seconds, samples, &self.names)?;
            output.artifact("{base}_waveform.png", "image/png", &picture)?;
        }
        if let Some(spectrogram) = &self.spectrogram {
            let picture = spectrogram.draw(seconds, samples, &self.names)?;
            output.artifact("{base}_spectrogram.png", "image/png", &picture)?;
        }
        let is_drawn = self.waveform.is_some() || self.spectrogram.is_some();
        if is_drawn && self.left_out > 0 {
            output.note(format!("The pictures show the first {CHANNEL_COUNT_MAX} channels."));
        }
        Ok(())
    }
}

/// What stands in each channel's panel; nothing where there is only one.
fn names(channels: usize) -> Vec<String> {
    match channels {
        1 => Vec::new(),
        2 => vec!["left".to_owned(), "right".to_owned()],
        _ => (1..=channels).map(|channel| format!("channel {channel}")).collect(),
    }
}
