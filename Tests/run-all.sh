#!/bin/sh
# Installs what the tests need, builds, and runs every suite.
#
#   sh Tests/run-all.sh                   all suites in their written order
#   sh Tests/run-all.sh --random          in a random order; the seed is printed
#   sh Tests/run-all.sh --random SEED     in the order of that seed
#   sh Tests/run-all.sh --no-swift        without building and testing the Swift code again
#
# Public test data is read from ../shared/suites. If it is missing, the tests that need it are
# skipped and say so. The clients of agents are installed in .build/test-agents.
set -eu
cd "$(dirname "$0")/.."

seed=
swift=yes
while [ $# -gt 0 ]; do
  case $1 in
    --random)
      case ${2:-} in
        '' | -*) seed=$(od -An -N3 -tu4 /dev/urandom | tr -d ' ') ;;
        *) seed=$2 && shift ;;
      esac
      ;;
    --no-swift) swift= ;;
    *) echo "usage: sh Tests/run-all.sh [--random [SEED]] [--no-swift]" >&2 && exit 2 ;;
  esac
  shift
done

. Tests/Support/packages.sh
# libcurl, OpenSSL and their headers for the build; gcc for `go test -race`; logrotate rotates audit
# files; make and jq for the examples; redis-server for the Celery integration of the Python client; fish, zsh,
# groff and man-db for completion and the manual page.
need_packages bash ca-certificates fish gcc git groff jq libc6-dev libcurl4-openssl-dev libssl-dev logrotate make \
  man-db openssl python3 python3-venv redis-server zsh

if [ -n "$swift" ]; then
  need_swift
  echo "== build"
  sh Sources/build.sh
  echo "== Swift tests"
  swift test
  echo "== an integration in another package"
  swift build --package-path Tests/AddedIntegration --scratch-path .build/added
fi

echo "== tools of the tests"
python=$PWD/.build/test-python/bin/python
[ -x "$python" ] || python3 -m venv .build/test-python
"$python" -m pip install --quiet --disable-pip-version-check \
  -r Tests/requirements.txt -r clients/python/tests/requirements.txt
need_go
need_promtool

pytest="-B -m pytest -q -p no:cacheprovider --dist loadfile --no-loadscope-reorder"
if [ -n "$seed" ]; then
  echo "Random order with seed $seed; to repeat it: sh Tests/run-all.sh --random $seed"
  pytest="$pytest --randomly-seed=$seed"
  go_order="-shuffle=$seed"
  kit_order="--shuffle $seed"
else
  pytest="$pytest -p no:randomly"
  go_order="-shuffle=off"
  kit_order=
fi

# The suites disturb each other as little as strangers on one machine: each has its own ports,
# folders and processes. Most of their time is spent waiting, so they run side by side.
# shellcheck disable=SC2086  # options are words
exec "$python" -B Tests/Support/suites.py \
  "tests of the executable" "$python" $pytest -n 3 Tests \
    --deselect Tests/wire/test_transcripts.py::test_host_follows_the_transcript --end \
  "conformance kit" python3 -B protocol/conformance $kit_order -- .build/release/sallyport serve --end \
  "tests of the Python client" "$python" $pytest -n 2 clients/python/tests --end \
  "tests of the Go client" sh -c 'cd clients/go && "$1" vet ./... && "$1" test -race -count=1 "$2" ./...' \
    sh "$go" "$go_order" --end
