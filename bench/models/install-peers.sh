#!/bin/sh
# Installs what bench/models compares with, under bench/.peers/models/py: Python's onnxruntime and tokenizers. The model
# they run is fetched by scripts/distill/fetch.sh.
set -e
peers="$(cd "$(dirname "$0")/.." && pwd)/.peers/models"
mkdir -p "$peers"
python3 -m venv "$peers/py"
"$peers/py/bin/pip" install --quiet numpy 'onnxruntime>=1.20' 'tokenizers==0.23.*'
