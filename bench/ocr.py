"""Text recognition: word F1, CER and CPU beside pytesseract on the same pages.

The truth of a page is the file of its name with `.txt`. A page's words are the pieces between
white space, each as often as it stands there; the order does not count for F1. CER is the edit
distance over the truth's length, both with white space collapsed. Groups by the first letter of a
name: `g`, `r`, `t` are pages, `d` pages with slant and noise, `s` photographed receipts; other
names are pages. Both sides run with `OMP_THREAD_LIMIT=1`.
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

# Before any process of either side is started.
os.environ["OMP_THREAD_LIMIT"] = "1"
F1_TOLERANCE = 0.5
CPU_RATIO_MAX = 0.9
TWO_COLUMN_CER_MAX = 2.0
GROUPS = {"d": "degraded", "s": "receipts"}

PYTESSERACT = """
import pytesseract
from PIL import Image
def once():
    return [pytesseract.image_to_string(Image.open(file)) for file in files]
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
        both = (f1(text, truths[file]), cer(text, truths[file]))
        name = pathlib.Path(file).name
        by_group[GROUPS.get(name[0], "pages")].append(both)
        by_file[name] = both
    means = {group: tuple(statistics.fmean(side) for side in zip(*found))
             for group, found in by_group.items()}
    return means, by_file


def ours(files, repeat):
    with tempfile.TemporaryDirectory() as out:
        answer = harness.op_loop("ocr", files, repeat, out=out)
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
    })
    table = harness.Table()
    found = {side: scores(dict(zip(files, answers[side][0]["answer"])), truths)
             for side in answers}
    (means, by_file), (peer_means, _) = found["ours"], found["pytesseract"]
    for group, (peer_f1, peer_cer) in sorted(peer_means.items()):
        table.row(f"{group}: word F1, pytesseract", peer_f1, unit="%")
        table.row(f"{group}: word F1", means[group][0], ">=", peer_f1 - F1_TOLERANCE, "%")
        table.row(f"{group}: CER, pytesseract", peer_cer, unit="%")
        table.row(f"{group}: CER", means[group][1], unit="%")
    columns = [both[1] for name, both in by_file.items() if "2col" in name]
    if columns:
        table.row("two columns: CER", max(columns), "<=", TWO_COLUMN_CER_MAX, "%")
    cpu_s, peer_cpu_s = (harness.median_cpu_s(answers[side]) for side in ("ours", "pytesseract"))
    table.row("CPU, pytesseract", peer_cpu_s, unit="s")
    table.row("CPU", cpu_s, unit="s")
    table.row("CPU / pytesseract's", cpu_s / peer_cpu_s, "<=", CPU_RATIO_MAX)
    table.row("memory", max(answer["peak_rss_mb"] for answer in answers["ours"]), unit="MB")
    table.finish()


if __name__ == "__main__":
    main()
