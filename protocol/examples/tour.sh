#!/bin/sh
# Installs missing packages, builds, runs tour.jsonl with the emulated vendors, and the tour of a plugin.
set -eu
cd "$(dirname "$0")/../.."
. Tests/Support/packages.sh
need_swift
need_packages libcurl4-openssl-dev libssl-dev python3
sallyport=$(sh Sources/build.sh)
"$sallyport" run protocol/examples/tour.jsonl --sandbox --files-dir .build/tour-files
exec sh protocol/examples/plugins/tour.sh "$sallyport"
