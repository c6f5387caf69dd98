#!/usr/bin/env bash
# Registrations against the real MLflow: on a server, cut off at each call, with passwords, over https, in a workspace,
# and in the embedded store.
#
#   tests/real/mlflow.sh
#
# The first time, MLflow 3.17.2 and 3.1.4 are installed, which takes some minutes. `ATSAF=path` names a program that is built
# already; `CUTS=1,5` cuts at these calls only.
# shellcheck source-path=SCRIPTDIR
source "$(dirname "$0")/common.sh"
cd "$root"

step "MLflow in environments of their own"
newest=$(venv mlflow "$here/mlflow-requirements.txt")/bin
oldest=$(venv mlflow "$here/mlflow-oldest-requirements.txt")/bin
"$newest/pip" install --quiet --no-compile --no-cache-dir --disable-pip-version-check --requirement "$here/mlflow-auth-requirements.txt"
"$newest/mlflow" --version
"$oldest/mlflow" --version

await() { # URL
  for _ in $(seq 300); do
    if curl -s -o /dev/null "$1"; then return; fi
    sleep 0.5
  done
  fail "nothing answers at $1"
}
export MLFLOW_HTTP_REQUEST_MAX_RETRIES=2 MLFLOW_DISABLE_TELEMETRY=true DO_NOT_TRACK=true
unset MLFLOW_TRACKING_URI MLFLOW_TRACKING_USERNAME MLFLOW_TRACKING_PASSWORD

project=$work/project
mkdir "$project"
cp -r Atsaffile fixtures "$project"
atsaf() { "$atsaf" -C "$project" "$@"; }
quick=(-s 'models=SeasonalNaive,LagRidge' -s end_date=2023-07-31)

