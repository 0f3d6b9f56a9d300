# A server and its mount in a user namespace, of a user without privileges.
cd /tmp; install -d -o 1 -g 1 -m 755 own mnt; echo mine >own/x; chown 1:1 own/x; echo root >own/r; chmod 644 own/r
cat >inside <<'S'
bindfs own mnt || exit 1
grep -o ' fuse [a-z,]*user_id=.*' /proc/mounts
cat mnt/x; stat -c '%n %u %g' mnt mnt/x mnt/r; echo new >mnt/y; stat -c '%u %g %a' mnt/y; chown 1 mnt/y 2>&1; chmod 600 mnt/y; echo no 2>/dev/null >>mnt/r || echo refused
cp /bin/id mnt/id; chmod 4755 mnt/id; stat -c %a mnt/id; mnt/id -u; ls mnt | sort; mknod mnt/null c 1 3 2>&1
umount mnt; ls mnt | wc -l
S
setpriv --reuid 1 --regid 1 --clear-groups unshare -Urm bash inside; echo $?
stat -c '%n %u %g %a' own/*; ls mnt | wc -l
# The device has to be opened where the mount is.
exec 3<>/dev/fuse
unshare -Urm mount -i -t fuse -o fd=3,rootmode=40000,user_id=0,group_id=0 x mnt 2>/dev/null || echo refused
