#!/bin/sh
# Builds the executable for release, as every script of the project does, and prints its path.
#
# These options are given here and not in Package.swift: a manifest with unsafe flags cannot be a
# dependency of another package.
#   -cross-module-optimization  the hot path crosses rooms; without it a dry run takes a third more
#   -static-swift-stdlib        one file that runs where Swift is not installed
#   --disable-local-rpath       no search for libraries in the folder of the executable
#   -z now                      function pointers are read-only once the process runs (BIND_NOW)
#   -s, -file-prefix-map        no symbols and no absolute paths of the machine that builds
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
swift build --package-path "$root" -c release --product sallyport \
  --static-swift-stdlib --disable-local-rpath \
  -Xswiftc -cross-module-optimization \
  -Xswiftc -file-prefix-map -Xswiftc "$root=." \
  -Xlinker --gc-sections -Xlinker -z -Xlinker now -Xlinker -s >&2
echo "$root/.build/release/sallyport"
