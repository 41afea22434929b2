"""Makes the sample files of this folder anew: python3 samples/make.py

Needs Pillow, fpdf2, uharfbuzz, the DejaVu fonts, ffmpeg, espeak-ng, heif-enc and avifenc (Debian:
fonts-dejavu-core ffmpeg espeak-ng libheif-examples libavif-bin); nothing else of the project does.
The same versions give the same bytes. All content is drawn or written here, or is in the public
domain: Lewis Carroll's Alice (1865), Lincoln's Gettysburg Address (1863), Genesis 1.
"""

import csv
import datetime
import io
import json
import math
import pathlib
import struct
import subprocess
import tempfile
import textwrap
import zipfile
import zlib

from fpdf import FPDF
from fpdf.enums import EncryptionMethod
from PIL import Image, ImageDraw, ImageFont

from sounds import bells, ffmpeg, speech, tones

HERE = pathlib.Path(__file__).resolve().parent
HEAP = HERE / "heap"
HARD = HERE / "hard"
RECORDS = HERE / "records"
FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"
EPOCH = datetime.datetime(2026, 1, 1, tzinfo=datetime.timezone.utc)

ALICE = """CHAPTER I. Down the Rabbit-Hole

Alice was beginning to get very tired of sitting by her sister on the bank, and of having nothing \
to do: once or twice she had peeped into the book her sister was reading, but it had no \
pictures or \
conversations in it, "and what is the use of a book," thought Alice "without pictures or \
conversations?"

So she was considering in her own mind (as well as she could, for the hot day made her feel very \
sleepy and stupid), whether the pleasure of making a daisy-chain would be worth the trouble of \
getting up and picking the daisies, when suddenly a White Rabbit with pink eyes ran close by her.

There was nothing so very remarkable in that; nor did Alice think it so very much out of \
the way to \
hear the Rabbit say to itself, "Oh dear! Oh dear! I shall be late!" (when she thought it over \
afterwards, it occurred to her that she ought to have wondered at this, but at the time it all \
seemed quite natural); but when the Rabbit actually took a watch out of its waistcoat-pocket, and \
looked at it, and then hurried on, Alice started to her feet, for it flashed across her mind that \
she had never before seen a rabbit with either a waistcoat-pocket, or a watch to take out \
of it, and \
burning with curiosity, she ran across the field after it, and fortunately was just in time to see \
it pop down a large rabbit-hole under the hedge.

In another moment down went Alice after it, never once considering how in the world she was to get \
out again.

The rabbit-hole went straight on like a tunnel for some way, and then dipped suddenly down, so \
suddenly that Alice had not a moment to think about stopping herself before she found herself \
falling down a very deep well.
"""

GETTYSBURG = """Four score and seven years ago our fathers brought forth on this continent, a new \
nation, conceived in Liberty, and dedicated to the proposition that all men are created equal.

Now we are engaged in a great civil war, testing whether that nation, or any nation so \
conceived and \
so dedicated, can long endure. We are met on a great battle-field of that war. We have come to \
dedicate a portion of that field, as a final resting place for those who here gave their \
lives that \
that nation might live. It is altogether fitting and proper that we should do this.

But, in a larger sense, we can not dedicate -- we can not consecrate -- we can not hallow -- this \
ground. The brave men, living and dead, who struggled here, have consecrated it, far \
above our poor \
power to add or detract. The world will little note, nor long remember what we say here, \
but it can \
never forget what they did here. It is for us the living, rather, to be dedicated here to the \
unfinished work which they who fought here have thus far so nobly advanced. It is rather for us to \
be here dedicated to the great task remaining before us -- that from these honored dead we take \
increased devotion to that cause for which they gave the last full measure of devotion -- that we \
here highly resolve that these dead shall not have died in vain -- that this nation, under God, \
shall have a new birth of freedom -- and that government of the people, by the people, for the \
people, shall not perish from the earth.
"""

GENESIS = "בראשית ברא אלהים את השמים ואת הארץ. ויאמר אלהים יהי אור ויהי אור."
ARABIC = "مرحبا بالعالم. هذا نص قصير باللغة العربية."
LATIN1 = "Le cœur a ses raisons que la raison ne connaît point. Voilà, déjà vu : café crème, 20 °C.\n"
UTF16 = "Das ist ein Text in UTF-16: äöüß, Ελληνικά, кириллица, 日本語.\r\nZweite Zeile.\r\n"


