#!/bin/sh
# Builds the executable with a sanitizer and runs tests of the executable against it.
#
#   sh Tests/sanitize.sh thread|address [ARGUMENT OF PYTEST…]     Tests/wire by default
#
# Each report of the sanitizer is a file .build/SANITIZER/reports/log.PID. The exit status is 1 if there is
# a report or a test failed. There are no suppressions. Tests that limit the memory, the descriptors or the
# processes of the host are left out: a sanitizer needs more of them.
set -eu
cd "$(dirname "$0")/.."
sanitizer=${1:-}
case $sanitizer in
  thread | address) shift ;;
  *) echo "usage: sh Tests/sanitize.sh thread|address [ARGUMENT OF PYTEST…]" >&2 && exit 2 ;;
esac
scratch=$PWD/.build/$sanitizer
reports=$scratch/reports
mkdir -p "$scratch"
rm -rf "$reports"
mkdir "$reports"

if [ "$sanitizer" = thread ]; then
  "$(dirname "$(readlink -f "$(command -v swift)")")/clang" -O1 -c Tests/Support/tsan_mutex.c -o "$scratch/tsan_mutex.o"
  set -- "$@" -- -Xlinker "$scratch/tsan_mutex.o"
else
  set -- "$@" --
fi
tests= options= side=tests
for word; do
  case $side$word in
    tests--) side=options ;;
    tests*) tests="$tests $word" ;;
    *) options="$options $word" ;;
  esac
done

echo "== build with the sanitizer $sanitizer"
# shellcheck disable=SC2086  # options are words
swift build --product sallyport --sanitize="$sanitizer" --scratch-path "$scratch" -Xswiftc -use-ld=lld \
  $options >"$scratch/build.log" 2>&1 || { tail -n 40 "$scratch/build.log"; exit 1; }

# Leaks are not looked for: the leak checker stops every process of a container without ptrace. Swift's
# backtraces read memory that AddressSanitizer guards.
export ASAN_OPTIONS="log_path=$reports/log:detect_leaks=0" SWIFT_BACKTRACE=enable=no
export TSAN_OPTIONS="log_path=$reports/log:second_deadlock_stack=1"
# The host is 5 to 20 times slower and needs several times the memory.
export SALLYPORT="$scratch/debug/sallyport" TEST_PATIENCE=20 TEST_IGNORES_MEMORY=1
status=0
# shellcheck disable=SC2086  # options are words
.build/test-python/bin/python -B -m pytest -q -p no:cacheprovider -p no:randomly \
  --ignore Tests/wire/test_resources.py --ignore Tests/wire/test_resource_limits.py \
  ${tests:-Tests/wire} ||
  status=1
for report in "$reports"/*; do
  [ -e "$report" ] || break
  status=1
  echo "== $report"
  head -n 30 "$report"
done
exit $status
