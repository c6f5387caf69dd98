#!/usr/bin/env bash
# Prophet among the models: the worked example of the manual with the real package, pinned.
#
#   tests/real/own_model.sh
#
# The first time, Prophet is installed, which takes a minute. `ATSAF=path` names a program that is built already.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/common.sh"
unset PYTHONPATH PYTHONHOME
if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
  skip "the packages of the example need Python 3.11"
  exit 0
fi

step "Prophet in an environment of its own"
example=$root/examples/own-model
venv=$(venv prophet "$example/requirements.txt")
"$venv/bin/python" -c 'import prophet; print("prophet", prophet.__version__)'
export PATH=$venv/bin:$PATH

project=$work/project
cp -r "$example" "$project"
cp "$root/fixtures/visitors/visitors.csv" "$project"
cd "$project"
# said COMMAND.. -- TEXT..: runs it, and looks for each text in what it says.
said() {
  local command=() text
  while [ "$1" != -- ]; do command+=("$1"); shift; done
  shift
  "${command[@]}" >"$work/said" 2>&1 || { cat "$work/said"; fail "${command[*]}"; }
  cat "$work/said"
  for text in "$@"; do grep -qF -- "$text" "$work/said" || fail "\`${command[*]}\` does not say: $text"; done
}

step "back-tested, ranked, and a member of the ensemble that forecasts"
said "$atsaf" build predictions -- "5 built"
said "$atsaf" show leaderboard -- Prophet
python - <<'PYTHON'
import json
import pandas as pd

board = pd.read_parquet("out/leaderboard.parquet").set_index("model")
prophet = board.loc["Prophet"]
assert prophet["windows"] == 5 and prophet["failed"] == 0 and prophet["rank"] >= 1, prophet
assert 60 < prophet["coverage_mean-95"] <= 100, prophet
windows = pd.read_parquet("out/cv.parquet").query("model == 'Prophet'")
assert windows["cutoff"].nunique() == 5 and (windows["lo-80"] >= windows["lo-95"]).all()
selected = json.load(open("out/selected.json"))
model = next(model for model in selected["models"] if model["name"] == "Prophet")
assert {"prophet_model.py", "requirements.txt"} <= set(model["files"]), model
assert model["packages"]["prophet"] == "1.5.0", model
predictions = pd.read_parquet("out/predictions.parquet")
assert len(predictions) == 12 and predictions["model"].str.contains("Prophet").all(), predictions
PYTHON

step "a second build has nothing to do"
said "$atsaf" build predictions -- "nothing to do"

step "an edited script: training and forecast again, and nothing else; why names it"
cp out/predictions.parquet "$work/first.parquet"
echo '# edited' >>prophet_model.py
said "$atsaf" why train -- prophet_model.py
said "$atsaf" build predictions -- "2 built, 3 fresh"
cmp out/predictions.parquet "$work/first.parquet" || fail "the same program forecasts otherwise"

step "another model: Prophet's forecasts are remembered"
sed -i 's/"MSTL_Theta", /"MSTL_Theta", "HoltWinters", /' Atsaffile
said "$atsaf" build train -- "1 built"
said "$atsaf" logs train -- "Prophet: 0 fits"

step "what is known ahead reaches Prophet as regressors"
cp Atsaffile "$work/Atsaffile"
sed -i 's/^level .*/&\nknown = { calendar = "year" }/' Atsaffile
said "$atsaf" build predictions -- "2 built"
said "$atsaf" logs train -- "Prophet: 5 fits"
python - <<'PYTHON'
import pandas as pd

board = pd.read_parquet("out/leaderboard.parquet").set_index("model")
assert board.loc["Prophet", "known"].startswith("year_sin1, year_cos1"), board["known"]
assert board.loc["Prophet", "failed"] == 0 and pd.isna(board.loc["AutoETS", "known"]), board["known"]
PYTHON
cp "$work/Atsaffile" Atsaffile

step "settings that Prophet does not have: the failure is its own words"
sed -i 's/seasonality_mode/seasonality_mood/' Atsaffile
if "$atsaf" build train >"$work/said" 2>&1; then fail "it was built"; fi
cat "$work/said"
for text in "the model \`Prophet\`: the command ended with exit code 1" seasonality_mood ATSAF_REQUEST=; do
  grep -qF -- "$text" "$work/said" || fail "it does not say: $text"
done

step "all of it holds"
