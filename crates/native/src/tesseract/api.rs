//! The functions of `tesseract/capi.h` that are used, as the header declares them.

use crate::functions::functions;
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
