"""Scores of Python libraries for the five documents of docs/similarities.md, query "a d".

Run: python -m venv v && v/bin/pip install rank_bm25==0.2.2 bm25s && v/bin/python bench/sparse/similarity_peers.py
"""
import bm25s
import numpy as np
from rank_bm25 import BM25L, BM25Okapi, BM25Plus

documents = [d.split() for d in ["a b a c", "b c d", "a a a d e f", "e f g h", "a b"]]
query = ["a", "d"]


def row(name, scores):
    print(f"{name:24}", *(f"{s:10.6f}" for s in np.asarray(scores)))


row("rank_bm25 BM25Okapi", BM25Okapi(documents, k1=1.2, b=0.75).get_scores(query))
row("rank_bm25 BM25L", BM25L(documents, k1=1.2, b=0.75, delta=0.5).get_scores(query))
row("rank_bm25 BM25Plus", BM25Plus(documents, k1=1.2, b=0.75, delta=1).get_scores(query))
for method, delta in [("robertson", 1), ("lucene", 1), ("atire", 1), ("bm25l", 0.5), ("bm25+", 1)]:
    retriever = bm25s.BM25(method=method, k1=1.2, b=0.75, delta=delta)
    retriever.index(documents, show_progress=False)
    row(f"bm25s {method}", retriever.get_scores(query))
