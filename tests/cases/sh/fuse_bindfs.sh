# bindfs: a passthrough server of libfuse, and everyday work on its mount.
cd /tmp; mkdir src mnt; echo hello >src/a
bindfs src mnt || exit 1
grep -c ' /tmp/mnt fuse ' /proc/mounts; stat -f -c %T mnt
cat mnt/a; echo new >mnt/b; cat src/b; mkdir -p mnt/d/e; mv mnt/b mnt/d/e/c; find mnt | sort
ln -s a mnt/link; readlink mnt/link; ln mnt/a mnt/hard; stat -c '%s %F' mnt/a; chmod 600 mnt/a; stat -c %a src/a
cp -r /etc/dpkg mnt/copy && diff -r /etc/dpkg mnt/copy && echo same
seq 100000 >mnt/numbers; md5sum <mnt/numbers; tail -n 1 mnt/numbers; wc -l <src/numbers
truncate -s 10 mnt/numbers; od -c mnt/numbers; dd if=/dev/zero of=mnt/sparse bs=1 count=1 seek=1M 2>/dev/null; stat -c %s src/sparse
for i in $(seq 200); do echo $i >mnt/d/$i; done; ls mnt/d | wc -l; cat mnt/d/* 2>/dev/null | awk '{s += $1} END {print s}'; rm -r mnt/d
(for i in 1 2 3 4; do (for j in $(seq 50); do echo $i.$j >>mnt/log.$i; done) & done; wait); cat mnt/log.* | sort | md5sum
cat >mnt/prog.c <<'C'
#include <stdio.h>
int main(void) { puts("run"); return 3; }
C
gcc -o mnt/prog mnt/prog.c && mnt/prog; echo $?
cp /bin/true mnt/true; chmod a-x mnt/true; mnt/true 2>/dev/null; echo $?
tar cf mnt/t.tar -C /etc dpkg && tar tf mnt/t.tar | wc -l
python3 - <<'P'
import mmap, os
with open('/tmp/mnt/map', 'w+b') as f:
    f.truncate(10000)
    m = mmap.mmap(f.fileno(), 10000)
    m[5000:5005] = b'shown'
    m.flush()
    print(open('/tmp/src/map', 'rb').read()[5000:5005])
    m[0:3] = b'end'
    m.close()
print(open('/tmp/src/map', 'rb').read(3))
P
sqlite3 mnt/db 'create table t(a); insert into t values (1), (2); select sum(a) from t; pragma integrity_check'
cat mnt/none 2>&1; rmdir mnt/copy 2>&1; mkdir mnt/a 2>&1
fusermount3 -u mnt; ls mnt | wc -l; ls src | wc -l
