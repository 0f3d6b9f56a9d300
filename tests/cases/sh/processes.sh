# ps, pgrep, kill, nice and /proc, as scripts use them.
sleep 100 & p=$!
until read -r name </proc/$p/comm && [ $name = sleep ]; do :; done
ps -o pid=,comm=,args= -p $p | sed "s/$p/PID/" | tr -s ' '
ps -e -o comm= | grep -c '^sleep$'
pgrep -x sleep | grep -qx $p && echo found; pkill -x sleep; wait $p; echo $?
tr '\0' ' ' </proc/self/cmdline; echo
grep -E '^(Name|State|Uid|Gid|Threads):' /proc/self/status
readlink /proc/self/exe /proc/self/cwd /proc/self/root; readlink /proc/self/fd/1 | cut -d: -f1
ls /proc/self/fd | wc -l; cut -d' ' -f2-3 /proc/self/stat; cat /proc/self/comm
grep -c . /proc/self/maps >/dev/null && echo maps; grep -q '\[stack\]' /proc/self/maps && echo stack
free | head -n 1 | wc -w; uptime >/dev/null && echo uptime; nproc >/dev/null && echo nproc
head -n 1 /proc/meminfo | grep -q MemTotal && echo memtotal; grep -q ^processor /proc/cpuinfo && echo cpuinfo
grep -c '^cpu ' /proc/stat; cat /proc/sys/kernel/hostname; [ $(cat /proc/sys/kernel/pid_max) -gt 1000 ] && echo pid_max
grep -E ' /(proc|tmp|work) ' /proc/mounts | awk '{print $2, $3}'
top -b -n 1 | head -n 3 | grep -c Tasks; pstree -A $$ | grep -c bash; kill -l 15; killall -0 bash && echo killall
[ /proc/self/ns/pid -ef /proc/$$/ns/pid ] && echo same namespace
