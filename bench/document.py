#!/usr/bin/env python3
"""Operation `document` beside its peers: CPU time, agreement of the words, and a table of both.

    python3 bench/document.py [--samples DIR] [--repeat N] [--runs N]

The inputs are the PDF, DOCX and XLSX files of DIR/documents that the peers can read, each beside
pypdfium2, PyPDF2, PyMuPDF, pdftotext, python-docx or openpyxl. F1 is the multiset F1 of lowercased
alphanumeric runs, per file, then the mean over files. Scanned pages are left as they are: the peers
do not read them.
"""

import collections
import pathlib
import re
import shutil
import tempfile
import textwrap

import harness

# Peers read these files differently or not at all, or they hold no words to compare.
NOT_COMPARED = {
    "pdfjs__poppler-90-0-fuzzed": "its fonts and streams are random bytes",
    "pdfjs__bomb_giant": "made to exhaust memory: pdftotext and PyMuPDF take gigabytes and minutes",
}
# Peers read no pictures.
AS_THEY_ARE = {"ocr": "never"}
TRUTH_FILE, TRUTH_OF = "truth__GeoTopo-book.txt", "pypdf__GeoTopo-komprimiert"

# Each defines `read(path)`, which returns the text.
READERS = {
    "pypdfium2": """
        import pypdfium2
        def read(path):
            document = pypdfium2.PdfDocument(path)
            try:
                return "\\f".join(page.get_textpage().get_text_range() for page in document)
            finally:
                document.close()
    """,
    "PyPDF2": """
        import PyPDF2
        def read(path):
            return "\\f".join(page.extract_text() for page in PyPDF2.PdfReader(path).pages)
    """,
    "PyMuPDF": """
        import pymupdf
        def read(path):
            with pymupdf.open(path) as document:
                return "\\f".join(page.get_text() for page in document)
    """,
    "pdftotext": """
        import subprocess
        def read(path):
            done = subprocess.run(["pdftotext", path, "-"], capture_output=True, check=True)
            return done.stdout.decode(errors="replace")
    """,
    "openpyxl": """
        import openpyxl
        def read(path):
            book = openpyxl.load_workbook(path, read_only=True, data_only=True)
            try:
                rows = (row for sheet in book for row in sheet.iter_rows(values_only=True))
                return "\\n".join("\\t".join(str(value) for value in row if value is not None)
                                 for row in rows)
            finally:
                book.close()
    """,
    "python-docx": """
        import docx
        def read(path):
            document = docx.Document(path)
            texts = [paragraph.text for paragraph in document.paragraphs]
            for table in document.tables:
                for row in table.rows:
                    texts.extend(cell.text for cell in row.cells)
            return "\\n".join(texts)
    """,
}
# Whatever a peer's parser throws, the file counts as not read.
READ_ALL = """
def once():
    texts = {}
    for path in files:
        try:
            texts[path] = read(path)
        except Exception:
            pass
    return texts
"""


def peer(name, files, repeat=1):
    return harness.peer(textwrap.dedent(READERS[name]) + READ_ALL, files, repeat)


def cpu_ratio(options, name, files, repeat):
    """Our CPU time over the peer's, for the files that it reads."""
    answers = harness.interleaved(options.runs, {
        "ours": lambda: harness.op_loop("document", files, options.repeat, AS_THEY_ARE),
        name: lambda: peer(name, files, repeat),
    })
    ours, theirs = map(harness.median_cpu_s, answers.values())
    return ours / theirs


def our_texts(files):
    with tempfile.TemporaryDirectory() as folder:
        harness.op_loop("document", files, params=AS_THEY_ARE, out=folder)
        written = {path.stem: path.read_text(encoding="utf-8", errors="replace")
                   for path in pathlib.Path(folder).rglob("*.txt")}
    return {path: written.get(pathlib.Path(path).stem) for path in files}


def words(text):
    return collections.Counter(re.findall(r"[^\W_]+", text.lower()))


def f1(ours, theirs):
    common = (ours & theirs).total()
    return 2 * common / max(1, ours.total() + theirs.total())


def recall(ours, theirs):
    return (ours & theirs).total() / max(1, theirs.total())


def compare(title, ours, theirs, score):
    """Prints a line per file, worst first, and returns the mean."""
    scores = []
    for path, text in theirs.items():
        name = pathlib.Path(path).stem
        if words(text) and ours.get(path) is not None:
            scores.append((score(words(ours[path]), words(text)), name))
    print(f"\n{title}")
    for value, name in sorted(scores):
        print(f"  {value:.4f}  {name}")
    return sum(value for value, _ in scores) / len(scores)


def main():
    options = harness.parser(__doc__.splitlines()[0]).parse_args()
    documents = harness.part(options.samples, "documents")
    pdfs = [path for path in harness.files_of(documents, "*.pdf")
            if pathlib.Path(path).stem not in NOT_COMPARED]
    docx = harness.files_of(documents, "*.docx")
    xlsx = harness.files_of(documents, "*.xlsx")
    mupdf = peer("PyMuPDF", pdfs)["answer"]
    with_text = [path for path in pdfs if words(mupdf.get(path, ""))]
    docx_texts = peer("python-docx", docx)["answer"]
    xlsx_texts = peer("openpyxl", xlsx)["answer"]
    ours = our_texts(with_text + docx + xlsx)

    f1_mean = compare("F1 to PyMuPDF", ours, mupdf, f1)
    sheets_mean = compare("recall of openpyxl's values", ours, xlsx_texts, recall)
    recall_mean = compare("recall of python-docx's words", ours, docx_texts, recall)
    for name, why in NOT_COMPARED.items():
        print(f"left out: {name}: {why}")
    print()
    table = harness.Table()
    # PyPDF2 takes ten times as long as the others: one round of it is enough.
    for name, files, repeat, bar in [
        ("pypdfium2", with_text, options.repeat, 1.0),
        ("PyPDF2", with_text, 1, 0.1),
        ("PyMuPDF", with_text, options.repeat, 1.0),
        ("python-docx", docx, options.repeat, 0.1),
        ("openpyxl", xlsx, options.repeat, 0.1),
    ]:
        read = list(peer(name, files)["answer"])
        table.row(f"ours / {name}, CPU", cpu_ratio(options, name, read, repeat), "<=", bar)
    table.row("F1 to PyMuPDF, mean", f1_mean, ">=", 0.955)
    # poppler-utils is a program of the machine, not of the environment.
    if shutil.which("pdftotext"):
        table.row("ours / pdftotext, CPU", cpu_ratio(options, "pdftotext", with_text,
                                                     options.repeat), "<=", 0.5)
        poppler = peer("pdftotext", with_text)["answer"]
        table.row("F1 to pdftotext, mean",
                  compare("F1 to pdftotext", ours, poppler, f1), ">=", 0.955)
    else:
        print("not compared with pdftotext: it is not installed (apt: poppler-utils)")
    table.row("recall of openpyxl's values, mean", sheets_mean, ">=", 0.99)
    truth = documents / TRUTH_FILE
    geotopo = next((path for path in with_text if TRUTH_OF in path), None)
    if truth.exists() and geotopo:
        reviewed = words(truth.read_text(encoding="utf-8"))
        table.row("F1 to the reviewed text of GeoTopo", f1(words(ours[geotopo]), reviewed),
                  ">=", 0.965)
    table.row("recall of python-docx's words, mean", recall_mean, ">=", 0.99)
    table.finish()


if __name__ == "__main__":
    main()
