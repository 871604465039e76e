#!/bin/sh
# Downloads (does not install) Debian's documentation packages of which passages.ts makes a corpus of real text, to
# bench/.data/debian: about 1.8 GB. Needs a Debian or Ubuntu system with apt; run "apt-get update" before it.
set -e
folder="$(cd "$(dirname "$0")/.." && pwd)/.data/debian"
mkdir -p "$folder"
cd "$folder"
for package in ada-reference-manual-2012 bacula-doc cinder-doc clang-14-doc cmake-doc cppreference-doc-en-html csound-doc \
  debian-handbook dict-gcide dict-wn erlang-doc freedombox-doc-en gdcm-doc ghc-doc gimp-help-en git-doc grass-doc \
  installation-guide-amd64 kicad-doc-en lazarus-doc-2.2 libboost1.74-doc libdeal.ii-doc libreoffice-help-en-us \
  libstdc++-12-doc libvisp-doc lilypond-doc linux-doc-6.1 linux-doc-6.12 llvm-14-doc maxima-doc monodoc-manual \
  neutron-doc nova-doc ns3-doc octave-doc opencv-doc openjdk-17-doc openms-doc petsc3.18-doc postgresql-doc-15 perl-doc \
  python-astropy-doc python-biopython-doc python-django-doc python-pandas-doc python-scipy-doc python-skimage-doc \
  python-sklearn-doc python-statsmodels-doc python-sympy-doc python3.11-doc qtbase5-doc-html racket-doc rust-doc \
  sagemath-doc sumo-doc trilinos-doc vtk9-doc; do
  ls "${package}"_*.deb >/dev/null 2>&1 || apt-get download "$package" || echo "not to be had: $package" >&2
done
ls -l ./*.deb
