//! A PDF of pictures with their text, invisible, over them: to be looked at, searched and copied.
//!
//! The text's fonts have no shapes (Type 3, ISO 32000-1, 9.6.5), only a width and what each
//! character is (ToUnicode, 9.10.3): nothing needs to be embedded, whatever the language.

use super::page::{Line, Page};
use crate::image::picture::{Layout, Picture};
use flate2::Compression;
use flate2::write::ZlibEncoder;
use image::ExtendedColorType;
use image::codecs::jpeg::JpegEncoder;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use windlass_core::{Failure, FailureKind};

/// Pixels of an inch where a file does not say: as many as make the longer side A4's.
const LONGER_SIDE_INCHES: f64 = 11.69;
const DPI_MIN: f64 = 72.0;
/// PDF's unit is a 72nd of an inch.
const POINTS_OF_AN_INCH: f64 = 72.0;
/// Quality of pictures in colour, which are photographs of pages.
const JPEG_QUALITY: u8 = 90;
/// Codes of one font.
const CODE_COUNT: usize = 256;
/// Width of every character in thousandths of the font's size.
const CHARACTER_WIDTH: f64 = 500.0;

/// How a page looks.
pub(super) enum Look {
    /// The file's own bytes: a JPEG that lies as it is looked at.
    Jpeg { bytes: Vec<u8>, is_grey: bool },
    /// Pixels of the upright page, grey or in colours.
    Pixels(Picture),
}

/// Writes objects one after another and notes where they begin.
struct Writer {
    out: Vec<u8>,
    /// Where each object begins, by its number less 1; 0: not yet.
    begins: Vec<usize>,
}

/// A PDF in the making.
pub(super) struct Document {
    writer: Writer,
    pages: Vec<usize>,
    characters: Characters,
}

const CATALOG: usize = 1;
const PAGES: usize = 2;
const GLYPH: usize = 3;
const FONTS: usize = 4;
/// Objects that are written at the end, under numbers that are known from the beginning.
const LAST_COUNT: usize = 4;

/// Characters that occur, each with its code.
#[derive(Default)]
struct Characters {
    codes: BTreeMap<char, usize>,
    in_order: Vec<char>,
}

impl Characters {
    fn code(&mut self, character: char) -> usize {
        let next = self.in_order.len();
        let code = *self.codes.entry(character).or_insert(next);
        if code == next {
            self.in_order.push(character);
        }
        code
    }
}

