# A thousand short processes, one after the other.
i=0; while [ $i -lt 1000 ]; do /bin/true || exit 1; i=$((i + 1)); done; echo $i
for i in $(seq 300); do echo $(echo $i); done | md5sum
