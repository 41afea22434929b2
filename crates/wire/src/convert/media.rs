//! Kinds of files by short names: what the protocol calls them.

use super::Malformed;
use windlass_core::media::Media;

/// The name of a kind.
pub(crate) fn name(media: Media) -> &'static str {
    match media {
        Media::Pdf => "pdf",
        Media::Docx => "docx",
        Media::Xlsx => "xlsx",
        Media::Pptx => "pptx",
        Media::Odt => "odt",
        Media::Ods => "ods",
        Media::Odp => "odp",
        Media::Epub => "epub",
        Media::Rtf => "rtf",
        Media::Doc => "doc",
        Media::Ole => "ole",
        Media::OfficeLocked => "office_locked",
        Media::Png => "png",
        Media::Jpeg => "jpeg",
        Media::WebP => "webp",
        Media::Gif => "gif",
        Media::Tiff => "tiff",
        Media::Bmp => "bmp",
        Media::Heic => "heic",
        Media::Avif => "avif",
        Media::Wav => "wav",
        Media::Mp3 => "mp3",
        Media::Flac => "flac",
        Media::Ogg => "ogg",
        Media::M4a => "m4a",
        Media::Aac => "aac",
        Media::Aiff => "aiff",
        Media::Caf => "caf",
        Media::Amr => "amr",
        Media::Wma => "wma",
        Media::Video => "video",
        Media::Html => "html",
        Media::Eml => "eml",
        Media::Text => "text",
        Media::Zip => "zip",
        Media::Archive => "archive",
        Media::Program => "program",
        Media::Empty => "empty",
        Media::Unknown => "unknown",
    }
}

/// The kind of a name.
pub(crate) fn named(text: &str) -> Result<Media, Malformed> {
    let known = Media::ALL.iter().copied().find(|media| name(*media) == text);
    known.ok_or(Malformed("a kind of file that is not known here"))
}
