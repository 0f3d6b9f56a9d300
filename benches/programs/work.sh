#!/bin/sh
# Work that people do: prints "NAME NANOSECONDS" for each piece. $1 says how much of it: 10, or 1 for a quick look.
# What is not installed, or does not run, has no line.
much=${1:-10}
work=/tmp/work
mkdir -p $work && cd $work || exit 1

now() { date +%s%N; }

# timed NAME COMMAND...: how long it takes, unless it fails.
timed() {
  name=$1; shift
  start=$(now)
  if "$@" >/tmp/log 2>&1; then echo "$name $(($(now) - start))"; else echo "$name failed: $(tail -n 1 /tmp/log)" >&2; fi
}

unpack() { tar xf /usr/src/lua5.4_*.orig.tar.* && cd lua-5* ; }
compile() { make -s -C src MYCFLAGS=-O1 liblua.a lua; }
timed unpack unpack
(cd $work/lua-5* 2>/dev/null && timed compile compile)

true_loop() { i=0; while [ $i -lt $((much * 100)) ]; do /bin/true; i=$((i + 1)); done; }
timed true_$((much * 100)) true_loop

python_start() { i=0; while [ $i -lt $much ]; do python3 -c 'import json' || return; i=$((i + 1)); done; }
node_start() { node -e 0; }
timed python_$much python_start
timed node_1 node_start

tree() {
  mkdir -p $work/tree && cd $work/tree || return
  i=0
  while [ $i -lt $((much * 10)) ]; do
    mkdir d$i || return
    j=0; while [ $j -lt 50 ]; do echo "$i $j" >d$i/f$j; j=$((j + 1)); done
    i=$((i + 1))
  done
}
git_status() { i=0; while [ $i -lt $much ]; do git status --short || return; i=$((i + 1)); done; }
timed make_$((much * 500))_files tree
cd $work/tree && export GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
timed git_init git init -q .
timed git_add git add .
timed git_commit git commit -q -m all
timed git_status_$much git_status
timed find find /usr -name '*.h'
timed grep_r grep -r -c NULL /usr/include

cd $work
inserts() {
  { echo 'create table t(a integer primary key, b text); begin;'
    i=0; while [ $i -lt $((much * 500)) ]; do echo "insert into t(b) values('row number $i');"; i=$((i + 1)); done
    echo 'commit; select count(*) from t;'; } | sqlite3 $work/one.db
}
commits() {
  { echo 'create table t(a integer primary key, b text);'
    i=0; while [ $i -lt $((much * 20)) ]; do echo "insert into t(b) values('row number $i');"; i=$((i + 1)); done; } | sqlite3 $work/many.db
}
timed sqlite_rows_$((much * 500)) inserts
timed sqlite_commits_$((much * 20)) commits

# per NAME OPERATIONS_PER_SECOND: nanoseconds for one.
per() { [ -n "$2" ] && awk -v name="$1" -v rate="$2" 'BEGIN { if (rate > 0) printf "%s %.0f\n", name, 1e9 / rate }'; }

if command -v fio >/dev/null; then
  for engine in sync psync; do
    rate=$(fio --name=a --directory=$work --size=8m --rw=randrw --bs=4k --ioengine=$engine --time_based --runtime=$((much / 5 + 1)) \
      --minimal 2>/dev/null | awk -F';' '{ print $8 + $49 }')
    per fio_$engine "$rate"
  done
fi
if command -v redis-server >/dev/null; then
  redis-server --save '' --daemonize no >/dev/null 2>&1 &
  server=$!
  i=0; until redis-cli ping >/dev/null 2>&1 || [ $i -ge 50 ]; do sleep 0.1; i=$((i + 1)); done
  for test in get set; do
    rate=$(redis-benchmark -q -t $test -n $((much * 2000)) --csv 2>/dev/null | awk -F'"' '$2 != "test" { print $4 }')
    per redis_$test "$rate"
  done
  kill $server
fi
if command -v nginx >/dev/null && command -v wrk >/dev/null; then
  mkdir -p $work/www && echo hello >$work/www/index.html
  echo "daemon off; pid $work/nginx.pid; error_log $work/nginx.log; events {}
    http { access_log off; client_body_temp_path $work/b; proxy_temp_path $work/p; fastcgi_temp_path $work/f;
    uwsgi_temp_path $work/u; scgi_temp_path $work/s; server { listen 127.0.0.1:8080; root $work/www; } }" >$work/nginx.conf
  nginx -c $work/nginx.conf >/dev/null 2>&1 &
  server=$!
  sleep 1
  rate=$(wrk -t1 -c8 -d$((much / 5 + 1))s http://127.0.0.1:8080/ 2>/dev/null | awk '/Requests\/sec/ { print $2 }')
  per nginx_wrk "$rate"
  kill $server
fi
exit 0
