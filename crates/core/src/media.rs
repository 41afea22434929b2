//! What a file is: the kinds told apart, what a file name promises, and whether the bytes keep it.
//!
//! The bytes decide ([`sniff`]); a name's extension is only a promise ([`by_extension`]).

mod audio;
mod boxes;
mod extension;
mod paper;
mod sniff;
mod text;
mod zip;

pub use extension::{by_extension, contradicts};
pub use paper::is_paper;
pub use sniff::sniff;

use serde::{Deserialize, Serialize};

/// How much of a file's start and of its end [`sniff`] is shown at most.
pub const SAMPLE_HEAD_BYTES_MAX: usize = 64 * 1024;

/// What [`sniff`] is shown of a file.
#[derive(Clone, Copy, Debug)]
pub struct Sample<'a> {
    /// The first bytes, up to [`SAMPLE_HEAD_BYTES_MAX`].
    pub head: &'a [u8],
    /// The last [`SAMPLE_HEAD_BYTES_MAX`] bytes where the file is longer than `head`, else empty.
    /// It may overlap `head`.
    pub tail: &'a [u8],
    /// Size of the whole file in bytes.
    pub size: u64,
}

/// Kinds of files that are told apart.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Media {
    /// Portable Document Format.
    Pdf,
    /// Word, Office Open XML.
    Docx,
    /// Excel, Office Open XML.
    Xlsx,
    /// PowerPoint, Office Open XML.
    Pptx,
    /// OpenDocument text.
    Odt,
    /// OpenDocument spreadsheet.
    Ods,
    /// OpenDocument presentation.
    Odp,
    /// EPUB book.
    Epub,
    /// Rich Text Format.
    Rtf,
    /// Excel or PowerPoint before 2007, or what else is an OLE compound file.
    Ole,
    /// Office Open XML encrypted with a password, which wraps it in an OLE compound file.
    OfficeLocked,
    /// PNG image.
    Png,
    /// JPEG image.
    Jpeg,
    /// WebP image.
    WebP,
    /// GIF image.
    Gif,
    /// TIFF image.
    Tiff,
    /// Windows bitmap.
    Bmp,
    /// HEIC/HEIF image.
    Heic,
    /// AVIF image.
    Avif,
    /// RIFF WAVE audio.
    Wav,
    /// MPEG audio, layers I to III.
    Mp3,
    /// FLAC audio.
    Flac,
    /// Ogg audio (Vorbis, Opus).
    Ogg,
    /// MPEG-4 audio (AAC, ALAC).
    M4a,
    /// Bare AAC audio (ADTS frames).
    Aac,
    /// AIFF audio.
    Aiff,
    /// Core Audio Format.
    Caf,
    /// Adaptive Multi-Rate speech.
    Amr,
    /// Windows Media audio.
    Wma,
    /// MPEG, MPEG-4, Matroska, AVI, QuickTime, Flash, Windows Media video.
    Video,
    /// HTML page.
    Html,
    /// A mail with its head, as mail programs export it.
    Eml,
    /// Text in any encoding.
    Text,
    /// ZIP archive that is none of the above.
    Zip,
    /// gzip, xz, zstd, bzip2, 7z, rar, tar and the like.
    Archive,
    /// A program: ELF, Mach-O, PE, Java class, WebAssembly.
    Program,
    /// No bytes at all.
    Empty,
    /// None of the above.
    Unknown,
    /// Word before 2007, an OLE compound file. Journals know kinds by their position here: new ones
    /// come last.
    Doc,
}

/// What kinds of files have in common for their users.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
pub enum Family {
    /// Laid-out text: PDF, office files, books.
    Document,
    /// Still pictures.
    Image,
    /// Sound.
    Audio,
    /// Moving pictures.
    Video,
    /// Characters: plain text, markup, source code.
    Text,
    /// Packed files.
    Archive,
    /// Machine code.
    Program,
    /// No bytes.
    Empty,
    /// Not known.
    Unknown,
}

