//! The pictures, by their pixels.

use super::{run, sine, wav16};

struct Picture {
    width: usize,
    height: usize,
    pixels: Vec<u8>,
}

impl Picture {
    fn of(samples: &[i16], channels: u16, rate: u32, kind: &str, width: &str) -> Picture {
        let given = [(kind, "true"), ("picture_width", width)];
        let output = run(&wav16(channels, rate, samples), &given).unwrap();
        let (name, bytes) = &output.artifacts[1];
        assert_eq!(*name, format!("{{base}}_{kind}.png"));
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        Picture { width: info.width as usize, height: info.height as usize, pixels }
    }

    fn at(&self, x: usize, y: usize) -> [u8; 3] {
        let at = (y * self.width + x) * 3;
        [self.pixels[at], self.pixels[at + 1], self.pixels[at + 2]]
    }

    /// Sum of a column's colours.
    fn brightness(&self, x: usize, rows: std::ops::Range<usize>) -> u64 {
        rows.flat_map(|y| self.at(x, y)).map(u64::from).sum()
    }
}

#[test]
fn a_spectrogram_has_the_tone_at_its_height_and_its_time() {
    // 4 s: silence, then 1 kHz, whose mel is 15 of 45.2 at 8 kHz.
    let mut samples = vec![0; 32_000];
    samples.extend(sine(16_000, 1_000.0, 0.5, 32_000));
    let picture = Picture::of(&samples, 1, 16_000, "spectrogram", "800");
    assert_eq!((picture.width, picture.height), (800, 12 + 320 + 52));
    let (left, right) = (76 + 100, 76 + 500);
    let brightest = (12..12 + 320).max_by_key(|y| picture.brightness(right, *y..*y + 1)).unwrap();
    let expected = 12.0 + 320.0 * (1.0 - 15.0 / super::super::mel::mel_of(8_000.0));
    assert!((brightest as f64 - expected).abs() <= 4.0, "{brightest}, not {expected}");
    assert_eq!(picture.at(left, brightest), [0, 0, 4], "silence is the darkest colour");
    assert!(picture.at(right, brightest)[0] > 200);
}

#[test]
fn a_waveform_reaches_as_high_as_the_sound_whatever_its_length() {
    for count in [1, 2, 50, 600, 100_000] {
        let mut samples = vec![0_i16; count];
        samples[0] = 16_384;
        let picture = Picture::of(&samples, 1, 8_000, "waveform", "600");
        // Half of full scale lies a quarter of 240 rows under the top.
        let is_drawn = |y: &usize| (76..524).any(|x| picture.at(x, *y)[0] < 140);
        let top = (12..12 + 240).find(is_drawn).unwrap();
        assert!(top.abs_diff(12 + 60) <= 3, "{count} samples: row {top}");
    }
}

#[test]
fn every_channel_has_a_panel() {
    let stereo: Vec<i16> =
        sine(8_000, 100.0, 0.9, 8_000).into_iter().flat_map(|s| [s, 0]).collect();
    let picture = Picture::of(&stereo, 2, 8_000, "waveform", "600");
    assert_eq!(picture.height, 12 + 2 * 160 + 18 + 52);
    let dark = |rows: std::ops::Range<usize>| picture.brightness(300, rows);
    assert!(dark(12..172) < dark(190..350), "the left channel is the loud one");
}
