#!/usr/bin/env bash
# The same images into peers and into the service, one after the other on one machine, in rounds.
#
# usage: crates/dco-load/peers/intake.sh [ROUNDS] [IMAGES]       (3 rounds of 160 images of 1.5 MB, 16 senders)
#
# The peers: nginx with WebDAV PUT, rustus (tus, with and without a sync for each write), PostgreSQL with one bytea row an image, NATS
# JetStream's object store. None of them speaks TLS here, checks a digest, or acknowledges a part; the service does all three. Whether a peer
# has synced when it acknowledges is counted with strace: one that has not is beside the point, and is shown as such.
#
# Needs Debian's packages nginx, nats-server, postgresql, strace and python3-venv, `cargo install rustus`, the packages psycopg[binary]
# and nats-py from PyPI (installed into a temporary folder, or given as PYTHON=.. of an environment that has them), and
# target/release/dco. What is missing is left out, and said. Prints one JSON object on its last line. Ends by itself.
set -euo pipefail
cd "$(dirname "$0")/../../.."
source crates/dco-load/peers/shared.sh

readonly rounds=${1:-3} images=${2:-160} senders=16 image_bytes=1500000
needs strace "apt-get install strace"
readonly dco=${DCO_BIN:-target/release/dco}
[ -x "$dco" ] || { say "$dco is missing: cargo build --release -p dco-cli"; exit 1; }
export PATH=$PATH:/usr/sbin
if [ -z "${PYTHON:-}" ]; then
  python3 -m venv "$folder/python"
  "$folder/python/bin/pip" install -q 'psycopg[binary]' nats-py
  PYTHON=$folder/python/bin/python
fi
# put PEER WHERE IMAGES: sends them, prints MB/s.
put() { "$PYTHON" crates/dco-load/peers/intake.py "$1" "$2" "$3" "$senders" "$image_bytes"; }

peers=()
declare -A where process rates synced
# peer NAME KIND:WHERE PID
peer() { peers+=("$1"); where[$1]=$2; process[$1]=$3; rates[$1]=; }
# listening PORT: waits until somebody does.
listening() { timeout 20 bash -c "until (: > /dev/tcp/127.0.0.1/$1) 2> /dev/null; do sleep 0.1; done"; }

if command -v nginx > /dev/null; then
  port=$(free_port)
  mkdir -p "$folder/nginx/files"
  cat > "$folder/nginx/nginx.conf" << CONF
daemon off; master_process off; pid $folder/nginx/pid; error_log $folder/nginx/log;
events {}
http {
  access_log off; client_max_body_size 32m; client_body_temp_path $folder/nginx/body;
  proxy_temp_path $folder/nginx/a; fastcgi_temp_path $folder/nginx/b; uwsgi_temp_path $folder/nginx/c; scgi_temp_path $folder/nginx/d;
  server { listen 127.0.0.1:$port; root $folder/nginx/files; location / { dav_methods PUT; } }
}
CONF
  nginx -c "$folder/nginx/nginx.conf" -p "$folder/nginx" 2> /dev/null & started+=($!)
  peer nginx_put "put:$port" $!
  listening "$port"
else say "nginx is missing: apt-get install nginx"; fi

if command -v rustus > /dev/null; then
  # Any value after --force-fsync is a yes: `false` syncs as well.
  for name in rustus rustus_fsync; do
    port=$(free_port)
    sync=()
    if [ "$name" = rustus_fsync ]; then sync=(--force-fsync true); fi
    mkdir -p "$folder/$name/data" "$folder/$name/info"
    rustus --host 127.0.0.1 --port "$port" --data-dir "$folder/$name/data" --info-dir "$folder/$name/info" \
      --log-level ERROR --max-body-size 33554432 ${sync[@]+"${sync[@]}"} > "$folder/$name/log" 2>&1 & started+=($!)
    peer "$name" "tus:$port" $!
    listening "$port"
  done
else say "rustus is missing: cargo install rustus"; fi

if ls /usr/lib/postgresql/*/bin/postgres > /dev/null 2>&1; then
  postgresql_start
  sql -c "CREATE TABLE image (id bigserial PRIMARY KEY, content bytea NOT NULL)" -c "ALTER TABLE image ALTER content SET STORAGE EXTERNAL"
  peer postgresql_bytea "postgresql:$folder/postgresql" "$postgresql_pid"
else say "PostgreSQL is missing: apt-get install postgresql"; fi

if command -v nats-server > /dev/null; then
  port=$(free_port)
  nats-server -a 127.0.0.1 -p "$port" -js -sd "$folder/nats" > "$folder/nats.log" 2>&1 & started+=($!)
  peer nats_object_store "nats:$port" $!
  listening "$port"
else say "nats-server is missing: apt-get install nats-server"; fi

for ((round = 1; round <= rounds; round++)); do
  for name in "${peers[@]}"; do
    rate=$(put "${where[$name]%%:*}" "${where[$name]#*:}" "$images")
    rates[$name]+="$rate "
  done
  load=$("$dco" load intake --senders "$senders" --users 4 --images "$images" --image-bytes "$image_bytes" --seconds 300 \
    --limit-rounds 1 --dir "$folder" --json | tail -1)
  echo "$load" >> "$folder/service"
  say "round $round of $rounds"
done
for name in "${peers[@]}"; do
  syncs "${process[$name]}" put "${where[$name]%%:*}" "${where[$name]#*:}" 32 > /dev/null
  synced[$name]=$calls
done
for name in "${peers[@]}"; do echo "$name ${synced[$name]} ${rates[$name]}"; done > "$folder/peers"
"$PYTHON" - "$folder/peers" "$folder/service" << 'PYTHON'
import json, statistics, sys

service = [json.loads(line) for line in open(sys.argv[2])]
rate = statistics.median(it["mb_s"] for it in service)
result = {
    "service_mb_s": round(rate),
    "of_store": round(statistics.median(it["ratios"]["of_store"] for it in service), 2),
    "peers": {},
}
for line in open(sys.argv[1]):
    name, syncs, *rates = line.split()
    theirs = statistics.median(map(float, rates))
    result["peers"][name] = {
        "mb_s": round(theirs),
        "syncs_for_32_images": int(syncs),
        "service_by_peer": round(rate / theirs, 2),
    }
print(json.dumps(result))
PYTHON
