//! Reads the words out of an engine's result.

use super::api::{Api, BLOCK, Handle, LINE, PARAGRAPH, WORD};
use std::ffi::{CStr, c_int};

/// A word on a page. Places are pixels of the picture that was handed over: left, top, right and
/// bottom, the latter two exclusive.
#[derive(Clone, PartialEq, Debug)]
pub struct Word {
    /// What it says.
    pub text: String,
    /// Where it is.
    pub place: [i32; 4],
    /// How sure that is, 0 to 100.
    pub confidence: f32,
    /// It is the first of a block (a column, a heading), with the block's place.
    pub block: Option<[i32; 4]>,
    /// It is the first of a paragraph, with its place.
    pub paragraph: Option<[i32; 4]>,
    /// It is the first of a line, with its place.
    pub line: Option<[i32; 4]>,
    /// Where the line's letters stand: from x, y to x, y. Told of a line's first word.
    pub baseline: Option<[i32; 4]>,
}

/// What is freed with the iterator.
struct Results {
    api: &'static Api,
    iterator: Handle,
    /// The same iterator as the page's functions take it.
    page: Handle,
}

/// All words, in reading order. Pieces that hold no text (pictures, rules) are left out; if one
/// began a line or a block, the next word begins it.
pub(super) fn words(api: &'static Api, engine: Handle) -> Vec<Word> {
    let Some(results) = Results::of(api, engine) else { return Vec::new() };
    let mut words = Vec::new();
    let (mut block, mut paragraph, mut line, mut baseline) = (None, None, None, None);
    loop {
        // Asking takes a while, and what begins a block begins a paragraph and a line, too.
        if results.begins(LINE) {
            line = results.place(LINE);
            baseline = results.baseline();
            if results.begins(PARAGRAPH) {
                paragraph = results.place(PARAGRAPH);
                if results.begins(BLOCK) {
                    block = results.place(BLOCK);
                }
            }
        }
        let text = results.text();
        if let (false, Some(place)) = (text.trim().is_empty(), results.place(WORD)) {
            words.push(Word {
                text,
                place,
                confidence: results.confidence(),
                block: block.take(),
                paragraph: paragraph.take(),
                line: line.take(),
                baseline: baseline.take(),
            });
        }
        if !results.next() {
            return words;
        }
    }
}

#[expect(unsafe_code, reason = "calls into C")]
impl Results {
    fn of(api: &'static Api, engine: Handle) -> Option<Results> {
        // SAFETY: the engine lives; a page without anything on it has no iterator.
        let iterator = unsafe { (api.iterator)(engine) };
        if iterator.is_null() {
            return None;
        }
        // SAFETY: the iterator is not null; its page iterator is a part of it.
        let page = unsafe { (api.page_iterator)(iterator) };
        Some(Results { api, iterator, page })
    }

    fn next(&self) -> bool {
        // SAFETY: the iterator lives as long as this value, and the engine longer.
        unsafe { (self.api.next)(self.iterator, WORD) != 0 }
    }

    fn begins(&self, level: c_int) -> bool {
        // SAFETY: as above.
        unsafe { (self.api.begins)(self.page, level) != 0 }
    }

    fn confidence(&self) -> f32 {
        // SAFETY: as above.
        let confidence = unsafe { (self.api.confidence)(self.iterator, WORD) };
        if confidence.is_finite() { confidence.clamp(0.0, 100.0) } else { 0.0 }
    }

    fn text(&self) -> String {
        // SAFETY: as above.
        let text = unsafe { (self.api.text)(self.iterator, WORD) };
        if text.is_null() {
            return String::new();
        }
        // SAFETY: not null, ends in zero, and is ours until it is deleted, once.
        unsafe {
            let copied = CStr::from_ptr(text).to_string_lossy().into_owned();
            (self.api.delete_text)(text);
            copied
        }
    }

    fn place(&self, level: c_int) -> Option<[i32; 4]> {
        let [mut left, mut top, mut right, mut bottom] = [0; 4];
        // SAFETY: as above, and all four numbers live.
        let is_told = unsafe {
            let (left, top) = (&raw mut left, &raw mut top);
            (self.api.place)(self.page, level, left, top, &raw mut right, &raw mut bottom) != 0
        };
        is_told.then_some([left, top, right, bottom])
    }

    fn baseline(&self) -> Option<[i32; 4]> {
        let [mut x1, mut y1, mut x2, mut y2] = [0; 4];
        // SAFETY: as above, and all four numbers live.
        let is_told = unsafe {
            let (from_x, from_y) = (&raw mut x1, &raw mut y1);
            (self.api.baseline)(self.page, LINE, from_x, from_y, &raw mut x2, &raw mut y2) != 0
        };
        is_told.then_some([x1, y1, x2, y2])
    }
}

#[expect(unsafe_code, reason = "a call into C")]
impl Drop for Results {
    fn drop(&mut self) {
        // SAFETY: the iterator lives until here, and nothing else knows it.
        unsafe { (self.api.delete_iterator)(self.iterator) };
    }
}
