# Background jobs, wait in its forms, and statuses.
for i in 3 1 2; do (sleep "0.$i"; exit "$i") & pids[$i]=$!; done
for i in 1 2 3; do wait "${pids[$i]}"; echo "job $i: $?"; done
(exit 5) & wait -n; echo "any: $?"
wait; echo "all: $?"
sleep 10 & p=$!
kill $p; wait $p 2>/dev/null; echo "terminated: $?"
wait 99999 2>/dev/null; echo "no child: $?"
(sleep 0.2; echo late) & echo early; wait
for i in $(seq 50); do (exit $((i % 7))) & done
n=0; while wait -n; s=$?; [ $s -ne 127 ]; do n=$((n + 1)); done; echo "collected some: $((n > 0))"
wait
( (sleep 0.1; echo orphan >/work/orphan) & )
for i in $(seq 1000); do [ -s /work/orphan ] && break; sleep 0.05; done
cat /work/orphan
