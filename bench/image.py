#!/usr/bin/env python3
"""Operation `image` beside Pillow: CPU time, bytes of the results, and the largest grey difference.

    python3 bench/image.py [--samples DIR] [--binary PATH] [--repeat N]

DIR holds `images/` (default: $WINDLASS_SAMPLES); PATH is the built `op-loop` of package
windlass-bench. Pillow and numpy are those that this Python has, else out of a virtual environment
under the system's folder for temporary files. Ends with 1 where a bar is missed.

Both sides turn JPEG files into grey PNG. Pillow opens, calls convert("L") and saves into memory, at
its default compression and at level 1. CPU is user + system time of a warmed process. Pixels are
compared after Pillow's own exif_transpose.
"""

import argparse
import io
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import venv

PEERS = ["pillow", "numpy"]
BARS = {
    "cpu / Pillow": ("<=", 0.2),
    "cpu / Pillow at level 1": ("<=", 0.5),
    "bytes / Pillow": ("<=", 1.15),
    # The two decoders round their cosine transforms differently: by 1, and by 2 in about one pixel
    # of a million, where a colour is cut to the range of bytes as well.
    "pixels of a million off by more than 1": ("<=", 10.0),
    "largest grey difference": ("<=", 1),
}


def pillow_process(repeat, files):
    """Prints one JSON line: CPU seconds of a repeat at both levels, and the bytes of each result."""
    from PIL import Image

    def convert(path, options):
        out = io.BytesIO()
        Image.open(path).convert("L").save(out, "PNG", **options)
        return len(out.getvalue())

    answer = {"bytes": {path: convert(path, {}) for path in files}}
    for name, options in (("cpu_s", {}), ("cpu_level1_s", {"compress_level": 1})):
        start = os.times()
        for _ in range(repeat):
            for path in files:
                convert(path, options)
        end = os.times()
        answer[name] = (end.user - start.user + end.system - start.system) / repeat
    print(json.dumps(answer))


def compare_process(folder, files):
    """Prints one JSON line: the largest difference, and how many of a million pixels exceed 1."""
    import numpy
    from PIL import Image, ImageOps
    largest, above, count = 0, 0, 0
    for path in files:
        result = pathlib.Path(folder) / f"processed_{pathlib.Path(path).stem}.png"
        ours = numpy.asarray(Image.open(result)).astype(int)
        theirs = numpy.asarray(ImageOps.exif_transpose(Image.open(path)).convert("L")).astype(int)
        if ours.shape != theirs.shape:
            raise SystemExit(f"{path}: {ours.shape} is not {theirs.shape}")
        difference = numpy.abs(ours - theirs)
        largest = max(largest, int(difference.max()))
        above += int((difference > 1).sum())
        count += difference.size
    print(json.dumps({"largest": largest, "per_million": above * 1e6 / count}))


def last_json(command):
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def our_cpu_s(binary, repeat, files):
    """CPU seconds of a repeat: the difference of two runs, so that starting and warming drop out."""
    def cpu_s(times):
        return last_json([binary, "image", "--repeat", str(times), *files])["cpu_s"]
    return (cpu_s(repeat + 1) - cpu_s(1)) / repeat


def python_with_peers():
    probe = [sys.executable, "-c", "import PIL, numpy"]
    if subprocess.run(probe, stderr=subprocess.DEVNULL, check=False).returncode == 0:
        return sys.executable
    folder = pathlib.Path(tempfile.gettempdir()) / "windlass-bench-image"
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *PEERS], check=True)
    return str(python)


def default_binary():
    target = os.environ.get("CARGO_TARGET_DIR", pathlib.Path(__file__).parent.parent / "target")
    return str(pathlib.Path(target) / "release" / "op-loop")


def measure(binary, repeat, files):
    python = python_with_peers()
    peer = last_json([python, __file__, "--peer", "pillow", "--repeat", str(repeat), *files])
    ours = our_cpu_s(binary, repeat, files)
    with tempfile.TemporaryDirectory() as folder:
        done = last_json([binary, "image", "--out", folder, *files])
        if done["failures"]:
            raise SystemExit(f"failed: {done['failures']}")
        results = [pathlib.Path(folder) / f"processed_{pathlib.Path(f).stem}.png" for f in files]
        byte_count = sum(result.stat().st_size for result in results)
        pixels = last_json([python, __file__, "--peer", "compare", "--folder", folder, *files])
    return {
        "cpu / Pillow": ours / peer["cpu_s"],
        "cpu / Pillow at level 1": ours / peer["cpu_level1_s"],
        "bytes / Pillow": byte_count / sum(peer["bytes"].values()),
        "pixels of a million off by more than 1": pixels["per_million"],
        "largest grey difference": pixels["largest"],
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", default=os.environ.get("WINDLASS_SAMPLES"))
    parser.add_argument("--binary", default=default_binary())
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--peer", choices=["pillow", "compare"], help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    parser.add_argument("files", nargs="*", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peer == "pillow":
        return pillow_process(options.repeat, options.files)
    if options.peer == "compare":
        return compare_process(options.folder, options.files)
    if not options.samples:
        parser.error("--samples DIR or $WINDLASS_SAMPLES is needed")
    files = sorted(str(path) for path in (pathlib.Path(options.samples) / "images").glob("*.jpg"))
    if not files:
        parser.error(f"no JPEG files under {options.samples}/images")
    missed = False
    for name, value in measure(options.binary, options.repeat, files).items():
        sign, bar = BARS[name]
        holds = value <= bar
        missed |= not holds
        print(f"{name:40} {value:8.3f}  {sign} {bar:<6} {'ok' if holds else 'MISSED'}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
