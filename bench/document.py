#!/usr/bin/env python3
"""Operation `document` beside its peers: CPU time, agreement of the words, and a table of both.

    python3 bench/document.py [--samples DIR] [--binary PATH] [--repeat N]

DIR holds `documents/` (default: $WINDLASS_SAMPLES); PATH is the built `op-loop` of package
windlass-bench. Peers are pypdfium2, PyPDF2, PyMuPDF and python-docx: the ones that this Python has,
else all of them out of a fresh virtual environment under the system's folder for temporary files.
Ends with 1 where a bar is missed.

CPU is user + system time. Every side first reads all files once; then the repeats are measured.
F1 is the multiset F1 of lowercased alphanumeric runs, per file, then the mean over files.
"""

import argparse
import collections
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import venv

PEERS = ["pypdfium2", "PyPDF2", "PyMuPDF", "python-docx"]
# Peers read these files differently or not at all, or they hold no words to compare.
NOT_COMPARED = {
    "pdfjs__poppler-90-0-fuzzed",  # random bytes inside its fonts and streams
}
TRUTH_FILE, TRUTH_OF = "truth__GeoTopo-book.txt", "pypdf__GeoTopo-komprimiert"

BARS = {
    "cpu / pypdfium2": ("<=", 1.0),
    "cpu / PyPDF2": ("<=", 0.1),
    "cpu / python-docx": ("<=", 0.1),
    "F1 to PyMuPDF, mean": (">=", 0.94),
    "F1 to the reviewed text of GeoTopo": (">=", 0.965),
    "recall of python-docx's words": (">=", 0.99),
}


# The peers, each in a process of its own: warmed, then measured.

def read_pypdfium2(path):
    import pypdfium2
    document = pypdfium2.PdfDocument(path)
    try:
        return "\f".join(page.get_textpage().get_text_range() for page in document)
    finally:
        document.close()


def read_pypdf2(path):
    import PyPDF2
    return "\f".join(page.extract_text() for page in PyPDF2.PdfReader(path).pages)


def read_pymupdf(path):
    import pymupdf
    with pymupdf.open(path) as document:
        return "\f".join(page.get_text() for page in document)


def read_python_docx(path):
    import docx
    document = docx.Document(path)
    texts = [paragraph.text for paragraph in document.paragraphs]
    for table in document.tables:
        for row in table.rows:
            texts.extend(cell.text for cell in row.cells)
    return "\n".join(texts)


READERS = {
    "pypdfium2": read_pypdfium2,
    "PyPDF2": read_pypdf2,
    "PyMuPDF": read_pymupdf,
    "python-docx": read_python_docx,
}


def peer_process(name, repeat, files):
    """Prints one JSON line: CPU seconds of a repeat and the text of every file that was read."""
    import logging
    import warnings
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    read, texts = READERS[name], {}
    for path in files:
        try:
            texts[path] = read(path)
        except Exception:  # whatever a peer's parser throws, the file counts as not read
            continue
    start = os.times()
    for _ in range(repeat):
        for path in texts:
            read(path)
    end = os.times()
    cpu_s = (end.user - start.user + end.system - start.system) / repeat
    print(json.dumps({"cpu_s": cpu_s, "texts": texts}))


def run_peer(python, name, repeat, files):
    command = [python, __file__, "--peer", name, "--repeat", str(repeat), *files]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def run_ours(binary, repeat, files):
    """CPU seconds of a repeat: the difference of two runs, so that starting drops out."""
    def cpu_s(times):
        command = [binary, "document", "--repeat", str(times), *files]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
        return json.loads(done.stdout.splitlines()[-1])["cpu_s"]
    return (cpu_s(repeat + 1) - cpu_s(1)) / repeat


def our_texts(binary, files):
    with tempfile.TemporaryDirectory() as folder:
        command = [binary, "document", "--out", folder, *files]
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
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


def python_with_peers():
    probe = "import pypdfium2, PyPDF2, pymupdf, docx"
    if subprocess.run([sys.executable, "-c", probe], capture_output=True).returncode == 0:
        return sys.executable
    folder = pathlib.Path(tempfile.gettempdir()) / "windlass-bench-document"
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
    subprocess.run([python, "-m", "pip", "install", "--quiet", *PEERS], check=True)
    return str(python)


