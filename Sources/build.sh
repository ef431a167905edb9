#!/bin/sh
# Builds the executable for release, as every script of the project does, and prints its path.
#
# These options are given here and not in Package.swift: a manifest with unsafe flags cannot be a
# dependency of another package.
#   -cross-module-optimization  the hot path crosses rooms; without it a dry run takes a third more
#   -static-swift-stdlib        one file that runs where Swift is not installed
#   --disable-local-rpath       no search for libraries in the folder of the executable
#   -z now                      function pointers are read-only once the process runs (BIND_NOW)
#   libstdc++.a                 Swift's runtime is C++; with the shared library, relocating it takes a
#                               third of the time to the first response
#   version-script              exports nothing: symbols that nobody looks up cost start-up time, since
#                               Swift's runtime and the loader search them
#   -s, -file-prefix-map        no symbols and no absolute paths of the machine that builds
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
# The linker takes the first library of that name, and here is only the static one. Without it, the
# shared one is used.
static="$root/.build/static"
mkdir -p "$static"
library=$(clang -print-file-name=libstdc++.a)
[ ! -f "$library" ] || ln -sf "$library" "$static/"
echo '{ local: *; };' > "$static/exports.map"
swift build --package-path "$root" -c release --product sallyport \
  --static-swift-stdlib --disable-local-rpath \
  -Xswiftc -cross-module-optimization -Xswiftc "-L$static" \
  -Xswiftc -file-prefix-map -Xswiftc "$root=." \
  -Xlinker --gc-sections -Xlinker -z -Xlinker now \
  -Xlinker "--version-script=$static/exports.map" -Xlinker -s >&2
echo "$root/.build/release/sallyport"
