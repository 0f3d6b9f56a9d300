# fio_verify.sh FILE-SYSTEM: fio writes blocks that know where they belong, and reads them back.
. /cases/sh/filesystem.sh
at "$1" || exit
for engine in sync psync pvsync mmap; do
  for pattern in write randwrite; do
    fio --name=one --filename="$PWD/one" --ioengine=$engine --rw=$pattern --bsrange=512-64k --bs_unaligned=0 --blockalign=512 --size=8M --randseed=7 --norandommap=0 \
      --verify=crc32c --verify_fatal=1 --end_fsync=1 --thread --output=/tmp/said >/tmp/errors 2>&1
    echo $engine $pattern $? "$(grep -o 'err= *[0-9]*' /tmp/said)"
    rm -f one
  done
done
fio --name=several --directory="$PWD" --numjobs=3 --ioengine=psync --rw=randrw --bs=4k --size=2M --randseed=9 --verify=md5 --verify_fatal=1 --verify_backlog=64 --output=/tmp/said >/tmp/errors 2>&1
echo several $? "$(grep -o 'err= *[0-9]*' /tmp/said | sort | uniq -c | sed 's/^ *//')"