def write(path: pathlib.Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def new_pdf() -> FPDF:
    pdf = FPDF()
    pdf.set_creation_date(EPOCH)
    pdf.set_author("Windlass samples")
    pdf.set_auto_page_break(True, margin=20)
    return pdf


def text_pdf() -> bytes:
    pdf = new_pdf()
    pdf.set_title("Two pages with headings")
    for heading, text in (("Down the Rabbit-Hole", ALICE), ("Gettysburg Address", GETTYSBURG)):
        pdf.add_page()
        pdf.set_font("Helvetica", "B", 18)
        pdf.cell(0, 12, heading, new_x="LMARGIN", new_y="NEXT")
        pdf.set_font("Times", "", 11)
        pdf.multi_cell(0, 5.5, text)
    return bytes(pdf.output())


def columns_pdf() -> bytes:
    pdf = new_pdf()
    pdf.set_title("Two columns")
    pdf.add_page()
    pdf.set_font("Helvetica", "B", 16)
    pdf.cell(0, 12, "Two columns", new_x="LMARGIN", new_y="NEXT")
    pdf.set_font("Times", "", 10)
    with pdf.text_columns(ncols=2, gutter=8, text_align="L") as area:
        area.write(GETTYSBURG + "\n" + ALICE)
    return bytes(pdf.output())


def right_to_left_pdf() -> bytes:
    pdf = new_pdf()
    pdf.set_title("Hebrew and Arabic")
    pdf.add_font("DejaVu", "", FONT)
    pdf.set_text_shaping(True)
    pdf.add_page()
    pdf.set_font("DejaVu", "", 16)
    for text in (GENESIS, ARABIC):
        pdf.multi_cell(0, 12, text, align="R", new_x="LMARGIN", new_y="NEXT")
    return bytes(pdf.output())


def scan_pdf() -> bytes:
    """A page that is a picture of text: one without a text layer behind one with."""
    page = Image.new("L", (600, 200), 255)
    ImageDraw.Draw(page).text((20, 80), "This page is a picture.", fill=0, font_size=40)
    pdf = new_pdf()
    pdf.set_title("A page without text layer")
    pdf.add_page()
    pdf.set_font("Times", "", 12)
    pdf.cell(0, 10, "The next page has no text layer.")
    pdf.add_page()
    pdf.image(page, 20, 20, 170)
    return bytes(pdf.output())


def locked_pdf() -> bytes:
    pdf = new_pdf()
    pdf.set_encryption(
        owner_password="owner", user_password="secret", encryption_method=EncryptionMethod.RC4
    )
    pdf.add_page()
    pdf.set_font("Times", "", 12)
    pdf.cell(0, 10, "The password is secret.")
    return bytes(pdf.output())


WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/package/2006/relationships"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
WORD_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml"


def run(text: str) -> str:
    return f'<w:r><w:t xml:space="preserve">{text}</w:t></w:r>'


def paragraph(*parts: str, style: str = "") -> str:
    properties = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f"<w:p>{properties}{''.join(parts)}</w:p>"


def docx() -> bytes:
    rows = [("Crew", "Task"), ("Windlass", "hoists the anchor"), ("Capstan", "hauls the ropes")]
    table = "".join(
        "<w:tr>" + "".join(f"<w:tc>{paragraph(run(cell))}</w:tc>" for cell in row) + "</w:tr>"
        for row in rows
    )
    note = '<w:r><w:footnoteReference w:id="1"/></w:r>'
    body = (
        paragraph(run("On board"), style="Heading1")
        + paragraph(run("A document with a table and a footnote"), note, run("."))
        + f"<w:tbl><w:tblPr/><w:tblGrid><w:gridCol/><w:gridCol/></w:tblGrid>{table}</w:tbl>"
        + "".join(paragraph(run(part)) for part in GETTYSBURG.strip().split("\n\n"))
    )
    foot = f'<w:footnote w:id="1">{paragraph(run("This is the footnote."))}</w:footnote>'
    head = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
    types = "".join(
        f'<Override PartName="/word/{name}.xml" ContentType="{WORD_TYPE}.{kind}+xml"/>'
        for name, kind in (("document", "document.main"), ("footnotes", "footnotes"))
    )
    parts = {
        "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/'
        'content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-'
        f'package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>{types}'
        "</Types>",
        "_rels/.rels": f'<Relationships xmlns="{RELATIONS}"><Relationship Id="r1" '
        f'Type="{OFFICE}/officeDocument" Target="word/document.xml"/></Relationships>',
        "word/_rels/document.xml.rels": f'<Relationships xmlns="{RELATIONS}"><Relationship Id="r1" '
        f'Type="{OFFICE}/footnotes" Target="footnotes.xml"/></Relationships>',
        "word/document.xml": f'<w:document xmlns:w="{WORD}"><w:body>{body}</w:body></w:document>',
        "word/footnotes.xml": f'<w:footnotes xmlns:w="{WORD}">{foot}</w:footnotes>',
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), head + text)
    return out.getvalue()


