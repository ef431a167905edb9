#!/bin/sh
# Runs tour.jsonl with the example plugin in Python and its emulated vendor.
# Usage: tour.sh SALLYPORT
set -eu
sallyport=$1
cd "$(dirname "$0")"
folder=$(mktemp -d)
python3 -B vendor.py acme_edr > "$folder/connections.json" &
vendor=$!
trap 'kill $vendor 2> /dev/null; rm -rf "$folder"' EXIT
# The vendor prints the connections once it listens.
until [ -s "$folder/connections.json" ]; do
  kill -0 $vendor
  sleep 0.1
done
chmod 600 "$folder/connections.json"
"$sallyport" run tour.jsonl --plugins acme_edr_python --connections "$folder/connections.json" \
  --files-dir "$folder/files"
