# What the scripts of this folder share; to be sourced. Everything lies in one temporary folder, listens on loopback, and ends with the
# script: only what it started itself is ended, by its process id.

folder=$(mktemp -d)
started=()
stop_all() {
  for pid in ${started[@]+"${started[@]}"}; do kill "$pid" 2> /dev/null || true; done
  for pid in ${started[@]+"${started[@]}"}; do wait "$pid" 2> /dev/null || true; done
  if [ -d "$folder/postgresql" ]; then postgresql_stop; fi
  rm -rf "$folder"
}
trap stop_all EXIT

say() { echo "$*" >&2; }
needs() { command -v "$1" > /dev/null || { say "$1 is missing: $2"; exit 1; }; }

# free_port: a port of loopback that nobody has.
free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# syncs PID COMMAND..: runs the command while strace counts the syncs of the process, its threads and its children, those that it
# starts meanwhile too; sets `calls`. It begins only when strace has hold of the process: what was started before would not be seen.
syncs() {
  local pid=$1 each tracer waits=0 processes=()
  shift
  for each in "$pid" $(pgrep -P "$pid" || true); do processes+=(-p "$each"); done
  strace -f -c -e trace=fdatasync,fsync,sync_file_range,msync,syncfs -o "$folder/strace" "${processes[@]}" 2> /dev/null &
  tracer=$!
  until grep -q "^TracerPid:[[:space:]]*$tracer$" "/proc/$pid/status"; do
    waits=$((waits + 1))
    [ "$waits" -lt 200 ] || { say "strace cannot hold process $pid"; exit 1; }
    sleep 0.05
  done
  "$@"
  kill -INT "$tracer"
  wait "$tracer" || true
  calls=$(awk '$NF ~ /^(fdatasync|fsync|sync_file_range|msync|syncfs)$/ { calls += $4 } END { print calls + 0 }' "$folder/strace")
}

# PostgreSQL as Debian's package `postgresql` installs it, in a folder of its own and on a Unix socket there. Every commit is synced
# (synchronous_commit and fsync are on as they come). It refuses to run as root.
postgresql_as() {
  if [ "$(id -u)" -eq 0 ]; then /usr/sbin/runuser -u postgres -- "$@"; else "$@"; fi
}
postgresql_start() {
  postgresql_bin=$(ls -d /usr/lib/postgresql/*/bin 2> /dev/null | sort -V | tail -1)
  [ -n "$postgresql_bin" ] || { say "PostgreSQL is missing: apt-get install postgresql"; exit 1; }
  mkdir "$folder/postgresql"
  chmod a+rx "$folder"
  if [ "$(id -u)" -eq 0 ]; then chown postgres "$folder/postgresql"; fi
  postgresql_as "$postgresql_bin/initdb" -D "$folder/postgresql/data" -U postgres --auth=trust --no-instructions > /dev/null
  postgresql_as "$postgresql_bin/pg_ctl" -D "$folder/postgresql/data" -w -l "$folder/postgresql/log" \
    -o "-c listen_addresses='' -k $folder/postgresql" start > /dev/null
  postgresql_pid=$(head -1 "$folder/postgresql/data/postmaster.pid")
}
postgresql_stop() {
  postgresql_as "$postgresql_bin/pg_ctl" -D "$folder/postgresql/data" -m immediate stop > /dev/null 2>&1 || true
}
sql() { "$postgresql_bin/psql" -h "$folder/postgresql" -U postgres -d postgres -qAtX "$@"; }