def zipped(parts: dict[str, str]) -> bytes:
    """An archive of these texts, not packed: tests damage what is in it."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in parts.items():
            archive.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), text)
    return out.getvalue()


XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
CONTENT_TYPES = "http://schemas.openxmlformats.org/package/2006/content-types"


def office_parts(main: str, main_type: str, parts: dict[str, tuple[str, str]],
                 relations: dict[str, str]) -> dict[str, str]:
    """An Office Open XML package: parts as {name: (content type, XML)}; the relations of parts."""
    kinds = {main: main_type} | {name: kind for name, (kind, _) in parts.items()}
    types = "".join(f'<Override PartName="/{name}" ContentType="application/vnd.openxmlformats-'
                    f'officedocument.{kind}+xml"/>' for name, kind in kinds.items())
    packed = {
        "[Content_Types].xml": f'{XML}<Types xmlns="{CONTENT_TYPES}"><Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>{types}</Types>',
        "_rels/.rels": related([("r1", "officeDocument", main)]),
    }
    packed |= {name: XML + xml for name, (_, xml) in parts.items()}
    return packed | relations


def related(rows: list[tuple[str, str, str]]) -> str:
    """A relationships part: (id, kind, target)."""
    inner = "".join(f'<Relationship Id="{key}" Type="{OFFICE}/{kind}" Target="{target}"/>'
                    for key, kind, target in rows)
    return f'{XML}<Relationships xmlns="{RELATIONS}">{inner}</Relationships>'


def xlsx() -> bytes:
    """Two sheets, one hidden: texts, numbers, dates, a formula with its value."""
    sheet = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    rows = [("Ada", 45292, 12.5), ("Grace", 45351, 30), ("Mira", 45657, 0.25)]
    cells = '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c>' \
            '<c r="C1" t="s"><v>2</v></c></row>'
    for index, (name, day, hours) in enumerate(rows, 2):
        cells += (f'<row r="{index}"><c r="A{index}" t="inlineStr"><is><t>{name}</t></is></c>'
                  f'<c r="B{index}" s="1"><v>{day}</v></c><c r="C{index}"><v>{hours}</v></c></row>')
    cells += '<row r="5"><c r="C5"><f>SUM(C2:C4)</f><v>42.75</v></c></row>'
    shared = "".join(f"<si><t>{text}</t></si>" for text in ("name", "since", "hours"))
    styles = ('<numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/></numFmts>'
              '<cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="164"/></cellXfs>')
    kind = "spreadsheetml"
    parts = {
        "xl/workbook.xml": (f"{kind}.sheet.main", f'<workbook xmlns="{sheet}" xmlns:r="{OFFICE}">'
                            '<sheets><sheet name="Crew" sheetId="1" r:id="r1"/><sheet name="Notes" '
                            'sheetId="2" state="hidden" r:id="r2"/></sheets></workbook>'),
        "xl/worksheets/sheet1.xml": (f"{kind}.worksheet", f'<worksheet xmlns="{sheet}"><sheetData>'
                                     f"{cells}</sheetData></worksheet>"),
        "xl/worksheets/sheet2.xml": (f"{kind}.worksheet", f'<worksheet xmlns="{sheet}"><sheetData>'
                                     '<row r="1"><c r="A1" t="inlineStr"><is><t>Nobody sees this.'
                                     "</t></is></c></row></sheetData></worksheet>"),
        "xl/styles.xml": (f"{kind}.styles", f'<styleSheet xmlns="{sheet}">{styles}</styleSheet>'),
        "xl/sharedStrings.xml": (f"{kind}.sharedStrings", f'<sst xmlns="{sheet}">{shared}</sst>'),
    }
    links = related([("r1", "worksheet", "worksheets/sheet1.xml"),
                     ("r2", "worksheet", "worksheets/sheet2.xml"),
                     ("r3", "styles", "styles.xml"), ("r4", "sharedStrings", "sharedStrings.xml")])
    return zipped(office_parts("xl/workbook.xml", f"{kind}.sheet.main", parts,
                               {"xl/_rels/workbook.xml.rels": links}))


def pptx() -> bytes:
    """Two slides: a title with points, and a table with notes."""
    names = (f'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" xmlns:r="{OFFICE}" '
             'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main"')

    def text(words: str, level: int = 0) -> str:
        return f'<a:p><a:pPr lvl="{level}"/><a:r><a:t>{words}</a:t></a:r></a:p>'

    def shape(place: str, body: str) -> str:
        return (f"<p:sp><p:nvSpPr><p:nvPr>{place}</p:nvPr></p:nvSpPr><p:txBody>{body}</p:txBody>"
                "</p:sp>")

    def slide(root: str, shapes: str) -> str:
        return f"<p:{root} {names}><p:cSld><p:spTree>{shapes}</p:spTree></p:cSld></p:{root}>"

    title = '<p:ph type="title"/>'
    points = text("The anchor") + text("is hoisted by the windlass", 1) + text("The ropes")
    cells = "".join("<a:tr>" + "".join(f"<a:tc><a:txBody>{text(cell)}</a:txBody></a:tc>"
                                       for cell in row) + "</a:tr>"
                    for row in (("Crew", "Task"), ("Windlass", "hoists the anchor")))
    table = ("<p:graphicFrame><a:graphic><a:graphicData><a:tbl>"
             f"{cells}</a:tbl></a:graphicData></a:graphic></p:graphicFrame>")
    kind = "presentationml"
    parts = {
        "ppt/presentation.xml": (f"{kind}.presentation.main", f"<p:presentation {names}>"
                                 '<p:sldIdLst><p:sldId id="256" r:id="r1"/><p:sldId id="257" '
                                 'r:id="r2"/></p:sldIdLst></p:presentation>'),
        "ppt/slides/slide1.xml": (f"{kind}.slide", slide("sld", shape(title, text("On board"))
                                                         + shape('<p:ph idx="1"/>', points))),
        "ppt/slides/slide2.xml": (f"{kind}.slide", slide("sld", shape(title, text("Crew")) + table)),
        "ppt/notesSlides/notesSlide1.xml": (f"{kind}.notesSlide", slide(
            "notes", shape('<p:ph type="body"/>', text("Thank the crew here.")))),
    }
    links = {
        "ppt/_rels/presentation.xml.rels": related([("r1", "slide", "slides/slide1.xml"),
                                                    ("r2", "slide", "slides/slide2.xml")]),
        "ppt/slides/_rels/slide2.xml.rels": related(
            [("r1", "notesSlide", "../notesSlides/notesSlide1.xml")]),
    }
    return zipped(office_parts("ppt/presentation.xml", f"{kind}.presentation.main", parts, links))


def opendocument(kind: str, body: str) -> bytes:
    """A package of OpenDocument: `text`, `spreadsheet` or `presentation`."""
    base = "urn:oasis:names:tc:opendocument:xmlns:"
    spaces = ("office", "text", "table", "presentation", "draw")
    names = "".join(f' xmlns:{name}="{base}{name}:1.0"' for name in spaces)
    names = names.replace("draw:1.0", "drawing:1.0")
    media = f"application/vnd.oasis.opendocument.{kind}"
    return zipped({
        "mimetype": media,
        "content.xml": f"{XML}<office:document-content{names}><office:body><office:{kind}>{body}"
        f"</office:{kind}></office:body></office:document-content>",
        "META-INF/manifest.xml": f'{XML}<manifest:manifest xmlns:manifest="{base}manifest:1.0">'
        f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{media}"/>'
        '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/>'
        "</manifest:manifest>",
    })


def table_rows(rows: list[tuple[str, ...]]) -> str:
    return "".join("<table:table-row>" + "".join(
        f"<table:table-cell><text:p>{cell}</text:p></table:table-cell>" for cell in row)
        + "</table:table-row>" for row in rows)


def odt() -> bytes:
    """A heading, a list, a table, a foot note."""
    return opendocument("text", (
        '<text:h text:outline-level="1">Log of the voyage</text:h>'
        '<text:p>Fair wind<text:note text:note-class="footnote"><text:note-citation>1'
        "</text:note-citation><text:note-body><text:p>From the west.</text:p></text:note-body>"
        "</text:note> on both days.</text:p>"
        "<text:list><text:list-item><text:p>anchor up</text:p></text:list-item>"
        "<text:list-item><text:p>sails set</text:p></text:list-item></text:list>"
        f"<table:table>{table_rows([('Day', 'Miles'), ('1', '120'), ('2', '98')])}</table:table>"
    ))


def ods() -> bytes:
    """Two sheets, with rows and columns that are repeated."""
    crew = table_rows([("Name", "Task"), ("Ada", "hoists"), ("Grace", "hauls")])
    watch = ('<table:table-row table:number-rows-repeated="2"><table:table-cell table:'
             'number-columns-repeated="3"><text:p>aft</text:p></table:table-cell></table:table-row>')
    return opendocument("spreadsheet", f'<table:table table:name="Crew">{crew}</table:table>'
                        f'<table:table table:name="Watch">{watch}</table:table>')


def odp() -> bytes:
    """Two slides: a title with a list, a text with notes."""
    frame = "<draw:frame{0}><draw:text-box>{1}</draw:text-box></draw:frame>"
    title = frame.format(' presentation:class="title"', "<text:p>On board</text:p>")
    points = frame.format("", "<text:list><text:list-item><text:p>anchor up</text:p>"
                          "</text:list-item></text:list>")
    words = frame.format("", "<text:p>Thanks to the crew</text:p>")
    notes = f"<presentation:notes>{frame.format('', '<text:p>Bow here.</text:p>')}</presentation:notes>"
    return opendocument("presentation", f"<draw:page>{title}{points}</draw:page>"
                        f"<draw:page>{words}{notes}</draw:page>")


def epub() -> bytes:
    """A book of two chapters with a table of contents."""
    chapters = {"alice": ("Down the Rabbit-Hole", ALICE), "lincoln": ("Gettysburg", GETTYSBURG)}
    items = "".join(f'<item id="{key}" href="{key}.xhtml" media-type="application/xhtml+xml"/>'
                    for key in chapters)
    spine = "".join(f'<itemref idref="{key}"/>' for key in chapters)
    entries = "".join(f'<li><a href="{key}.xhtml">{title}</a></li>'
                      for key, (title, _) in chapters.items())
    page = '<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops">'
    parts = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": f'{XML}<container version="1.0" xmlns="urn:oasis:names:tc:'
        'opendocument:xmlns:container"><rootfiles><rootfile full-path="book/package.opf" '
        'media-type="application/oebps-package+xml"/></rootfiles></container>',
        "book/package.opf": f'{XML}<package xmlns="http://www.idpf.org/2007/opf" version="3.0">'
        '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>Two short readings'
        "</dc:title><dc:creator>Carroll and Lincoln</dc:creator><dc:language>en</dc:language>"
        f'</metadata><manifest><item id="nav" href="nav.xhtml" properties="nav" media-type='
        f'"application/xhtml+xml"/>{items}</manifest><spine>{spine}</spine></package>',
        "book/nav.xhtml": f'{XML}{page}<head><title>Contents</title></head><body>'
        f'<nav epub:type="toc"><ol>{entries}</ol></nav></body></html>',
    }
    for key, (title, text) in chapters.items():
        paragraphs = "".join(f"<p>{part}</p>" for part in text.strip().split("\n\n"))
        parts[f"book/{key}.xhtml"] = (f"{XML}{page}<head><title>{title}</title></head><body>"
                                      f"<h1>{title}</h1>{paragraphs}</body></html>")
    return zipped(parts)


HTML = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>The crew of the Windlass</title>
<style>td { border: 1px solid }</style></head>
<body><h1>The crew</h1>
<p>Who does <em>what</em> on board; see <a href="https://example.org/ropes">the ropes</a>.</p>
<script>document.write("never shown")</script>
<ol><li>anchor up<li>sails set<ul><li>main sail</ul></ol>
<table><tr><th>Name<th>Task<tr><td>Ada<td>hoists<tr><td>Grace<td>hauls</table>
<p hidden>never shown either</p></body></html>
"""

