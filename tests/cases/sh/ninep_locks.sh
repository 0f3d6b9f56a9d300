# ninep_locks.sh TRANSPORT OPTIONS: locks in a mount of 9P.
. /cases/sh/ninep_mount.sh
ninep "$1" "$2" && python3 /cases/py/ninep_locks.py /work/mounted
cd / && umount /work/mounted
