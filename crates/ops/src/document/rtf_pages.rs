//! Encodings of Rich Text and of office files before 2007: code pages by number, those of a font's
//! character set and of a language.

use encoding_rs::{Encoding, WINDOWS_1252};

/// Code pages that are none of letters of a byte each.
pub(super) const UTF_8_PAGE: i32 = 65_001;
pub(super) const UTF_16_PAGE: i32 = 1_200;

/// The code page of a font's character set; none where it follows the document's.
pub(super) fn page_of_charset(charset: i32) -> Option<i32> {
    Some(match charset {
        0 => 1252,
        77 => 10_000,
        128 => 932,
        129 => 949,
        134 => 936,
        136 => 950,
        161 => 1253,
        162 => 1254,
        163 => 1258,
        177 => 1255,
        178 => 1256,
        186 => 1257,
        204 => 1251,
        222 => 874,
        238 => 1250,
        _ => return None,
    })
}

/// The code page of a language, by Windows' number of it.
pub(super) fn page_of_language(language: u16) -> i32 {
    const TRADITIONAL_CHINESE: [u16; 3] = [0x0404, 0x0C04, 0x1404];
    // The lower bits are the language, the upper ones where it is spoken.
    match language & 0x3FF {
        0x04 if TRADITIONAL_CHINESE.contains(&language) => 950,
        0x04 => 936,
        0x11 => 932,
        0x12 => 949,
        0x1E => 874,
        0x02 | 0x19 | 0x22 | 0x23 | 0x2F => 1251,
        0x05 | 0x0E | 0x15 | 0x18 | 0x1A..=0x1C | 0x24 => 1250,
        0x08 => 1253,
        0x1F => 1254,
        0x0D => 1255,
        0x01 | 0x20 | 0x29 => 1256,
        0x25..=0x27 => 1257,
        0x2A => 1258,
        _ => 1252,
    }
}

/// The encoding of a code page; those of DOS and unknown ones are read as Western.
pub(super) fn code_page(page: i32) -> &'static Encoding {
    match page {
        932 => encoding_rs::SHIFT_JIS,
        936 => encoding_rs::GBK,
        949 => encoding_rs::EUC_KR,
        950 => encoding_rs::BIG5,
        874 => encoding_rs::WINDOWS_874,
        866 => encoding_rs::IBM866,
        1250 => encoding_rs::WINDOWS_1250,
        1251 => encoding_rs::WINDOWS_1251,
        1253 => encoding_rs::WINDOWS_1253,
        1254 => encoding_rs::WINDOWS_1254,
        1255 => encoding_rs::WINDOWS_1255,
        1256 => encoding_rs::WINDOWS_1256,
        1257 => encoding_rs::WINDOWS_1257,
        1258 => encoding_rs::WINDOWS_1258,
        10_000 => encoding_rs::MACINTOSH,
        10_007 => encoding_rs::X_MAC_CYRILLIC,
        UTF_8_PAGE => encoding_rs::UTF_8,
        _ => WINDOWS_1252,
    }
}
