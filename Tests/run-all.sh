#!/bin/sh
# Installs what the tests need, builds, and passes them all. Public test data is read from
# ../shared/suites where it is present; its tests say so and are skipped where it is not. The clients
# of agents come into environments of their own in .build/test-agents, with the same rule.
set -eu
cd "$(dirname "$0")/.."
. Tests/Support/packages.sh
need_swift
need_packages libcurl4-openssl-dev libssl-dev openssl python3 python3-venv ca-certificates gcc libc6-dev jq make

echo "== build"
swift build -c release --product sallyport

echo "== Swift tests"
swift test

echo "== tests of the executable"
python=.build/test-python/bin/python
[ -x "$python" ] || python3 -m venv .build/test-python
"$python" -m pip install --quiet --disable-pip-version-check -r Tests/requirements.txt
# The transcripts are played by the conformance kit below.
"$python" -B -m pytest -q -p no:cacheprovider Tests \
  --deselect Tests/wire/test_transcripts.py::test_the_host_keeps_to_the_transcript

echo "== conformance kit"
python3 -B protocol/conformance -- .build/release/sallyport serve

echo "== tests of the Python client"
need_packages redis-server
"$python" -m pip install --quiet --disable-pip-version-check -r clients/python/tests/requirements.txt
"$python" -B -m pytest -q -p no:cacheprovider clients/python/tests

echo "== tests of the Go client"
need_go
(cd clients/go && "$go" vet ./... && "$go" test -race -count=1 ./...)
