//! Words by Unicode's UAX 29 with the changes that ICU 72 makes: a colon ends a word, `@` is a
//! letter, Korean stands apart from other letters, and scripts without spaces are cut by a
//! dictionary.

mod cheapest;
mod dictionary;
mod lookahead;

use super::pieces::Split;
use super::table::Table;
use cheapest::Cheapest;
use dictionary::Language;
use icu_properties::props::{ExtendedPictographic, Ideographic, LineBreak, Script, WordBreak};
use icu_properties::{CodePointMapData, CodePointSetData};
use lookahead::Lookahead;

/// ASCII signs that may join what stands beside them; after any other one a word has ended.
const JOINING_SIGNS: &[u8] = b"'\".,;_@";

/// What a character is for the rules. Combining marks and format characters are `Extend`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    Other,
    CarriageReturn,
    LineEnd,
    Extend,
    Joiner,
    Space,
    Regional,
    Numeric,
    Letter,
    /// A letter of a script without spaces: Thai, Lao, Khmer, Burmese.
    Complex,
    Hangul,
    Hebrew,
    Katakana,
    /// Chinese characters and hiragana.
    Kanji,
    /// Chinese, but no character that is written alone.
    Radical,
    /// An ideograph of another script, as Tangut: a word of its own.
    Ideograph,
    SingleQuote,
    DoubleQuote,
    MidLetter,
    MidNumber,
    MidBoth,
    /// Underscore and the like.
    Connector,
}

/// Counts the words that ICU's word iterator marks as such.
pub(crate) struct Words {
    ascii: [Kind; 128],
    chinese_japanese: Cheapest,
    thai: Lookahead,
    lao: Lookahead,
    khmer: Lookahead,
    burmese: Lookahead,
    /// Where words end in the run at hand.
    ends: Vec<usize>,
}

/// A stretch between two boundaries of the rules.
struct Stretch {
    end: usize,
    is_word: bool,
    /// Whether a dictionary has to cut it further.
    needs_dictionary: bool,
}

impl Words {
    pub(crate) fn new() -> Words {
        Words {
            ascii: std::array::from_fn(|code| kind_by_property(char::from(code as u8))),
            chinese_japanese: Cheapest::new(),
            thai: Lookahead::new(Language::Thai),
            lao: Lookahead::new(Language::Lao),
            khmer: Lookahead::new(Language::Khmer),
            burmese: Lookahead::new(Language::Burmese),
            ends: Vec::new(),
        }
    }

    /// The character at `at` with its end; `None` at the end of the text.
    fn kind(&self, text: &str, at: usize) -> Option<(Kind, usize)> {
        let byte = *text.as_bytes().get(at)?;
        if byte < 0x80 {
            return Some((self.ascii[usize::from(byte)], at + 1));
        }
        let character = text[at..].chars().next()?;
        Some((kind_by_property(character), at + character.len_utf8()))
    }

    /// The stretch that starts at `start`, which is not the end of the text.
    fn stretch(&self, text: &str, start: usize) -> Option<Stretch> {
        let (first, mut end) = self.kind(text, start)?;
        let mut last = first;
        let mut is_word = first.is_word();
        let mut needs_dictionary = first.needs_dictionary();
        let mut regional_count = usize::from(first == Kind::Regional);
        loop {
            let marks = self.skip_marks(text, end, last);
            let is_adjacent = marks.end == end;
            let Some((next, next_end)) = self.kind(text, marks.end) else {
                let is_word = is_word && (is_adjacent || last.is_word_with_marks());
                return Some(Stretch { end: marks.end, is_word, needs_dictionary });
            };
            end = marks.end;
            let joins_two = || {
                let after = self.skip_marks(text, next_end, next).end;
                let (far, far_end) = self.kind(text, after)?;
                last.joins_across(next, far).then_some((far, far_end))
            };
            if marks.ends_in_joiner && is_pictograph(&text[marks.end..next_end]) {
                (last, end, is_word) = (next, next_end, next.is_word());
            } else if last == Kind::Regional && next == Kind::Regional && regional_count == 1 {
                (end, regional_count) = (next_end, 2);
            } else if last.joins(next, is_adjacent) {
                (last, end, is_word) = (next, next_end, next.is_word_after_another());
            } else if let Some((far, far_end)) = joins_two() {
                (last, end, is_word) = (far, far_end, true);
            } else if last == Kind::Hebrew && next == Kind::SingleQuote {
                (last, end, is_word) = (next, next_end, true);
            } else {
                let is_word = is_word && (is_adjacent || last.is_word_with_marks());
                return Some(Stretch { end, is_word, needs_dictionary });
            }
            needs_dictionary |= last.needs_dictionary();
        }
    }

