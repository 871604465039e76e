#!/bin/sh
# Downloads (does not install) Debian's documentation packages of which passages.ts makes a corpus of real text, to
# bench/.data/debian: about 420 MB. Needs a Debian or Ubuntu system with apt; run "apt-get update" before it.
set -e
folder="$(cd "$(dirname "$0")/.." && pwd)/.data/debian"
mkdir -p "$folder"
cd "$folder"
for package in cppreference-doc-en-html dict-gcide dict-wn debian-handbook erlang-doc ghc-doc gimp-help-en \
  lazarus-doc-2.2 libboost1.74-doc libreoffice-help-en-us libstdc++-12-doc linux-doc-6.1 openjdk-17-doc petsc3.18-doc \
  postgresql-doc-15 perl-doc python-pandas-doc python-scipy-doc python-sklearn-doc python-statsmodels-doc \
  python-sympy-doc python3.11-doc qtbase5-doc-html racket-doc rust-doc sagemath-doc; do
  ls "${package}"_*.deb >/dev/null 2>&1 || apt-get download "$package" || echo "not to be had: $package" >&2
done
ls -l ./*.deb
