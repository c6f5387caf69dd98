#!/usr/bin/env bash
# usage: tests/real/airflow.sh 2|3     The exported DAG in the real Airflow of that major version.
#
# `airflow dags test` runs the pipeline, with failures and without; then the scheduler with LocalExecutor runs it once.
# ATSAF names a program that is built already, ATSAF_REAL_VENVS where virtual environments are kept, KEEP=1 leaves all.
case ${1:-} in 2 | 3) major=$1 ;; *) echo "usage: $0 2|3" >&2; exit 2 ;; esac
# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/common.sh"

python3 -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))' || {
  skip "Airflow $major, for its pinned packages want Python 3.10 to 3.12 and this is $(python3 --version)"
  exit 0
}
step "Airflow $major"
venv=$(venv "airflow-$major" "$here/airflow-$major.txt")
mkdir -p "$work/bin" "$work/home/dags"
ln -s "$atsaf" "$work/bin/atsaf"
export PATH=$work/bin:$venv/bin:$PATH AIRFLOW_HOME=$work/home
export AIRFLOW__CORE__LOAD_EXAMPLES=False AIRFLOW__CORE__DAGS_FOLDER=$work/home/dags
export PYTHONWARNINGS=ignore AIRFLOW__USAGE_DATA_COLLECTION__ENABLED=False OPENLINEAGE_DISABLED=true
airflow version
airflow db migrate >"$work/migrate.log" 2>&1

# A copy of the pipeline: pipeline DIR
pipeline() {
  mkdir -p "$1"
  cp -r "$root/Atsaffile" "$root/fixtures" "$1"
  sed -i '/^\[airflow\]/,$d' "$1/Atsaffile"
  printf '\n[airflow]\ndag_id = "pipeline"\nstart_date = 2023-01-01\nas_of = "end_date"\n' >>"$1/Atsaffile"
}

# What the builds of a project have made, without the ids of runs: made DIR
made() {
  (cd "$1" && python3 - <<'PY'
import hashlib, pathlib, re
run = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
for path in sorted(p for d in ("data", "artifacts") for p in pathlib.Path(d).rglob("*") if p.is_file()):
    print(path, hashlib.sha256(run.sub(b"RUN", path.read_bytes())).hexdigest())
PY
  )
}

# The targets that were built in a project, one a run, in the order of their starts: ran DIR
ran() {
  atsaf -C "$1" log --json | python3 -c '
import json, sys
runs = json.load(sys.stdin)["runs"]
print(*[goal for run in sorted(runs, key=lambda run: run["run"]) for goal in run["goals"]])'
}

step "the pipeline by hand, and by \`airflow dags test\`"
pipeline "$work/by-hand"
pipeline "$work/project"
atsaf -C "$work/by-hand" build -s end_date=2023-09-30 2>&1 | tail -n 1
atsaf -C "$work/project" export airflow -o "$work/home/dags/pipeline.py"
cp "$work/home/dags/pipeline.py" "$work/first.py"
atsaf -C "$work/project" export airflow >"$work/second.py"
cmp "$work/first.py" "$work/second.py" || fail "two exports differ"
airflow dags test pipeline 2023-09-30T06:00:00 >"$work/test.log" 2>&1 || { tail -n 40 "$work/test.log"; fail "airflow dags test"; }
made "$work/by-hand" >"$work/by-hand.sums"
made "$work/project" >"$work/project.sums"
diff "$work/by-hand.sums" "$work/project.sums" || fail "Airflow made other bytes than atsaf alone"
order=$(ran "$work/project")
echo "ran: $order"
python3 - $order <<'PY' || fail "the order is wrong: $order"
import sys
order = sys.argv[1:]
before = [("ingest", "prepare"), ("prepare", "validate"), ("validate", "train"), ("train", "register"), ("register", "forecast")]
assert sorted(order) == sorted({name for pair in before for name in pair}), order
assert all(order.index(one) < order.index(other) for one, other in before), order
PY
echo "$(wc -l <"$work/project.sums") artifacts, the same bytes"
if atsaf -C "$work/project" build train --only -s end_date=2023-08-31 >"$work/other.log" 2>&1; then fail "a task ran on the data of another day"; fi
grep -q "is not fresh\|are not fresh" "$work/other.log" || fail "it does not say why: $(cat "$work/other.log")"

