#!/usr/bin/env bash
# usage: tests/real/wheel.sh [CARGO OPTIONS]     The wheel: built, installed by pip into a clean environment and by uvx, and used.
#
# Without options it is the wheel that is published, which takes long to build; `--profile dev` or `--release` use what is there.
# shellcheck source-path=SCRIPTDIR
export ATSAF=${ATSAF:-/bin/true} # none but the wheel's own is used
source "$(dirname "$0")/common.sh"

step "the wheel is built"
"$root/.ci/wheel" "$work/wheel" "$@"
wheel=$(echo "$work"/wheel/*.whl)
[ -f "$wheel" ] || fail "not one wheel: $wheel"
echo "$(basename "$wheel"): $(($(stat -c %s "$wheel") / 1000000)) MB"

export HOME=$work/home
mkdir -p "$HOME"
step "pip installs it, and nothing else"
python3 -m venv "$work/venv"
before=$(cd "$work/venv" && find . | sort)
"$work/venv/bin/pip" install --quiet --disable-pip-version-check --no-index "$wheel"
[ "$("$work/venv/bin/pip" list --disable-pip-version-check --format freeze | grep -c -v -E '^(pip|setuptools)=')" = 1 ] || fail "it brings others"
for file in share/man/man1/atsaf.1 share/man/man1/atsaf-build.1 share/bash-completion/completions/atsaf share/zsh/site-functions/_atsaf share/fish/vendor_completions.d/atsaf.fish; do
  [ -s "$work/venv/$file" ] || fail "no $file"
done
bash -n "$work/venv/share/bash-completion/completions/atsaf"
"$work/venv/bin/atsaf" man build | cmp - "$work/venv/share/man/man1/atsaf-build.1"

step "a project begins in an empty home, with what pip has installed"
mkdir "$work/project"
inside() { (cd "$work/project" && env -i HOME="$HOME" PATH="$work/venv/bin:/usr/bin:/bin" "$@"); }
inside atsaf --version
if inside atsaf help forecasting >/dev/null 2>&1 && inside atsaf init demo; then template=demo; else inside atsaf init shell && template=shell; fi
inside atsaf build
inside atsaf build 2>&1 | grep -q "nothing to do" || fail "a second build of the template $template ran something"
inside atsaf status

step "uvx runs it"
python3 -m venv "$work/uv"
"$work/uv/bin/pip" install --quiet --disable-pip-version-check uv==0.13.9
(cd "$work" && env -i HOME="$HOME" PATH="$work/uv/bin:/usr/bin:/bin" uvx --offline --from "$wheel" atsaf --version)

step "pip takes all of it away"
"$work/venv/bin/pip" uninstall --quiet --yes --disable-pip-version-check atsaf
after=$(cd "$work/venv" && find . | grep -v __pycache__ | sort)
left=$(comm -13 <(echo "$before") <(echo "$after") | grep -v -E '/share(/|$)' || true)
[ -z "$left" ] || fail "left: $left"
step "all of it holds"
