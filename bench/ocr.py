"""Text recognition: word F1, CER and CPU beside pytesseract, and of the accurate engine beside
rapidocr, on the same pages.

The truth of a page is the file of its name with `.txt`. A page's words are the pieces between
white space, each as often as it stands there; the order does not count for F1. CER is the edit
distance over the truth's length, both with white space collapsed. Where a truth was typed in
capitals alone, whatever is printed, letters count for their capitals. Groups by the first letter of
a name: `g`, `r`, `t` are pages, `d` pages with slant and noise, `s` photographed receipts; other
names are pages. All sides run with `OMP_THREAD_LIMIT=1`, rapidocr with one thread.
"""

import collections
import json
import os
import pathlib
import statistics
import sys
import tempfile

import harness
import numpy

# Before any process of a side is started.
os.environ["OMP_THREAD_LIMIT"] = "1"
F1_TOLERANCE = 0.5
CPU_RATIO_MAX = 0.9
TWO_COLUMN_CER_MAX = 2.0
ACCURATE_RECEIPTS_F1_MIN = 89.0
ACCURATE_RECEIPTS_CER_MAX = 6.0
ACCURATE_CPU_RATIO_MAX = 0.75
ACCURATE_MEMORY_MB_MAX = 900
GROUPS = {"d": "degraded", "s": "receipts"}

PYTESSERACT = """
import pytesseract
from PIL import Image
def once():
    return [pytesseract.image_to_string(Image.open(file)) for file in files]
"""

RAPIDOCR = """
from rapidocr import RapidOCR
engine = RapidOCR(params={
    "Global.log_level": "error",
    "EngineConfig.onnxruntime.intra_op_num_threads": 1,
    "EngineConfig.onnxruntime.inter_op_num_threads": 1,
})
def once():
    return ["\\n".join(engine(file).txts or ()) for file in files]
"""


def f1(text, truth):
    found, wanted = (collections.Counter(it.split()) for it in (text, truth))
    both = sum((found & wanted).values())
    return 200.0 * both / max(1, found.total() + wanted.total())


def cer(text, truth):
    """Percent; a row of the table of edit distances at a time."""
    found, wanted = (numpy.array([ord(it) for it in " ".join(side.split())], dtype=numpy.int64)
                     for side in (text, truth))
    steps = numpy.arange(len(wanted) + 1)
    before = steps.copy()
    for index, character in enumerate(found):
        row = numpy.empty_like(before)
        row[0] = index + 1
        row[1:] = numpy.minimum(before[:-1] + (wanted != character), before[1:] + 1)
        # What comes from the left costs 1 a step.
        before = numpy.minimum.accumulate(row - steps) + steps
    return 100.0 * before[-1] / max(1, len(wanted))


def scores(texts, truths):
    """By group, and for each file: mean F1 and CER."""
    by_group, by_file = collections.defaultdict(list), {}
    for file, text in texts.items():
        truth = truths[file]
        if truth == truth.upper():
            text = text.upper()
        both = (f1(text, truth), cer(text, truth))
        name = pathlib.Path(file).name
        by_group[GROUPS.get(name[0], "pages")].append(both)
        by_file[name] = both
    means = {group: tuple(statistics.fmean(side) for side in zip(*found))
             for group, found in by_group.items()}
    return means, by_file


def ours(files, repeat, engine="tesseract"):
    with tempfile.TemporaryDirectory() as out:
        answer = harness.op_loop("ocr", files, repeat, {"engine": engine}, out)
        if answer["failures"]:
            sys.exit(f"ocr failed: {answer['failures']}")
        answer["answer"] = [
            json.loads((pathlib.Path(out) / f"{pathlib.Path(file).stem}_ocr.json").read_text("utf-8"))
            ["extracted_text"] for file in files]
    return answer


def main():
    arguments = harness.parser(__doc__).parse_args()
    folder = harness.part(arguments.samples, "ocr")
    pictures = harness.files_of(folder, "*.png", "*.jpg", "*.tif")
    truths = {file: pathlib.Path(file).with_suffix(".txt") for file in pictures}
    truths = {file: path.read_text("utf-8") for file, path in truths.items() if path.exists()}
    if not truths:
        sys.exit(f"no picture under {folder} has its text beside it; give --samples")
    files = list(truths)
    answers = harness.interleaved(arguments.runs, {
        "ours": lambda: ours(files, arguments.repeat),
        "pytesseract": lambda: harness.peer(PYTESSERACT, files, arguments.repeat),
        # These take their time.
        "accurate": lambda: ours(files, 1, "accurate"),
        "rapidocr": lambda: harness.peer(RAPIDOCR, files),
        "auto": lambda: ours(files, 1, "auto"),
    })
    found = {side: scores(dict(zip(files, answers[side][0]["answer"])), truths)
             for side in answers}
    table = harness.Table()
    words(table, found)
    work(table, answers)
    table.finish()


def words(table, found):
    """What was read."""
    (means, by_file), (peer_means, _) = found["ours"], found["pytesseract"]
    for group, (peer_f1, peer_cer) in sorted(peer_means.items()):
        table.row(f"{group}: word F1, pytesseract", peer_f1, unit="%")
        table.row(f"{group}: word F1", means[group][0], ">=", peer_f1 - F1_TOLERANCE, "%")
        table.row(f"{group}: CER, pytesseract", peer_cer, unit="%")
        table.row(f"{group}: CER", means[group][1], unit="%")
        for side in ("rapidocr", "accurate", "auto"):
            side_f1, side_cer = found[side][0][group]
            is_bound = (group, side) == ("receipts", "accurate")
            bars = (">=", ACCURATE_RECEIPTS_F1_MIN), ("<=", ACCURATE_RECEIPTS_CER_MAX)
            bars = bars if is_bound else ((None, None), (None, None))
            table.row(f"{group}: word F1, {side}", side_f1, *bars[0], unit="%")
            table.row(f"{group}: CER, {side}", side_cer, *bars[1], unit="%")
    for side, name in (("ours", "two columns: CER"), ("accurate", "two columns: CER, accurate")):
        columns = [both[1] for file, both in found[side][1].items() if "2col" in file]
        if columns:
            table.row(name, max(columns), "<=", TWO_COLUMN_CER_MAX, "%")


def work(table, answers):
    """What it took."""
    cpu_s = {side: harness.median_cpu_s(answers[side]) for side in answers}
    memory_mb = {side: max(answer["peak_rss_mb"] for answer in answers[side])
                 for side in ("ours", "accurate", "auto")}
    table.row("CPU, pytesseract", cpu_s["pytesseract"], unit="s")
    table.row("CPU", cpu_s["ours"], unit="s")
    table.row("CPU / pytesseract's", cpu_s["ours"] / cpu_s["pytesseract"], "<=", CPU_RATIO_MAX)
    table.row("memory", memory_mb["ours"], unit="MB")
    table.row("CPU, rapidocr", cpu_s["rapidocr"], unit="s")
    table.row("CPU, accurate", cpu_s["accurate"], unit="s")
    table.row("CPU, accurate / rapidocr's", cpu_s["accurate"] / cpu_s["rapidocr"], "<=",
              ACCURATE_CPU_RATIO_MAX)
    table.row("memory, accurate", memory_mb["accurate"], "<=", ACCURATE_MEMORY_MB_MAX, "MB")
    table.row("CPU, auto", cpu_s["auto"], unit="s")
    table.row("CPU, auto / pytesseract's", cpu_s["auto"] / cpu_s["pytesseract"])


if __name__ == "__main__":
    main()
