//! What a file says of itself: title, artist and the like, under the same names for all formats.

use serde::Serialize;
use std::collections::BTreeMap;
use symphonia::core::meta::{MetadataRevision, StandardTag};

/// Longer texts are cut: lyrics and reports of rippers stand in comments.
const TEXT_CHARS_MAX: usize = 1_000;

/// Texts by name; of several under one name the first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(super) struct Tags(BTreeMap<&'static str, String>);

impl Tags {
    fn add(&mut self, name: &'static str, text: &str) {
        let text = text.trim_end_matches('\0').trim();
        let is_plain = |c: &char| !c.is_control() || *c == '\n';
        let text: String = text.chars().filter(is_plain).take(TEXT_CHARS_MAX).collect();
        if !text.is_empty() {
            self.0.entry(name).or_insert(text);
        }
    }

    /// The `LIST` chunk of a WAV file, where it is of type `INFO`.
    pub(super) fn add_riff(&mut self, list: &[u8]) {
        let Some(mut rest) = list.strip_prefix(b"INFO") else { return };
        while let Some((head, content)) = rest.split_at_checked(8) {
            let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
            let text = &content[..length.min(content.len())];
            if let Some(name) = riff_name(&head[..4]) {
                match std::str::from_utf8(text) {
                    Ok(text) => self.add(name, text),
                    // Windows programs write the code page of their country: most often this one.
                    Err(_) => self.add(name, &encoding_rs::WINDOWS_1252.decode(text).0),
                }
            }
            rest = content.get(length.saturating_add(length % 2)..).unwrap_or_default();
        }
    }

    /// What a decoder found.
    pub(super) fn add_all(&mut self, revision: &MetadataRevision) {
        let of_tracks = revision.per_track.iter().flat_map(|track| &track.metadata.tags);
        for tag in revision.media.tags.iter().chain(of_tracks) {
            if let Some((name, text)) = tag.std.as_ref().and_then(standard) {
                self.add(name, &text);
            }
        }
    }
}

fn riff_name(id: &[u8]) -> Option<&'static str> {
    match id {
        b"INAM" => Some("title"),
        b"IART" => Some("artist"),
        b"IPRD" => Some("album"),
        b"IGNR" => Some("genre"),
        b"ICRD" => Some("date"),
        b"ICMT" => Some("comment"),
        b"ICOP" => Some("copyright"),
        b"ISFT" => Some("encoder"),
        b"ITRK" | b"IPRT" => Some("track"),
        b"ILNG" => Some("language"),
        b"IMUS" => Some("composer"),
        _ => None,
    }
}

fn standard(tag: &StandardTag) -> Option<(&'static str, String)> {
    let named = match tag {
        StandardTag::TrackTitle(text) => ("title", text),
        StandardTag::Artist(text) => ("artist", text),
        StandardTag::Album(text) => ("album", text),
        StandardTag::AlbumArtist(text) => ("album_artist", text),
        StandardTag::Composer(text) => ("composer", text),
        StandardTag::Genre(text) => ("genre", text),
        StandardTag::RecordingDate(text) | StandardTag::ReleaseDate(text) => ("date", text),
        StandardTag::Comment(text) | StandardTag::Description(text) => ("comment", text),
        StandardTag::Copyright(text) => ("copyright", text),
        StandardTag::Encoder(text) => ("encoder", text),
        StandardTag::Language(text) => ("language", text),
        StandardTag::IdentIsrc(text) => ("isrc", text),
        StandardTag::Label(text) => ("label", text),
        StandardTag::TrackNumber(number) => return Some(("track", number.to_string())),
        StandardTag::DiscNumber(number) => return Some(("disc", number.to_string())),
        StandardTag::RecordingYear(year) | StandardTag::ReleaseYear(year) => {
            return Some(("date", year.to_string()));
        }
        _ => return None,
    };
    Some((named.0, named.1.to_string()))
}
