# perl_own.sh FILE-SYSTEM: perl's own tests of what it does with files.
. /cases/sh/filesystem.sh
at "$1" || exit
umask 022
python3 /cases/py/perl_own_tests.py
