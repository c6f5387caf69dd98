#!/usr/bin/env bash
# The packaged champion against the real MLflow: loaded, asked, fitted to newer history, and served.
#
#   tests/real/model.sh
#
# Takes a Rust toolchain, python3 (3.11 or later) and, the first time, a minute for `pip install` from PyPI into
# `target/real/`. Everything else happens in a temporary directory and on 127.0.0.1. `ATSAF=path` names a program that is
# built already.
set -euo pipefail
cd "$(dirname "$0")/../.."
here=$PWD/tests/real
# The caller's Python has no part in it; and that it writes byte code is one of the things to be shown.
unset PYTHONDONTWRITEBYTECODE PYTHONPATH PYTHONHOME
step() { printf '\n== %s\n' "$*"; }

step "atsaf"
if [ -z "${ATSAF:-}" ]; then
  cargo build --quiet
  ATSAF=${CARGO_TARGET_DIR:-target}/debug/atsaf
fi
ATSAF=$(realpath "$ATSAF")
"$ATSAF" --version

step "MLflow in an environment of its own"
wanted=$(sha256sum "$here/mlflow-requirements.txt" | cut -c1-12)
venv=$PWD/target/real/mlflow-$wanted
if [ ! -e "$venv/complete" ]; then
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --requirement "$here/mlflow-requirements.txt"
  touch "$venv/complete"
fi
"$venv/bin/mlflow" --version

scratch=$(mktemp -d)
server=
cleanup() {
  # The server leads a group of its own, with its workers in it.
  [ -z "$server" ] || kill -- "-$server" 2>/dev/null || true
  rm -rf "$scratch"
}
trap cleanup EXIT

step "a project with two series, an ensemble and conformal intervals; then another champion"
project=$scratch/project
mkdir "$project"
python3 "$here/model_series.py" 1500 >"$project/series.csv"
echo '{"status": "valid"}' >"$project/validation.json"
cat >"$project/Atsaffile" <<'ATSAFFILE'
[params]
horizon    = 24
level      = [80, 95]
models     = ["SeasonalNaive", "LagRidge", "MSTL_ETS", "NearestNeighbours"]
select     = "ensemble"
intervals  = "conformal"

[target.train]
uses    = "train_backtest_select"
inputs  = { clean = "series.csv", validation = "validation.json" }
outputs = { cv_results = "cv.parquet", leaderboard = "leaderboard.parquet", selected = "selected.json" }
with    = { n_windows = 3, step_size = 24 }

[target.forecast]
uses    = "forecast_publish"
inputs  = { clean = "series.csv", validation = "validation.json", selected = "selected" }
outputs = { predictions = "predictions.parquet" }

[target.package]
uses    = "package_champion"
inputs  = { clean = "series.csv", validation = "validation.json", selected = "selected" }
outputs = { model = "model/", picture = "forecast.svg" }
ATSAFFILE
"$ATSAF" -C "$project" build predictions package
cp -r "$project/model" "$scratch/first"
cp "$project/predictions.parquet" "$scratch/first.parquet"
"$ATSAF" -C "$project" build predictions package -s select=overall -s intervals=own -s horizon=36
cp -r "$project/model" "$scratch/second"
cp "$project/predictions.parquet" "$scratch/second.parquet"
"$ATSAF" -C "$project" build predictions package

step "loaded by mlflow.pyfunc.load_model"
check() { PATH="$1" MLFLOW_DISABLE_TELEMETRY=true "$venv/bin/python" -W error::FutureWarning "$here/model.py" "${@:2}"; }
without=$venv/bin:/usr/bin:/bin
if PATH=$without command -v atsaf >/dev/null; then
  echo "atsaf stands in $(PATH=$without command -v atsaf): the failure without it cannot be shown"
  exit 1
fi
mkdir "$scratch/bin"
ln -s "$ATSAF" "$scratch/bin/atsaf"
check "$without" loads "$scratch/first" "$scratch/first.parquet"
check "$without" loads "$scratch/second" "$scratch/second.parquet"

step "asked beyond its limit, and wrongly"
check "$without" refuses "$scratch/first"

step "fitted to newer history, without atsaf and with it"
python3 "$here/model_series.py" 1600 >"$scratch/newer.csv"
check "$without" lacks_the_program "$scratch/first" "$scratch/newer.csv"
"$ATSAF" predict "$scratch/first" --history "$scratch/newer.csv" --horizon 800 --csv >"$scratch/newer-predictions.csv"
check "$scratch/bin:$without" fits_again "$scratch/first" "$scratch/newer.csv" "$scratch/newer-predictions.csv"

step "two versions in one process, with loaders that differ"
check "$without" two_versions "$scratch/first" "$scratch/first.parquet" "$scratch/second" "$scratch/second.parquet"

step "registered by MLflow's own client, loaded by alias"
check "$without" by_alias "$scratch/first" "$scratch/first.parquet" "$scratch"

step "loaded in place: nothing becomes stale"
check "$without" loads "$project/model" "$project/predictions.parquet"
ls "$project"/model/code/__pycache__/*.pyc
said=$("$ATSAF" -C "$project" build predictions package 2>&1)
printf '%s\n' "$said"
case "$said" in
  *"nothing to do"*) ;;
  *) echo "loading the model made an artifact stale"; exit 1 ;;
esac

step "served by mlflow models serve"
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
PATH="$scratch/bin:$without" MLFLOW_DISABLE_TELEMETRY=true setsid "$venv/bin/mlflow" models serve \
  --model-uri "$scratch/first" --env-manager local --host 127.0.0.1 --port "$port" >"$scratch/server.log" 2>&1 &
server=$!
check "$without" serves "$port" "$scratch/first.parquet" "$scratch/newer.csv" "$scratch/newer-predictions.csv" ||
  { cat "$scratch/server.log"; exit 1; }

step "all of it holds"
