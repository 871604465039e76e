"""Records what the reference implementation gives, as goldens for test/models/tokenizer.test.ts.

    bench/models/install-peers.sh
    bench/.peers/models/py/bin/python bench/models/tokenizer_goldens.py

Makes small tokenizers of every kind under test/models/fixtures, and goldens.json beside them: ids, and offsets in code
points as the reference counts them. The WordPiece goldens are of the default encoder's own tokenizer.json.
"""

import hashlib
import json
import pathlib
import unicodedata

import tokenizers
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

root = pathlib.Path(__file__).resolve().parents[2]
fixtures = root / "test" / "models" / "fixtures"

LINES = [
    "Retrieval finds the passages that hold an answer, and a reader reads them.",
    "The quick brown fox jumps over the lazy dog; it didn't stop at 3.14 metres.",
    "서울은 대한민국의 수도이다. 한강이 도시를 가로질러 흐른다.",
    "검색은 질문에 답하는 문단을 찾고, 독해기는 그 문단을 읽는다.",
    "Emoji 😀 and flags 🇰🇷 count two units each.",
    "Café, naïve, Ångström, ﬁne, ½, İstanbul, straße, 東京都.",
]

TEXTS = {
    "empty": "",
    "blank": " \t\n ",
    "english": LINES[0],
    "contraction": LINES[1],
    "korean": LINES[2],
    "korean-nfd": unicodedata.normalize("NFD", LINES[2]),
    "mixed-korean": "2024년 BM25는 k1=0.9로 설정했다",
    "emoji": LINES[4],
    "emoji-first": "😀😀 party 🎉 at the end",
    "family": "👨‍👩‍👧‍👦 is one picture",
    "latin": LINES[5],
    "latin-nfd": unicodedata.normalize("NFD", "Café naïve Ångström"),
    "cjk": "東京都は日本の首都。中文也可以 mixed 漢字abc",
    "controls": "zero\u200bwidth, soft\u00adhyphen, null\x00 and \x07bell, nbsp\u00a0here, bom\ufeff",
    "quotes": "“curly” ‘quotes’ — dashes – and… dots · bullets • №5 €10 £3 ¥100",
    "special": "a [MASK] and [SEP] in the text, [mask] too, and [CLS]",
    "long-word": "x" * 99 + " " + "y" * 100 + " " + "z" * 101,
    "unknown": "\u2603 snow ☃ \U0001f9ff ⟪odd⟫ ߷",
    "greek": "Σίσυφος ΟΔΥΣΣΕΥΣ, ДОМ Ёлка, שָׁלוֹם, مرحبا",
    "case": "ÀÉÎÕÜ ǅ ẞ İI ıi K Å",
    "url": "https://example.org/a_b?c=d&e=%20f#g, user@example.com, C:\\path\\file.txt",
    "code": "for (let i = 0; i < n; i++) { sum += x[i] ?? 0; }",
    "newlines": "one\r\ntwo\n\nthree\u2028four\u2029five\u3000six",
    "thai": "ภาษาไทย हिन्दी தமிழ்",
}
# 100,000 code points and more, by a rule a test can follow: lines in turn, with their number
TEXTS["100k"] = " ".join(f"{i} {LINES[i % len(LINES)]}" for i in range(2000))[:100_000]


