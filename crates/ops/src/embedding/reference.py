"""Makes `reference.json`: what scikit-learn's TfidfVectorizer makes of small documents.

    python3 -m venv venv && venv/bin/pip install scikit-learn==1.9.1
    venv/bin/python crates/ops/src/embedding/reference.py

Parameters are written as `windlass` takes them; no tie of frequencies straddles a `max_features`.
"""

import json
import pathlib

from sklearn.feature_extraction.text import TfidfVectorizer

DOCUMENTS = [
    "The cat sat on the mat. The cat's hat, the CAT's mat; a cat!",
    "Dogs and cats: 3 dogs, 14 cats, x_y z9 and one_more dog don't sit on mats.",
    "Ångström's café in Zürich, naïve façade; ΟΔΟΣ Straße İstanbul \u0301mark ﬁne ½ x² 日本語 テスト",
    "cat cat cat cat dog dog mat\t\tmat \u00a0 \u2003hat  the of and",
    "the of and a is",
    "",
]
CASES = [
    {},
    {"stop_words": "none"},
    {"stop_words": "none", "lowercase": "false"},
    {"stop_words": "cat,the,mats"},
    {"stop_words": "none", "min_df": "2"},
    {"stop_words": "none", "max_df": "2"},
    {"stop_words": "none", "min_df": "0.3", "max_df": "0.5"},
    {"stop_words": "none", "max_features": "1"},
    {"stop_words": "none", "max_features": "1", "binary": "true"},
    {"stop_words": "none", "ngram_min": "1", "ngram_max": "2"},
    {"ngram_min": "2", "ngram_max": "3"},
    {"sublinear_tf": "true"},
    {"norm": "l1"},
    {"norm": "none"},
    {"use_idf": "false"},
    {"smooth_idf": "false"},
    {"binary": "true"},
    {"use_idf": "false", "norm": "none", "stop_words": "none"},
    {"strip_accents": "unicode"},
    {"strip_accents": "ascii", "stop_words": "none"},
    {"analyzer": "char", "max_features": "0"},
    {"analyzer": "char", "ngram_min": "2", "ngram_max": "4", "max_features": "0"},
    {"analyzer": "char_wb", "ngram_min": "1", "ngram_max": "3", "max_features": "0"},
    {"analyzer": "char_wb", "ngram_min": "5", "ngram_max": "9", "max_features": "0"},
]


def share_or_count(value):
    return float(value) if "." in value else int(value)


def stop_words(value):
    return {"none": None, "english": "english"}.get(value, value.split(","))


def vectorizer(params):
    given = {"max_features": "100", "stop_words": "english", **params}
    made = {"max_features": int(given["max_features"]) or None,
            "stop_words": stop_words(given["stop_words"]),
            "ngram_range": (int(given.get("ngram_min", 1)), int(given.get("ngram_max", 1)))}
    for name in ("lowercase", "binary", "sublinear_tf", "use_idf", "smooth_idf"):
        if name in given:
            made[name] = given[name] == "true"
    for name in ("min_df", "max_df"):
        if name in given:
            made[name] = share_or_count(given[name])
    for name in ("analyzer", "strip_accents"):
        if name in given:
            made[name] = given[name]
    if "norm" in given:
        made["norm"] = None if given["norm"] == "none" else given["norm"]
    if made.get("analyzer", "word") != "word":
        made["stop_words"] = None
    return TfidfVectorizer(**made)


def case(params):
    made = vectorizer(params)
    matrix = made.fit_transform(DOCUMENTS).tocsr()
    rows = []
    for row in range(len(DOCUMENTS)):
        found = matrix[row]
        rows.append(sorted([int(i), float(w)] for i, w in zip(found.indices, found.data)))
    return {"params": params, "features": list(made.get_feature_names_out()), "vectors": rows}


def main():
    out = pathlib.Path(__file__).with_name("reference.json")
    cases = ",\n".join(json.dumps(case(params), ensure_ascii=False) for params in CASES)
    documents = json.dumps(DOCUMENTS, ensure_ascii=False)
    out.write_text(f'{{"documents": {documents},\n"cases": [\n{cases}\n]}}\n', encoding="utf-8")


if __name__ == "__main__":
    main()