RTF = r"""{\rtf1\ansi\ansicpg1252\deff0{\fonttbl{\f0\fcharset0 Times;}{\f1\fcharset204 Times;}}
{\info{\title A letter home}{\author Ada}}
\pard\f0 Dear Zo\'eb,\par
the wind is fair\u8212-and the crew too. {\f1 \'cf\'f0\'e8\'e2\'e5\'f2}!\par
\trowd\intbl Day\cell Miles\cell\row\trowd\intbl 1\cell 120\cell\row\pard
Yours,\line Ada\par}
"""

MAIL = """Received: from ship.example.org by port.example.org; Thu, 1 Jan 2026 10:00:00 +0000
From: =?utf-8?q?Zo=C3=AB?= <zoe@example.org>
To: Ada <ada@example.org>
Subject: The table you asked for
Date: Thu, 1 Jan 2026 10:00:00 +0000
Message-ID: <1@example.org>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="knot"

--knot
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

Dear Ada,

here is the table, and a kiss =E2=99=A5.
--knot
Content-Type: text/csv
Content-Disposition: attachment; filename="crew.csv"
Content-Transfer-Encoding: base64

bmFtZSx0YXNrLHNpbmNlCkFkYSxob2lzdCwxODQyCkdyYWNlLGhhdWwsMTk1Mgo=
--knot--
"""


