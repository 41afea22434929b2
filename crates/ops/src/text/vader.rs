//! VADER, the rule-based sentiment of Hutto and Gilbert (2014), as vaderSentiment 3.3.2 computes
//! it.
//!
//! The original looks back three words and ahead two but copies the text for every word; here a
//! window moves over the words, so that time grows with the text and memory with its rated words
//! only.

mod but;
mod tokens;

use super::lexicon::{KNOWN, Lexicon, Term};
use std::ops::ControlFlow;
use tokens::{Emphasis, Token, for_each_token};

/// What a word in capitals adds where others are not in capitals.
const CAPITALS: f64 = 0.733;
/// What a negation multiplies with.
const NEGATION: f64 = -0.74;
/// A booster's weight one, two and three words before.
const DISTANCE_WEIGHTS: [f64; 3] = [1.0, 0.95, 0.9];
/// Normalises the sum of valences to -1 to 1.
const ALPHA: f64 = 15.0;
/// Words before the rated one that the rules look at.
const BEFORE: usize = 3;
/// Words after it.
const AFTER: usize = 2;
const WINDOW: usize = BEFORE + 1 + AFTER;

/// Phrases with a valence of their own.
const IDIOMS: [(&[Term], f64); 8] = [
    (&[Term::The, Term::Shit], 3.0),
    (&[Term::The, Term::Bomb], 3.0),
    (&[Term::Bad, Term::Ass], 1.5),
    (&[Term::Bus, Term::Stop], 0.0),
    (&[Term::Yeah, Term::Right], -2.0),
    (&[Term::Kiss, Term::Of, Term::Death], -1.5),
    (&[Term::To, Term::Die, Term::For], 3.0),
    (&[Term::Beating, Term::Heart], 3.5),
];

/// Dampeners of two words, and what they add.
const DAMPENING_PAIRS: [[Term; 2]; 3] =
    [[Term::Just, Term::Enough], [Term::Kind, Term::Of], [Term::Sort, Term::Of]];
const DAMPENING: f64 = -0.293;

/// Sentiment of a text.
#[derive(Clone, Copy, PartialEq, Debug, Default, serde::Serialize)]
pub(crate) struct Polarity {
    /// Share of bad words, three decimals.
    pub(crate) neg: f64,
    /// Share of neutral words, three decimals.
    pub(crate) neu: f64,
    /// Share of good words, three decimals.
    pub(crate) pos: f64,
    /// Over all, -1 to 1, four decimals.
    pub(crate) compound: f64,
}

/// The polarity of a text, which may be a sentence or a book.
pub(crate) fn polarity(text: &str) -> Polarity {
    let lexicon = &*KNOWN;
    let mut rater = Rater::new(capitals_stand_out(text, lexicon));
    let mut emphasis = Emphasis::default();
    let _ = for_each_token(text, lexicon, |raw| {
        emphasis.add(raw);
        rater.push(Token::of(raw, lexicon));
        ControlFlow::Continue(())
    });
    score(&rater.finish(), emphasis.amount())
}

