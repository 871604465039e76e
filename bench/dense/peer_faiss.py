"""FAISS flat search with one thread, driven from stdin: a line asks for a run, milliseconds come back."""
import json
import sys
import time

import faiss
import numpy as np

vectors, queries, dimension, k, batch = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])
faiss.omp_set_num_threads(1)
# products by BLAS, which is its quicker way with batches; by default it takes the other for small ones
faiss.cvar.distance_compute_blas_threshold = 1
x = np.fromfile(vectors, dtype=np.float32).reshape(-1, dimension)
q = np.fromfile(queries, dtype=np.float32).reshape(-1, dimension)
index = faiss.IndexFlatIP(dimension)
index.add(x)
print(json.dumps({"version": faiss.__version__}), flush=True)
for _ in sys.stdin:
    start, processor = time.perf_counter(), time.process_time()
    found = [index.search(q[i : i + batch], k)[1] for i in range(0, len(q), batch)]
    ms, cpu = (time.perf_counter() - start) * 1000, (time.process_time() - processor) * 1000
    print(json.dumps({"ms": ms, "cpuMs": cpu, "first": found[0][0].tolist()}), flush=True)
