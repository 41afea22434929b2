//! Groups of Rich Text: where their text goes, and what they change until they end.

/// Where the text of a group goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Destination {
    #[default]
    Body,
    /// The bullet or number before an item, in words.
    Marker,
    /// What a field does: a link says where it leads.
    Instruction,
    /// The words that a field shows.
    Link,
    /// A foot note, an end note, a comment.
    Note,
    /// A header or a footer.
    Margin,
    Title,
    Author,
    Subject,
    /// The list of fonts: their encodings.
    Fonts,
    Left,
}

impl Destination {
    /// Whether it counts within what is left out, as the title in the group of a file's facts.
    pub(super) fn is_told_within_left(self) -> bool {
        use Destination::{Author, Fonts, Left, Subject, Title};
        matches!(self, Author | Fonts | Left | Subject | Title)
    }
}

/// What a group is of the document.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Part {
    /// Some words.
    #[default]
    Words,
    Link,
    Note,
    Margin,
}

/// What a group changes until it ends.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) destination: Destination,
    pub(super) font: i32,
    /// Characters of older readers that follow each `\u`.
    pub(super) fallback_count: usize,
    pub(super) is_hidden: bool,
    pub(super) part: Part,
}

impl Default for State {
    fn default() -> State {
        State {
            destination: Destination::Body,
            font: -1,
            fallback_count: 1,
            is_hidden: false,
            part: Part::Words,
        }
    }
}

/// Where a word sends the text of its group; `None`: it is no such word.
pub(super) fn destination_of(word: &[u8]) -> Option<Destination> {
    Some(match word {
        b"fonttbl" => Destination::Fonts,
        b"colortbl"
        | b"stylesheet"
        | b"pict"
        | b"object"
        | b"info"
        | b"listtable"
        | b"listoverridetable"
        | b"revtbl"
        | b"themedata"
        | b"colorschememapping"
        | b"xe"
        | b"tc"
        | b"rxe"
        | b"bkmkstart"
        | b"bkmkend"
        | b"nonshppict"
        | b"filetbl"
        | b"private1"
        | b"datafield"
        | b"sp"
        | b"shprslt" => Destination::Left,
        b"title" => Destination::Title,
        b"author" => Destination::Author,
        b"subject" => Destination::Subject,
        b"fldinst" => Destination::Instruction,
        b"fldrslt" => Destination::Link,
        b"listtext" | b"pntext" => Destination::Marker,
        b"footnote" | b"annotation" => Destination::Note,
        b"header" | b"headerl" | b"headerr" | b"headerf" => Destination::Margin,
        b"footer" | b"footerl" | b"footerr" | b"footerf" => Destination::Margin,
        _ => return None,
    })
}