/// Whether some words are in capitals and some are not.
fn capitals_stand_out(text: &str, lexicon: &Lexicon) -> bool {
    let mut seen = [false; 2];
    let _ = for_each_token(text, lexicon, |raw| {
        seen[usize::from(tokens::is_upper(raw))] = true;
        if seen == [true; 2] { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    seen == [true; 2]
}

/// Rates the words of a text that pass one by one.
struct Rater {
    capitals_stand_out: bool,
    /// The rated word stands at [`BEFORE`], the newest one last.
    window: [Token; WINDOW],
    /// Words taken in so far.
    count: usize,
    /// Index of the first "but".
    first_but: Option<usize>,
    /// Index and valence of the words whose valence is not 0.
    rated: Vec<(usize, f64)>,
}

/// Valences of a text.
struct Ratings {
    /// Of the words that are not neutral, in text order.
    rated: Vec<f64>,
    word_count: usize,
}

impl Rater {
    fn new(capitals_stand_out: bool) -> Rater {
        let window = [Token::default(); WINDOW];
        Rater { capitals_stand_out, window, count: 0, first_but: None, rated: Vec::new() }
    }

    fn push(&mut self, token: Token) {
        if self.first_but.is_none() && token.is(Term::But) {
            self.first_but = Some(self.count);
        }
        self.shift(token);
        self.count += 1;
        if self.count > AFTER {
            self.rate(self.count - 1 - AFTER, AFTER);
        }
    }

    fn finish(mut self) -> Ratings {
        for after in (0..AFTER.min(self.count)).rev() {
            // A text of one word needs two shifts to bring it to its place.
            let shift_count = if self.count < AFTER { AFTER } else { 1 };
            (0..shift_count).for_each(|_| self.shift(Token::default()));
            self.rate(self.count - 1 - after, after);
        }
        if let Some(but) = self.first_but {
            but::weigh(&mut self.rated, but);
        }
        let rated = self.rated.iter().map(|(_, valence)| *valence);
        Ratings { rated: rated.filter(|valence| *valence != 0.0).collect(), word_count: self.count }
    }

    fn shift(&mut self, token: Token) {
        self.window.rotate_left(1);
        self.window[WINDOW - 1] = token;
    }

    /// Rates the word at `index` of the text, after which `after` words of the window are real.
    fn rate(&mut self, index: usize, after: usize) {
        let item = self.window[BEFORE];
        let Some(listed) = item.entry.valence else { return };
        let is_kind_of = item.is(Term::Kind) && self.next(1, after).is(Term::Of);
        if item.entry.boost != 0.0 || is_kind_of {
            return;
        }
        let mut valence = self.valence_beside_no(listed, index, after);
        if item.is_upper && self.capitals_stand_out {
            valence += if valence > 0.0 { CAPITALS } else { -CAPITALS };
        }
        for distance in 1..=BEFORE.min(index) {
            if self.before(distance).entry.valence.is_some() {
                continue;
            }
            valence += self.boost(distance, valence);
            valence = self.negated(distance, valence);
            if distance == BEFORE {
                valence = self.idiom(valence, after);
            }
        }
        valence = self.least(valence, index);
        if valence != 0.0 {
            self.rated.push((index, valence));
        }
    }

    /// The word `distance` before the rated one.
    fn before(&self, distance: usize) -> &Token {
        &self.window[BEFORE - distance]
    }

    /// The word `distance` after the rated one, or a blank one after the end.
    fn next(&self, distance: usize, after: usize) -> Token {
        if distance <= after { self.window[BEFORE + distance] } else { Token::default() }
    }

    /// "no" before a listed word turns that word around instead of counting itself.
    fn valence_beside_no(&self, listed: f64, index: usize, after: usize) -> f64 {
        let no_before = |distance: usize| index >= distance && self.before(distance).is(Term::No);
        let or_before = self.before(1).is(Term::Or) || self.before(1).is(Term::Nor);
        if no_before(1) || no_before(2) || (no_before(3) && or_before) {
            return listed * NEGATION;
        }
        let is_leading_no = self.window[BEFORE].is(Term::No);
        if is_leading_no && self.next(1, after).entry.valence.is_some() { 0.0 } else { listed }
    }

    /// What a booster at this distance adds.
    fn boost(&self, distance: usize, valence: f64) -> f64 {
        let word = self.before(distance);
        let mut boost = word.entry.boost;
        if boost == 0.0 {
            return 0.0;
        }
        if valence < 0.0 {
            boost = -boost;
        }
        if word.is_upper && self.capitals_stand_out {
            boost += if valence > 0.0 { CAPITALS } else { -CAPITALS };
        }
        boost * DISTANCE_WEIGHTS[distance - 1]
    }

    fn negated(&self, distance: usize, valence: f64) -> f64 {
        let at = |distance: usize, term: Term| self.before(distance).is(term);
        let so_or_this = |distance: usize| at(distance, Term::So) || at(distance, Term::This);
        let (praises, is_certain) = match distance {
            2 => (at(2, Term::Never) && so_or_this(1), at(2, Term::Without) && at(1, Term::Doubt)),
            // The original's precedence: "so" and "this" right before the word need no "never".
            3 => (
                (at(3, Term::Never) && so_or_this(2)) || so_or_this(1),
                at(3, Term::Without) && (at(2, Term::Doubt) || at(1, Term::Doubt)),
            ),
            _ => (false, false),
        };
        if praises {
            valence * 1.25
        } else if !is_certain && self.before(distance).entry.negates {
            valence * NEGATION
        } else {
            valence
        }
    }

    /// The valence of an idiom that the rated word and its neighbours form, and dampening pairs.
    fn idiom(&self, valence: f64, after: usize) -> f64 {
        let own_valence = |range: std::ops::RangeInclusive<usize>| {
            let words = self.window[range].iter().map(|token| token.entry.term);
            let idiom = IDIOMS.iter().find(|(phrase, _)| words.clone().eq(phrase.iter().copied()));
            idiom.map(|(_, valence)| *valence)
        };
        // Places in the window; the rated word stands at 3. The first that fits wins.
        let behind = [2..=3, 1..=3, 1..=2, 0..=2, 0..=1].into_iter().find_map(own_valence);
        let mut valence = behind.unwrap_or(valence);
        for ahead in 1..=after {
            valence = own_valence(BEFORE..=BEFORE + ahead).unwrap_or(valence);
        }
        for pair in [0..=1, 1..=2] {
            let words = self.window[pair].iter().map(|token| token.entry.term);
            if DAMPENING_PAIRS.iter().any(|pair| words.clone().eq(pair.iter().copied())) {
                valence += DAMPENING;
            }
        }
        valence
    }

    /// "least" turns the word around, "at least" and "very least" do not.
    fn least(&self, valence: f64, index: usize) -> f64 {
        let is_softened =
            index > 1 && (self.before(2).is(Term::At) || self.before(2).is(Term::Very));
        let is_least = index > 0 && self.before(1).is(Term::Least);
        if is_least && !is_softened { valence * NEGATION } else { valence }
    }
}

fn score(ratings: &Ratings, emphasis: f64) -> Polarity {
    if ratings.word_count == 0 {
        return Polarity::default();
    }
    // Added up from the left as Python before 3.12 does; its `sum` makes up for rounding since.
    let mut sum = ratings.rated.iter().fold(0.0, |sum, valence| sum + valence);
    if sum > 0.0 {
        sum += emphasis;
    } else if sum < 0.0 {
        sum -= emphasis;
    }
    let compound = (sum / (sum * sum + ALPHA).sqrt()).clamp(-1.0, 1.0);
    // A neutral word counts 1, so a rated one counts 1 more than its valence.
    let (mut good, mut bad) = (0.0, 0.0);
    for valence in &ratings.rated {
        match *valence > 0.0 {
            true => good += valence + 1.0,
            false => bad += valence - 1.0,
        }
    }
    let neutral = (ratings.word_count - ratings.rated.len()) as f64;
    if good > f64::abs(bad) {
        good += emphasis;
    } else if good < f64::abs(bad) {
        bad -= emphasis;
    }
    let total = good + f64::abs(bad) + neutral;
    let share = |part: f64| round(f64::abs(part / total), 3);
    Polarity {
        neg: share(bad),
        neu: share(neutral),
        pos: share(good),
        compound: round(compound, 4),
    }
}

/// Rounds as Python does: the exact binary value, ties to even.
fn round(value: f64, decimals: usize) -> f64 {
    format!("{value:.decimals$}").parse().unwrap_or(value)
}
