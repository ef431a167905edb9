#!/bin/sh
# Installs missing packages, builds, and runs tour.jsonl with the emulated vendors.
set -eu
cd "$(dirname "$0")/../.."
. Tests/Support/packages.sh
need_swift
need_packages libcurl4-openssl-dev libssl-dev
sallyport=$(sh Sources/build.sh)
exec "$sallyport" run protocol/examples/tour.jsonl --sandbox \
  --files-dir .build/tour-files
