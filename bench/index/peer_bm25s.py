"""Indexes the passages of a JSONL file with bm25s: peer_bm25s.py JSONL FOLDER STOPWORD,STOPWORD,...

Prints one JSON object: seconds of reading, tokenizing, indexing and saving. One thread.
"""
import json
import os
import sys
import time

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import bm25s
import Stemmer

path, folder, stopwords = sys.argv[1], sys.argv[2], sys.argv[3].split(",")
start = time.perf_counter()
with open(path, encoding="utf-8") as file:
    texts = [json.loads(line)["text"] for line in file]
read = time.perf_counter()
tokens = bm25s.tokenize(
    texts, stopwords=stopwords, stemmer=Stemmer.Stemmer("porter"), token_pattern=r"(?u)\b\w+\b", show_progress=False
)
tokenized = time.perf_counter()
retriever = bm25s.BM25(method="lucene", k1=1.2, b=0.75)
retriever.index(tokens, show_progress=False)
indexed = time.perf_counter()
retriever.save(folder)
saved = time.perf_counter()
print(
    json.dumps(
        {
            "read": read - start,
            "tokenize": tokenized - read,
            "index": indexed - tokenized,
            "save": saved - indexed,
            "terms": len(tokens.vocab),
            "cpu": time.process_time(),
        }
    )
)
