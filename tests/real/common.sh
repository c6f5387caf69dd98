# What the scripts of this directory share; sourced, not run. They need bash, python3 with venv, and PyPI.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
here=$root/tests/real
work=$(mktemp -d "${TMPDIR:-/tmp}/atsaf-real-XXXXXX")
started=()

step() { printf '\n-- %s\n' "$*"; }
skip() { printf 'skipped: %s\n' "$*"; }
fail() { printf 'failed: %s\n' "$*" >&2; exit 1; }

# Starts a program in the background, its output in a file: start NAME COMMAND..
start() {
  local name=$1
  shift
  "$@" >"$work/$name.log" 2>&1 &
  started+=($!)
}

# The same with a group of its own for what the program starts itself.
start_group() {
  local name=$1
  shift
  setsid "$@" >"$work/$name.log" 2>&1 &
  started+=("-$!")
}

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# Ends what was started, the last first, each for itself.
finish() {
  local status=$? at
  for ((at = ${#started[@]} - 1; at >= 0; at--)); do
    kill -- "${started[at]}" 2>/dev/null || true
  done
  for ((at = 0; at < 100 && ${#started[@]} > 0; at++)); do
    kill -0 -- "${started[@]}" 2>/dev/null || break
    sleep 0.1
  done
  for at in "${!started[@]}"; do kill -KILL -- "${started[at]}" 2>/dev/null || true; done
  if [ "$status" = 0 ] && [ -z "${KEEP:-}" ]; then rm -rf "$work"; else echo "left in $work"; fi
  exit "$status"
}
trap finish EXIT

# A virtual environment with exactly what a file lists, made once for each content of the file: venv NAME FILE
venv() {
  local list=$2 at
  at=${ATSAF_REAL_VENVS:-$root/target/real}/$1-$(sha256sum "$list" | cut -c1-12)
  if [ ! -e "$at/whole" ]; then
    rm -rf "$at"
    python3 -m venv "$at" >&2
    # Python compiles what is imported; most of what is installed never is.
    "$at/bin/pip" install --quiet --disable-pip-version-check --no-compile --no-deps -r "$list" >&2
    touch "$at/whole"
  fi
  echo "$at"
}

# The directory of a package of crates.io, fetched once and checked: crate NAME VERSION SHA256
crate() {
  local at=${ATSAF_REAL_VENVS:-$root/target/real}
  if [ ! -e "$at/$1-$2" ]; then
    mkdir -p "$at"
    python3 - "$at" "$@" >&2 <<'PY' || return 1
import hashlib, io, os, sys, tarfile, tempfile, urllib.request
at, name, version, expected = sys.argv[1:]
url = f"https://static.crates.io/crates/{name}/{name}-{version}.crate"
with urllib.request.urlopen(url, timeout=60) as answer:
    packed = answer.read(10_000_000)
found = hashlib.sha256(packed).hexdigest()
if found != expected:
    sys.exit(f"{url} has the SHA-256 {found}, and not {expected}")
with tempfile.TemporaryDirectory(dir=at) as staging:
    safe = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
    tarfile.open(fileobj=io.BytesIO(packed)).extractall(staging, **safe)
    os.rename(f"{staging}/{name}-{version}", f"{at}/{name}-{version}")
PY
  fi
  echo "$at/$1-$2"
}

# The program, with the built-in tasks.
atsaf=${ATSAF:-}
if [ -z "$atsaf" ]; then
  (cd "$root" && cargo build --release --quiet)
  atsaf=$(cd "$root" && cargo metadata --format-version 1 --no-deps --offline | python3 -c 'import json,sys; print(json.load(sys.stdin)["target_directory"])')/release/atsaf
fi
atsaf=$(realpath "$atsaf")
export XDG_STATE_HOME=$work/state