step "the embedded store: built twice, read by MLflow 3.1.4 from the project's directory"
atsaf build champion "${quick[@]}"
atsaf build champion "${quick[@]}" 2>&1 | grep "nothing to do" >/dev/null || fail "a second build did something"
cp "$project/artifacts/champion.json" "$work/first.json"
atsaf build champion "${quick[@]}" --only -B
python3 - "$work/first.json" "$project/artifacts/champion.json" <<'PYTHON' || fail "a forced registration is not the first one"
import json, sys
first, second = (json.load(open(path))["registration"] for path in sys.argv[1:])
assert first.pop("why") != second.pop("why")
assert first == second, (first, second)
PYTHON
(cd "$project" && "$oldest/python" "$here/mlflow_read.py" sqlite:///mlflow/mlflow.db champion eia_forecasting artifacts/champion.json 1)

step "new data: a new version takes the alias"
atsaf build champion -s 'models=SeasonalNaive,LagRidge' -s end_date=2023-08-15
(cd "$project" && "$oldest/python" "$here/mlflow_read.py" sqlite:///mlflow/mlflow.db champion eia_forecasting artifacts/champion.json 2)
step "and back: the first version takes it again"
atsaf build champion "${quick[@]}"
(cd "$project" && "$oldest/python" "$here/mlflow_read.py" sqlite:///mlflow/mlflow.db champion eia_forecasting artifacts/champion.json 2)
cp -r "$project" "$work/embedded"

step "MLflow 3.17 upgrades it, and atsaf goes on writing to it"
(cd "$project" && "$newest/python" "$here/mlflow_read.py" sqlite:///mlflow/mlflow.db champion eia_forecasting artifacts/champion.json 2)
atsaf build champion -s 'models=SeasonalNaive,LagRidge' -s end_date=2023-08-20
(cd "$project" && "$newest/python" "$here/mlflow_read.py" sqlite:///mlflow/mlflow.db champion eia_forecasting artifacts/champion.json 3)

step "a server behind a proxy"
mkdir "$work/server"
port=$(free_port)
start_group server "$newest/mlflow" server --host 127.0.0.1 --port "$port" --workers 1 \
  --backend-store-uri "sqlite:///$work/server/mlflow.db" --artifacts-destination "$work/server/artifacts"
proxy=$(free_port)
start_group proxy python3 "$here/cutting_proxy.py" "$proxy" "$port"
await "http://127.0.0.1:$port/health"
await "http://127.0.0.1:$proxy/calls"
export MLFLOW_TRACKING_URI=http://127.0.0.1:$proxy
cut() { curl -s -X POST "http://127.0.0.1:$1/cut/$2" >/dev/null; } # PORT CALL
cut "$proxy" 0
atsaf build champion "${quick[@]}" -s experiment_name=server
all=$(curl -s "http://127.0.0.1:$proxy/calls")
echo "$all calls"
atsaf build champion "${quick[@]}" -s experiment_name=server 2>&1 | grep "nothing to do" >/dev/null || fail "a second build did something"
"$newest/python" "$here/mlflow_read.py" "http://127.0.0.1:$port" champion server "$project/artifacts/champion.json" 1
rm "$project/artifacts/champion.json"
atsaf build champion "${quick[@]}" -s experiment_name=server
"$newest/python" "$here/mlflow_read.py" "http://127.0.0.1:$port" once server

step "cut off at each of $all calls, and built again"
mapfile -t numbers < <(if [ -n "${CUTS:-}" ]; then tr , '\n' <<<"$CUTS"; else seq "$all"; fi)
# Most of the time is waiting before a call is made again: so several go on at once, each with its own proxy and project.
lanes=4
lane() { # LANE PORT: each LANES-th of the calls
  local n port=$2
  project=$work/lane$1
  export MLFLOW_TRACKING_URI=http://127.0.0.1:$port
  for ((at = $1; at < ${#numbers[@]}; at += lanes)); do
    n=${numbers[at]}
    cut "$port" "$n"
    if atsaf -q build champion "${quick[@]}" -s "experiment_name=cut$n" >"$work/cut$n" 2>&1; then
      fail "cut at call $n, the build succeeded"
    fi
    grep -q "got no answer" "$work/cut$n" || { cat "$work/cut$n"; fail "cut at call $n, the error says something else"; }
    cut "$port" 0
    atsaf -q build champion "${quick[@]}" -s "experiment_name=cut$n"
  done
}
running=()
for ((k = 0; k < lanes; k++)); do
  port_of_lane=$(free_port)
  start_group "proxy$k" python3 "$here/cutting_proxy.py" "$port_of_lane" "$port"
  await "http://127.0.0.1:$port_of_lane/calls"
  cp -r "$project" "$work/lane$k"
  lane "$k" "$port_of_lane" &
  running+=($!)
done
for pid in "${running[@]}"; do wait "$pid" || fail "a cut"; done
"$newest/python" "$here/mlflow_read.py" "http://127.0.0.1:$port" once "${numbers[@]/#/cut}"

step "push: the embedded registrations, made on the server, once"
for _ in 1 2; do "$atsaf" -C "$work/embedded" mlflow push --to "http://127.0.0.1:$port"; done | tee "$work/pushed"
[ "$(sort "$work/pushed" | uniq | wc -l)" = 2 ] || fail "a second push made something"
"$newest/python" - "http://127.0.0.1:$port" <<'PYTHON'
import sys, mlflow
client = mlflow.MlflowClient(sys.argv[1])
experiment = client.get_experiment_by_name("eia_forecasting")
assert len(client.search_runs([experiment.experiment_id])) == 2
PYTHON

step "errors: no server, no MLflow, and passwords"
expect() { # TEXT [ARGUMENT..]: the build must fail and say so
  if atsaf build champion "${quick[@]}" -s experiment_name=errors "${@:2}" >"$work/error" 2>&1; then fail "it succeeded: $1"; fi
  grep -q "$1" "$work/error" || { cat "$work/error"; fail "expected: $1"; }
  if grep -q "wr0ng-password" "$work/error"; then fail "the password was printed"; fi
  grep -m1 "$1" "$work/error"
}
MLFLOW_TRACKING_URI=http://127.0.0.1:$(free_port) expect "got no answer: Connection refused"
other=$(free_port)
start_group other python3 -m http.server --bind 127.0.0.1 --directory "$work/server" "$other"
await "http://127.0.0.1:$other/"
MLFLOW_TRACKING_URI=http://127.0.0.1:$other expect "is no MLflow server, or not at this path"
secure=$(free_port)
mkdir "$work/secure"
cat >"$work/secure/auth.ini" <<INI
[mlflow]
default_permission = READ
database_uri = sqlite:///$work/secure/auth.db
admin_username = admin
admin_password = a-l0ng-password-1
authorization_function = mlflow.server.auth:authenticate_request_basic_auth
INI
MLFLOW_AUTH_CONFIG_PATH=$work/secure/auth.ini MLFLOW_FLASK_SERVER_SECRET_KEY=key start_group secure "$newest/mlflow" server \
  --host 127.0.0.1 --port "$secure" --workers 1 --app-name basic-auth \
  --backend-store-uri "sqlite:///$work/secure/mlflow.db" --artifacts-destination "$work/secure/artifacts"
await "http://127.0.0.1:$secure/health"
export MLFLOW_TRACKING_URI=http://127.0.0.1:$secure
expect "wants a name and a password"
export MLFLOW_TRACKING_USERNAME=admin
MLFLOW_TRACKING_PASSWORD=wr0ng-password expect "does not accept the name and the password"
MLFLOW_TRACKING_PASSWORD=a-l0ng-password-1 atsaf build champion "${quick[@]}" -s experiment_name=secure
MLFLOW_TRACKING_PASSWORD=a-l0ng-password-1 "$newest/python" "$here/mlflow_read.py" "$MLFLOW_TRACKING_URI" once secure
"$newest/python" - "$MLFLOW_TRACKING_URI" <<'PYTHON'
import os, sys
from mlflow.server import get_app_client
os.environ["MLFLOW_TRACKING_PASSWORD"] = "a-l0ng-password-1"
get_app_client("basic-auth", tracking_uri=sys.argv[1]).create_user("reader", "an0ther-password")
PYTHON
MLFLOW_TRACKING_USERNAME=reader MLFLOW_TRACKING_PASSWORD=an0ther-password \
  expect "does not permit" -s experiment_name=secure -s end_date=2023-08-15
unset MLFLOW_TRACKING_USERNAME

step "https with an authority of its own, a workspace, and artifacts that the server does not serve"
mkdir "$work/tls"
"$newest/python" "$here/certificates.py" "$work/tls"
tls=$(free_port)
start_group tls "$newest/mlflow" server --host 127.0.0.1 --port "$tls" --workers 1 --enable-workspaces --no-serve-artifacts \
  --default-artifact-root "file://$work/tls/artifacts" --backend-store-uri "sqlite:///$work/tls/mlflow.db" \
  --uvicorn-opts "--ssl-keyfile $work/tls/key.pem --ssl-certfile $work/tls/server.pem"
CURL_CA_BUNDLE=$work/tls/authority.pem await "https://127.0.0.1:$tls/health"
export MLFLOW_TRACKING_URI=https://127.0.0.1:$tls
expect "invalid peer certificate"
grep -q MLFLOW_TRACKING_SERVER_CERT_PATH "$work/error" || fail "it does not say how to believe the certificate"
export MLFLOW_TRACKING_SERVER_CERT_PATH=$work/tls/authority.pem MLFLOW_WORKSPACE=team
expect "Workspace 'team' not found"
"$newest/python" -c 'import mlflow; mlflow.create_workspace("team")'
atsaf build champion "${quick[@]}" -s experiment_name=tls
"$newest/python" "$here/mlflow_read.py" "$MLFLOW_TRACKING_URI" champion tls "$project/artifacts/champion.json" 1
MLFLOW_WORKSPACE=default "$newest/python" -c '
import mlflow
assert mlflow.get_experiment_by_name("tls") is None'

step "all of it holds"
