//! An engine: trained data in memory, which works through one picture after another.

use super::EngineError;
use super::api::{Api, Handle, OEM_DEFAULT, OEM_TESSERACT_ONLY};
use super::words::{Word, words};
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr::{NonNull, null};

/// A picture as it lies in memory: rows from the top without gaps, a byte for each channel.
#[derive(Clone, Copy, Debug)]
pub struct Pixels<'a> {
    /// `width * height * channel_count` bytes.
    pub bytes: &'a [u8],
    /// Pixels of a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// 1 for grey, 3 for red, green and blue.
    pub channel_count: u32,
    /// Pixels of an inch; `None`: it is reckoned from the height of the letters.
    pub dpi: Option<u32>,
}

/// How a page lies.
#[derive(Clone, PartialEq, Debug)]
pub struct Turned {
    /// By how many degrees the page is to be turned clockwise to stand upright: 0, 90, 180, 270.
    pub clockwise_degrees: u32,
    /// How sure that is: 0 a guess, above 15 hardly ever wrong.
    pub confidence: f32,
    /// Name of the script: `Latin`.
    pub script: String,
    /// How sure that is.
    pub script_confidence: f32,
}

/// What an engine is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Mode {
    Words,
    Orientation,
}

/// An engine of one thread.
#[derive(Debug)]
pub struct Engine {
    api: &'static Api,
    handle: NonNull<c_void>,
}

impl Engine {
    #[expect(unsafe_code, reason = "calls into C")]
    pub(super) fn new(
        api: &'static Api,
        data: &Path,
        languages: &str,
        mode: Mode,
    ) -> Result<Engine, EngineError> {
        let failed =
            || EngineError::Data { languages: languages.to_owned(), folder: data.to_owned() };
        let folder = CString::new(data.as_os_str().as_bytes()).map_err(|_| failed())?;
        let named = CString::new(languages).map_err(|_| failed())?;
        // SAFETY: takes nothing; the new engine is this value's alone.
        let handle = NonNull::new(unsafe { (api.create)() }).ok_or_else(failed)?;
        // From here on dropping it deletes the engine.
        let engine = Engine { api, handle };
        let mode = match mode {
            Mode::Words => OEM_DEFAULT,
            Mode::Orientation => OEM_TESSERACT_ONLY,
        };
        // SAFETY: the engine lives, both texts end in zero and are only read during the call.
        let code = unsafe { (api.init)(engine.raw(), folder.as_ptr(), named.as_ptr(), mode) };
        if code == 0 { Ok(engine) } else { Err(failed()) }
    }

    /// Sets one of Tesseract's variables; `false`: this version does not know it.
    #[expect(unsafe_code, reason = "a call into C")]
    pub fn set(&mut self, name: &CStr, value: &CStr) -> bool {
        // SAFETY: the engine lives, both texts end in zero and are only read during the call.
        unsafe { (self.api.set_variable)(self.raw(), name.as_ptr(), value.as_ptr()) != 0 }
    }

    /// The words of a page in reading order. `page_mode` is Tesseract's (3: find columns and
    /// lines); `watch` hears after each word how many percent are done, and answers whether to go
    /// on.
    ///
    /// # Errors
    /// Tesseract gave up, or `watch` did not want to go on.
    ///
    /// # Panics
    /// The pixels are not as many as their sizes say.
    #[expect(unsafe_code, reason = "calls into C")]
    pub fn recognise(
        &mut self,
        pixels: &Pixels<'_>,
        page_mode: u32,
        watch: &mut dyn FnMut(u32) -> bool,
    ) -> Result<Vec<Word>, EngineError> {
        let page_mode = c_int::try_from(page_mode).map_err(|_| EngineError::Recognise)?;
        // SAFETY: the engine lives; an unknown number is an unknown mode, which finds nothing.
        unsafe { (self.api.set_page_mode)(self.raw(), page_mode) };
        self.show(pixels)?;
        // SAFETY: takes nothing; the new monitor is ours alone.
        let monitor = unsafe { (self.api.create_monitor)() };
        if monitor.is_null() {
            return Err(EngineError::Recognise);
        }
        let mut watched = Watched { api: self.api, monitor, watch, is_cancelled: false };
        // SAFETY: the monitor is not null, and `watched` outlives its use in `recognise`, during
        // which it is touched by `on_word` alone. Then the monitor is deleted, once.
        let code = unsafe {
            (self.api.set_cancel)(monitor, on_word);
            (self.api.set_cancel_this)(monitor, (&raw mut watched).cast());
            let code = (self.api.recognise)(self.raw(), monitor);
            (self.api.delete_monitor)(monitor);
            code
        };
        let found = match (watched.is_cancelled, code) {
            (true, _) => Err(EngineError::Cancelled),
            (false, 0) => Ok(words(self.api, self.raw())),
            (false, _) => Err(EngineError::Recognise),
        };
        self.forget();
        found
    }

