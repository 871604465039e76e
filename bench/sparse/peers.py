"""Peers of the sparse index on the same passages, one thread, CPU time: bm25s (numba) and tantivy.

Run: bench/.peers/venv/bin/python bench/sparse/peers.py PASSAGES K
(venv: pip install bm25s numba PyStemmer tantivy)
"""
import json
import os
import sys
import time

os.environ.setdefault("NUMBA_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import bm25s
import Stemmer

passages, k = int(sys.argv[1]), int(sys.argv[2])
which = sys.argv[3] if len(sys.argv) > 3 else "all"
base = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".data")
texts = [json.loads(line) for line in open(os.path.join(base, f"passages-{passages}.jsonl"))]
queries = [json.loads(line) for line in open(os.path.join(base, "queries.jsonl"))]

if which in ("all", "bm25s"):
    stemmer = Stemmer.Stemmer("porter")
    start = time.process_time()
    tokens = bm25s.tokenize(texts, stopwords="en", stemmer=stemmer, show_progress=False)
    tokenized = time.process_time()
    retriever = bm25s.BM25(method="lucene", k1=1.2, b=0.75, backend="numba")
    retriever.index(tokens, show_progress=False)
    end = time.process_time()
    print(f"bm25s: tokenize {tokenized - start:.2f} s, index {end - tokenized:.2f} s, {passages / (end - start):.0f} passages/s")
    query_tokens = bm25s.tokenize(queries, stopwords="en", stemmer=stemmer, show_progress=False)
    for _ in range(3):
        start = time.process_time()
        q = bm25s.tokenize(queries, stopwords="en", stemmer=stemmer, show_progress=False)
        retriever.retrieve(q, k=k, n_threads=1, show_progress=False)
        print(f"bm25s+numba k {k}: {len(queries) / (time.process_time() - start):.0f} queries/s")

if which in ("all", "tantivy"):
    import tantivy

    schema = (
        tantivy.SchemaBuilder()
        .add_text_field("id", stored=True, tokenizer_name="raw")
        .add_text_field("text", stored=True, tokenizer_name="en_stem", index_option="freq")
        .build()
    )
    index = tantivy.Index(schema)
    start = time.process_time()
    writer = index.writer(128 << 20, 1)
    for i, text in enumerate(texts):
        writer.add_document(tantivy.Document(id=f"{i:09d}", text=text))
    writer.commit()
    writer.wait_merging_threads()
    print(f"tantivy: index {passages / (time.process_time() - start):.0f} passages/s")
    index.reload()
    searcher = index.searcher()
    import re

    clean = [" ".join(re.findall(r"\w+", q.lower())) for q in queries]
    for _ in range(3):
        start = time.process_time()
        for q in clean:
            searcher.search(index.parse_query(q, ["text"]), k, count=False)
        print(f"tantivy k {k}: {len(queries) / (time.process_time() - start):.0f} queries/s")
