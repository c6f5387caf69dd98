#!/usr/bin/env bash
# The packaged champion against the real MLflow: loaded, asked, fitted to newer history, and served.
#
#   tests/real/model.sh
#
# The first time, MLflow is installed, which takes a minute. `ATSAF=path` names a program that is built already.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/common.sh"
cd "$root"
# The caller's Python has no part in it; and that it writes byte code is one of the things to be shown.
unset PYTHONDONTWRITEBYTECODE PYTHONPATH PYTHONHOME

step "MLflow in an environment of its own"
venv=$(venv mlflow "$here/mlflow-requirements.txt")
"$venv/bin/mlflow" --version

step "a project with two series, an ensemble and conformal intervals; then another champion"
project=$work/project
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
"$atsaf" -C "$project" build predictions package
cp -r "$project/model" "$work/first"
cp "$project/predictions.parquet" "$work/first.parquet"
"$atsaf" -C "$project" build predictions package -s select=overall -s intervals=own -s horizon=36
cp -r "$project/model" "$work/second"
cp "$project/predictions.parquet" "$work/second.parquet"
"$atsaf" -C "$project" build predictions package

step "loaded by mlflow.pyfunc.load_model"
check() { PATH="$1" MLFLOW_DISABLE_TELEMETRY=true "$venv/bin/python" -W error::FutureWarning "$here/model.py" "${@:2}"; }
without=$venv/bin:/usr/bin:/bin
if PATH=$without command -v atsaf >/dev/null; then
  echo "atsaf stands in $(PATH=$without command -v atsaf): the failure without it cannot be shown"
  exit 1
fi
mkdir "$work/bin"
ln -s "$atsaf" "$work/bin/atsaf"
check "$without" loads "$work/first" "$work/first.parquet"
check "$without" loads "$work/second" "$work/second.parquet"

step "asked beyond its limit, and wrongly"
check "$without" refuses "$work/first"

step "fitted to newer history, without atsaf and with it"
python3 "$here/model_series.py" 1600 >"$work/newer.csv"
check "$without" lacks_the_program "$work/first" "$work/newer.csv"
"$atsaf" predict "$work/first" --history "$work/newer.csv" --horizon 800 --csv >"$work/newer-predictions.csv"
check "$work/bin:$without" fits_again "$work/first" "$work/newer.csv" "$work/newer-predictions.csv"

step "two versions in one process, with loaders that differ"
check "$without" two_versions "$work/first" "$work/first.parquet" "$work/second" "$work/second.parquet"

step "registered by MLflow's own client, loaded by alias"
check "$without" by_alias "$work/first" "$work/first.parquet" "$work"

step "loaded in place: nothing becomes stale"
check "$without" loads "$project/model" "$project/predictions.parquet"
ls "$project"/model/code/__pycache__/*.pyc
said=$("$atsaf" -C "$project" build predictions package 2>&1)
printf '%s\n' "$said"
case "$said" in
  *"nothing to do"*) ;;
  *) echo "loading the model made an artifact stale"; exit 1 ;;
esac

step "served by mlflow models serve"
port=$(free_port)
PATH="$work/bin:$without" MLFLOW_DISABLE_TELEMETRY=true start_group server "$venv/bin/mlflow" models serve \
  --model-uri "$work/first" --env-manager local --host 127.0.0.1 --port "$port"
check "$without" serves "$port" "$work/first.parquet" "$work/newer.csv" "$work/newer-predictions.csv" ||
  { cat "$work/server.log"; exit 1; }

step "all of it holds"