step "the README, word for word"
mkdir "$work/readme"
cp -r "$root/Atsaffile" "$root/fixtures" "$work/readme"
awk '/^### Airflow/ { on = 1 } on && /^```/ { block = !block; if (!block) exit; next } block' "$root/README.md" >"$work/readme.sh"
(cd "$work/readme" && unset AIRFLOW_HOME AIRFLOW__CORE__DAGS_FOLDER && HOME=$work/readme bash -e "$work/readme.sh" >"$work/readme.log" 2>&1) ||
  { tail -n 40 "$work/readme.log"; fail "the README's commands"; }
made "$work/readme" | diff "$work/by-hand.sums" - || fail "the README's commands made other bytes"
cat "$work/readme.sh"

step "tasks of several targets, and names that mean something elsewhere"
for grain in group all; do
  pipeline "$work/$grain"
  sed -i "s/^dag_id = .*/dag_id = \"$grain\"/" "$work/$grain/Atsaffile"
  atsaf -C "$work/$grain" export airflow --tasks "$grain" -o "$work/home/dags/$grain.py"
  airflow dags test "$grain" 2023-09-30T06:00:00 >"$work/$grain.log" 2>&1 || { tail -n 40 "$work/$grain.log"; fail "--tasks $grain"; }
  made "$work/$grain" | diff "$work/by-hand.sums" - || fail "--tasks $grain made other bytes"
done
odd="$work/odd {{ dir }} 'é\" {% x"
mkdir "$odd"
cat >"$odd/Atsaffile" <<'TOML'
[project]
name = "odd {{ name }}"
[params]
text = "a"
[airflow]
dag_id = "odd"
[target.for]
desc = "a \"keyword\" of Python \\ {{ none }}"
run = "printf %s {{text}} > {{output}}"
output = "out put/é.txt"
[target._-9]
run = "cat {{input.for}} > {{output}}"
inputs = ["for"]
output = "second/"
TOML
sed -i 's|> {{output}}"$|> {{output}}"|; s|run = "cat {{input.for}} > {{output}}"|run = "mkdir -p {{output}} \&\& cp {{input.for}} {{output}}/x"|' "$odd/Atsaffile"
text="it's \"{{ ds }}\" \$HOME; {% raw"
atsaf -C "$odd" export airflow -s "text=$text" -o "$work/home/dags/odd.py"
airflow dags test odd 2023-09-30T06:00:00 >"$work/odd.log" 2>&1 || { tail -n 40 "$work/odd.log"; fail "odd names"; }
[ "$(cat "$odd/second/x")" = "$text" ] || fail "a value arrived as $(cat "$odd/second/x")"

step "many respondents: a task group for each instance"
mkdir "$work/respondents"
cp -r "$root/fixtures/respondents/Atsaffile" "$root/fixtures/respondents/pages" "$work/respondents"
atsaf -C "$work/respondents" export airflow predictions@TEX,NG predictions@TEX,SUN -o "$work/home/dags/eia_respondents.py"
airflow dags test eia_respondents 2023-09-30T06:00:00 >"$work/respondents.log" 2>&1 || { tail -n 40 "$work/respondents.log"; fail "many respondents"; }
[ -e "$work/respondents/artifacts/TEX/SUN/predictions.parquet" ] || fail "no forecast of the sun in Texas"
"$venv/bin/python" - "$work/home/dags/eia_respondents.py" <<'PY' || fail "the task groups are wrong"
import runpy, sys
dag = runpy.run_path(sys.argv[1])["dag"]
groups = {name: sorted(group.children) for name, group in dag.task_group.children.items()}
assert {name: len(tasks) for name, tasks in groups.items()} == {"TEX_NG": 5, "TEX_SUN": 5}, groups
print("groups:", ", ".join(sorted(groups)))
PY

