#!/usr/bin/env python3
"""Operation `embedding` beside scikit-learn's TfidfVectorizer: CPU time on one core, equal weights.

    python3 bench/embedding.py [--samples DIR] [--repeat N] [--runs N]

The `.txt` files below DIR/text are cut into 20,000 documents of equal length. Both sides read
them from their files; ours makes the results of all of them as JSON too, the peer its matrix.
Weights are compared with all terms kept and with some 1,000 features, cut where no tie is.
"""

import json
import pathlib
import tempfile

import harness

TFIDF = """
from sklearn.feature_extraction.text import TfidfVectorizer
def once():
    TfidfVectorizer(input="filename", max_features=100, stop_words="english").fit_transform(files)
"""
# Every 50th row, as {feature: weight}; features at the cut that others are as frequent as are told.
WEIGHTS = """
import numpy
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
def rows(**given):
    vectorizer = TfidfVectorizer(input="filename", stop_words="english", **given)
    matrix = vectorizer.fit_transform(files).tocsr()
    names = vectorizer.get_feature_names_out()
    return [{names[i]: float(w) for i, w in zip(matrix[row].indices, matrix[row].data)}
            for row in range(0, len(files), 50)]
def once():
    counts = CountVectorizer(input="filename", stop_words="english").fit_transform(files)
    sums = numpy.sort(numpy.asarray(counts.sum(axis=0)).ravel())[::-1]
    # The largest cut below 1,000 that no tie straddles.
    cut = next(n for n in range(1000, 0, -1) if sums[n - 1] > sums[n])
    return {"cut": cut, "all": rows(), "some": rows(max_features=cut)}
"""
DOCUMENT_COUNT = 20_000
BAR = 4
DIFFERENCE_MAX = 1e-12


def documents(files, folder):
    text = "".join(pathlib.Path(path).read_text(encoding="utf-8", errors="replace")
                   for path in files)
    length = len(text) // DOCUMENT_COUNT
    made = []
    for index in range(DOCUMENT_COUNT):
        path = folder / f"{index:05}.txt"
        piece = text[index * length:(index + 1) * length]
        # A file of nothing is no text.
        path.write_text(piece if piece.strip() else "a", encoding="utf-8")
        made.append(str(path))
    return made


def difference(out, files, rows):
    """The largest one between a weight of ours and the peer's, features that only one has too."""
    worst = 0.0
    for path, theirs in zip(files[::50], rows):
        made = json.loads((out / f"{pathlib.Path(path).stem}_embedding.json").read_bytes())
        ours = dict(zip(made["features"], made["vector"]))
        names = ours.keys() | theirs.keys()
        worst = max([worst, *(abs(ours.get(name, 0) - theirs.get(name, 0)) for name in names)])
    return worst


def main():
    options = harness.parser(__doc__.splitlines()[0]).parse_args()
    texts = harness.files_of(harness.part(options.samples, "text", "texts"), "*.txt")
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        files = documents(texts, folder)
        vectors = {"nearest": "0"}
        answers = harness.interleaved(options.runs, {
            "ours": lambda: harness.op_loop("embedding", files, options.repeat, vectors),
            "scikit-learn": lambda: harness.peer(TFIDF, files, options.repeat),
        })
        nearest = harness.op_loop("embedding", files)
        expected = harness.peer(WEIGHTS, files)["answer"]
        worst = []
        for name, count in (("all", 0), ("some", expected["cut"])):
            out = folder / name
            params = {"max_features": str(count), "form": "sparse", **vectors}
            harness.op_loop("embedding", files, params=params, out=out)
            worst.append(difference(out, files, expected[name]))
    ours, peer = map(harness.median_cpu_s, answers.values())
    table = harness.Table()
    table.row("scikit-learn / ours with JSON, CPU", peer / ours, ">=", BAR)
    table.row("ours, CPU", ours, unit="s")
    table.row("ours with the ten nearest of each, CPU", nearest["cpu_s"], unit="s")
    table.row("largest difference of a weight", max(worst), "<=", DIFFERENCE_MAX)
    table.finish()


if __name__ == "__main__":
    main()
