#!/usr/bin/env bash
# usage: tests/real/openlineage.sh     Events of real builds, checked by what the official client knows of the specification.
#
# ATSAF names a program that is built already, ATSAF_REAL_VENVS where virtual environments are kept, OPENLINEAGE_SPEC the
# directory `spec` of the specification's repository, where all its JSON schemas are; without it, those count that
# another program's tests carry.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/common.sh"
for name in $(compgen -e | grep ^OPENLINEAGE_ | grep -v SPEC); do unset "$name"; done
export HOME=$work

step "OpenLineage"
venv=$(venv openlineage "$here/openlineage.txt")
python=$venv/bin/python
spec=${OPENLINEAGE_SPEC:-}
if [ -n "$spec" ]; then
  echo "the JSON schemas of $spec"
elif carrier=$(crate datafusion-openlineage 0.0.12 c3174cdfb83e6ada02b64b2684f696ca382886cae5ce98d12ec802bbb1392129); then
  spec=$carrier/tests/schemas/openlineage
else
  skip "the JSON schemas, for crates.io cannot be reached"
fi

# Starts a receiver: receiver NAME [STATUS]; sets url
receiver() {
  mkdir "$work/$1"
  start "receiver-$1" "$python" "$here/receiver.py" "$work/$1" "${@:2}"
  local at
  for ((at = 0; at < 100; at++)); do [ -e "$work/$1/port" ] && break; sleep 0.1; done
  url=http://127.0.0.1:$(cat "$work/$1/port")
}
project() {
  mkdir -p "$1"
  cp -r "$root/Atsaffile" "$root/fixtures" "$1"
}
kinds() { "$python" -c 'import json,sys; print(*[e["eventType"] + " " + e["job"]["name"].split(".")[-1] for e in map(json.loads, open(sys.argv[1]))], sep="\n")' "$1"; }

step "the pipeline, to a server"
receiver first
project "$work/project"
parent=0193a1c2-7b2e-7000-8000-00000000000a
root_parent=0193a1c2-7b2e-7000-8000-00000000000b
export OPENLINEAGE_URL=$url OPENLINEAGE_API_KEY=s3cr3t-api-key OPENLINEAGE_NAMESPACE=team
EIA_API_KEY=s3cr3t-eia-key OPENLINEAGE_PARENT_ID=airflow/dag.task/$parent OPENLINEAGE_ROOT_PARENT_ID=airflow/dag/$root_parent \
  "$atsaf" -C "$work/project" build 2>&1 | tail -n 1
"$python" "$here/check_lineage.py" "$work/first/events" ${spec:+"$spec"}
[ "$(sort -u "$work/first/keys")" = "/api/v1/lineage Bearer s3cr3t-api-key" ] || fail "the requests were: $(sort -u "$work/first/keys")"
! grep -q s3cr3t "$work/first/events" || fail "a secret is in an event"
"$python" - "$work/first/events" "$parent" "$root_parent" <<'PY'
import json, sys
events = [json.loads(line) for line in open(sys.argv[1])]
targets = ["ingest", "prepare", "validate", "train", "register", "forecast"]
job = {event["job"]["name"]: event for event in events if event["eventType"] == "COMPLETE"}
assert set(job) == {"eia_forecasting"} | {f"eia_forecasting.{name}" for name in targets}, set(job)
whole = job["eia_forecasting"]["run"]["facets"]["parent"]
assert whole["run"]["runId"] == sys.argv[2] and whole["job"] == {"namespace": "airflow", "name": "dag.task"}, whole
for name in targets:
    parent = job[f"eia_forecasting.{name}"]["run"]["facets"]["parent"]
    assert parent["run"]["runId"] == job["eia_forecasting"]["run"]["runId"], parent
    assert parent["root"]["run"]["runId"] == sys.argv[3], parent
