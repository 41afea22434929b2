//! Pages as tab-separated values and as hOCR, the formats of Tesseract's own programs.

use super::page::{Line, Page, Place};
use std::fmt::Write as _;

const COLUMNS: &str = "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\t\
                       height\tconf\ttext\n";

/// A row for each page, block, paragraph, line and word, levels 1 to 5; all are numbered from 1
/// within what they belong to. Only words have a confidence, the others -1.
pub(super) fn tsv(pages: &[Page]) -> String {
    let mut out = COLUMNS.to_owned();
    let mut row = |level: u32, numbers: [usize; 5], place: Place, confidence: &str, text: &str| {
        let [page, block, paragraph, line, word] = numbers;
        let Place { left, top, right, bottom } = place;
        let (width, height) = (right.saturating_sub(left), bottom.saturating_sub(top));
        let _ = writeln!(
            out,
            "{level}\t{page}\t{block}\t{paragraph}\t{line}\t{word}\t{left}\t{top}\t{width}\t{height}\
             \t{confidence}\t{text}"
        );
    };
    for (p, page) in (1..).zip(pages) {
        row(1, [p, 0, 0, 0, 0], page.place(), "-1", "");
        for (b, block) in (1..).zip(&page.blocks) {
            row(2, [p, b, 0, 0, 0], block.place, "-1", "");
            for (g, paragraph) in (1..).zip(&block.paragraphs) {
                row(3, [p, b, g, 0, 0], paragraph.place, "-1", "");
                for (l, line) in (1..).zip(&paragraph.lines) {
                    row(4, [p, b, g, l, 0], line.place, "-1", "");
                    for (w, word) in (1..).zip(&line.words) {
                        let confidence = format!("{:.2}", word.confidence);
                        row(5, [p, b, g, l, w], word.place, &confidence, &word.text);
                    }
                }
            }
        }
    }
    out
}

/// HTML with the places of everything in its titles (hOCR 1.2).
pub(super) fn hocr(pages: &[Page], engine: &str) -> String {
    let mut out = format!(
        "<!DOCTYPE html>\n<html xmlns=\"http://www.w3.org/1999/xhtml\">\n<head>\n\
         <meta charset=\"utf-8\"/>\n<title></title>\n\
         <meta name=\"ocr-system\" content=\"{}\"/>\n\
         <meta name=\"ocr-capabilities\" content=\"ocr_page ocr_carea ocr_par ocr_line ocrx_word\
         \"/>\n</head>\n<body>\n",
        escaped(engine)
    );
    let mut numbers = [0_u32; 4];
    let mut next = |kind: usize| {
        numbers[kind] += 1;
        numbers[kind]
    };
    for (index, page) in pages.iter().enumerate() {
        let number = index + 1;
        let bounds = bounds(page.place());
        let _ = writeln!(
            out,
            "<div class=\"ocr_page\" id=\"page_{number}\" title=\"{bounds}; ppageno {index}\">"
        );
        for block in &page.blocks {
            open(&mut out, "div", "ocr_carea", &format!("block_{number}_{}", next(0)), block.place);
            for paragraph in &block.paragraphs {
                let id = format!("par_{number}_{}", next(1));
                open(&mut out, "p", "ocr_par", &id, paragraph.place);
                for line in &paragraph.lines {
                    let id = format!("line_{number}_{}", next(2));
                    let _ = writeln!(
                        out,
                        "<span class=\"ocr_line\" id=\"{id}\" title=\"{}\">",
                        line_title(line)
                    );
                    for word in &line.words {
                        let _ = writeln!(
                            out,
                            "<span class=\"ocrx_word\" id=\"word_{number}_{}\" \
                             title=\"{}; x_wconf {:.0}\">{}</span>",
                            next(3),
                            self::bounds(word.place),
                            word.confidence,
                            escaped(&word.text)
                        );
                    }
                    out.push_str("</span>\n");
                }
                out.push_str("</p>\n");
            }
            out.push_str("</div>\n");
        }
        out.push_str("</div>\n");
    }
    out.push_str("</body>\n</html>\n");
    out
}

fn open(out: &mut String, tag: &str, class: &str, id: &str, place: Place) {
    let _ = writeln!(out, "<{tag} class=\"{class}\" id=\"{id}\" title=\"{}\">", bounds(place));
}

fn bounds(Place { left, top, right, bottom }: Place) -> String {
    format!("bbox {left} {top} {right} {bottom}")
}

/// The baseline is told from the lower left corner of the line's box: its slope and height there.
fn line_title(line: &Line) -> String {
    let mut title = bounds(line.place);
    if let Some(baseline) = line.baseline {
        let there = baseline.at(line.place.left.into()) - f64::from(line.place.bottom);
        let _ = write!(title, "; baseline {:.3} {there:.0}", baseline.slope);
    }
    title
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // No XML holds these, not even escaped.
            control if control.is_control() => out.push(' '),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ocr::page::{Baseline, Block, Paragraph, Word};
    use expect_test::expect;

    fn page() -> Page {
        let place = |left, top, right, bottom| Place { left, top, right, bottom };
        let word = |text: &str, place| Word { text: text.to_owned(), place, confidence: 91.25 };
        let words = vec![word("A<B", place(10, 20, 40, 30)), word("ä", place(45, 21, 60, 30))];
        let baseline = Some(Baseline { x: 10.0, y: 29.0, slope: 0.02 });
        let place = place(10, 20, 60, 30);
        let lines = vec![Line { place, baseline, words }];
        let blocks = vec![Block { place, paragraphs: vec![Paragraph { place, lines }] }];
        Page { width: 100, height: 50, blocks, ..Page::default() }
    }

    #[test]
    fn rows_are_tesseracts() {
        // Rows but those of words end in an empty text: blanks at the end are shown as dots.
        let shown = tsv(&[page()]).replace("\t\n", "\t.\n");
        expect![[r#"
            level	page_num	block_num	par_num	line_num	word_num	left	top	width	height	conf	text
            1	1	0	0	0	0	0	0	100	50	-1	.
            2	1	1	0	0	0	10	20	50	10	-1	.
            3	1	1	1	0	0	10	20	50	10	-1	.
            4	1	1	1	1	0	10	20	50	10	-1	.
            5	1	1	1	1	1	10	20	30	10	91.25	A<B
            5	1	1	1	1	2	45	21	15	9	91.25	ä
        "#]]
        .assert_eq(&shown);
    }

    #[test]
    fn hocr_tells_places_and_escapes_text() {
        let out = hocr(&[page()], "Tesseract 5");
        let body = out.split("<body>\n").nth(1).expect("a body");
        expect![[r#"
            <div class="ocr_page" id="page_1" title="bbox 0 0 100 50; ppageno 0">
            <div class="ocr_carea" id="block_1_1" title="bbox 10 20 60 30">
            <p class="ocr_par" id="par_1_1" title="bbox 10 20 60 30">
            <span class="ocr_line" id="line_1_1" title="bbox 10 20 60 30; baseline 0.020 -1">
            <span class="ocrx_word" id="word_1_1" title="bbox 10 20 40 30; x_wconf 91">A&lt;B</span>
            <span class="ocrx_word" id="word_1_2" title="bbox 45 21 60 30; x_wconf 91">ä</span>
            </span>
            </p>
            </div>
            </div>
            </body>
            </html>
        "#]]
        .assert_eq(body);
    }
}
