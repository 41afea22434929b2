//! The functions of `tesseract/capi.h` that are used, as the header declares them.

use libloading::Library;
use std::ffi::{c_char, c_float, c_int, c_uchar, c_void};

/// `TessBaseAPI`, `TessResultIterator` and `ETEXT_DESC`: never looked into.
pub(super) type Handle = *mut c_void;
/// `TessCancelFunc`: asked after each word; `true` ends the recognition.
pub(super) type CancelFunction = unsafe extern "C" fn(*mut c_void, c_int) -> bool;

/// `TessOcrEngineMode`.
pub(super) const OEM_TESSERACT_ONLY: c_int = 0;
pub(super) const OEM_DEFAULT: c_int = 3;
/// `TessPageIteratorLevel`.
pub(super) const BLOCK: c_int = 0;
pub(super) const PARAGRAPH: c_int = 1;
pub(super) const LINE: c_int = 2;
pub(super) const WORD: c_int = 3;

macro_rules! functions {
    ($($field:ident = $symbol:literal ($($argument:ty),*) $(-> $result:ty)?;)*) => {
        /// The library with its functions.
        #[derive(Debug)]
        pub(super) struct Api {
            $(pub(super) $field: unsafe extern "C" fn($($argument),*) $(-> $result)?,)*
            /// What the functions lie in.
            _library: Library,
        }

        impl Api {
            /// The functions of an open library.
            #[expect(unsafe_code, reason = "functions of a library in C")]
            fn of(library: Library) -> Result<Api, libloading::Error> {
                // SAFETY: each type is the one of the header, where these functions have not
                // changed since version 4; they are used only while `_library` is open.
                unsafe {
                    $(let $field = *library.get(concat!($symbol, "\0").as_bytes())?;)*
                    Ok(Api { $($field,)* _library: library })
                }
            }
        }
    };
}

functions! {
    version = "TessVersion"() -> *const c_char;
    delete_text = "TessDeleteText"(*const c_char);
    create = "TessBaseAPICreate"() -> Handle;
    delete = "TessBaseAPIDelete"(Handle);
    init = "TessBaseAPIInit2"(Handle, *const c_char, *const c_char, c_int) -> c_int;
    set_variable = "TessBaseAPISetVariable"(Handle, *const c_char, *const c_char) -> c_int;
    set_page_mode = "TessBaseAPISetPageSegMode"(Handle, c_int);
    set_image = "TessBaseAPISetImage"(Handle, *const c_uchar, c_int, c_int, c_int, c_int);
    set_resolution = "TessBaseAPISetSourceResolution"(Handle, c_int);
    recognise = "TessBaseAPIRecognize"(Handle, Handle) -> c_int;
    iterator = "TessBaseAPIGetIterator"(Handle) -> Handle;
    clear = "TessBaseAPIClear"(Handle);
    clear_learnt = "TessBaseAPIClearAdaptiveClassifier"(Handle);
    detect_orientation = "TessBaseAPIDetectOrientationScript"(
        Handle, *mut c_int, *mut c_float, *mut *const c_char, *mut c_float) -> c_int;
    delete_iterator = "TessResultIteratorDelete"(Handle);
    page_iterator = "TessResultIteratorGetPageIteratorConst"(Handle) -> Handle;
    next = "TessResultIteratorNext"(Handle, c_int) -> c_int;
    text = "TessResultIteratorGetUTF8Text"(Handle, c_int) -> *mut c_char;
    confidence = "TessResultIteratorConfidence"(Handle, c_int) -> c_float;
    begins = "TessPageIteratorIsAtBeginningOf"(Handle, c_int) -> c_int;
    place = "TessPageIteratorBoundingBox"(
        Handle, c_int, *mut c_int, *mut c_int, *mut c_int, *mut c_int) -> c_int;
    baseline = "TessPageIteratorBaseline"(
        Handle, c_int, *mut c_int, *mut c_int, *mut c_int, *mut c_int) -> c_int;
    create_monitor = "TessMonitorCreate"() -> Handle;
    delete_monitor = "TessMonitorDelete"(Handle);
    set_cancel = "TessMonitorSetCancelFunc"(Handle, CancelFunction);
    set_cancel_this = "TessMonitorSetCancelThis"(Handle, *mut c_void);
    progress = "TessMonitorGetProgress"(Handle) -> c_int;
}

impl Api {
    /// Opens the first of these libraries that the loader finds.
    #[expect(unsafe_code, reason = "a library's constructors run when it is opened")]
    pub(super) fn open(names: &[&str]) -> Result<Api, libloading::Error> {
        let mut failed = None;
        for name in names {
            // SAFETY: Tesseract's constructors register variables and choose instructions; they
            // expect nothing of their process.
            match unsafe { Library::new(*name) } {
                Ok(library) => return Api::of(library),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        Err(failed.expect("there is a name"))
    }
}