    /// How the page lies; `None` where there is too little on it to tell. For engines that tell
    /// orientations; others find nothing.
    #[expect(unsafe_code, reason = "calls into C")]
    pub fn orientation(&mut self, pixels: &Pixels<'_>) -> Option<Turned> {
        self.show(pixels).ok()?;
        let (mut degrees, mut confidence) = (0, 0.0);
        let (mut script, mut script_confidence) = (null::<c_char>(), 0.0);
        // SAFETY: the engine lives; all four pointers are of live values.
        let is_told = unsafe {
            let (degrees, confidence) = (&raw mut degrees, &raw mut confidence);
            let (script, sure) = (&raw mut script, &raw mut script_confidence);
            (self.api.detect_orientation)(self.raw(), degrees, confidence, script, sure) != 0
        };
        let script = if script.is_null() {
            String::new()
        } else {
            // SAFETY: not null, and a text of the engine's own tables, which ends in zero.
            unsafe { CStr::from_ptr(script) }.to_string_lossy().into_owned()
        };
        self.forget();
        // Tesseract tells by how much the page was turned, counted the other way round.
        let degrees = u32::try_from(degrees).ok()? % 360;
        let turned = Turned {
            clockwise_degrees: (360 - degrees) % 360,
            confidence,
            script,
            script_confidence,
        };
        is_told.then_some(turned)
    }

    /// Hands a picture over, which is copied.
    #[expect(unsafe_code, reason = "calls into C")]
    fn show(&mut self, pixels: &Pixels<'_>) -> Result<(), EngineError> {
        let Pixels { bytes, width, height, channel_count, dpi } = *pixels;
        let row_bytes = u64::from(width) * u64::from(channel_count);
        assert!(matches!(channel_count, 1 | 3), "grey, or red, green and blue");
        assert_eq!(bytes.len() as u64, row_bytes * u64::from(height), "as many pixels as told");
        let number = |value: u64| c_int::try_from(value).map_err(|_| EngineError::Recognise);
        let (wide, high) = (number(width.into())?, number(height.into())?);
        let (channels, row_bytes) = (number(channel_count.into())?, number(row_bytes)?);
        let dpi = number(dpi.unwrap_or(0).into())?;
        // SAFETY: the engine lives; the sizes are those of `bytes`, asserted above, which are only
        // read during the call.
        unsafe {
            (self.api.set_image)(self.raw(), bytes.as_ptr(), wide, high, channels, row_bytes);
            if dpi > 0 {
                (self.api.set_resolution)(self.raw(), dpi);
            }
        }
        Ok(())
    }

    /// Frees the picture and what was found and learnt: what the next one gives must not depend on
    /// this one.
    #[expect(unsafe_code, reason = "calls into C")]
    fn forget(&mut self) {
        // SAFETY: the engine lives, and no iterator of its results does.
        unsafe {
            (self.api.clear)(self.raw());
            (self.api.clear_learnt)(self.raw());
        }
    }

    fn raw(&self) -> Handle {
        self.handle.as_ptr()
    }
}

impl Drop for Engine {
    #[expect(unsafe_code, reason = "a call into C")]
    fn drop(&mut self) {
        // SAFETY: the engine lives until here, and nothing else knows it.
        unsafe { (self.api.delete)(self.raw()) };
    }
}

/// What `on_word` is handed.
struct Watched<'a> {
    api: &'static Api,
    monitor: Handle,
    watch: &'a mut dyn FnMut(u32) -> bool,
    is_cancelled: bool,
}

/// Called by Tesseract after each word. A panic in here ends the process, as everywhere where C
/// calls back: the executor's death is the attempt's failure.
#[expect(unsafe_code, reason = "called from C")]
unsafe extern "C" fn on_word(this: *mut c_void, _words: c_int) -> bool {
    // SAFETY: `recognise` passes its own `Watched`, which lives and which nobody else touches now.
    let watched = unsafe { &mut *this.cast::<Watched<'_>>() };
    // SAFETY: the monitor lives while it is used.
    let percent = unsafe { (watched.api.progress)(watched.monitor) };
    watched.is_cancelled |= !(watched.watch)(u32::try_from(percent).unwrap_or(0).min(100));
    watched.is_cancelled
}
