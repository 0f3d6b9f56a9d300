# pjdfstest.sh FILE-SYSTEM: what POSIX says of the calls on files. Which tests pass, fail and cannot run is compared, not why.
. /cases/sh/filesystem.sh
at "$1" || exit
chmod 755 .
cat >/tmp/pjdfstest.toml <<'END'
[features]
posix_fallocate = {}
rename_ctime = {}
utimensat = {}
utime_now = {}
stat_st_birthtime = {}
[settings]
naptime = 0.011
allow_remount = false
[dummy_auth]
entries = [["nobody", "nogroup"], ["daemon", "daemon"]]
END
# On files of the host nobody can make device nodes: the file server has not the capability. So nobody has it here.
without=
case $1 in root | disk) without="setpriv --bounding-set -mknod" ;; esac
mkdir /tmp/second
mount -t tmpfs second /tmp/second
RUST_BACKTRACE=0 $without /cases/bin/pjdfstest -c /tmp/pjdfstest.toml -p "$PWD" -s /tmp/second >/tmp/said 2>&1
# How many links a file may have is said by the file system's type, which a container is not told.
grep -aE '(ok|FAILED|skipped)$' /tmp/said | { case $1 in root | disk) grep -v link_count_max ;; *) cat ;; esac; }
