#!/usr/bin/env python3
"""Operation `word_count` beside Python's Counter over the same tokens: CPU time, equal counts.

    python3 bench/word_count.py [--samples DIR] [--repeat N] [--runs N]

The inputs are the `.txt` files in UTF-8 below DIR/text. Ours reads a file, splits it, counts, sorts
and writes JSON. Python is measured twice: `same result` does all of that too; `Counter alone` only
reads, splits and counts. Ends with 1 where a bar is missed or a count differs.
"""

import json
import os
import pathlib
import tempfile
import textwrap

import harness

SPLITS = {
    "alnum": r"""
        import regex
        word = regex.compile(r"[\p{Alphabetic}\p{N}]+")
        split = lambda text: (match.lower() for match in word.findall(text))
    """,
    "ws": "split = str.split",
    "ascii": """
        import re
        split = re.compile("[A-Za-z]+").findall
    """,
}
COUNT = """
import collections, json, pathlib
def counts():
    texts = (pathlib.Path(path).read_text(encoding="utf-8") for path in files)
    return [collections.Counter(split(text)) for text in texts]
"""
ALONE = COUNT + "once = counts"
SAME_RESULT = COUNT + """
def once():
    for count in counts():
        ranked = sorted(count.items(), key=lambda item: (-item[1], item[0]))
        json.dumps(dict(ranked), ensure_ascii=False).encode()
"""
BAR = 10
# `str.split` and Counter are both C, and for a text of few repeats they do less than half the work:
# for this split the bar is on the same result only.
WITHOUT_BAR_ALONE = {"ws"}


def is_utf8(path):
    try:
        pathlib.Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return False
    return True


def is_equal(path, tokens, expected):
    # Each is counted alone: files may share a name.
    with tempfile.TemporaryDirectory() as folder:
        done = harness.op_loop("word_count", [path], params={"tokens": tokens}, out=folder)
        results = [json.loads(result.read_bytes()) for result in pathlib.Path(folder).iterdir()]
    return not done["failures"] and [result["frequencies"] for result in results] == [expected]


def main():
    options = harness.parser(__doc__.splitlines()[0]).parse_args()
    texts = harness.part(options.samples, "text", "texts")
    # What another encoding is, is another question.
    files = [path for path in harness.files_of(texts, "*.txt") if is_utf8(path)]
    size_mb = sum(os.path.getsize(path) for path in files) / 1e6
    table = harness.Table()
    for tokens, split in SPLITS.items():
        split = textwrap.dedent(split)
        answers = harness.interleaved(options.runs, {
            "ours": lambda: harness.op_loop(
                "word_count", files, options.repeat, params={"tokens": tokens}),
            "alone": lambda: harness.peer(split + ALONE, files, options.repeat),
            "same": lambda: harness.peer(split + SAME_RESULT, files, options.repeat),
        })
        ours, alone, same = map(harness.median_cpu_s, answers.values())
        table.row(f"{tokens}: ours", size_mb / ours, unit="MB/s")
        table.row(f"{tokens}: Counter, same result / ours, CPU", same / ours, ">=", BAR)
        bar = (None, None) if tokens in WITHOUT_BAR_ALONE else (">=", BAR)
        table.row(f"{tokens}: Counter alone / ours, CPU", alone / ours, *bar)
        expected = answers["alone"][0]["answer"]
        equal = sum(is_equal(path, tokens, counts) for path, counts in zip(files, expected))
        table.row(f"{tokens}: files of equal counts", equal, ">=", len(files))
    table.finish()


if __name__ == "__main__":
    main()
