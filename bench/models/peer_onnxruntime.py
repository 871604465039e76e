"""Encodes texts with Python's onnxruntime and tokenizers, rows sorted by length under a token budget.

    python peer_onnxruntime.py MODEL.onnx TOKENIZER.json TEXTS.json OUT.f32 BUDGET MAX_TOKENS

Encodes once, writes the vectors and prints a line; then a line on stdin asks for another run, and the time comes back.
"""

import json
import sys
import time

import numpy as np
import onnxruntime as ort
from tokenizers import Tokenizer

model, tokenizer_file, texts_file, out, budget, limit = sys.argv[1:7]
budget, limit = int(budget), int(limit)
texts = json.load(open(texts_file))
options = ort.SessionOptions()
options.intra_op_num_threads = 1
options.inter_op_num_threads = 1
session = ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])
tokenizer = Tokenizer.from_file(tokenizer_file)
tokenizer.no_padding()
tokenizer.enable_truncation(limit)
names = {i.name for i in session.get_inputs()}
hidden = next(o.name for o in session.get_outputs() if len(o.shape) == 3)


def encode():
    encodings = tokenizer.encode_batch(texts)
    order = sorted(range(len(texts)), key=lambda i: -len(encodings[i].ids))
    vectors = np.zeros((len(texts), 384), np.float32)
    tokens = padded = at = 0
    while at < len(order):
        width = len(encodings[order[at]].ids)
        rows = order[at : at + max(1, budget // width)]
        ids = np.zeros((len(rows), width), np.int64)
        mask = np.zeros((len(rows), width), np.int64)
        for r, i in enumerate(rows):
            n = len(encodings[i].ids)
            ids[r, :n] = encodings[i].ids
            mask[r, :n] = 1
        feeds = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        states = session.run([hidden], {k: v for k, v in feeds.items() if k in names})[0]
        weights = mask[:, :, None].astype(np.float32)
        pooled = (states * weights).sum(1) / weights.sum(1)
        vectors[rows] = pooled / np.linalg.norm(pooled, axis=1, keepdims=True)
        tokens += int(mask.sum())
        padded += mask.size
        at += len(rows)
    return vectors, tokens, padded - tokens


vectors, tokens, padding = encode()
vectors.tofile(out)
print(json.dumps({"tokens": tokens, "padding": padding, "version": ort.__version__}), flush=True)
for _ in sys.stdin:
    start, processor = time.perf_counter(), time.process_time()
    encode()
    took = {"ms": (time.perf_counter() - start) * 1000, "cpuMs": (time.process_time() - processor) * 1000}
    print(json.dumps(took), flush=True)
