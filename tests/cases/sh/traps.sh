# Traps on signals, on exit, on errors, and what children inherit.
trap 'echo got USR1' USR1
trap 'echo got TERM' TERM
trap 'echo leaving with $?' EXIT
kill -USR1 $$
kill -TERM $$
(trap - TERM; kill -TERM $BASHPID; echo not reached)
echo "child: $?"
(trap '' INT; sh -c 'kill -INT $$; echo ignored by inheritance')
trap 'echo error on line $LINENO' ERR
false
trap - ERR
bash -c 'trap "echo inner exit" EXIT; exit 3'
echo "inner: $?"
( sleep 5 & p=$!; kill -KILL $p; wait $p; echo "killed: $?" ) 2>/dev/null
trap 'echo alarm; exit 4' ALRM
( sleep 0.3; kill -ALRM $$ ) &
while :; do sleep 0.05; done
