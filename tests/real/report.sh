#!/usr/bin/env bash
# The page of `atsaf report` in a real Chromium: the bundled pipeline, many series, and a project of commands.
#
#   tests/real/report.sh [DIRECTORY FOR THE PICTURES]
#
# Says whether the console stays empty, whether the page is the same without scripts, and leaves pictures of it, light and
# dark, wide and narrow, to be looked at. Chromium is installed with apt-get where that is possible and it is missing.
# `ATSAF=path` names a program that is built already.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/common.sh"
cd "$root"
pictures=${1:-$work/pictures}

step "Chromium"
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)
if [ -z "$browser" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  apt-get install -y --no-install-recommends chromium fonts-dejavu-core >"$work/apt.log" 2>&1 || true
  browser=$(command -v chromium || true)
fi
if [ -z "$browser" ]; then
  skip "there is no Chromium, and it cannot be installed here"
  exit 0
fi
"$browser" --version

# look NAME PROJECT GOAL..
look() {
  local name=$1 project=$2
  shift 2
  "$atsaf" -C "$project" report "$@"
  [ "$(stat -c %s "$project/report.html")" -lt 2000000 ] || fail "$name: the page is too large"
  cp "$project/report.html" "$work/$name.html"
  "$atsaf" -C "$project" report "$@" 2>&1 | grep -q "says the same already" || fail "$name: twice is not the same page"
  python3 "$here/report_page.py" "$browser" "$work/$name.html" "$pictures/$name"
}

step "the bundled pipeline, then with another horizon"
project=$work/pipeline
mkdir "$project"
cp -r fixtures "$project/"
sed '/^models  /,/^]/c models = ["SeasonalNaive", "LagRidge", "HoltWinters", "DynamicOptimizedTheta"]' Atsaffile >"$project/Atsaffile"
"$atsaf" -C "$project" build -q predictions
look pipeline "$project" predictions
"$atsaf" -C "$project" build -q predictions -s horizon=48
look changed "$project" predictions

step "thirty series with gaps, two levels"
project=$work/panel
mkdir "$project"
python3 - "$project/series.csv" <<'PYTHON'
import datetime, math, sys
first = datetime.date(2022, 1, 1)
with open(sys.argv[1], "w") as out:
    out.write("unique_id,ds,y\n")
    for series in range(30):
        for day in range(400):
            if series % 7 == 3 and 200 <= day < 204:
                continue
            value = 100 * (series + 1) + 20 * math.sin(day * 2 * math.pi / 7) + (day * 37 + series * 11) % 13
            out.write(f"s{series:02},{first + datetime.timedelta(days=day)},{value:.2f}\n")
PYTHON
cat >"$project/Atsaffile" <<'ATSAFFILE'
[project]
name    = "thirty series"
default = ["predictions"]

[params]
horizon   = 14
n_windows = 4
step_size = 14
level     = [80, 95]
models    = ["SeasonalNaive", "LagRidge", "HoltWinters"]

[target.ingest]
uses    = "ingest_file"
inputs  = { file = "series.csv" }
outputs = { raw = "raw.parquet", metadata = "read.json" }

[target.prepare]
uses    = "prepare_clean"
inputs  = ["raw"]
outputs = { clean = "clean.parquet", metadata = "metadata.json" }

[target.validate]
uses    = "validate_clean"
inputs  = ["clean"]
outputs = { validation = "validation.json" }

[target.train]
uses    = "train_backtest_select"
inputs  = ["clean", "validation"]
outputs = { cv_results = "cv.parquet", leaderboard = "leaderboard.parquet", selected = "selected.json" }

[target.forecast]
uses    = "forecast_publish"
inputs  = ["clean", "validation", "selected"]
outputs = { predictions = "predictions.parquet" }
ATSAFFILE
"$atsaf" -C "$project" build -q
look panel "$project"

step "commands: a table, metrics, a picture, a failure, and names that are markup"
project=$work/shell
mkdir "$project"
cat >"$project/Atsaffile" <<'ATSAFFILE'
[project]
name    = "commands & <script>names</script>"
default = ["table", "metrics", "picture", "broken", "report"]

[target.table]
run    = ["sh", "-c", "printf 'city,people\n<b>Graz</b>,303270\nLinz,213557\n' > {{output}}"]
output = "table.csv"

[target.metrics]
run    = ["sh", "-c", "printf '{\"accuracy\": 0.9375, \"by\": {\"Graz\": 0.9, \"Linz\": 0.95}}' > {{output}}; : {{inputs}}"]
inputs = ["table"]
output = "metrics.json"

[target.picture]
run    = ["sh", "-c", "printf '<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"300\" height=\"120\"><rect width=\"300\" height=\"120\" fill=\"teal\"/></svg>' > {{output}}"]
output = "picture.svg"

[target.report]
run    = ["sh", "-c", "echo all is well > {{output}}; : {{inputs}}"]
inputs = ["table", "metrics"]
output = "out/summary.txt"

[target.broken]
run    = ["sh", "-c", "echo '<img src=x onerror=alert(1)>' >&2; exit 3; : {{output}}"]
inputs = ["table"]
output = "never.txt"
ATSAFFILE
"$atsaf" -C "$project" build -q -k && fail "a target should have failed"
look shell "$project"

step "nothing built yet"
project=$work/empty
mkdir "$project"
cp "$work/shell/Atsaffile" "$project/"
look empty "$project"

echo
echo "pictures in $pictures"
[ "$pictures" != "$work/pictures" ] || KEEP=1
