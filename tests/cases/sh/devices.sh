# The standard devices.
for d in null zero full random urandom tty; do stat -c '%n %F %t:%T %a' /dev/$d; done
readlink /dev/fd /dev/stdin /dev/stdout /dev/stderr
head -c 16 /dev/urandom | wc -c; head -c 4 /dev/zero | od -An -tx1; echo x >/dev/null; cat /dev/null
(echo x >/dev/full) 2>&1 | sed 's/.*: //'; stat -c '%F %a' /dev/pts /dev/shm; echo shm >/dev/shm/x; cat /dev/shm/x
