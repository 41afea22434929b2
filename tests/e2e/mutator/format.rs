//! The choice between blind damage and that of a format's own.

use super::bytes::MUTANT_BYTES_MAX;
use super::damage::Mutator;
use super::{boxes, docx, jpeg, pdf, png, sound, tiff, webp};

/// What the mutator knows the structure of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Format {
    Pdf,
    Docx,
    Xlsx,
    Pptx,
    Odt,
    Ods,
    Odp,
    Epub,
    Html,
    Eml,
    Rtf,
    Png,
    Tiff,
    Jpeg,
    Webp,
    Gif,
    Bmp,
    Heic,
    Avif,
    Wav,
    Mp3,
    Flac,
    Ogg,
    M4a,
    Aac,
    Aiff,
    Caf,
}

impl Mutator {
    /// A damaged copy of `good`; `other` lends parts of itself.
    pub(crate) fn mutant(&mut self, format: Format, good: &[u8], other: &[u8]) -> Vec<u8> {
        let mut bytes = good.to_vec();
        for _ in 0..=self.below(4) {
            match self.below(3) {
                0 => self.damage(&mut bytes, other),
                _ => match format {
                    Format::Pdf => pdf::damage(self, &mut bytes),
                    // All archives of XML parts.
                    Format::Docx
                    | Format::Xlsx
                    | Format::Pptx
                    | Format::Odt
                    | Format::Ods
                    | Format::Odp
                    | Format::Epub => docx::damage(self, &mut bytes),
                    // Text and plain tables: no checksums or lengths to repair.
                    Format::Html | Format::Eml | Format::Rtf | Format::Gif | Format::Bmp => {
                        self.damage(&mut bytes, other);
                    }
                    Format::Heic | Format::Avif => boxes::damage(self, &mut bytes),
                    Format::Png => png::damage(self, &mut bytes),
                    Format::Tiff => tiff::damage(self, &mut bytes),
                    Format::Jpeg => jpeg::damage(self, &mut bytes),
                    Format::Webp => webp::damage(self, &mut bytes),
                    Format::Ogg => sound::damage_ogg(self, &mut bytes),
                    Format::Wav
                    | Format::Mp3
                    | Format::Flac
                    | Format::M4a
                    | Format::Aac
                    | Format::Aiff
                    | Format::Caf => sound::damage(self, &mut bytes),
                },
            }
            bytes.truncate(MUTANT_BYTES_MAX);
        }
        bytes
    }
}