impl Media {
    /// Every kind, in order of declaration.
    pub const ALL: &'static [Media] = &[
        Media::Pdf,
        Media::Docx,
        Media::Xlsx,
        Media::Pptx,
        Media::Odt,
        Media::Ods,
        Media::Odp,
        Media::Epub,
        Media::Rtf,
        Media::Ole,
        Media::OfficeLocked,
        Media::Png,
        Media::Jpeg,
        Media::WebP,
        Media::Gif,
        Media::Tiff,
        Media::Bmp,
        Media::Heic,
        Media::Avif,
        Media::Wav,
        Media::Mp3,
        Media::Flac,
        Media::Ogg,
        Media::M4a,
        Media::Aac,
        Media::Aiff,
        Media::Caf,
        Media::Amr,
        Media::Wma,
        Media::Video,
        Media::Html,
        Media::Eml,
        Media::Text,
        Media::Zip,
        Media::Archive,
        Media::Program,
        Media::Empty,
        Media::Unknown,
        Media::Doc,
    ];

    /// Label, MIME type and family: one row a kind.
    const fn row(self) -> (&'static str, &'static str, Family) {
        use Family::{Archive, Audio, Document, Image, Program, Text, Unknown, Video};
        match self {
            Media::Pdf => ("PDF", "application/pdf", Document),
            Media::Docx => (
                "Word (DOCX)",
                "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
                Document,
            ),
            Media::Xlsx => (
                "Excel (XLSX)",
                "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
                Document,
            ),
            Media::Pptx => (
                "PowerPoint (PPTX)",
                "application/vnd.openxmlformats-officedocument.presentationml.presentation",
                Document,
            ),
            Media::Odt => {
                ("OpenDocument text", "application/vnd.oasis.opendocument.text", Document)
            }
            Media::Ods => (
                "OpenDocument spreadsheet",
                "application/vnd.oasis.opendocument.spreadsheet",
                Document,
            ),
            Media::Odp => (
                "OpenDocument presentation",
                "application/vnd.oasis.opendocument.presentation",
                Document,
            ),
            Media::Epub => ("EPUB book", "application/epub+zip", Document),
            Media::Rtf => ("Rich Text (RTF)", "application/rtf", Document),
            Media::Doc => ("Word document before 2007 (DOC)", "application/msword", Document),
            Media::Ole => ("Office file before 2007", "application/x-ole-storage", Document),
            Media::OfficeLocked => {
                ("Office file locked by a password", "application/x-ole-storage", Document)
            }
            Media::Png => ("PNG image", "image/png", Image),
            Media::Jpeg => ("JPEG image", "image/jpeg", Image),
            Media::WebP => ("WebP image", "image/webp", Image),
            Media::Gif => ("GIF image", "image/gif", Image),
            Media::Tiff => ("TIFF image", "image/tiff", Image),
            Media::Bmp => ("BMP image", "image/bmp", Image),
            Media::Heic => ("HEIC image", "image/heic", Image),
            Media::Avif => ("AVIF image", "image/avif", Image),
            Media::Wav => ("WAV audio", "audio/wav", Audio),
            Media::Mp3 => ("MP3 audio", "audio/mpeg", Audio),
            Media::Flac => ("FLAC audio", "audio/flac", Audio),
            Media::Ogg => ("Ogg audio", "audio/ogg", Audio),
            Media::M4a => ("MPEG-4 audio", "audio/mp4", Audio),
            Media::Aac => ("AAC audio", "audio/aac", Audio),
            Media::Aiff => ("AIFF audio", "audio/aiff", Audio),
            Media::Caf => ("Core Audio Format", "audio/x-caf", Audio),
            Media::Amr => ("AMR speech", "audio/amr", Audio),
            Media::Wma => ("Windows Media audio", "audio/x-ms-wma", Audio),
            Media::Video => ("video", "video/mp4", Video),
            Media::Html => ("HTML page", "text/html", Text),
            Media::Eml => ("mail (EML)", "message/rfc822", Text),
            Media::Text => ("text", "text/plain", Text),
            Media::Zip => ("ZIP archive", "application/zip", Archive),
            Media::Archive => ("archive", "application/octet-stream", Archive),
            Media::Program => ("program", "application/octet-stream", Program),
            Media::Empty => ("empty file", "application/x-empty", Family::Empty),
            Media::Unknown => ("unknown kind", "application/octet-stream", Unknown),
        }
    }

    /// What users call it.
    #[must_use]
    pub const fn label(self) -> &'static str {
        self.row().0
    }

    /// Its MIME type; the generic one where the kind covers several formats.
    #[must_use]
    pub const fn mime(self) -> &'static str {
        self.row().1
    }

    /// What it has in common with others.
    #[must_use]
    pub const fn family(self) -> Family {
        self.row().2
    }

    /// Whether files of this kind are ZIP archives inside.
    const fn is_zipped(self) -> bool {
        matches!(
            self,
            Media::Docx
                | Media::Xlsx
                | Media::Pptx
                | Media::Odt
                | Media::Ods
                | Media::Odp
                | Media::Epub
                | Media::Zip
        )
    }
}

#[cfg(test)]
mod tests;
