#!/usr/bin/env python3
"""Operation `image` beside Pillow: CPU time, bytes of the results, and the largest grey difference.

    python3 bench/image.py [--samples DIR] [--repeat N] [--runs N]

Both sides turn the `.jpg` files of DIR/images into grey PNG. Pillow opens, calls convert("L") and
saves into memory, at its default compression and at level 1. Pixels are compared after Pillow's own
exif_transpose, those of DIR/ocr too.
"""

import pathlib
import tempfile

import harness

PILLOW = """
import io
from PIL import Image
def convert(path):
    out = io.BytesIO()
    Image.open(path).convert("L").save(out, "PNG", {options})
    return len(out.getvalue())
def once():
    return sum(map(convert, files))
"""
# How many pixels differ by 0, 1, 2, … of 255.
COMPARE = """
import numpy, pathlib
from PIL import Image, ImageOps
folder, *files = files
def difference(path):
    result = pathlib.Path(folder) / f"processed_{pathlib.Path(path).stem}.png"
    ours = numpy.asarray(Image.open(result)).astype(int)
    theirs = numpy.asarray(ImageOps.exif_transpose(Image.open(path)).convert("L")).astype(int)
    return numpy.bincount(numpy.abs(ours - theirs).ravel(), minlength=256)
def once():
    return [int(count) for count in sum(map(difference, files))]
"""


def differences(files):
    """How many pixels of the results differ from Pillow's by 0, 1, 2, … of 255."""
    with tempfile.TemporaryDirectory() as folder:
        done = harness.op_loop("image", files, out=folder)
        if done["failures"]:
            raise SystemExit(f"failed: {done['failures']}")
        size = sum(path.stat().st_size for path in pathlib.Path(folder).iterdir())
        return size, harness.peer(COMPARE, [folder, *files])["answer"]


def main():
    options = harness.parser(__doc__.splitlines()[0]).parse_args()
    files = harness.files_of(harness.part(options.samples, "images"), "*.jpg")
    receipts = sorted(map(str, (options.samples / "ocr").glob("*.jpg")))
    answers = harness.interleaved(options.runs, {
        "ours": lambda: harness.op_loop("image", files, options.repeat),
        "Pillow": lambda: harness.peer(PILLOW.format(options=""), files, options.repeat),
        "level 1": lambda: harness.peer(
            PILLOW.format(options="compress_level=1"), files, options.repeat),
    })
    ours, pillow, level_1 = map(harness.median_cpu_s, answers.values())
    size, _ = differences(files)
    _, counts = differences(files + receipts)
    table = harness.Table()
    table.row("ours / Pillow, CPU", ours / pillow, "<=", 0.2)
    table.row("ours / Pillow at level 1, CPU", ours / level_1, "<=", 0.5)
    table.row("ours / Pillow, bytes", size / answers["Pillow"][0]["answer"], "<=", 1.15)
    # Two decoders may differ by one before the grey is worked out (ISO/IEC 10918-2 allows it), and
    # the grey rounds once more: that adds up for a pixel in a million. README.md says where from.
    for step, count in enumerate(counts):
        if count and step:
            table.row(f"pixels of a million off by {step}", count * 1e6 / sum(counts))
    beyond = sum(counts[2:]) * 1e6 / sum(counts)
    table.row("pixels of a million off by more than 1", beyond, "<=", 1)
    table.row("largest grey difference", max(i for i, count in enumerate(counts) if count), "<=", 2)
    table.finish()


if __name__ == "__main__":
    main()
