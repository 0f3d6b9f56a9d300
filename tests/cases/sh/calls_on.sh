# calls_on.sh FILE-SYSTEM PROGRAM: what the calls on files do there: a program that does them all in /work, moved.
. /cases/sh/filesystem.sh
at "$1" || exit
set -o pipefail
# Whether something is found without asking anybody is the file system's own affair.
case $2 in
  direct_io.py) python3 "/cases/py/$2" "$PWD" ;;
  *.py) sed "s,/work,$PWD,g" "/cases/py/$2" >"/tmp/$2" && PYTHONPATH=/cases/py python3 "/tmp/$2" ;;
  *) "/cases/bin/$2" "$PWD" ;;
esac | grep -v '^cached '
