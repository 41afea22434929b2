#!/usr/bin/env python3
"""Operation `text` beside PyPI's vaderSentiment over sentences: CPU time, equal scores.

    python3 bench/text.py [--samples DIR] [--repeat N] [--runs N]

The `.txt` files below DIR/text are cut into sentences. Time: vaderSentiment rates all of them,
which it holds in memory; ours runs the whole operation over the same files, all other figures and
the writing included. (Given a whole file, the original's time grows with the square of its length.)
Scores: those of single sentences must be equal, each run as a file of its own.
"""

import json
import pathlib
import re
import tempfile

import harness

VADER = """
import pathlib, re
from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer
analyzer = SentimentIntensityAnalyzer()
sentences = json.loads(pathlib.Path(files[0]).read_text(encoding="utf-8"))
def once():
    return [analyzer.polarity_scores(sentence) for sentence in sentences]
"""
BAR = 5
COMPARED_COUNT = 4000


def sentences_of(files):
    sentences = []
    for path in files:
        text = pathlib.Path(path).read_text(encoding="utf-8", errors="replace")
        sentences += [sentence for sentence in re.split(r"(?<=[.!?])\s+", text) if sentence.strip()]
    return sentences


def our_scores(sentences, folder):
    out = folder / "out"
    files = [folder / f"{index}.txt" for index in range(len(sentences))]
    for path, sentence in zip(files, sentences):
        path.write_text(sentence, encoding="utf-8", newline="")
    harness.op_loop("text", list(map(str, files)), out=out)
    results = [json.loads((out / f"{path.stem}_analysis.json").read_bytes()) for path in files]
    return [result["vader"] for result in results]


def main():
    options = harness.parser(__doc__.splitlines()[0]).parse_args()
    texts = harness.part(options.samples, "text", "texts")
    files = harness.files_of(texts, "*.txt")
    sentences = sentences_of(files)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        listed = folder / "sentences.json"
        listed.write_text(json.dumps(sentences), encoding="utf-8")
        answers = harness.interleaved(options.runs, {
            "ours": lambda: harness.op_loop("text", files, options.repeat),
            "vaderSentiment": lambda: harness.peer(VADER, [str(listed)], options.repeat),
        })
        step = max(1, len(sentences) // COMPARED_COUNT)
        scores = our_scores(sentences[::step], folder)
    ours, peer = map(harness.median_cpu_s, answers.values())
    expected = answers["vaderSentiment"][0]["answer"][::step]
    table = harness.Table()
    table.row("vaderSentiment / ours with all figures, CPU", peer / ours, ">=", BAR)
    equal = sum(map(dict.__eq__, scores, expected))
    table.row("sentences of equal scores", equal, ">=", len(scores))
    table.finish()


if __name__ == "__main__":
    main()
