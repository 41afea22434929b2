//! What one channel's samples tell by themselves: level, offset, clipping, silence, zero crossings.

/// Pieces that are looked at for silence last this part of a second.
const PIECES_PER_SECOND: u32 = 100;
/// Mean square below which a piece is silent: -60 dBFS.
const SILENT_SQUARE_MAX: f64 = 1e-6;
/// Smaller values count as zero for crossings, as in librosa.
const ZERO_MAX: f32 = 1e-10;

/// The figures of one channel or mix, from its first sample to its last; full scale is 1.
#[derive(Clone, Copy, Debug)]
pub(super) struct LevelFigures {
    pub(super) rms: f64,
    pub(super) peak: f64,
    pub(super) dc_offset: f64,
    pub(super) clipped_samples: u64,
    pub(super) zero_crossings: u64,
    pub(super) silence_share: f64,
}

#[derive(Debug)]
pub(super) struct Levels {
    full_scale: f32,
    piece_samples: usize,
    count: u64,
    sum: f64,
    squares: f64,
    peak: f32,
    clipped: u64,
    crossings: u64,
    /// Sign of the sample before; `None` before the first.
    was_negative: Option<bool>,
    piece_filled: usize,
    piece_squares: f64,
    pieces: u64,
    silent_pieces: u64,
}

impl Levels {
    /// `full_scale`: the smallest positive value that counts as clipped.
    pub(super) fn new(sample_rate: u32, full_scale: f32) -> Levels {
        let piece_samples = (sample_rate / PIECES_PER_SECOND).max(1) as usize;
        Levels {
            full_scale,
            piece_samples,
            count: 0,
            sum: 0.0,
            squares: 0.0,
            peak: 0.0,
            clipped: 0,
            crossings: 0,
            was_negative: None,
            piece_filled: 0,
            piece_squares: 0.0,
            pieces: 0,
            silent_pieces: 0,
        }
    }

    pub(super) fn push(&mut self, mut samples: &[f32]) {
        self.count += samples.len() as u64;
        self.cross(samples);
        while !samples.is_empty() {
            let (piece, rest) =
                samples.split_at(samples.len().min(self.piece_samples - self.piece_filled));
            self.measure(piece);
            self.piece_filled += piece.len();
            if self.piece_filled == self.piece_samples {
                self.end_piece();
            }
            samples = rest;
        }
    }

    fn cross(&mut self, samples: &[f32]) {
        let [first, ..] = samples else { return };
        let is_negative = |sample: f32| sample < -ZERO_MAX;
        let before = self.was_negative.is_some_and(|was| was != is_negative(*first));
        let within = samples
            .windows(2)
            .map(|pair| u32::from(is_negative(pair[0]) != is_negative(pair[1])))
            .fold(0_u32, u32::wrapping_add);
        self.crossings += u64::from(before) + u64::from(within);
        self.was_negative = samples.last().map(|sample| is_negative(*sample));
    }

    fn measure(&mut self, piece: &[f32]) {
        // Four sums side by side: the order of additions is ours, and the processor adds at once.
        let (mut sums, mut squares, mut peaks) = ([0.0_f64; 4], [0.0_f64; 4], [0.0_f32; 4]);
        let chunks = piece.chunks_exact(4);
        let rest = chunks.remainder();
        for chunk in chunks {
            for lane in 0..4 {
                let sample = f64::from(chunk[lane]);
                sums[lane] += sample;
                squares[lane] += sample * sample;
                peaks[lane] = peaks[lane].max(chunk[lane].abs());
            }
        }
        for sample in rest {
            sums[0] += f64::from(*sample);
            squares[0] += f64::from(*sample) * f64::from(*sample);
            peaks[0] = peaks[0].max(sample.abs());
        }
        let peak = peaks.into_iter().fold(0.0, f32::max);
        self.sum += sums.iter().sum::<f64>();
        self.piece_squares += squares.iter().sum::<f64>();
        self.peak = self.peak.max(peak);
        if peak >= self.full_scale {
            let is_clipped = |sample: &&f32| **sample >= self.full_scale || **sample <= -1.0;
            self.clipped += piece.iter().filter(is_clipped).count() as u64;
        }
    }

    fn end_piece(&mut self) {
        let mean = self.piece_squares / self.piece_filled as f64;
        self.pieces += 1;
        self.silent_pieces += u64::from(mean < SILENT_SQUARE_MAX);
        self.squares += self.piece_squares;
        (self.piece_filled, self.piece_squares) = (0, 0.0);
    }

    pub(super) fn finish(mut self) -> LevelFigures {
        if self.piece_filled > 0 {
            self.end_piece();
        }
        let count = self.count.max(1) as f64;
        LevelFigures {
            rms: (self.squares / count).sqrt(),
            peak: f64::from(self.peak),
            dc_offset: self.sum / count,
            clipped_samples: self.clipped,
            zero_crossings: self.crossings,
            silence_share: self.silent_pieces as f64 / self.pieces.max(1) as f64,
        }
    }
}
