# fsx.sh FILE-SYSTEM OPERATIONS: reads, writes and maps one file in every way, and looks for what it wrote.
. /cases/sh/filesystem.sh
at "$1" || exit
# A disk takes its time to write down what it is asked to: that is asked for now and then there, and not for each mapped write.
case $1 in root | disk) often=1 later=true ;; *) often=100 later=false ;; esac
# 9P knows no holes.
case $1 in ninep) holes=0 ;; *) holes=200 ;; esac
cat >/tmp/fsx.toml <<END
flen = 262144
nomsyncafterwrite = $later
[weights]
close_open = 100
read = 1000
write = 1000
mapread = 1000
mapwrite = 1000
invalidate = $often
truncate = 300
fsync = $often
fdatasync = $often
posix_fallocate = 200
punch_hole = $holes
sendfile = 200
posix_fadvise = 100
copy_file_range = 200
END
/cases/bin/fsx -q -f /tmp/fsx.toml -N "$2" -S 42 -P /tmp file 2>&1 | tail -n 30
sha256sum file
