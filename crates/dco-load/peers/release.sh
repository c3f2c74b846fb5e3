#!/usr/bin/env bash
# The same releases by PostgreSQL and by the service, one after the other on one machine.
#
# usage: crates/dco-load/peers/release.sh [QUEUED] [SECONDS]       (300,000 queued, 10 seconds for each measurement)
#
# PostgreSQL is the queue that services of this kind are usually built on: a worker takes the earliest due row that nobody has locked
# (FOR UPDATE SKIP LOCKED) and commits, and later writes the outcome to it. One at a time, and in batches of 100 as one would who wants
# speed. Every commit is synced, which the script counts with strace. Pace, fairness, capacity, TLS and a gateway's stream are not asked
# of it; `dco load activations` does all of that over mTLS.
#
# Needs Debian's packages postgresql, strace and python3, and target/release/dco (cargo build --release -p dco-cli).
# Prints one JSON object on its last line. Ends by itself.
set -euo pipefail
cd "$(dirname "$0")/../../.."
source crates/dco-load/peers/shared.sh

readonly queued=${1:-300000} seconds=${2:-10}
needs strace "apt-get install strace"
needs pgbench "apt-get install postgresql"
readonly dco=${DCO_BIN:-target/release/dco}
[ -x "$dco" ] || { say "$dco is missing: cargo build --release -p dco-cli"; exit 1; }
postgresql_start

say "$queued activations are queued in PostgreSQL .."
sql << SQL
CREATE TABLE activation (id bigint PRIMARY KEY, user_id bigint NOT NULL, due timestamptz NOT NULL, state text NOT NULL)
  WITH (fillfactor = 70);
INSERT INTO activation
  SELECT n, n % 5, timestamptz '2026-06-06' + n / 500 * interval '1 second', 'QUEUED' FROM generate_series(1, $queued) n;
CREATE INDEX queued ON activation (due, id) WHERE state = 'QUEUED';
CREATE INDEX released ON activation (id) WHERE state = 'RELEASED';
VACUUM ANALYZE activation;
SQL
# release LIMIT: a transaction that releases so many, and one that writes their outcomes.
release() {
  cat << SQL
WITH taken AS (SELECT id FROM activation WHERE state = 'QUEUED' ORDER BY due, id LIMIT $1 FOR UPDATE SKIP LOCKED)
  UPDATE activation a SET state = 'RELEASED' FROM taken WHERE a.id = taken.id;
WITH ended AS (SELECT id FROM activation WHERE state = 'RELEASED' LIMIT $1 FOR UPDATE SKIP LOCKED)
  UPDATE activation a SET state = 'SUCCEEDED' FROM ended WHERE a.id = ended.id;
SQL
}
for limit in 1 100; do release "$limit" > "$folder/release$limit.sql"; done

# ended: activations whose outcome is durable.
ended() { sql -c "SELECT count(*) FROM activation WHERE state = 'SUCCEEDED'"; }
# run WORKERS LIMIT SECONDS: sets `rate`, outcomes a second, and `done`, outcomes.
run() {
  local before
  before=$(ended)
  "$postgresql_bin/pgbench" -h "$folder/postgresql" -U postgres -n -f "$folder/release$2.sql" -c "$1" -j 2 -T "$3" postgres > /dev/null 2>&1
  done=$(($(ended) - before))
  rate=$((done / $3))
}
requeue() { sql -c "UPDATE activation SET state = 'QUEUED'" -c "VACUUM ANALYZE activation"; }

run 1 1 "$seconds"; one=$rate
run 16 1 "$seconds"; sixteen=$rate
requeue
run 16 100 "$seconds"; hundred=$rate
[ "$(sql -c "SELECT count(*) FROM activation WHERE state = 'QUEUED'")" -gt 0 ] || say "the queue ran empty: give more than $queued"
requeue
syncs "$postgresql_pid" run 1 1 3
per_activation=$(awk -v calls="$calls" -v done="$done" 'BEGIN { printf "%.2f", calls / (done > 0 ? done : 1) }')
say "PostgreSQL, outcomes a second: $one with 1 worker, $sixteen with 16, $hundred with 16 and 100 at a time;" \
  "$per_activation syncs an activation (1 worker, one at a time)"
[ "$calls" -gt 0 ] || { say "no sync was counted, so nothing can be compared"; exit 1; }

service=$("$dco" load activations --seconds "$seconds" --dir "$folder" --json | tail -1)
SERVICE=$service python3 - "$one" "$sixteen" "$hundred" "$per_activation" << 'PYTHON'
import json, os, sys

one, sixteen, hundred, syncs = map(float, sys.argv[1:])
service = json.loads(os.environ["SERVICE"])
rate = service["activations_per_s"]
print(json.dumps({
    "postgresql_per_s_1": one,
    "postgresql_per_s_16": sixteen,
    "postgresql_per_s_16_by_100": hundred,
    "postgresql_syncs_per_activation_1": syncs,
    "service_per_s": round(rate),
    "ratio_1": round(rate / one, 1),
    "ratio_16": round(rate / sixteen, 1),
    "ratio_16_by_100": round(rate / hundred, 2),
    "limits": service["limits"],
}))
PYTHON
