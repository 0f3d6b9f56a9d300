# Resource limits that programs see and run into.
ulimit -n; ulimit -c; ulimit -Hn
ulimit -f 1; head -c 100000 /dev/zero >/work/big; echo "file size: $?"
(ulimit -n 20; python3 -c '
import os
fds = []
try:
    while True: fds.append(os.open("/dev/null", os.O_RDONLY))
except OSError as e: print(e.errno, len(fds) + 3)
')
(ulimit -s 256; python3 -c 'import resource; print(resource.getrlimit(resource.RLIMIT_STACK))')
umask; umask 077; touch /work/private; stat -c %a /work/private; umask 022
