#!/bin/bash
# Work that people do: prints "NAME NANOSECONDS" for each piece. $1 says how much of it: 10, or 1 for a quick look. Further arguments
# name the pieces that are wanted. What is not installed, or does not run, has no result and says why on standard error.
# Projects are built and searched on the root, where /bench/work keeps them in memory; databases lie on /tmp.
much=${1:-10}
shift
wanted=" $* "
project=/bench/work
work=/tmp/work
rm -rf $project/* && mkdir -p $project $work || exit 1
export GIT_CONFIG_GLOBAL=/dev/null GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b

asked() { [[ $wanted == "  " || $wanted == *" $1 "* ]]; }

# timed NAME COMMAND...: how long it takes, unless it fails.
timed() {
  local name=$1 start=${EPOCHREALTIME/./}
  asked "$name" || return 0
  shift
  if "$@" >/tmp/log 2>&1; then echo "$name $(((${EPOCHREALTIME/./} - start) * 1000))"; else echo "$name failed: $(tail -n 1 /tmp/log)" >&2; fi
}

# per NAME OPERATIONS_PER_SECOND: nanoseconds for one.
per() { awk -v name="$1" -v rate="${2:-0}" 'BEGIN { if (rate > 0) printf "%s %.0f\n", name, 1e9 / rate; else print name " failed" >"/dev/stderr" }'; }

# until_it COMMAND...: waits up to five seconds for a server.
until_it() { for _ in {1..50}; do "$@" >/dev/null 2>&1 && return; sleep 0.1; done; return 1; }

# Projects
unpack() { tar xf /usr/src/redis_*.orig.tar.gz -C $project; }
compile() { make -j2 -s -C $project/lua/src MYCFLAGS=-O1 liblua.a lua; }
mkdir $project/lua && tar xf /usr/src/lua5.4_*.orig.tar.gz -C $project/lua --strip-components=1
timed unpack unpack
timed compile compile
timed grep_r grep -r -c NULL /usr/include
timed ripgrep rg --threads 2 -c NULL /usr/include
timed find find /usr -name '*.h'

tree() {
  mkdir $project/tree && cd $project/tree || return
  for ((i = 0; i < much * 5; i++)); do
    mkdir d$i && for ((j = 0; j < 50; j++)); do echo "$i $j" >d$i/f$j || return; done
  done
  git init -q . && git add . && git commit -q -m all
}
status() { cd $project/tree && for ((i = 0; i < much; i++)); do git status --short || return; done; }
timed git_commit tree
timed git_status status

# Many small files: with 10, 40,000, and 10,000 in one directory
small=$project/small
archive() {
  python3 - $((much * 4000)) $((much * 1000)) <<'END'
import io, sys, tarfile
with tarfile.open("/tmp/small.tar", "w") as tar:
    many, more = int(sys.argv[1]), int(sys.argv[2])
    for name in [f"small/{i // 100}/{i}" for i in range(many)] + [f"small/large/{i}" for i in range(more)]:
        entry = tarfile.TarInfo(name)
        entry.size = len(name)
        tar.addfile(entry, io.BytesIO(name.encode()))
END
}
renamed() { perl -e 'for (glob "$ARGV[0]/*") { rename $_, "$_.x" or die }' $small/large; }
list() { for ((i = 0; i < much; i++)); do ls -f $small/large || return; done; }
asked small_unpack && archive
timed small_unpack tar xf /tmp/small.tar -C $project
timed small_list list
timed small_stat ls -lU $small/large
timed small_find find $small -type f -size -2k
timed small_read grep -r -c small $small
timed small_rename renamed
timed small_copy cp -a $small/large $small/copied
timed small_remove rm -r $small
rm -f /tmp/small.tar

# Programs that start
true_loop() { for ((i = 0; i < much * 100; i++)); do /bin/true; done; }
python() { for ((i = 0; i < much; i++)); do python3 -c 'import json' || return; done; }
node() { for ((i = 0; i < much; i += 3)); do command node -e 0 || return; done; }
timed true_loop true_loop
timed python_start python
timed node_start node

# Databases
inserts() {
  { echo 'create table t(a integer primary key, b text); begin;'
    for ((i = 0; i < much * 1000; i++)); do echo "insert into t(b) values('row number $i');"; done
    echo 'commit; create index i on t(b); select count(*) from t where b like "%7";'; } | sqlite3 $work/one.db
}
commits() {
  { echo 'create table t(a integer primary key, b text);'
    for ((i = 0; i < much * 40; i++)); do echo "insert into t(b) values('row number $i');"; done; } | sqlite3 $work/many.db
}
timed sqlite_rows inserts
timed sqlite_commits commits

for kind in read write randread randwrite; do
  asked fio_$kind || continue
  per fio_$kind "$(fio --name=a --directory=$project --size=32m --rw=$kind --bs=4k --ioengine=psync --time_based --runtime=1 --minimal 2>/tmp/log |
    awk -F';' '{ print $8 + $49 }')"
  rm -f $project/a.*
done

for engine in sync psync; do
  asked fio_$engine || continue
  per fio_$engine "$(fio --name=a --directory=$work --size=8m --rw=randrw --bs=4k --ioengine=$engine --time_based --runtime=1 --minimal 2>/tmp/log |
    awk -F';' '{ print $8 + $49 }')"
done

# Servers
if asked redis; then
  redis-server --save '' --dir $work >/tmp/log 2>&1 &
  until_it redis-cli ping
  for test in get set; do
    per redis_$test "$(redis-benchmark -t $test -n $((much * 2000)) --csv 2>/dev/null | awk -F'"' '$2 != "test" { print $4 }')"
  done
  kill $!
fi
if asked nginx; then
  mkdir -p $work/www && echo hello >$work/www/index.html
  echo "daemon off; user root; pid $work/nginx.pid; error_log $work/nginx.log; events {}
    http { access_log off; client_body_temp_path $work/b; proxy_temp_path $work/p; fastcgi_temp_path $work/f;
    uwsgi_temp_path $work/u; scgi_temp_path $work/s; server { listen 127.0.0.1:8080; root $work/www; } }" >$work/nginx.conf
  nginx -c $work/nginx.conf >/tmp/log 2>&1 &
  until_it curl -s http://127.0.0.1:8080/
  per nginx "$(wrk -t1 -c8 -d1s http://127.0.0.1:8080/ 2>/dev/null | awk '/Requests\/sec/ { print $2 }')"
  kill $!
fi
wait
rm -rf $project/*
exit 0
