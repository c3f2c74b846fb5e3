#!/usr/bin/env bash
# The same releases by PostgreSQL and by the engine, one after the other on one machine.
#
# usage: crates/dco-load/peers/release.sh [QUEUED] [SECONDS]       (1,000,000 queued, 10 seconds for each number of workers)
#
# PostgreSQL is the queue that services of this kind are usually built on: a worker takes the earliest due row that nobody has locked
# (`FOR UPDATE SKIP LOCKED`), counts the unit against its service day in the same transaction, and commits. It is Debian's package
# `postgresql`, as it is installed, in a folder of its own that is removed at the end, on a Unix socket in that folder. Every commit is
# synced, and the script checks with strace that it is, where strace is installed. Pace and fairness are not asked of it.
#
# Prints one JSON object on its last line: PostgreSQL's releases a second with 1 and 16 workers and its syncs a release; what the engine
# decides a second, outcomes included; what the journal makes durable a second, with 1 and with 64 in a commit; and the ratios.
set -euo pipefail
cd "$(dirname "$0")/../../.."

readonly queued=${1:-1000000} seconds=${2:-10}
bin=$(ls -d /usr/lib/postgresql/*/bin 2> /dev/null | sort -V | tail -1)
[ -n "$bin" ] || { echo "PostgreSQL is missing: apt-get install postgresql"; exit 1; }

folder=$(mktemp -d)
as=()
if [ "$(id -u)" -eq 0 ]; then
  # It refuses to run as root.
  chown postgres "$folder"
  as=(runuser -u postgres --)
fi
stop() {
  "${as[@]}" "$bin/pg_ctl" -D "$folder/data" -m immediate stop > /dev/null 2>&1 || true
  rm -rf "$folder"
}
trap stop EXIT

"${as[@]}" "$bin/initdb" -D "$folder/data" --auth=trust --no-instructions > /dev/null
"${as[@]}" "$bin/pg_ctl" -D "$folder/data" -w -l "$folder/log" -o "-c listen_addresses='' -k $folder" start > /dev/null
psql() { "${as[@]}" "$bin/psql" -h "$folder" -d postgres -qAtX "$@"; }

echo "$queued activations are queued in PostgreSQL .." >&2
psql << SQL
CREATE TABLE service_day (day date PRIMARY KEY, released bigint NOT NULL, capacity bigint NOT NULL);
INSERT INTO service_day VALUES ('2026-06-01', 0, 1000000000);
CREATE TABLE activation (id bigint PRIMARY KEY, user_id bigint NOT NULL, due timestamptz NOT NULL, state text NOT NULL);
INSERT INTO activation SELECT n, n % 5, timestamptz '2026-06-06' + n / 500 * interval '1 second', 'QUEUED' FROM generate_series(1, $queued) n;
CREATE INDEX queued ON activation (due, id) WHERE state = 'QUEUED';
VACUUM ANALYZE activation;
SQL
cat > "$folder/release.sql" << 'SQL'
BEGIN;
UPDATE activation SET state = 'RELEASED' WHERE id =
  (SELECT id FROM activation WHERE state = 'QUEUED' ORDER BY due, id LIMIT 1 FOR UPDATE SKIP LOCKED);
UPDATE service_day SET released = released + 1 WHERE day = '2026-06-01' AND released < capacity;
COMMIT;
SQL
chmod a+r "$folder/release.sql"

syncs=null
# run WORKERS: releases a second.
run() {
  "${as[@]}" "$bin/pgbench" -h "$folder" -n -f "$folder/release.sql" -c "$1" -j 2 -T "$seconds" postgres 2> /dev/null |
    sed -n 's/^tps = \([0-9.]*\).*/\1/p'
}
one=$(run 1)
sixteen=$(run 16)
if command -v strace > /dev/null; then
  before=$(psql -c "SELECT released FROM service_day")
  strace -f -c -e trace=fdatasync,fsync -o "$folder/strace" -p "$(head -1 "$folder/data/postmaster.pid")" 2> /dev/null &
  tracer=$!
  run 1 > /dev/null
  kill -TERM "$tracer"
  wait "$tracer" || true
  done=$(($(psql -c "SELECT released FROM service_day") - before))
  calls=$(awk '$NF == "fdatasync" || $NF == "fsync" { calls += $4 } END { print calls + 0 }' "$folder/strace")
  syncs=$(awk -v calls="$calls" -v done="$done" 'BEGIN { printf "%.2f", calls / (done > 0 ? done : 1) }')
fi
echo "PostgreSQL: $one releases a second with 1 worker, $sixteen with 16, $syncs syncs a release with 1" >&2

# The engine's part is what it takes to decide; the journal's is what it takes until a release is durable, one a commit or 64.
engine=$(cargo bench -q -p dco-engine --bench engine -- release 2> /dev/null)
journal=$(cargo run -q --release --bin dco -- load journal --json | tail -1)
ENGINE=$engine JOURNAL=$journal python3 - "$one" "$sixteen" "$syncs" << 'PYTHON'
import json, os, re, sys

one, sixteen = float(sys.argv[1]), float(sys.argv[2])
journal = json.loads(os.environ["JOURNAL"])
row = next(line for line in os.environ["ENGINE"].splitlines() if "release_and_outcome_of_10_000" in line)
median = re.search(r"([0-9.]+) (ms|s)", row.split("│")[2])
median_s = float(median[1]) * {"ms": 1e-3, "s": 1}[median[2]]
print(json.dumps({
    "postgresql_releases_per_s_1": round(one),
    "postgresql_releases_per_s_16": round(sixteen),
    "postgresql_syncs_per_release_1": json.loads(sys.argv[3]),
    "engine_releases_per_s": round(10_000 / median_s),
    "journal_releases_per_s_1": round(journal["records_per_s_1"]),
    "journal_releases_per_s_64": round(journal["records_per_s_64"]),
    "ratio_1": round(journal["records_per_s_1"] / one, 1),
    "ratio_16": round(min(journal["records_per_s_64"], 10_000 / median_s) / sixteen, 1),
}))
PYTHON