# What one makes is what the next reads, by name and version.
made = {data["name"]: data["facets"]["version"]["datasetVersion"] for event in job.values() for data in event["outputs"]}
read = {data["name"]: data["facets"].get("version", {}).get("datasetVersion") for event in job.values() for data in event["inputs"]}
shared = set(made) & set(read)
assert len(shared) == 7 and all(made[name] == read[name] for name in shared), (made, read)
raw = job["eia_forecasting.ingest"]["outputs"][0]
assert [field["name"] for field in raw["facets"]["schema"]["fields"]][:2] == ["period", "respondent"] or raw["facets"]["schema"]["fields"], raw
assert raw["outputFacets"]["outputStatistics"]["rowCount"] > 2000, raw
rules = job["eia_forecasting.validate"]["inputs"][0]["inputFacets"]["dataQualityAssertions"]["assertions"]
assert len(rules) > 5 and all(rule["success"] for rule in rules), rules
start = next(event for event in events if event["eventType"] == "START" and event["job"]["name"].endswith(".train"))
assert start["run"]["facets"]["atsaf_reasons"]["reasons"], start
print("lineage:", len(shared), "data sets lead from target to target;", len(rules), "rules of the validation")
PY

step "a second sender: the official client, to the same receiver"
"$python" - <<'PY'
from datetime import datetime, timezone
from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import Job, Run, RunEvent, RunState
client = OpenLineageClient()
client.emit(RunEvent(eventType=RunState.COMPLETE, eventTime=datetime.now(timezone.utc).isoformat(), run=Run("0193a1c2-7b2e-7000-8000-00000000000c"), job=Job("team", "official"), producer="https://example.org"))
PY
tail -n 1 "$work/first/events" | grep '"official"' >/dev/null || fail "the client's event did not arrive"
[ "$(sort -u "$work/first/keys")" = "/api/v1/lineage Bearer s3cr3t-api-key" ] || fail "it asked otherwise: $(sort -u "$work/first/keys")"
echo "the same address and the same key"

step "nothing to do, restored, failed"
unset OPENLINEAGE_API_KEY
events() { OPENLINEAGE__TRANSPORT__TYPE=file OPENLINEAGE__TRANSPORT__APPEND=true OPENLINEAGE__TRANSPORT__LOG_FILE_PATH=$work/$1 "$atsaf" -C "$work/project" build "${@:2}" >/dev/null 2>&1; }
events null
[ "$(kinds "$work/null")" = "START eia_forecasting
COMPLETE eia_forecasting" ] || fail "of a build that had nothing to do: $(kinds "$work/null")"
mv "$work/project/artifacts/predictions.parquet" "$work/aside"
events restored
kinds "$work/restored" | grep "COMPLETE forecast" >/dev/null || fail "of a restored target: $(kinds "$work/restored")"
grep -q restoredFrom "$work/restored" || fail "it does not say that it came back"
if events failed -s "source=nowhere" -k; then fail "a build without its source succeeded"; fi
if events failed -s min_length=100000; then fail "a build with a broken rule succeeded"; fi
kinds "$work/failed" | grep "FAIL validate" >/dev/null || fail "of a failed target: $(kinds "$work/failed")"
grep -q errorMessage "$work/failed" || fail "it does not say why"
cat "$work/null" "$work/restored" "$work/failed" >"$work/all"
"$python" "$here/check_lineage.py" "$work/all" ${spec:+"$spec"}

step "trouble: a server that is gone, that refuses, that hangs"
# Builds again, and tells the seconds that it took and its warnings: trouble URL
trouble() {
  local begun=$SECONDS
  OPENLINEAGE_URL=$1 "$atsaf" -C "$work/project" build -B prepare >"$work/trouble.log" 2>&1 || { cat "$work/trouble.log"; fail "trouble in sending failed the build"; }
  [ "$(grep -c '^warning: ' "$work/trouble.log")" = 1 ] || { cat "$work/trouble.log"; fail "it is not one warning"; }
  [ $((SECONDS - begun)) -le 20 ] || fail "it took $((SECONDS - begun)) s"
  echo "$((SECONDS - begun)) s; $(grep '^warning: ' "$work/trouble.log")"
}
trouble http://127.0.0.1:9
receiver refusing 403
trouble "$url"
receiver hanging hang
trouble "$url"