def landscape(width: int, height: int) -> Image.Image:
    """A sky over hills: smooth colours with some grain, as photos have them."""
    picture = Image.new("RGB", (width, height))
    pixels = picture.load()
    for x in range(width):
        hill = height * (0.62 + 0.1 * math.sin(x / 61) + 0.04 * math.sin(x / 17))
        for y in range(height):
            grain = (x * 7919 + y * 104729) * 2654435761 % 2**32 >> 29
            if y < hill:
                pixels[x, y] = (90 + y // 4 + grain, 140 + y // 5 + grain, 220 - y // 9)
            else:
                depth = int(y - hill) // 3
                pixels[x, y] = (70 + grain, max(150 - depth, 40) + grain, 50)
    draw = ImageDraw.Draw(picture)
    sun = (width * 0.7, height * 0.1, width * 0.8, height * 0.1 + width * 0.1)
    draw.ellipse(sun, (255, 230, 90))
    return picture


def picture_bytes(picture: Image.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def scan(text: str, columns: int, degrees: float = 0.0, size: int = 24) -> Image.Image:
    """Printed text as a scanner sees it, at 150 pixels an inch; slanting clockwise by `degrees`."""
    font = ImageFont.truetype(FONT, size)
    words = textwrap.fill(text, columns)
    left, top, right, bottom = ImageDraw.Draw(Image.new("L", (1, 1))).multiline_textbbox(
        (0, 0), words, font=font, spacing=size // 3
    )
    page = Image.new("L", (int(right - left) + 80, int(bottom - top) + 80), 255)
    ImageDraw.Draw(page).multiline_text(
        (40 - left, 40 - top), words, fill=0, font=font, spacing=size // 3
    )
    turned = page.rotate(-degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=255)
    return turned.point(lambda value: 255 if value >= 128 else 0).convert("1")


def photographed(page: Image.Image, **options: object) -> bytes:
    """A print on greyish paper, in colours and with some grain."""
    width, height = page.size
    picture = Image.new("RGB", page.size)
    ink, seen = page.load(), picture.load()
    for x in range(width):
        for y in range(height):
            grain = (x * 7919 + y * 104729) * 2654435761 % 2**32 >> 29
            level = 222 + grain if ink[x, y] else 90 + grain
            seen[x, y] = (level, level - 4, level - 14)
    return picture_bytes(picture, "JPEG", quality=40, **options)


def scanned_pages() -> bytes:
    """Two pages of fax, packed as fax machines do it."""
    first, second = (scan(text, 48) for text in GETTYSBURG.split("\n\n")[:2])
    out = io.BytesIO()
    first.save(out, "TIFF", save_all=True, append_images=[second], compression="group4",
               dpi=(150, 150))
    return out.getvalue()


def anchor() -> Image.Image:
    picture = Image.new("RGBA", (256, 256), (0, 0, 0, 0))
    draw = ImageDraw.Draw(picture)
    blue = (20, 60, 140, 255)
    draw.ellipse((104, 16, 152, 64), outline=blue, width=12)
    draw.rectangle((120, 60, 136, 220), fill=blue)
    draw.rectangle((80, 84, 176, 98), fill=blue)
    draw.arc((40, 100, 216, 232), 10, 170, fill=(200, 60, 40, 160), width=16)
    return picture


def rotated_photo() -> bytes:
    """Stored on its side with EXIF orientation 6: turn right to look at it."""
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = landscape(480, 320).transpose(Image.Transpose.ROTATE_90)
    return picture_bytes(stored, "JPEG", quality=85, exif=exif)


def png(width: int, height: int, depth: int, rows: bytes) -> bytes:
    """Red, green and blue, said to be of this size."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(
            ">I", zlib.crc32(name + content)
        )

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, 2, 0, 0, 0))
    data = chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + header + data + chunk(b"IEND", b"")


def bomb_png() -> bytes:
    """Says that it has 65535 x 65535 pixels."""
    return png(65535, 65535, 8, bytes(1000))


def ramp_png() -> bytes:
    """Grey levels of 16 bits from left to right."""
    row = b"".join(struct.pack(">HHH", *[x * 257] * 3) for x in range(256))
    return png(256, 64, 16, (b"\0" + row) * 64)


def noise(count: int) -> bytes:
    state, out = 1, bytearray()
    for _ in range(count):
        state = (state * 1664525 + 1013904223) % 2**32
        out.append(state >> 24)
    return bytes(out)


# Nobody of these lives, and no place of these is on a map.
PEOPLE = """Abel Ankrum, Ada Brisk, Bram Callow, Bo Daring, Cleo Eversley, Cyrus Fenn, Dara Gant, \
Edda Holm, Emil Iversen, Flora Jessop, Gus Kettle, Hedda Lorne, Ines Marlow, Ivo Nettle, \
Jory Oakes, Juno Pell, Kai Quill, Lark Rowan, Lena Sorrel, Mats Tiller, Mira Umber, Nell Vane, \
Nico Wick, Odo Yarrow, Olga Zeal, Petra Ash, Quentin Birch, Rafe Cable, Rosa Dell, Silas Ember, \
Tess Fathom, Ugo Grove, Vera Harrow, Wim Inlet, Xenia Juniper, Yara Keel, Zeno Lathe, Zita Moss"""
PLACES = ["Port Ashby", "Lowen", "New Harrow", "Skerry Bay"]


def people() -> list[dict]:
    rows = []
    for index, person in enumerate(PEOPLE.split(", ")):
        name, surname = person.split()
        place, year = PLACES[(index * 7 + index // 5) % 4], 1998 + index * 5 % 9
        rows.append({"id": index + 1, "name": name.lower(), "surname": surname,
                     "location": place, "year": year})
    # Neither ids nor names need be unique.
    for number, name, surname, place in ((7, "alma", "Nye", "Lowen"),
                                         (39, "alma", "Orr", "Port Ashby"),
                                         (39, "Zoë", "d'Isle, jr.", "Skerry Bay")):
        rows.append({"id": number, "name": name, "surname": surname, "location": place,
                     "year": 2002})
    return rows


def records() -> None:
    lines = [json.dumps(row, ensure_ascii=False) for row in people()]
    array = "[\n" + ",\n".join("  " + line for line in lines) + "\n]\n"
    write(RECORDS / "people.json", array.encode())
    write(RECORDS / "people.ndjson", "".join(line + "\n" for line in lines).encode())
    table = io.StringIO()
    writer = csv.DictWriter(table, list(people()[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(people())
    write(RECORDS / "people.csv", table.getvalue().encode())


def sounds() -> None:
    folder = HEAP / "sounds"
    bell = bells(0.9, 16000)
    named = ("-metadata", "title=Two bells", "-metadata", "artist=Windlass samples")
    small = ("-ac", "1", "-ar", "8000")
    opus = ("-c:a", "libopus", "-b:a", "16k")
    write(folder / "heave.wav", speech("Heave away!", 8000))
    for name, options in {
        "bells.flac": (*named, "-c:a", "flac", "-f", "flac"),
        "bells.mp3": (*named, "-c:a", "libmp3lame", "-b:a", "32k", "-f", "mp3"),
        "bells.ogg": (*named, "-c:a", "libvorbis", "-q:a", "0", "-f", "ogg"),
        "bells.opus": (*named, *opus, "-f", "ogg"),
        "bells.m4a": (*named, "-c:a", "aac", "-b:a", "32k", "-f", "ipod"),
        "bells-alac.m4a": (*small, "-c:a", "alac", "-f", "ipod"),
        "bells.aac": ("-ac", "1", "-c:a", "aac", "-b:a", "24k", "-f", "adts"),
        "bells.aiff": (*small, "-f", "aiff"),
        "bells.caf": (*small, "-c:a", "pcm_alaw", "-f", "caf"),
    }.items():
        write(folder / name, ffmpeg(bell, *options))
    write(HARD / "header-only.wav", bell[:44])
    write(HARD / "bells.spx", ffmpeg(bell, *small, "-c:a", "libspeex", "-b:a", "8k", "-f", "ogg"))
    write(HERE / "more/bells-opus.m4a", ffmpeg(bell, *named, *opus, "-f", "mp4"))
    write(HERE / "more/six-tones.opus", ffmpeg(tones(0.2, 16000), "-c:a", "libopus", "-b:a", "96k",
                                               "-mapping_family", "1", "-f", "ogg"))


def heif(source: bytes, suffix: str, kind: str, *options: str) -> bytes:
    """A picture made into HEIC or AVIF."""
    with tempfile.TemporaryDirectory() as folder:
        picture, target = (pathlib.Path(folder) / name for name in (f"in{suffix}", f"out.{kind}"))
        picture.write_bytes(source)
        subprocess.run(["heif-enc", *options, "-o", str(target), str(picture)], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return target.read_bytes()


def tiles(picture: Image.Image) -> bytes:
    """An AVIF of two tiles beside each other."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = pathlib.Path(folder) / "in.png", pathlib.Path(folder) / "out.avif"
        source.write_bytes(picture_bytes(picture, "PNG"))
        command = ["avifenc", "--grid", "2x1", "--min", "40", "--max", "45", "-j", "1", "-s", "6"]
        subprocess.run([*command, str(source), str(target)], check=True,
                       stdout=subprocess.DEVNULL)
        return target.read_bytes()


def more() -> None:
    """Kinds that the heap does not show, some of which need a library."""
    folder = HERE / "more"
    small = landscape(120, 80)
    write(folder / "hills.bmp", picture_bytes(landscape(60, 40), "BMP"))
    write(folder / "hills.gif", picture_bytes(small, "GIF", save_all=True,
                                              append_images=[small.rotate(180)]))
    # EXIF says how it lies, which counts for nothing beside what the format itself says.
    write(folder / "with-exif.heic", heif(rotated_photo(), ".jpg", "heic", "-q", "40"))
    with Image.open(io.BytesIO(rotated_photo())) as stored:
        write(folder / "on-its-side.avif", picture_bytes(stored, "AVIF", quality=40,
                                                         exif=stored.getexif()))
    write(folder / "anchor.avif", heif(picture_bytes(anchor(), "PNG"), ".png", "avif", "-q", "40"))
    write(folder / "deep.heic", heif(ramp_png(), ".png", "heic", "-q", "90", "-b", "10"))
    write(folder / "tiles.avif", tiles(landscape(256, 128)))
    write(folder / "crew.ods", ods())
    write(folder / "on-board.odp", odp())


def main() -> None:
    sounds()
    records()
    more()
    write(HEAP / "documents/two-pages.pdf", text_pdf())
    write(HEAP / "documents/columns.pdf", columns_pdf())
    write(HEAP / "documents/right-to-left.pdf", right_to_left_pdf())
    write(HEAP / "documents/one-page-scanned.pdf", scan_pdf())
    write(HEAP / "documents/on-board.docx", docx())
    write(HEAP / "documents/crew.xlsx", xlsx())
    write(HEAP / "documents/on-board.pptx", pptx())
    write(HEAP / "documents/voyage.odt", odt())
    write(HEAP / "documents/readings.epub", epub())
    write(HEAP / "documents/letter.rtf", RTF.encode("ascii"))
    write(HEAP / "texts/crew.html", HTML.encode())
    write(HEAP / "texts/table.eml", MAIL.encode())
    photo = landscape(480, 320)
    write(HEAP / "images/anchor.png", picture_bytes(anchor(), "PNG"))
    write(HEAP / "images/photo-on-its-side.jpg", rotated_photo())
    write(HEAP / "images/photo-progressive.jpg", picture_bytes(photo, "JPEG", progressive=True))
    write(HEAP / "images/photo-cmyk.jpg", picture_bytes(photo.convert("CMYK"), "JPEG"))
    write(HEAP / "images/photo.webp", picture_bytes(photo, "WEBP", quality=80))
    page, slanting = (scan(ALICE.split("\n\n")[index], 56, degrees)
                      for index, degrees in ((1, 0.0), (3, 3.0)))
    write(HEAP / "scans/page.png", picture_bytes(page, "PNG", dpi=(150, 150)))
    write(HEAP / "scans/slanting.png", picture_bytes(slanting, "PNG"))
    write(HEAP / "scans/two-pages.tif", scanned_pages())
    receipt = scan("Anchor 1 12.50 Rope 30 m 18.00 Tar 2 kg 4.20 Sum 34.70 Paid in silver", 14)
    write(HEAP / "scans/receipt.jpg", photographed(receipt))
    letter = scan(GETTYSBURG.split("\n\n")[0], 40)
    write(HEAP / "scans/letter.jpg", photographed(letter, progressive=True))
    write(HEAP / "texts/alice.txt", ALICE.encode())
    write(HEAP / "texts/gettysburg.txt", GETTYSBURG.encode())
    write(HEAP / "texts/french-latin1.txt", LATIN1.replace("œ", "oe").encode("latin-1"))
    write(HEAP / "texts/german-utf16.txt", b"\xff\xfe" + UTF16.encode("utf-16-le"))
    write(HEAP / "tables/crew.csv", b"name,task,since\nAda,hoist,1842\nGrace,haul,1952\n")
    write(HARD / "empty.txt", b"")
    write(HARD / "broken.pdf", text_pdf()[:700])
    write(HARD / "fake.png", b"This is no picture.\n")
    write(HARD / "bomb.png", bomb_png())
    write(HARD / "locked.pdf", locked_pdf())
    write(HARD / "unknown.bin", noise(4096))


if __name__ == "__main__":
    main()