    /// Skips the marks that belong to the character `last` before them.
    fn skip_marks(&self, text: &str, start: usize, last: Kind) -> Marks {
        let mut marks = Marks { end: start, ends_in_joiner: last == Kind::Joiner };
        if matches!(last, Kind::CarriageReturn | Kind::LineEnd) {
            return marks;
        }
        while let Some((kind @ (Kind::Extend | Kind::Joiner), end)) = self.kind(text, marks.end) {
            marks = Marks { end, ends_in_joiner: kind == Kind::Joiner };
        }
        marks
    }

    fn count_text(&mut self, text: &str, table: &mut Table) {
        let mut start = 0;
        while let Some(stretch) = self.stretch(text, start) {
            let part = &text[start..stretch.end];
            start = stretch.end;
            if !stretch.is_word {
                continue;
            }
            if !stretch.needs_dictionary {
                table.add(part.as_bytes());
                continue;
            }
            self.count_by_dictionary(part, table);
        }
    }

    /// Cuts the runs of scripts without spaces. Where such a run touches another script there is no
    /// boundary, as in ICU.
    fn count_by_dictionary(&mut self, part: &str, table: &mut Table) {
        let (mut word_start, mut run_start) = (0, 0);
        while run_start < part.len() {
            let (language, length) = dictionary::run(&part[run_start..]);
            self.cut(language, &part[run_start..run_start + length]);
            for end in self.ends.iter().map(|end| run_start + end) {
                table.add(&part.as_bytes()[word_start..end]);
                word_start = end;
            }
            run_start += length;
        }
        table.add(&part.as_bytes()[word_start..]);
    }

    fn cut(&mut self, language: Option<Language>, run: &str) {
        match language {
            Some(Language::ChineseJapanese) => self.chinese_japanese.cut(run, &mut self.ends),
            Some(Language::Thai) => self.thai.cut(run, &mut self.ends),
            Some(Language::Lao) => self.lao.cut(run, &mut self.ends),
            Some(Language::Khmer) => self.khmer.cut(run, &mut self.ends),
            Some(Language::Burmese) => self.burmese.cut(run, &mut self.ends),
            None => self.ends.clear(),
        }
    }
}

/// Where marks end, and what the last of them is.
struct Marks {
    end: usize,
    ends_in_joiner: bool,
}

impl Split for Words {
    fn is_of_characters(&self) -> bool {
        true
    }

    fn count(&mut self, text: &[u8], table: &mut Table) {
        for chunk in text.utf8_chunks() {
            self.count_text(chunk.valid(), table);
        }
    }

    fn last_gap(&self, text: &[u8]) -> usize {
        (1..=text.len()).rev().find(|end| end_sign_bytes(&text[..*end]) > 0).unwrap_or(0)
    }

    fn first_gap(&self, text: &[u8]) -> Option<usize> {
        (1..=text.len()).find_map(|end| match end_sign_bytes(&text[..end]) {
            0 => None,
            bytes => Some(end - bytes),
        })
    }
}

/// Length of the sign that ends this text and any word before it, whatever follows; 0: it is none.
fn end_sign_bytes(text: &[u8]) -> usize {
    match text {
        [.., byte @ ..=0x7F] => {
            usize::from(!byte.is_ascii_alphanumeric() && !JOINING_SIGNS.contains(byte))
        }
        // The ideographic full stop and comma, U+3001 and U+3002: Chinese has no spaces.
        [.., 0xE3, 0x80, 0x81 | 0x82] => 3,
        _ => 0,
    }
}

impl Kind {
    fn is_letter(self) -> bool {
        matches!(self, Kind::Letter | Kind::Complex | Kind::Hebrew)
    }

    fn is_word(self) -> bool {
        self.is_letter()
            || matches!(self, Kind::Numeric | Kind::Hangul | Kind::Ideograph)
            || matches!(self, Kind::Katakana | Kind::Kanji)
    }

    /// Whether a stretch of several characters that ends with this one is a word.
    fn is_word_after_another(self) -> bool {
        self.is_word() || matches!(self, Kind::Connector | Kind::Radical)
    }

    /// Whether a word may end with this character and a mark; ICU's rules leave some cases out.
    fn is_word_with_marks(self) -> bool {
        self.is_word() && self != Kind::Hangul
    }

    fn is_chinese_or_japanese(self) -> bool {
        matches!(self, Kind::Katakana | Kind::Kanji | Kind::Radical)
    }

    fn needs_dictionary(self) -> bool {
        self == Kind::Complex || self.is_chinese_or_japanese()
    }

