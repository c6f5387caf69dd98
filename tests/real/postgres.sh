# A PostgreSQL of our own for a script of this directory; sourced. `postgres` sets `socket`, or says why not and fails.
postgres() {
  local bin as=() data=$work/postgres
  if ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then
    # No cluster of the system's own is made.
    if ! { command -v apt-get && [ "$(id -u)" = 0 ]; } >/dev/null; then
      skip "the scheduler, for PostgreSQL is not there and cannot be installed"
      return 1
    fi
    mkdir -p /etc/postgresql-common
    [ -e /etc/postgresql-common/createcluster.conf ] || echo "create_main_cluster = false" >/etc/postgresql-common/createcluster.conf
    export DEBIAN_FRONTEND=noninteractive
    { apt-get install -y -qq postgresql || { apt-get update -qq && apt-get install -y -qq postgresql; }; } >"$work/apt.log" 2>&1 || {
      skip "the scheduler, for PostgreSQL could not be installed: $(tail -n 1 "$work/apt.log")"
      return 1
    }
  fi
  bin=$(ls -d /usr/lib/postgresql/*/bin | tail -n 1)
  mkdir "$data"
  socket=$data
  # It refuses to be run by root.
  if [ "$(id -u)" = 0 ]; then
    chmod 755 "$work"
    chown postgres "$data"
    as=(setpriv --reuid=postgres --regid=postgres --clear-groups)
  fi
  "${as[@]}" "$bin/initdb" -D "$data/db" -A trust -U airflow >"$work/initdb.log" 2>&1
  start postgres "${as[@]}" "$bin/postgres" -D "$data/db" -k "$socket" -c listen_addresses= -c fsync=off
  local at
  for ((at = 0; at < 100; at++)); do
    "$bin/pg_isready" -q -h "$socket" && break
    sleep 0.2
  done
  "$bin/createdb" -h "$socket" -U airflow airflow
}
