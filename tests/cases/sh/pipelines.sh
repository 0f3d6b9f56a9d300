# Pipelines of several processes, their statuses, and substitutions.
seq 1 1000 | grep 7 | sed 's/7/seven/' | sort -r | head -n 5
echo "${PIPESTATUS[@]}"
set -o pipefail
false | true
echo "pipefail $?"
seq 3 | while read -r n; do echo "line $n"; done
echo "$(echo nested "$(echo deeper "$(echo deepest)")")"
diff <(seq 1 5) <(seq 2 6)
echo "diff $?"
seq 100000 | tee >(wc -l >/work/count) | tail -n 1
for i in $(seq 1000); do [ -s /work/count ] && break; sleep 0.02; done
cat /work/count
coproc cat
echo through >&"${COPROC[1]}"
read -r answer <&"${COPROC[0]}"
echo "$answer"
exec {COPROC[1]}>&-
wait
head -c 1000000 /dev/zero | tr '\0' x | md5sum