def small(kind):
    """A small tokenizer of a kind, trained on the lines."""
    if kind == "bpe":
        tok = Tokenizer(models.BPE())
        tok.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        tok.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(
            vocab_size=500, special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"],
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()), show_progress=False)
        tok.train_from_iterator(LINES, trainer)
        tok.post_processor = processors.RobertaProcessing(
            ("</s>", tok.token_to_id("</s>")), ("<s>", tok.token_to_id("<s>")), trim_offsets=True, add_prefix_space=False)
    elif kind == "unigram":
        tok = Tokenizer(models.Unigram())
        tok.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(tokenizers.Regex(" {2,}"), " ")])
        tok.pre_tokenizer = pre_tokenizers.Metaspace()
        trainer = trainers.UnigramTrainer(
            vocab_size=300, special_tokens=["<s>", "<pad>", "</s>", "<unk>"], unk_token="<unk>", show_progress=False)
        tok.train_from_iterator(LINES, trainer)
        tok.post_processor = processors.TemplateProcessing(
            single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>",
            special_tokens=[("<s>", tok.token_to_id("<s>")), ("</s>", tok.token_to_id("</s>"))])
        tok.enable_padding(pad_id=1, pad_token="<pad>")
    else:  # a vocabulary of Hangul syllables under a normalizer that takes them apart
        tok = Tokenizer(models.WordPiece(unk_token="[UNK]"))
        tok.normalizer = normalizers.BertNormalizer(lowercase=False, strip_accents=False)
        tok.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        trainer = trainers.WordPieceTrainer(
            vocab_size=400, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"], show_progress=False)
        tok.train_from_iterator([line.lower() for line in LINES], trainer)
        tok.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1",
            special_tokens=[("[CLS]", tok.token_to_id("[CLS]")), ("[SEP]", tok.token_to_id("[SEP]"))])
    return tok


def golden(tok, text):
    """Offsets of long texts as a checksum: the numbers joined by commas."""
    encoding = tok.encode(text)
    ids = encoding.ids
    flat = [n for span in encoding.offsets for n in span]
    if len(ids) <= 200:
        return {"ids": ids, "offsets": flat}
    digest = lambda values: hashlib.sha256(",".join(map(str, values)).encode()).hexdigest()
    return {"count": len(ids), "ids_sha256": digest(ids), "offsets_sha256": digest(flat)}


def record(tok):
    tok.no_truncation()
    tok.no_padding()
    return {name: golden(tok, text) for name, text in TEXTS.items()}


goldens = {"tokenizers": tokenizers.__version__, "lines": LINES, "texts": {k: v for k, v in TEXTS.items() if k != "100k"}}
goldens["wordpiece"] = record(Tokenizer.from_file(str(root / "models" / "default" / "tokenizer.json")))
for kind in ["bpe", "unigram"]:
    tok = small(kind)
    tok.save(str(fixtures / f"{kind}.json"), pretty=False)
    goldens[kind] = record(tok)

# the same vocabulary under two normalizers: the one that keeps syllables, and the one its config would say by default
korean = small("korean")
korean.no_padding()
path = fixtures / "korean-wordpiece.json"
korean.save(str(path), pretty=False)
cased = record(korean)
spec = json.loads(path.read_text())
spec["normalizer"] = {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "strip_accents": None, "lowercase": True}
path.write_text(json.dumps(spec, ensure_ascii=False, separators=(",", ":")))
goldens["korean-composed"] = {name: cased[name] for name in ["korean", "empty"]}
goldens["korean-as-configured"] = {name: value for name, value in record(Tokenizer.from_file(str(path))).items() if name == "korean"}

pairs = [("who reads?", LINES[0]), ("서울은?", LINES[2]), ("", "b"), ("a", "")]
goldens["pairs"] = {}
for kind in ["wordpiece", "bpe", "unigram"]:
    file = root / "models" / "default" / "tokenizer.json" if kind == "wordpiece" else fixtures / f"{kind}.json"
    tok = Tokenizer.from_file(str(file))
    tok.no_truncation()
    tok.no_padding()
    goldens["pairs"][kind] = []
    for a, b in pairs:
        e = tok.encode(a, b)
        goldens["pairs"][kind].append({
            "a": a, "b": b, "ids": e.ids, "types": e.type_ids,
            "segments": [-1 if s is None else s for s in e.sequence_ids], "offsets": [n for span in e.offsets for n in span]})

(fixtures / "goldens.json").write_text(json.dumps(goldens, ensure_ascii=True, separators=(",", ":")) + "\n")
print(f"wrote {fixtures / 'goldens.json'} with tokenizers {tokenizers.__version__}")
