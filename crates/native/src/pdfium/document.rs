//! An open file, and the characters of its pages.

use super::PdfiumError;
use super::api::{Api, Handle};
use std::ffi::c_int;
use std::marker::PhantomData;
use std::ptr::null;
use std::sync::MutexGuard;

/// A character that stands on a page.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Character {
    /// What it is.
    pub character: char,
    /// Where its letter begins, in points of the page's own space, y pointing up. The characters
    /// of a ligature begin at the same place.
    pub x: f64,
    /// Its height there.
    pub y: f64,
}

/// An open file.
#[derive(Debug)]
pub struct Document<'b> {
    api: &'static Api,
    /// Reads the bytes until it is closed.
    handle: Handle,
    bytes: PhantomData<&'b [u8]>,
    _alone: MutexGuard<'static, ()>,
}

#[expect(unsafe_code, reason = "calls into C")]
impl<'b> Document<'b> {
    pub(super) fn open(
        api: &'static Api,
        bytes: &'b [u8],
        alone: MutexGuard<'static, ()>,
    ) -> Result<Document<'b>, PdfiumError> {
        // SAFETY: the bytes live longer than the document; they are only read.
        let handle = unsafe { (api.open)(bytes.as_ptr().cast(), bytes.len(), null()) };
        if handle.is_null() {
            // SAFETY: takes nothing.
            return Err(PdfiumError::Document(unsafe { (api.last_error)() }));
        }
        Ok(Document { api, handle, bytes: PhantomData, _alone: alone })
    }

    /// The characters of a page, counted from 0, in drawing order: those that the file names, none
    /// that PDFium put between them or had to guess.
    ///
    /// # Errors
    /// There is no such page, or it is damaged.
    pub fn characters(&self, page_index: usize) -> Result<Vec<Character>, PdfiumError> {
        let failed = PdfiumError::Page(page_index + 1);
        let index = c_int::try_from(page_index).map_err(|_| failed)?;
        // SAFETY: the document lives; a page that is not there is null.
        let page = unsafe { (self.api.open_page)(self.handle, index) };
        let page = Closing::new(page, self.api.close_page).ok_or(failed)?;
        // SAFETY: the page lives.
        let text = unsafe { (self.api.open_text)(page.handle) };
        let text = Closing::new(text, self.api.close_text).ok_or(failed)?;
        // SAFETY: the text lives.
        let count = unsafe { (self.api.count)(text.handle) };
        Ok((0..count).filter_map(|index| self.character(text.handle, index)).collect())
    }

    fn character(&self, text: Handle, index: c_int) -> Option<Character> {
        let (mut x, mut y) = (0.0, 0.0);
        // SAFETY: the text lives, and so do both numbers; an index that is too large is no error of
        // ours, but told.
        let code = unsafe {
            let is_written = (self.api.is_generated)(text, index) == 0
                && (self.api.is_unmapped)(text, index) == 0
                && (self.api.origin)(text, index, &raw mut x, &raw mut y) != 0;
            is_written.then(|| (self.api.character)(text, index))
        };
        let character = char::from_u32(code?).filter(|it| !matches!(it, '\0' | '\u{FFFD}'))?;
        Some(Character { character, x, y })
    }
}

#[expect(unsafe_code, reason = "a call into C")]
impl Drop for Document<'_> {
    fn drop(&mut self) {
        // SAFETY: the document lives until here, its pages are closed, and nothing else knows it.
        unsafe { (self.api.close)(self.handle) };
    }
}

/// A part of a document, and how it is closed.
struct Closing {
    handle: Handle,
    close: unsafe extern "C" fn(Handle),
}

impl Closing {
    fn new(handle: Handle, close: unsafe extern "C" fn(Handle)) -> Option<Closing> {
        (!handle.is_null()).then_some(Closing { handle, close })
    }
}

#[expect(unsafe_code, reason = "a call into C")]
impl Drop for Closing {
    fn drop(&mut self) {
        // SAFETY: it lives until here, and nothing else knows it.
        unsafe { (self.close)(self.handle) };
    }
}