def find_binary(given):
    if given:
        return given
    target = os.environ.get("CARGO_TARGET_DIR", pathlib.Path(__file__).parent.parent / "target")
    return str(pathlib.Path(target) / "release" / "op-loop")


def compare(title, ours, theirs, score, skip=()):
    """Prints a line per file, worst first, and returns the mean."""
    scores = []
    for path, text in theirs.items():
        name = pathlib.Path(path).stem
        if name not in skip and words(text) and ours.get(path) is not None:
            scores.append((score(words(ours[path]), words(text)), name))
    print(f"\n{title}")
    for value, name in sorted(scores):
        print(f"  {value:.4f}  {name}")
    return sum(value for value, _ in scores) / len(scores)


def measure(arguments):
    documents = pathlib.Path(arguments.samples) / "documents"
    pdfs = sorted(str(path) for path in documents.glob("*.pdf"))
    docx = sorted(str(path) for path in documents.glob("*.docx"))
    if not pdfs or not docx:
        sys.exit(f"{documents} holds no PDF or no DOCX files; give --samples")
    binary, python, repeat = find_binary(arguments.binary), python_with_peers(), arguments.repeat

    mupdf = run_peer(python, "PyMuPDF", repeat, pdfs)
    with_text = [path for path in pdfs if words(mupdf["texts"].get(path, ""))]
    pdfium = run_peer(python, "pypdfium2", repeat, with_text)
    pypdf2 = run_peer(python, "PyPDF2", 1, with_text)
    python_docx = run_peer(python, "python-docx", repeat, docx)
    # Only files that both sides read are timed.
    our_pdf_s = run_ours(binary, repeat, list(pdfium["texts"]))
    our_pdf_2_s = run_ours(binary, repeat, list(pypdf2["texts"]))
    our_docx_s = run_ours(binary, repeat, list(python_docx["texts"]))
    ours = our_texts(binary, with_text + docx)

    results = {
        "cpu / pypdfium2": our_pdf_s / pdfium["cpu_s"],
        "cpu / PyPDF2": our_pdf_2_s / pypdf2["cpu_s"],
        "cpu / python-docx": our_docx_s / python_docx["cpu_s"],
        "F1 to PyMuPDF, mean": compare(
            "F1 to PyMuPDF", ours, mupdf["texts"], f1, NOT_COMPARED),
        "recall of python-docx's words": compare(
            "recall of python-docx's words", ours, python_docx["texts"], recall),
    }
    truth = documents / TRUTH_FILE
    geotopo = next((path for path in with_text if TRUTH_OF in path), None)
    if truth.exists() and geotopo:
        reviewed = words(truth.read_text(encoding="utf-8"))
        results["F1 to the reviewed text of GeoTopo"] = f1(words(ours[geotopo]), reviewed)

    print(f"\nCPU seconds: {len(with_text)} PDFs ours {our_pdf_s:.3f}, pypdfium2 "
          f"{pdfium['cpu_s']:.3f}, PyPDF2 {pypdf2['cpu_s']:.3f}, PyMuPDF {mupdf['cpu_s']:.3f}; "
          f"{len(docx)} DOCX ours {our_docx_s:.4f}, python-docx {python_docx['cpu_s']:.3f}\n")
    return results


def main():
    parser = argparse.ArgumentParser(description="Measures operation document beside its peers.")
    parser.add_argument("--samples", default=os.environ.get("WINDLASS_SAMPLES", "samples"))
    parser.add_argument("--binary")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--peer", choices=READERS, help=argparse.SUPPRESS)
    parser.add_argument("files", nargs="*", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.peer:
        return peer_process(arguments.peer, arguments.repeat, arguments.files)
    missed = False
    print_rows = []
    for name, value in measure(arguments).items():
        sign, bar = BARS[name]
        is_met = value <= bar if sign == "<=" else value >= bar
        missed |= not is_met
        verdict = "ok" if is_met else "MISSED"
        print_rows.append(f"{name:38} {value:8.4f}  bar {sign} {bar:<6} {verdict}")
    print("\n".join(print_rows))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
