#!/usr/bin/env python3
"""Operation `word_count` beside Python's Counter over the same tokens: CPU time, equal counts.

    python3 bench/word_count.py [--samples DIR] [--repeat N] [--runs N] [--large-mb MB]

The inputs are the `.txt` files in UTF-8 below DIR/text. Ours reads a file, splits it, counts, sorts
and writes JSON. Python is measured twice: `same result` does all of that too; `Counter alone` only
reads, splits and counts. Then one text of MB is made and counted once by each; Python goes through
it by lines, since the list of all its tokens would need ten times its size. Ends with 1 where a bar
is missed or a count differs.
"""

import json
import os
import pathlib
import random
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
LINE_BY_LINE = """
import collections
def once():
    counts = collections.Counter()
    with open(files[0], encoding="utf-8") as lines:
        for line in lines:
            counts.update(split(line))
    return counts
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


def make_text(path, size_bytes):
    """Lines of words, few of them frequent as in a language, the same ones each time."""
    chance = random.Random(1)
    letters = "etaoinshrdlucmfwypvbgkéüßжд"
    words = ["".join(chance.choices(letters, k=chance.randint(2, 11))) for _ in range(50_000)]
    words += [str(chance.randrange(10_000)) for _ in range(1_000)]
    chance.shuffle(words)
    weights = [1 / rank for rank in range(1, len(words) + 1)]
    lines = [" ".join(chance.choices(words, weights, k=12)).capitalize() + ".\n"
             for _ in range(100_000)]
    written = 0
    with open(path, "w", encoding="utf-8", newline="") as file:
        while written < size_bytes:
            chance.shuffle(lines)
            block = "".join(lines)
            file.write(block)
            written += len(block.encode())
    return written


def large(table, size_mb):
    with tempfile.TemporaryDirectory() as folder:
        path = str(pathlib.Path(folder) / "large.txt")
        made_mb = make_text(path, size_mb * 1e6) / 1e6
        for tokens, split in SPLITS.items():
            ours = harness.op_loop("word_count", [path], params={"tokens": tokens})
            peer = harness.peer(textwrap.dedent(split) + LINE_BY_LINE, [path])
            table.row(f"{tokens}, {size_mb} MB: ours", made_mb / ours["cpu_s"], unit="MB/s")
            table.row(f"{tokens}, {size_mb} MB: ours, memory", ours["peak_rss_mb"], unit="MB")
            bar = (None, None) if tokens in WITHOUT_BAR_ALONE else (">=", BAR)
            table.row(f"{tokens}, {size_mb} MB: Counter / ours, CPU",
                      peer["cpu_s"] / ours["cpu_s"], *bar)
            equal = is_equal(path, tokens, peer["answer"])
            table.row(f"{tokens}, {size_mb} MB: equal counts", equal, ">=", 1)


def main():
    parser = harness.parser(__doc__.splitlines()[0])
    parser.add_argument("--large-mb", type=int, default=500, help="size of the large text")
    options = parser.parse_args()
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
    if options.large_mb:
        large(table, options.large_mb)
    table.finish()


if __name__ == "__main__":
    main()
