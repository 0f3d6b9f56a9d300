# Servers that show archives: squashfuse and archivemount.
cd /tmp; mkdir src mnt; seq 20000 >src/big; mkdir src/dir; echo x >src/dir/x; cp /bin/ls src/ls; ln -s big src/link
touch -d @1000000000 src/* src/dir/x src
mksquashfs src s.sqfs -quiet -no-progress >/dev/null 2>&1
squashfuse s.sqfs mnt || exit 1
grep -o 'fuse.squashfuse [a-z,]*' /proc/mounts; find mnt | sort; md5sum mnt/big; readlink mnt/link; mnt/ls mnt/dir; cat mnt/dir/x
(cd mnt && md5sum big ls dir/x) >sums; (cd src && md5sum -c /tmp/sums)
echo y 2>/dev/null >mnt/new; echo $?; fusermount3 -u mnt
squashfuse_ll s.sqfs mnt && cat mnt/dir/x && stat -c '%n %s %a %F' mnt/*; fusermount3 -u mnt
tar cf t.tar -C src .
archivemount t.tar mnt && find mnt | sort && md5sum mnt/big; echo more >mnt/dir/y; rm mnt/big; fusermount3 -u mnt
for i in $(seq 600); do tar tf t.tar | grep -q dir/y && break; sleep 0.1; done; tar tf t.tar | sort