step "a target that fails twice, and one that always fails"
mkdir "$work/failing"
cat >"$work/failing/Atsaffile" <<'TOML'
[airflow]
dag_id = "failing"
[target.flaky]
run = 'echo x >> "$TRIES"; test "$(wc -l < "$TRIES")" -ge 3; echo done > {{output}}'
output = "flaky.txt"
env = ["TRIES"]
retries = 2
retry_delay = "1s"
timeout = "5m"
[target.after_flaky]
run = "cat {{input.flaky}} > {{output}}"
inputs = ["flaky"]
output = "after_flaky.txt"
[target.broken]
run = 'echo y >> "$TRIES.broken"; false > {{output}}'
output = "broken.txt"
env = ["TRIES"]
retries = 1
retry_delay = "1s"
[target.after_broken]
run = "cat {{input.broken}} > {{output}}"
inputs = ["broken"]
output = "after_broken.txt"
TOML
export TRIES=$work/tries
for goal in after_flaky after_broken; do
  sed -i "s/^dag_id = .*/dag_id = \"$goal\"/" "$work/failing/Atsaffile"
  atsaf -C "$work/failing" export airflow "$goal" -o "$work/home/dags/$goal.py"
done
airflow dags test after_flaky 2023-09-30T06:00:00 >"$work/flaky.log" 2>&1 || { tail -n 40 "$work/flaky.log"; fail "a target that fails twice"; }
[ "$(wc -l <"$TRIES")" = 3 ] || fail "it was tried $(wc -l <"$TRIES") times, not 3: Airflow and atsaf both retry"
[ "$(cat "$work/failing/after_flaky.txt")" = done ] || fail "what follows it did not run"
echo "fails twice: tried 3 times, then what follows"
if airflow dags test after_broken 2023-09-30T06:00:00 >"$work/broken.log" 2>&1; then fail "a failed DAG ended with exit code 0"; else code=$?; fi
[ "$(wc -l <"$TRIES.broken")" = 2 ] || fail "it was tried $(wc -l <"$TRIES.broken") times, not 2"
[ ! -e "$work/failing/after_broken.txt" ] || fail "what follows a failure ran"
echo "always fails: tried 2 times, nothing after it, exit code $code"

step "the run of Airflow in events of OpenLineage"
atsaf -C "$work/failing" export airflow after_flaky --openlineage -o "$work/home/dags/lineage.py"
sed -i 's/dag_id="[a-z_]*"/dag_id="lineage"/; s|"ATSAF_DAG_TARGET": raw|"SEEN": "{{ macros.OpenLineageProviderPlugin.lineage_parent_id(task_instance) }}", &|' "$work/home/dags/lineage.py"
sed -i 's|^COMMAND = "exec |COMMAND = "echo parent $OPENLINEAGE_PARENT_ID root $OPENLINEAGE_ROOT_PARENT_ID; exec |' "$work/home/dags/lineage.py"
OPENLINEAGE_DISABLED=false AIRFLOW__OPENLINEAGE__TRANSPORT='{"type": "console"}' airflow dags test lineage 2023-09-30T06:00:00 >"$work/lineage.log" 2>&1 || { tail -n 40 "$work/lineage.log"; fail "--openlineage"; }
id='[0-9a-f]{8}-[0-9a-f-]{27}'
grep -m 1 -oE "parent default/lineage\.flaky/$id root default/lineage/$id" "$work/lineage.log" ||
  fail "no parent id: $(grep -m 3 'parent ' "$work/lineage.log")"

step "the scheduler, with LocalExecutor, triggered by hand"
pipeline "$work/scheduled"
sed -i 's/^dag_id = .*/dag_id = "scheduled"/; s/^as_of = .*/schedule = "none"/' "$work/scheduled/Atsaffile"
# Three more that read the same artifact and can run at once.
for at in 1 2 3; do
  printf '[target.beside_%s]\nrun = "date +%%s.%%N > {{output}}; wc -c {{input.clean}} > /dev/null; sleep 5; date +%%s.%%N >> {{output}}"\ninputs = ["clean"]\noutput = "beside/%s"\n' $at $at >>"$work/scheduled/Atsaffile"
