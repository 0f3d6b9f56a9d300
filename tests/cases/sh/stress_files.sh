# stress_files.sh FILE-SYSTEM STRESSOR...: stress-ng does some rounds of each, and looks at what it did.
. /cases/sh/filesystem.sh
at "$1" || exit
chmod 777 .
shift
for stressor in "$@"; do
  stress-ng --temp-path "$PWD" --verify --timeout 2 --"$stressor" 1 --"$stressor"-ops 30 >/tmp/said 2>&1
  status=$?
  echo "$stressor" $status
  ((status == 0)) || grep -aE 'fail|error' /tmp/said
done
ls
