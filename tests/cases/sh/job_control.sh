# Job control without a terminal: process groups, stop and continue.
set -m
sleep 100 & p=$!
[ "$(ps -o pgid= -p $p | tr -d ' ')" = "$p" ] && echo "a group of its own"
kill -STOP $p
for i in $(seq 1000); do s=$(ps -o stat= -p $p | cut -c1); [ "$s" = T ] && break; sleep 0.02; done
echo "state $s"
kill -CONT $p
for i in $(seq 1000); do s=$(ps -o stat= -p $p | cut -c1); [ "$s" = S ] && break; sleep 0.02; done
echo "state $s"
kill -TERM -- -$p
wait $p; echo "status $?"
(sleep 100 | sleep 100) & p=$!
for i in $(seq 1000); do [ "$(pgrep -g $p -x sleep | wc -l)" = 2 ] && break; sleep 0.02; done
kill -KILL -- -$p; wait $p; echo "status $?"
setsid sh -c '[ "$(ps -o sid= -p $$ | tr -d " ")" = "$$" ] && echo "a session of its own"'
