# Who may use a mount, and fusermount3 for those without privileges.
cd /tmp; mkdir -m 755 src; echo hello >src/a; install -d -o 1 -g 1 -m 755 own mnt; echo mine >own/x; chown 1:1 own/x
stat -c %a /usr/bin/fusermount3
setpriv --reuid 1 --regid 1 --clear-groups bindfs --no-allow-other own mnt; echo $?
grep -o 'user_id=.*' /proc/mounts
setpriv --reuid 1 --regid 1 --clear-groups cat mnt/x
cat mnt/x 2>&1; ls mnt 2>&1; setpriv --reuid 2 --regid 2 --clear-groups ls mnt 2>&1
setpriv --reuid 2 --regid 2 --clear-groups fusermount3 -u mnt 2>/dev/null; echo $?
setpriv --reuid 1 --regid 1 --clear-groups fusermount3 -u mnt; echo $?; ls mnt | wc -l
