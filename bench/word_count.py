#!/usr/bin/env python3
"""Operation `word_count` beside Python's Counter over the same tokens: CPU time, equal counts.

    python3 bench/word_count.py [--samples DIR] [--binary PATH] [--repeat N]

DIR holds `text/` (default: $WINDLASS_SAMPLES); PATH is the built `op-loop` of package
windlass-bench. PyPI's `regex` is what this Python has, else out of a virtual environment under the
system's folder for temporary files. Ends with 1 where a bar is missed or a count differs.

Python reads the file, splits it and counts; it neither sorts nor writes. Ours does all of it. CPU
is user + system time of a warmed process.
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

# `str.split` is as fast as Python gets, and a text of few repeats is mostly sorting and writing,
# which Python is spared here: `ws` is the farthest from its bar.
BARS = {"alnum": 10.0, "ws": 10.0, "ascii": 10.0}


def splitters():
    import regex

    word = regex.compile(r"[\p{Alphabetic}\p{N}]+")
    return {
        "alnum": lambda text: (match.lower() for match in word.findall(text)),
        "ws": str.split,
        "ascii": re.compile("[A-Za-z]+").findall,
    }


def is_utf8(path):
    try:
        path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return False
    return True


def python_process(repeat, files):
    """Prints one JSON line per way of splitting: CPU seconds of a repeat, counts of each file."""
    for tokens, split in splitters().items():
        def count(path):
            return collections.Counter(split(pathlib.Path(path).read_text(encoding="utf-8")))

        counts = [count(path) for path in files]
        start = os.times()
        for _ in range(repeat):
            for path in files:
                count(path)
        end = os.times()
        cpu_s = (end.user - start.user + end.system - start.system) / repeat
        print(json.dumps({"tokens": tokens, "cpu_s": cpu_s, "counts": counts}))


def python_with_regex():
    probe = [sys.executable, "-c", "import regex"]
    if subprocess.run(probe, stderr=subprocess.DEVNULL, check=False).returncode == 0:
        return sys.executable
    folder = pathlib.Path(tempfile.gettempdir()) / "windlass-bench-word-count"
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "regex"], check=True)
    return str(python)


def op_loop(binary, tokens, *arguments):
    command = [binary, "word_count", "--param", f"tokens={tokens}", *arguments]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def our_cpu_s(binary, tokens, repeat, files):
    """CPU seconds of a repeat: the difference of two runs, without starting and warming."""
    def cpu_s(times):
        return op_loop(binary, tokens, "--repeat", str(times), *files)["cpu_s"]
    return (cpu_s(repeat + 1) - cpu_s(1)) / repeat


def differing_files(binary, tokens, files, counts):
    """Files whose counts are not Python's. Each is counted alone: files may share a name."""
    differing = []
    for path, expected in zip(files, counts):
        with tempfile.TemporaryDirectory() as folder:
            done = op_loop(binary, tokens, "--out", folder, path)
            results = [json.loads(result.read_bytes()) for result in pathlib.Path(folder).iterdir()]
        if done["failures"] or len(results) != 1 or results[0]["frequencies"] != expected:
            differing.append(path)
    return differing


def default_binary():
    target = os.environ.get("CARGO_TARGET_DIR", pathlib.Path(__file__).parent.parent / "target")
    return str(pathlib.Path(target) / "release" / "op-loop")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", default=os.environ.get("WINDLASS_SAMPLES"))
    parser.add_argument("--binary", default=default_binary())
    parser.add_argument("--repeat", type=int, default=10)
    parser.add_argument("--peer", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("files", nargs="*", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peer:
        return python_process(options.repeat, options.files)
    if not options.samples:
        parser.error("--samples DIR or $WINDLASS_SAMPLES is needed")
    paths = sorted((pathlib.Path(options.samples) / "text").rglob("*.txt"))
    # What another encoding is, is another question.
    files = [str(path) for path in paths if is_utf8(path)]
    if not files:
        parser.error(f"no .txt files in UTF-8 under {options.samples}/text")
    command = [python_with_regex(), __file__, "--peer", "--repeat", str(options.repeat), *files]
    peer = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    size_mb = sum(os.path.getsize(path) for path in files) / 1e6
    missed = False
    for line in peer.stdout.splitlines():
        python = json.loads(line)
        tokens = python["tokens"]
        ours = our_cpu_s(options.binary, tokens, options.repeat, files)
        differing = differing_files(options.binary, tokens, files, python["counts"])
        ratio, bar = python["cpu_s"] / ours, BARS[tokens]
        holds = not differing and ratio >= bar
        missed |= not holds
        print(
            f"{tokens:8} Python {size_mb / python['cpu_s']:7.1f} MB/s"
            f"  ours {size_mb / ours:7.1f} MB/s"
            f"  {ratio:6.1f}x  >= {bar:g}"
            f" {len(files) - len(differing)} of {len(files)} equal  {'ok' if holds else 'MISSED'}"
        )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
