#!/bin/sh
# Lucene as a peer: run.sh PASSAGES FOLDER QUERIES K. One thread of work; the vector module speeds up Lucene's decoders.
peers="$(cd "$(dirname "$0")/../.." && pwd)/.peers/lucene"
exec "$peers/java/bin/java" -Xmx2g -XX:+UseSerialGC --add-modules jdk.incubator.vector \
  --enable-native-access=ALL-UNNAMED -cp "$peers/classes:$peers/lib/*" Peer "$@" 2>/dev/null
