#!/usr/bin/env python3
"""Operation `text` beside PyPI's vaderSentiment over sentences: CPU time, equal scores.

    python3 bench/text.py [--samples DIR] [--repeat N] [--runs N]

The `.txt` files below DIR/text are cut into sentences. Time: vaderSentiment rates all of them,
which it holds in memory; ours runs the whole operation over the same files, all other figures and
the writing included. (Given a whole file, the original's time grows with the square of its length.)
Scores: those of single sentences must be equal, each run as a file of its own.
Key phrases: of 200 texts (the speeches of DIR/text, and parts of its novels) four in five must
have the same ten as PyPI's yake finds, in the same order.
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
YAKE = """
import pathlib, yake
def once():
    phrases = yake.KeywordExtractor(lan="en", n=3, top=10).extract_keywords
    texts = (pathlib.Path(path).read_text(encoding="utf-8") for path in files)
    return [[phrase.lower() for phrase, _ in phrases(text)] for text in texts]
"""
BAR = 5
TEXT_COUNT = 200
PART_LENGTH = 3000
EQUAL_LISTS_SHARE = 0.8
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


def pieces_of(files, folder):
    """Files of whole speeches, and of parts of the novels that are spread over all of them."""
    texts = [pathlib.Path(path).read_text(encoding="utf-8", errors="replace") for path in files]
    speeches = [text for text in texts if len(text) < 60_000]
    novels = [text for text in texts if len(text) >= 60_000]
    each = max(1, (TEXT_COUNT - len(speeches)) // max(1, len(novels)))
    parts = [text[at:at + PART_LENGTH] for text in novels
             for at in range(0, len(text), len(text) // each + 1)]
    made = []
    for index, text in enumerate([*speeches, *parts][:TEXT_COUNT]):
        made.append(folder / f"piece-{index}.txt")
        made[-1].write_text(text, encoding="utf-8", newline="")
    return made


def our_phrases(pieces, folder):
    out = folder / "phrases"
    harness.op_loop("text", list(map(str, pieces)), params={"keywords": "10"}, out=out)
    results = [json.loads((out / f"{path.stem}_analysis.json").read_bytes()) for path in pieces]
    return [[phrase.lower() for phrase, _ in result["keywords"]] for result in results]


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
        pieces = pieces_of(files, folder)
        names = list(map(str, pieces))
        phrases = our_phrases(pieces, folder)
        yake = harness.peer(YAKE, names)
        figures = {what: harness.op_loop("text", names, params=params) for what, params in {
            "nothing more": {}, "sentences": {"sentences": "count"}, "ten key phrases": {"keywords": "10"},
        }.items()}
        megabytes = sum(path.stat().st_size for path in pieces) / 1e6
    ours, peer = map(harness.median_cpu_s, answers.values())
    expected = answers["vaderSentiment"][0]["answer"][::step]
    table = harness.Table()
    table.row("vaderSentiment / ours with all figures, CPU", peer / ours, ">=", BAR)
    equal = sum(map(dict.__eq__, scores, expected))
    table.row("sentences of equal scores", equal, ">=", len(scores))
    same = sum(ours == theirs for ours, theirs in zip(phrases, yake["answer"]))
    table.row("lists of the same ten key phrases", same, ">=", EQUAL_LISTS_SHARE * len(pieces))
    for what, answer in figures.items():
        table.row(f"CPU a MB, {what}", answer["cpu_s"] / megabytes * 1e3, unit="ms")
    table.row("yake / ours with key phrases, CPU", yake["cpu_s"] / figures["ten key phrases"]["cpu_s"])
    table.finish()


if __name__ == "__main__":
    main()