    /// Whether `next` belongs to the same word; `is_adjacent`: no marks stand between.
    fn joins(self, next: Kind, is_adjacent: bool) -> bool {
        match (self, next) {
            (Kind::CarriageReturn, Kind::LineEnd) => true,
            (Kind::Space, Kind::Space) | (Kind::Hangul, Kind::Hangul) => is_adjacent,
            (Kind::Katakana, Kind::Katakana) => true,
            (last, next) if last.is_chinese_or_japanese() && next.is_chinese_or_japanese() => {
                is_adjacent
            }
            (Kind::Katakana | Kind::Connector, Kind::Connector)
            | (Kind::Connector, Kind::Katakana) => true,
            (Kind::Connector, next) => next.is_letter() || next == Kind::Numeric,
            (last, next) if last.is_letter() || last == Kind::Numeric => {
                next.is_letter() || matches!(next, Kind::Numeric | Kind::Connector)
            }
            _ => false,
        }
    }

    /// Whether a sign and what follows it belong to the same word.
    fn joins_across(self, sign: Kind, far: Kind) -> bool {
        match sign {
            Kind::MidBoth | Kind::SingleQuote => {
                (self.is_letter() && far.is_letter())
                    || (self, far) == (Kind::Numeric, Kind::Numeric)
            }
            Kind::MidLetter => self.is_letter() && far.is_letter(),
            Kind::MidNumber => (self, far) == (Kind::Numeric, Kind::Numeric),
            Kind::DoubleQuote => (self, far) == (Kind::Hebrew, Kind::Hebrew),
            _ => false,
        }
    }
}

fn is_pictograph(character: &str) -> bool {
    character.chars().any(|one| CodePointSetData::new::<ExtendedPictographic>().contains(one))
}

fn kind_by_property(character: char) -> Kind {
    match character {
        '\u{AC00}'..='\u{D7A3}' => return Kind::Hangul,
        // The most frequent ones need no look at properties.
        '\u{3041}'..='\u{3096}' | '\u{4E00}'..='\u{9FFF}' => return Kind::Kanji,
        '\u{30A1}'..='\u{30FA}' => return Kind::Katakana,
        // The one whose line break, too, was another in Unicode 15.
        '\u{19DA}' => return Kind::Complex,
        _ => {}
    }
    let word_break = CodePointMapData::<WordBreak>::new().get(character);
    let script = CodePointMapData::<Script>::new().get(character);
    let is_ideograph = || CodePointSetData::new::<Ideographic>().contains(character);
    if matches!(script, Script::Han | Script::Hiragana) {
        let is_written_alone = script == Script::Hiragana || is_ideograph();
        return if is_written_alone { Kind::Kanji } else { Kind::Radical };
    }
    match earlier_word_break(character).unwrap_or(word_break) {
        _ if character == '@' => Kind::Letter,
        WordBreak::CR => Kind::CarriageReturn,
        WordBreak::LF | WordBreak::Newline => Kind::LineEnd,
        WordBreak::Extend | WordBreak::Format => Kind::Extend,
        WordBreak::ZWJ => Kind::Joiner,
        WordBreak::WSegSpace => Kind::Space,
        WordBreak::RegionalIndicator => Kind::Regional,
        WordBreak::Numeric => Kind::Numeric,
        WordBreak::HebrewLetter => Kind::Hebrew,
        WordBreak::Katakana => Kind::Katakana,
        WordBreak::SingleQuote => Kind::SingleQuote,
        WordBreak::DoubleQuote => Kind::DoubleQuote,
        WordBreak::MidNumLet => Kind::MidBoth,
        // ICU takes the colon for the end of a word: only Swedish and Finnish write it inside one.
        WordBreak::MidLetter if matches!(character, ':' | '\u{FE55}' | '\u{FF1A}') => Kind::Other,
        WordBreak::MidLetter => Kind::MidLetter,
        WordBreak::MidNum => Kind::MidNumber,
        WordBreak::ExtendNumLet => Kind::Connector,
        other => {
            let line_break = CodePointMapData::<LineBreak>::new().get(character);
            match (line_break, other) {
                (LineBreak::ComplexContext, _) => Kind::Complex,
                (_, WordBreak::ALetter) => Kind::Letter,
                _ if is_ideograph() => Kind::Ideograph,
                _ => Kind::Other,
            }
        }
    }
}

/// What Unicode 15, which ICU 72 follows, said of characters that have changed since.
fn earlier_word_break(character: char) -> Option<WordBreak> {
    match character {
        '\u{B8}' => Some(WordBreak::Other),
        '\u{600}'..='\u{605}' | '\u{6DD}' | '\u{70F}' | '\u{890}' | '\u{891}' | '\u{8E2}' => {
            Some(WordBreak::Format)
        }
        '\u{110BD}' | '\u{110CD}' => Some(WordBreak::Format),
        '\u{FE10}' | '\u{FE14}' => Some(WordBreak::MidNum),
        _ => None,
    }
}
