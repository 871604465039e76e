#!/bin/sh
# Installs trec_eval's C code with its Python binding, for trec-check.ts, under bench/.peers/trec.
set -e
peers="$(cd "$(dirname "$0")/.." && pwd)/.peers"
mkdir -p "$peers"
python3 -m venv "$peers/trec"
"$peers/trec/bin/pip" install --quiet 'pytrec_eval-terrier==0.5.11'
