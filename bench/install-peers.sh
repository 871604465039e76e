#!/bin/sh
# Installs the peers that benches compare with, under bench/.peers (git-ignored): sh bench/install-peers.sh NAME
#   index   bm25s and PyStemmer: tokenizing and indexing in Python
#   sparse  the same with numba, and tantivy: indexing and search
#   incremental  LlamaIndex and LangChain, in a venv of their own
#   trec    trec_eval's own code, for bench/metrics/trec-check.ts
set -e
here="$(cd "$(dirname "$0")" && pwd)"
venv="$here/.peers/venv"
case "${1:-}" in
  index) packages="bm25s==0.3.16 PyStemmer==3.1.0" ;;
  sparse) packages="bm25s==0.3.16 PyStemmer==3.1.0 numba==0.68.1 tantivy==0.27.0" ;;
  incremental)
    venv="$here/.peers/incremental"
    packages="llama-index-core langchain-core"
    ;;
  trec) exec sh "$here/metrics/install-peers.sh" ;;
  *)
    echo "usage: sh bench/install-peers.sh index|sparse|incremental|trec" >&2
    exit 2
    ;;
esac
mkdir -p "$here/.peers"
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
# shellcheck disable=SC2086 # a list of packages
"$venv/bin/pip" install --quiet --disable-pip-version-check $packages
