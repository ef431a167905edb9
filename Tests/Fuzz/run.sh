#!/bin/sh
# Builds the fuzz targets and runs them, one after the other on one core.
#
#   sh Tests/Fuzz/run.sh [MINUTES [TARGET…]]   MINUTES each, 1 by default; all targets by default
#   sh Tests/Fuzz/run.sh --short               20,000 runs each, at most 5 s
#
# Inputs that were found to reach new code are kept in .build/fuzz/corpus and used by the next run. An
# input that fails is kept in .build/fuzz/findings; to repeat it:
#   FUZZ_TARGET=TARGET .build/fuzz/release/sallyport-fuzz FILE
# The exit status is 1 if a target failed.
set -eu
cd "$(dirname "$0")/../.."

if [ "${1:-}" = --short ]; then
  limits="-runs=20000 -max_total_time=5"
  shift
else
  limits="-max_total_time=$(awk "BEGIN { print int(${1:-1} * 60) }")"
  [ $# -eq 0 ] || shift
fi

echo "== build of the fuzz targets"
# lld, because gold fails on the debug information of sanitizers.
SALLYPORT_FUZZ=1 swift build -c release --product sallyport-fuzz --scratch-path .build/fuzz \
  --sanitize=address -Xswiftc -sanitize=fuzzer -Xswiftc -enable-testing -Xswiftc -use-ld=lld \
  >.build/fuzz-build.log 2>&1 || { tail -n 40 .build/fuzz-build.log; exit 1; }
program=$PWD/.build/fuzz/release/sallyport-fuzz
rm -rf .build/fuzz/seeds
python3 -B Tests/Fuzz/seeds.py .build/fuzz/seeds

export SWIFT_BACKTRACE=enable=no
FUZZ_FILES=$(mktemp -d "${TMPDIR:-/dev/shm}/sallyport-fuzz-XXXXXX")
export FUZZ_FILES
trap 'rm -rf "$FUZZ_FILES"' EXIT
mkdir -p .build/fuzz/findings .build/fuzz/log

[ $# -gt 0 ] || set -- $("$program")
status=0
for target; do
  corpus=.build/fuzz/corpus/$target seeds=.build/fuzz/seeds/$target log=.build/fuzz/log/$target.log
  mkdir -p "$corpus" "$seeds"
  # Most runs per second matter more for lines than long inputs.
  length=4096 dictionary=
  [ "$target" = framing ] && length=192
  [ -s "$seeds.dict" ] && dictionary="-dict=$seeds.dict"
  # Leaks are not looked for: the leak checker stops every process of a container without ptrace.
  # shellcheck disable=SC2086  # options are words
  if FUZZ_TARGET=$target ASAN_OPTIONS=detect_leaks=0:quarantine_size_mb=32 "$program" $limits $dictionary \
    -timeout=10 -rss_limit_mb=1024 -max_len="$length" -print_final_stats=1 \
    -artifact_prefix=".build/fuzz/findings/$target-" "$corpus" "$seeds" >"$log" 2>&1; then
    outcome=
  else
    status=1
    outcome=" FAILED: $(grep -m 1 -E 'Fatal error|ERROR: |SUMMARY' "$log" || echo stopped) (see $log)"
  fi
  awk -v target="$target" -v outcome="$outcome" '
    /^stat::number_of_executed_units/ { runs = $2 }
    /^stat::average_exec_per_sec/ { rate = $2 }
    / cov: / { for (i = 1; i < NF; i++) if ($i == "cov:") coverage = $(i + 1) }
    END {
      # libFuzzer writes 0 for less than a second.
      printf "%-20s %10d runs %7s runs/s %6d edges%s\n", target, runs, rate ? rate : "-", coverage, outcome
    }' "$log"
done
exit $status
