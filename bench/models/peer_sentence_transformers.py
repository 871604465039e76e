"""Encodes texts with sentence-transformers on torch, on the CPU with one thread; it sorts by length itself.

    python peer_sentence_transformers.py FOLDER TEXTS.json OUT.f32 MAX_TOKENS

Encodes once, writes the vectors and prints a line; then a line on stdin asks for another run, and the time comes back.
"""

import json
import logging
import os
import sys
import time

os.environ["HF_HUB_OFFLINE"] = "1"
import torch
from sentence_transformers import SentenceTransformer, __version__

logging.disable(logging.WARNING)
folder, texts_file, out, limit = sys.argv[1:5]
torch.set_num_threads(1)
torch.set_num_interop_threads(1)
texts = json.load(open(texts_file))
model = SentenceTransformer(folder, device="cpu")
model.max_seq_length = int(limit)


def encode():
    return model.encode(texts, batch_size=32, show_progress_bar=False)


encode().astype("float32").tofile(out)
print(json.dumps({"version": f"{__version__}, torch {torch.__version__}"}), flush=True)
for _ in sys.stdin:
    start, processor = time.perf_counter(), time.process_time()
    encode()
    took = {"ms": (time.perf_counter() - start) * 1000, "cpuMs": (time.process_time() - processor) * 1000}
    print(json.dumps(took), flush=True)
