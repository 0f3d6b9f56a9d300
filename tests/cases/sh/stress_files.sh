# stress_files.sh FILE-SYSTEM SECONDS STRESSOR...: stress-ng looks at what it did.
. /cases/sh/filesystem.sh
at "$1" || exit
chmod 777 .
seconds=$2
shift 2
for stressor in "$@"; do
  stress-ng --temp-path "$PWD" --verify --timeout "$seconds" --"$stressor" 1 >/tmp/said 2>&1
  status=$?
  echo "$stressor" $status
  ((status == 0)) || grep -aE 'fail|error' /tmp/said
done
ls
