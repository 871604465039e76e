#!/bin/sh
# Installs what bench/models compares with, under bench/.peers/models/py: Python's onnxruntime and tokenizers. The model
# they run is fetched by scripts/distill/fetch.sh.
set -e
peers="$(cd "$(dirname "$0")/.." && pwd)/.peers/models"
mkdir -p "$peers"
python3 -m venv "$peers/py"
"$peers/py/bin/pip" install --quiet numpy 'onnxruntime>=1.20' 'tokenizers==0.23.*'

# transformers.js in a package of its own: without one, npm would write into the checkout's. Its scripts only fetch CUDA.
mkdir -p "$peers/js"
echo '{"private":true,"type":"module"}' >"$peers/js/package.json"
npm install --prefix "$peers/js" --silent --no-audit --no-fund --ignore-scripts '@huggingface/transformers@4.3.1'
