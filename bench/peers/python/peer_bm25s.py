"""bm25s with numba as a peer, one thread, in CPU time of the process; the protocol is in bench/peers/protocol.md.

peer_bm25s.py PASSAGES FOLDER QUERIES K
"""
import json
import os
import resource
import sys
import time

for name in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import bm25s
import Stemmer

# Lucene's English stop words.
STOP = (
    "a an and are as at be but by for if in into is it no not of on or such that the their then there these they this "
    "to was will with"
).split()


def tokenize(texts):
    return bm25s.tokenize(texts, stopwords=STOP, stemmer=stemmer, token_pattern=r"(?u)\b\w+\b", show_progress=False)


def tell(**values):
    print(json.dumps(values), flush=True)


passages, folder, queries_file, k = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
stemmer = Stemmer.Stemmer("porter")
with open(passages, encoding="utf-8") as file:
    texts = [json.loads(line) for line in file]
with open(queries_file, encoding="utf-8") as file:
    queries = [json.loads(line) for line in file]

start = time.process_time()
tokens = tokenize(texts)
retriever = bm25s.BM25(method="lucene", k1=1.2, b=0.75, backend="numba")
retriever.index(tokens, show_progress=False)
cpu = time.process_time() - start
tell(
    version=bm25s.__version__,
    passages=len(texts),
    cpu=cpu,
    rss=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
)
del tokens, texts


def search():
    _, scores = retriever.retrieve(tokenize(queries), k=k, n_threads=1, show_progress=False)
    return int((scores > 0).sum())


search()  # compiles
tell(open=None)
for _ in sys.stdin:
    start, wall = time.process_time(), time.perf_counter()
    hits = search()
    tell(cpu=time.process_time() - start, wall=time.perf_counter() - wall, queries=len(queries), hits=hits)
