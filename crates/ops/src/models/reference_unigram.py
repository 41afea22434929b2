"""Makes `reference/unigram` and `reference/metaspace`: tiny models of model2vec whose tokenizers are
of SentencePiece's kind, and what model2vec makes of some texts with them (`unigram.json`).

    python3 -m venv venv && venv/bin/pip install model2vec==0.10.0 sentencepiece==0.2.3 protobuf
    venv/bin/python crates/ops/src/models/reference_unigram.py

The pieces are those of a trainer that saw the texts below; the vectors are random. `unigram` cuts
words at white space first, as the multilingual models do; `metaspace` has a space be a character
like others, and bytes for what it does not know.
"""

import base64
import json
import pathlib
import random
import tempfile

import numpy
import sentencepiece
from model2vec import StaticModel
from safetensors.numpy import save_file
from sentencepiece import sentencepiece_model_pb2

FOLDER = pathlib.Path(__file__).parent / "reference"
RULES = {"\t": " ", "\n": " ", "\r": " ", "\u00a0": " ", "\u3000": " ", "\u200b": "", "\ufeff": "",
         "ﬁ": "fi", "ﬂ": "fl", "½": "1⁄2", "…": "...", "Ａ": "A", "ａ": "a", "！": "!", "①": "1",
         "e\u0301": "é", "A\u030a": "Å", "か\u3099": "が", "Ⅷ": "VIII", "\u0007": ""}
TEXTS = [
    "The cat sat on the mat, and the cat liked the mat.",
    "Die Katze sitzt auf der Matte; die Straße ist naß.",
    "Le café est naïf, l'été à l'école.",
    "猫は マットの上に 座った。日本語が 好きです。",
    "Кошка сидит на коврике, и кошка рада.",
    "Green tea, red wine! Drinking tea… and wine?",
    "ﬁne Ａbc！ ½ ① Ⅷ e\u0301 A\u030angström か\u3099",
    "  two  spaces\tand\na line\u3000wide\u00a0hard \u200bnone ",
    "🍵🍵 unknown ελληνικά הברית x\u0301\u0302",
    "<s> the </s> <unk> <mask>cat <mask> ▁the▁cat",
    "x" * 50,
    "3.14159 2,000 a-b_c don't re-use",
    "",
    "   ",
    "\u0007",
]


def trained():
    with tempfile.TemporaryDirectory() as folder:
        texts, rules = pathlib.Path(folder) / "texts", pathlib.Path(folder) / "rules"
        texts.write_text("\n".join(text.replace("\n", " ") for text in TEXTS[:7] * 20), "utf-8")
        lines = ("\t".join(" ".join(f"{ord(c):X}" for c in side) for side in rule)
                 for rule in RULES.items())
        rules.write_text("\n".join(lines) + "\n", "utf-8")
        sentencepiece.SentencePieceTrainer.train(
            input=str(texts), model_prefix=f"{folder}/m", vocab_size=190, model_type="unigram",
            normalization_rule_tsv=str(rules), hard_vocab_limit=False, minloglevel=2,
            character_coverage=0.98)
        model = sentencepiece_model_pb2.ModelProto()
        model.ParseFromString((pathlib.Path(folder) / "m.model").read_bytes())
    return model


def tokenizer(model, splits, extra=(), fallback=False):
    pieces = [[piece.piece, round(piece.score, 5)] for piece in model.pieces]
    special = [["<s>", 0.0], ["<pad>", 0.0], ["</s>", 0.0], ["<unk>", 0.0]]
    vocabulary = special + pieces[3:] + list(extra) + [["<mask>", 0.0]]
    names = {name: number for number, (name, _) in enumerate(vocabulary)}
    table = base64.b64encode(model.normalizer_spec.precompiled_charsmap).decode()
    return {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [{"id": names[name], "content": name, "single_word": False,
                          "lstrip": name == "<mask>", "rstrip": False, "normalized": False,
                          "special": True} for name in ("<s>", "<pad>", "</s>", "<unk>", "<mask>")],
        "normalizer": {"type": "Sequence", "normalizers": [
            {"type": "Precompiled", "precompiled_charsmap": table},
            {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}]},
        "pre_tokenizer": splits, "post_processor": None,
        "decoder": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always"},
        "model": {"type": "Unigram", "unk_id": 3, "vocab": vocabulary, "byte_fallback": fallback}}


def write(name, source, tokenizer):
    folder = FOLDER / name
    folder.mkdir(parents=True, exist_ok=True)
    count = len(tokenizer["model"]["vocab"])
    vectors = numpy.array([source.gauss(0, 0.3) for _ in range(count * 4)], numpy.float32)
    for file, content in (("tokenizer.json", tokenizer), ("config.json", {"max_length": 60})):
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
        (folder / file).write_text(text + "\n", encoding="utf-8")
    save_file({"embeddings": vectors.reshape(count, 4)}, folder / "model.safetensors",
              metadata={"format": "pt"})
    return StaticModel.from_pretrained(folder)


def main():
    model, source = trained(), random.Random(7)
    metaspace = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": True}
    by_words = {"type": "Sequence", "pretokenizers": [
        {"type": "WhitespaceSplit"},
        {"type": "Metaspace", "replacement": "▁", "add_prefix_space": True}]}
    letters = [[f"<0x{byte:02X}>", -9.0] for byte in range(256)]
    models = {"unigram": write("unigram", source, tokenizer(model, by_words)),
              "metaspace": write("metaspace", source, tokenizer(model, metaspace, letters, True))}
    lines = []
    for text in TEXTS:
        line = {"text": text}
        for name, each in models.items():
            line[name] = [float(number) for number in each.encode([text], max_length=60)[0]]
            line[f"{name}_tokens"] = each.tokenizer.encode(text, add_special_tokens=False).ids
        lines.append(json.dumps(line, ensure_ascii=False))
    text = "[\n" + ",\n".join(lines) + "\n]\n"
    (FOLDER / "unigram.json").write_text(text, encoding="utf-8")


main()