impl Document {
    pub(super) fn new() -> Document {
        let mut writer = Writer { out: Vec::new(), begins: vec![0; LAST_COUNT] };
        // The second line tells programs that the file is no text.
        writer.out.extend(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n");
        Document { writer, pages: Vec::new(), characters: Characters::default() }
    }

    /// Adds a page; `dpi` as the file says.
    pub(super) fn push(
        &mut self,
        look: Look,
        page: &Page,
        dpi: Option<u32>,
    ) -> Result<(), Failure> {
        let longer = f64::from(page.width.max(page.height));
        let dpi = dpi.map_or_else(|| (longer / LONGER_SIDE_INCHES).max(DPI_MIN), f64::from);
        let scale = POINTS_OF_AN_INCH / dpi;
        let (width, height) = (f64::from(page.width) * scale, f64::from(page.height) * scale);
        let picture = self.picture(look, page)?;
        let mut content = format!("q {width:.3} 0 0 {height:.3} 0 0 cm /P Do Q\nBT 3 Tr\n");
        for line in page.lines() {
            self.line(&mut content, line, scale, height);
        }
        content.push_str("ET\n");
        let content = self.writer.stream("", &packed(content.as_bytes())?);
        let number = self.writer.begin();
        let _ = write!(
            self.writer.out,
            "<</Type/Page/Parent {PAGES} 0 R/MediaBox[0 0 {width:.3} {height:.3}]\
             /Contents {content} 0 R/Resources<</XObject<</P {picture} 0 R>>/Font {FONTS} 0 R>>>>"
        );
        self.writer.end();
        self.pages.push(number);
        Ok(())
    }

    fn picture(&mut self, look: Look, page: &Page) -> Result<usize, Failure> {
        let (space, bits, filter, bytes) = match look {
            Look::Jpeg { bytes, is_grey: true } => ("DeviceGray", 8, "DCTDecode", bytes),
            Look::Jpeg { bytes, is_grey: false } => ("DeviceRGB", 8, "DCTDecode", bytes),
            Look::Pixels(picture) => match picture.layout {
                Layout::Grey if is_bilevel(&picture) => {
                    ("DeviceGray", 1, "FlateDecode", packed(&bits_of(&picture))?)
                }
                Layout::Grey => ("DeviceGray", 8, "FlateDecode", packed(&picture.bytes)?),
                Layout::Rgb | Layout::Rgba => ("DeviceRGB", 8, "DCTDecode", jpeg(&picture)?),
            },
        };
        let entries = format!(
            "/Type/XObject/Subtype/Image/Width {}/Height {}/ColorSpace/{space}/BitsPerComponent \
             {bits}/Filter/{filter}",
            page.width, page.height
        );
        Ok(self.writer.plain_stream(&entries, &bytes))
    }

    /// The words of a line, each stretched over its place, with a blank behind.
    fn line(&mut self, content: &mut String, line: &Line, scale: f64, page_height: f64) {
        let height = f64::from(line.place.bottom.saturating_sub(line.place.top));
        let slope = line.baseline.map_or(0.0, |baseline| baseline.slope);
        let width = f64::from(line.place.right.saturating_sub(line.place.left));
        // A slanting line's box is higher than its letters.
        let size = (height - slope.abs() * width).max(height / 4.0).max(1.0) * scale;
        for word in &line.words {
            let (left, right) = (f64::from(word.place.left), f64::from(word.place.right));
            // Words of a slanting line are level, each at its own height: readers that look for
            // lines break up words whose letters fall.
            let bottom = match line.baseline {
                Some(baseline) => baseline.at(f64::midpoint(left, right)),
                None => f64::from(word.place.bottom),
            };
            let (x, y) = (left * scale, page_height - bottom * scale);
            let wide = (right - left).max(1.0) * scale;
            let count = word.text.chars().count().max(1) as f64;
            let stretch = wide / (count * size * CHARACTER_WIDTH / 1_000.0) * 100.0;
            let _ =
                write!(content, "1 0 0 1 {x:.2} {y:.2} Tm {:.2} Tz", stretch.clamp(1.0, 1_000.0));
            self.show(content, &word.text, size);
        }
    }

    /// The characters, font by font.
    fn show(&mut self, content: &mut String, text: &str, size: f64) {
        let mut font = None;
        for character in text.chars().chain([' ']) {
            let code = self.characters.code(character);
            if font != Some(code / CODE_COUNT) {
                content.push_str(if font.is_some() { "> Tj" } else { "" });
                font = Some(code / CODE_COUNT);
                let _ = write!(content, " /F{} {size:.2} Tf <", code / CODE_COUNT);
            }
            let _ = write!(content, "{:02x}", code % CODE_COUNT);
        }
        content.push_str("> Tj\n");
    }

    /// The whole file.
    pub(super) fn finish(mut self) -> Result<Vec<u8>, Failure> {
        let glyph = format!("{CHARACTER_WIDTH} 0 d0");
        self.writer.stream_at(GLYPH, "", glyph.as_bytes());
        let fonts: Vec<usize> = self
            .characters
            .in_order
            .chunks(CODE_COUNT)
            .map(|characters| font(&mut self.writer, characters))
            .collect::<Result<_, _>>()?;
        let named = fonts.iter().enumerate().map(|(index, font)| format!("/F{index} {font} 0 R"));
        let named = named.collect::<String>();
        self.writer.begin_at(FONTS);
        let _ = write!(self.writer.out, "<<{named}>>");
        self.writer.end();
        let kids: String = self.pages.iter().map(|page| format!("{page} 0 R ")).collect();
        self.writer.begin_at(PAGES);
        let _ = write!(
            self.writer.out,
            "<</Type/Pages/Count {}/Kids[{}]>>",
            self.pages.len(),
            kids.trim_end()
        );
        self.writer.end();
        self.writer.begin_at(CATALOG);
        let _ = write!(self.writer.out, "<</Type/Catalog/Pages {PAGES} 0 R>>");
        self.writer.end();
        Ok(self.writer.finish())
    }
}

/// A font of these characters, whose codes are their positions.
fn font(writer: &mut Writer, characters: &[char]) -> Result<usize, Failure> {
    let mut map = String::from(
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap\n/CMapName /W def\n\
         1 begincodespacerange <00> <ff> endcodespacerange\n",
    );
    // At most 100 lines a section.
    for (index, part) in characters.chunks(100).enumerate() {
        let _ = writeln!(map, "{} beginbfchar", part.len());
        for (offset, character) in part.iter().enumerate() {
            let mut units = [0; 2];
            let units = character.encode_utf16(&mut units).iter().map(|it| format!("{it:04x}"));
            let _ = writeln!(map, "<{:02x}> <{}>", index * 100 + offset, units.collect::<String>());
        }
        map.push_str("endbfchar\n");
    }
    map.push_str("endcmap CMapName currentdict /CMap defineresource pop end end\n");
    let map = writer.stream("", &packed(map.as_bytes())?);
    let last = characters.len() - 1;
    let names: String = (0..=last).map(|code| format!("/g{code}")).collect();
    let glyphs: String = (0..=last).map(|code| format!("/g{code} {GLYPH} 0 R")).collect();
    let widths: String = (0..=last).map(|_| format!("{CHARACTER_WIDTH} ")).collect();
    let number = writer.begin();
    let _ = write!(
        writer.out,
        "<</Type/Font/Subtype/Type3/FontBBox[0 -250 500 750]/FontMatrix[.001 0 0 .001 0 0]\
         /FirstChar 0/LastChar {last}/Widths[{}]/Encoding<</Type/Encoding/Differences[0{names}]>>\
         /CharProcs<<{glyphs}>>/Resources<<>>/ToUnicode {map} 0 R>>",
        widths.trim_end()
    );
    writer.end();
    Ok(number)
}

impl Writer {
    fn begin(&mut self) -> usize {
        self.begins.push(0);
        let number = self.begins.len();
        self.begin_at(number);
        number
    }

