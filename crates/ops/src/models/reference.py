"""Makes `reference/`: two tiny models, and what Python's libraries make of some texts with them.

    python3 -m venv venv && venv/bin/pip install model2vec==0.10.0 sentence-transformers==6.0.1
    venv/bin/python crates/ops/src/models/reference.py

The models know a few words and all letters; their numbers are random. `static` is one of model2vec,
`shared` one whose tokens share vectors, `bert` one of sentence-transformers.
"""

import json
import pathlib
import random
import shutil
import string

import numpy
from model2vec import StaticModel
from safetensors.numpy import save_file
from sentence_transformers import SentenceTransformer
from tokenizers import Tokenizer

FOLDER = pathlib.Path(__file__).parent / "reference"
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
WORDS = ["the", "cat", "dog", "sat", "on", "mat", "tea", "green", "wine", "red", "drink", "##s",
         "##ing", "##ed", "日", "本", "ß", "straße", "…", "½", ",", ".", "!", "?", "'", "-"]
LETTERS = [c for c in string.ascii_lowercase + string.digits]
VOCABULARY = list(dict.fromkeys(SPECIAL + WORDS + LETTERS + [f"##{c}" for c in LETTERS]))
HIDDEN, WIDE, LAYERS, HEADS, POSITIONS, READ = 16, 40, 2, 4, 32, 24
TEXTS = [
    "The cat sat on the mat.",
    "Green tea, red wine!",
    "CATS drinking… and dogs' mats?",
    "Ångström café naïve ÉCOLE Straße ½",
    "日本語 テスト cat",
    "a\u0000b\u00adc\u200bd\ufffde  \t\r\n f\u2003g\u000bh",
    "[MASK] the [SEP]cat[CLS] [ mask ]",
    "x" * 101,
    "x" * 100,
    " ".join(["tea"] * 40),
    "tea " * 10 + "🍵🍵🍵 ελληνικά русский",
    "x-y_z 3.14 don't re-use",
    "ﬁne Ⅷ ① İstanbul ΟΔΟΣ e\u0301 \u0323",
    "\u2014\u00bfque\u00bb\u3002",
    "",
    "   ",
]


def tokenizer(framed):
    single = [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
              {"SpecialToken": {"id": "[SEP]", "type_id": 0}}]
    template = {
        "type": "TemplateProcessing", "single": single, "pair": single,
        "special_tokens": {name: {"id": name, "ids": [VOCABULARY.index(name)], "tokens": [name]}
                           for name in ("[CLS]", "[SEP]")}}
    return {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [{"id": i, "content": name, "single_word": False, "lstrip": False,
                          "rstrip": False, "normalized": False, "special": True}
                         for i, name in enumerate(SPECIAL)],
        "normalizer": {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True,
                       "strip_accents": None, "lowercase": True},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": template if framed else None,
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                  "max_input_chars_per_word": 100,
                  "vocab": {word: i for i, word in enumerate(VOCABULARY)}}}


def numbers(source, *shape):
    count = numpy.prod(shape, dtype=int)
    return numpy.array([source.gauss(0, 0.3) for _ in range(count)], numpy.float32).reshape(shape)


def write(name, files, tensors):
    folder = FOLDER / name
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
        (folder / path).write_text(text + "\n", encoding="utf-8")
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def static(source):
    tensors = {"embeddings": numbers(source, len(VOCABULARY), 8)}
    return write("static", {"tokenizer.json": tokenizer(False),
                            "config.json": {"normalize": True, "max_length": 20}}, tensors)


def shared(source):
    count = len(VOCABULARY)
    tensors = {"embeddings": numbers(source, 10, 8).astype(numpy.float16),
               "weights": numpy.abs(numbers(source, count)),
               "mapping": numpy.array([source.randrange(10) for _ in range(count)])}
    return write("shared", {"tokenizer.json": tokenizer(False), "config.json": {}}, tensors)


def bert(source):
    tensors = {
        "embeddings.word_embeddings.weight": numbers(source, len(VOCABULARY), HIDDEN),
        "embeddings.position_embeddings.weight": numbers(source, POSITIONS, HIDDEN),
        "embeddings.token_type_embeddings.weight": numbers(source, 2, HIDDEN),
    }

    def dense(name, rows, columns):
        tensors[f"{name}.weight"] = numbers(source, rows, columns)
        tensors[f"{name}.bias"] = numbers(source, rows)

    def norm(name):
        tensors[f"{name}.weight"] = 1 + numbers(source, HIDDEN)
        tensors[f"{name}.bias"] = numbers(source, HIDDEN)

    norm("embeddings.LayerNorm")
    for layer in range(LAYERS):
        name = f"encoder.layer.{layer}"
        for part in ("query", "key", "value"):
            dense(f"{name}.attention.self.{part}", HIDDEN, HIDDEN)
        dense(f"{name}.attention.output.dense", HIDDEN, HIDDEN)
        norm(f"{name}.attention.output.LayerNorm")
        dense(f"{name}.intermediate.dense", WIDE, HIDDEN)
        dense(f"{name}.output.dense", HIDDEN, WIDE)
        norm(f"{name}.output.LayerNorm")
    dense("pooler.dense", HIDDEN, HIDDEN)
    config = {
        "architectures": ["BertModel"], "model_type": "bert", "hidden_act": "gelu",
        "hidden_size": HIDDEN, "intermediate_size": WIDE, "num_attention_heads": HEADS,
        "num_hidden_layers": LAYERS, "max_position_embeddings": POSITIONS, "type_vocab_size": 2,
        "vocab_size": len(VOCABULARY), "layer_norm_eps": 1e-12, "pad_token_id": 0}
    modules = [{"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
               {"idx": 1, "name": "1", "path": "1_Pooling",
                "type": "sentence_transformers.models.Pooling"},
               {"idx": 2, "name": "2", "path": "2_Normalize",
                "type": "sentence_transformers.models.Normalize"}]
    pooling = {"word_embedding_dimension": HIDDEN, "pooling_mode_cls_token": False,
               "pooling_mode_mean_tokens": True, "pooling_mode_max_tokens": False}
    return write("bert", {
        "tokenizer.json": tokenizer(True), "config.json": config, "modules.json": modules,
        "tokenizer_config.json": {"tokenizer_class": "BertTokenizer", "model_max_length": POSITIONS},
        "sentence_bert_config.json": {"max_seq_length": READ, "do_lower_case": False},
        "1_Pooling/config.json": pooling}, tensors)


def main():
    shutil.rmtree(FOLDER, ignore_errors=True)
    source = random.Random(7)
    folders = {"static": static(source), "shared": shared(source), "bert": bert(source)}
    cutter = Tokenizer.from_file(str(folders["bert"] / "tokenizer.json"))
    made = {name: StaticModel.from_pretrained(folders[name]).encode(TEXTS)
            for name in ("static", "shared")}
    made["bert"] = SentenceTransformer(str(folders["bert"]), device="cpu").encode(TEXTS)
    reference = [{
        "text": text,
        "tokens": cutter.encode(text).ids,
        **{name: [round(float(x), 9) for x in vectors[at]] for name, vectors in made.items()},
    } for at, text in enumerate(TEXTS)]
    lines = ",\n".join(json.dumps(it) for it in reference)
    (FOLDER / "reference.json").write_text(f"[\n{lines}\n]\n")


if __name__ == "__main__":
    main()
