//! The functions of PDFium's headers that are used, as they declare them.

use crate::functions::functions;
use std::ffi::{c_char, c_double, c_int, c_uint, c_ulong, c_void};

/// `FPDF_DOCUMENT`, `FPDF_PAGE` and `FPDF_TEXTPAGE`: never looked into.
pub(super) type Handle = *mut c_void;

functions! {
    init = "FPDF_InitLibrary"();
    open = "FPDF_LoadMemDocument64"(*const c_void, usize, *const c_char) -> Handle;
    last_error = "FPDF_GetLastError"() -> c_ulong;
    close = "FPDF_CloseDocument"(Handle);
    open_page = "FPDF_LoadPage"(Handle, c_int) -> Handle;
    close_page = "FPDF_ClosePage"(Handle);
    open_text = "FPDFText_LoadPage"(Handle) -> Handle;
    close_text = "FPDFText_ClosePage"(Handle);
    count = "FPDFText_CountChars"(Handle) -> c_int;
    character = "FPDFText_GetUnicode"(Handle, c_int) -> c_uint;
    is_generated = "FPDFText_IsGenerated"(Handle, c_int) -> c_int;
    is_unmapped = "FPDFText_HasUnicodeMapError"(Handle, c_int) -> c_int;
    origin = "FPDFText_GetCharOrigin"(Handle, c_int, *mut c_double, *mut c_double) -> c_int;
}
