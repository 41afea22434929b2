//! The functions of `libheif/heif.h` that are used, as the header declares them.

use super::HeifError;
use crate::functions::functions;
use std::ffi::{CStr, c_char, c_int, c_void};

/// `heif_context`, `heif_image_handle` and `heif_image`: never looked into.
pub(super) type Handle = *mut c_void;

/// `heif_compression_format`.
pub(super) const COMPRESSION_HEVC: c_int = 1;
pub(super) const COMPRESSION_AV1: c_int = 4;
/// `heif_colorspace`.
pub(super) const COLORSPACE_RGB: c_int = 1;
/// `heif_chroma`: a byte for each channel, one pixel behind the other.
pub(super) const CHROMA_RGB: c_int = 10;
pub(super) const CHROMA_RGBA: c_int = 11;
/// `heif_channel`: all of them, in pixels.
pub(super) const CHANNEL_INTERLEAVED: c_int = 10;

/// `heif_error_code` and `heif_suberror_code`.
const OK: c_int = 0;
const UNSUPPORTED_FILE: c_int = 3;
const UNSUPPORTED_FEATURE: c_int = 4;
const NO_MEMORY: c_int = 6;
const LIMIT_EXCEEDED: c_int = 1_000;
const UNSUPPORTED_CODING: c_int = 3_000;

/// `heif_error`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub(super) struct Outcome {
    code: c_int,
    detail: c_int,
    message: *const c_char,
}

/// `heif_decoding_options` as far as version 3 of it goes; the library makes it, and says by
/// `version` how much of it is there.
#[repr(C)]
pub(super) struct Options {
    pub(super) version: u8,
    ignore_transformations: u8,
    progress: [*const c_void; 4],
    /// From version 2 on: samples of more than 8 bits become those of 8.
    pub(super) convert_to_8_bits: u8,
    /// From version 3 on: damage is an error rather than a picture with holes.
    pub(super) is_strict: u8,
}

functions! {
    version = "heif_get_version"() -> *const c_char;
    have_decoder = "heif_have_decoder_for_format"(c_int) -> c_int;
    new_context = "heif_context_alloc"() -> Handle;
    free_context = "heif_context_free"(Handle);
    set_thread_count = "heif_context_set_max_decoding_threads"(Handle, c_int);
    set_side_max = "heif_context_set_maximum_image_size_limit"(Handle, c_int);
    read = "heif_context_read_from_memory_without_copy"(
        Handle, *const c_void, usize, *const c_void) -> Outcome;
    picture_count = "heif_context_get_number_of_top_level_images"(Handle) -> c_int;
    main_picture = "heif_context_get_primary_image_handle"(Handle, *mut Handle) -> Outcome;
    release_handle = "heif_image_handle_release"(Handle);
    width = "heif_image_handle_get_width"(Handle) -> c_int;
    height = "heif_image_handle_get_height"(Handle) -> c_int;
    stored_width = "heif_image_handle_get_ispe_width"(Handle) -> c_int;
    stored_height = "heif_image_handle_get_ispe_height"(Handle) -> c_int;
    has_alpha = "heif_image_handle_has_alpha_channel"(Handle) -> c_int;
    is_premultiplied = "heif_image_handle_is_premultiplied_alpha"(Handle) -> c_int;
    bit_depth = "heif_image_handle_get_luma_bits_per_pixel"(Handle) -> c_int;
    new_options = "heif_decoding_options_alloc"() -> *mut Options;
    free_options = "heif_decoding_options_free"(*mut Options);
    decode = "heif_decode_image"(
        Handle, *mut Handle, c_int, c_int, *const Options) -> Outcome;
    image_width = "heif_image_get_width"(Handle, c_int) -> c_int;
    image_height = "heif_image_get_height"(Handle, c_int) -> c_int;
    image_bits = "heif_image_get_bits_per_pixel"(Handle, c_int) -> c_int;
    plane = "heif_image_get_plane_readonly"(Handle, c_int, *mut c_int) -> *const u8;
    release_image = "heif_image_release"(Handle);
}

impl Outcome {
    /// What a call came to, with the library's words; to be asked while the context that it was
    /// about is still there.
    #[expect(unsafe_code, reason = "a text of C's")]
    pub(super) fn into_result(self) -> Result<(), HeifError> {
        if self.code == OK {
            return Ok(());
        }
        let message = if self.message.is_null() {
            "no word why".to_owned()
        } else {
            // SAFETY: not null, and a text that ends in zero and lives as long as the context.
            unsafe { CStr::from_ptr(self.message) }.to_string_lossy().into_owned()
        };
        Err(match (self.code, self.detail) {
            (_, LIMIT_EXCEEDED) => HeifError::TooLarge(message),
            (_, UNSUPPORTED_CODING) => HeifError::NoDecoder(message),
            (UNSUPPORTED_FILE | UNSUPPORTED_FEATURE, _) => HeifError::Unsupported(message),
            (NO_MEMORY, _) => HeifError::Memory(message),
            _ => HeifError::Damaged(message),
        })
    }
}