    fn begin_at(&mut self, number: usize) {
        self.begins[number - 1] = self.out.len();
        let _ = writeln!(self.out, "{number} 0 obj");
    }

    fn end(&mut self) {
        self.out.extend(b"\nendobj\n");
    }

    /// A stream of packed bytes.
    fn stream(&mut self, entries: &str, bytes: &[u8]) -> usize {
        self.plain_stream(&format!("{entries}/Filter/FlateDecode"), bytes)
    }

    /// A stream whose filter is among the entries.
    fn plain_stream(&mut self, entries: &str, bytes: &[u8]) -> usize {
        self.begins.push(0);
        let number = self.begins.len();
        self.stream_at(number, entries, bytes);
        number
    }

    fn stream_at(&mut self, number: usize, entries: &str, bytes: &[u8]) {
        self.begin_at(number);
        let _ = write!(self.out, "<<{entries}/Length {}>>\nstream\n", bytes.len());
        self.out.extend(bytes);
        self.out.extend(b"\nendstream");
        self.end();
    }

    fn finish(mut self) -> Vec<u8> {
        let start = self.out.len();
        let count = self.begins.len() + 1;
        let _ = write!(self.out, "xref\n0 {count}\n0000000000 65535 f \n");
        for begin in &self.begins {
            let _ = writeln!(self.out, "{begin:010} 00000 n ");
        }
        let _ = write!(
            self.out,
            "trailer\n<</Size {count}/Root {CATALOG} 0 R>>\nstartxref\n{start}\n%%EOF\n"
        );
        self.out
    }
}

fn packed(bytes: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).map_err(unwritten)
}

fn jpeg(picture: &Picture) -> Result<Vec<u8>, Failure> {
    let mut out = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut out, JPEG_QUALITY);
    let (width, height) = (picture.width, picture.height);
    encoder.encode(&picture.bytes, width, height, ExtendedColorType::Rgb8).map_err(unwritten)?;
    Ok(out)
}

fn is_bilevel(picture: &Picture) -> bool {
    picture.bytes.iter().all(|byte| matches!(byte, 0 | 255))
}

/// A bit a pixel, rows filled up to whole bytes.
fn bits_of(picture: &Picture) -> Vec<u8> {
    let rows = picture.bytes.chunks_exact(picture.width.max(1) as usize);
    let pack = |bits: &[u8]| {
        bits.iter().enumerate().fold(0, |byte, (at, pixel)| byte | ((pixel & 1) << (7 - at)))
    };
    rows.flat_map(|row| row.chunks(8).map(pack)).collect()
}

fn unwritten(error: impl std::fmt::Display) -> Failure {
    Failure::new(
        FailureKind::Crashed,
        "pdf_unwritten",
        format!("the PDF cannot be written: {error}"),
        "Ask for another format.",
    )
}
