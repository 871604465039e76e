#!/bin/sh
# Installs what bench/dense compares with, under bench/.peers/dense: FAISS for the CPU.
set -e
peers="$(cd "$(dirname "$0")/.." && pwd)/.peers/dense"
python3 -m venv "$peers"
"$peers/bin/pip" install --quiet numpy 'faiss-cpu==1.15.*'