done
rm -f "$work"/home/dags/*.py
atsaf -C "$work/scheduled" export airflow predictions champion beside_1 beside_2 beside_3 -o "$work/home/dags/scheduled.py"
export AIRFLOW__CORE__EXECUTOR=LocalExecutor AIRFLOW__SCHEDULER__DAG_DIR_LIST_INTERVAL=5
export AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL=5 AIRFLOW__SCHEDULER__MIN_FILE_PROCESS_INTERVAL=5
if [ "$major" = 2 ]; then
  # Version 2 runs no two tasks at once on SQLite.
  source "$here/postgres.sh"
  postgres || exit 0
  export AIRFLOW__DATABASE__SQL_ALCHEMY_CONN="postgresql+psycopg2://airflow@/airflow?host=$socket"
  airflow db migrate >"$work/migrate2.log" 2>&1
  start scheduler airflow scheduler --skip-serve-logs
else
  port=$(free_port)
  export AIRFLOW__CORE__EXECUTION_API_SERVER_URL=http://127.0.0.1:$port/execution/ AIRFLOW__API__BASE_URL=http://127.0.0.1:$port
  AIRFLOW__API_AUTH__JWT_SECRET=$(python3 -c 'import secrets; print(secrets.token_hex(32))')
  export AIRFLOW__API_AUTH__JWT_SECRET AIRFLOW__LOGGING__WORKER_LOG_SERVER_HOST=127.0.0.1
  export AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT=60
  start api airflow api-server --host 127.0.0.1 --port "$port" --workers 1
  # Its first answer takes long on a busy machine, and tasks do not wait for it.
  python3 - "http://127.0.0.1:$port/execution/health" <<'PY' || fail "the API server does not answer: $(tail -n 5 "$work/api.log")"
import sys, time, urllib.request
end = time.monotonic() + 300
while True:
    try:
        urllib.request.urlopen(sys.argv[1], timeout=120).read()
        break
    except OSError:
        if time.monotonic() > end:
            raise
        time.sleep(1)
PY
  start processor airflow dag-processor
  start scheduler airflow scheduler --skip-serve-logs
fi
# The states of the runs of the DAG; the program logs to the same stream.
state() {
  airflow dags list-runs "$@" -o json 2>/dev/null | python3 -c '
import json, sys
text = sys.stdin.read()
start = text.find("[{")
print(*[run["state"] for run in json.loads(text[start:].splitlines()[0])] if start >= 0 else [])' || true
}
runs=(scheduled)
[ "$major" = 3 ] || runs=(-d scheduled)
airflow dags reserialize >>"$work/trigger.log" 2>&1
end=$((SECONDS + 900))
until airflow dags trigger scheduled >"$work/trigger.log" 2>&1; do
  [ $SECONDS -lt $end ] || { cat "$work/trigger.log"; fail "the DAG cannot be triggered"; }
  sleep 2
done
airflow dags unpause scheduled >>"$work/trigger.log" 2>&1
now=
while [ $SECONDS -lt $end ]; do
  now=$(state "${runs[@]}")
  case $now in *success* | *failed*) break ;; esac
  sleep 2
done
case $now in
*success*) echo "the run triggered by hand: success" ;;
*) tail -n 30 "$work"/scheduler.log "$work/trigger.log"; fail "the scheduled run is: $now" ;;
esac
made "$work/scheduled" | diff "$work/by-hand.sums" - || fail "the scheduler made other bytes"
python3 - "$work"/scheduled/beside/[123] <<'PY' || fail "no two tasks ran at once"
import pathlib, sys
times = sorted([float(line) for line in pathlib.Path(path).read_text().split()] for path in sys.argv[1:])
sys.exit(not any(one[1] > other[0] for one, other in zip(times, times[1:])))
PY
echo "the same bytes, and tasks that ran at once"
