# libfuse's own test suite, built from Debian's source package when the root was made. What it skips is said.
cd /usr/src/libfuse/build
python3 -B -W ignore -m pytest -p no:cacheprovider -o addopts= --disable-warnings -v -rs --color=no test 2>&1 | sed -nE 's/ +\[ *[0-9]+%\]$//; s/, [0-9]+ warnings? in .*//; s/ in [0-9.]+s.*//; s/^=+ ?//; /^test\/|^SKIPPED|passed|failed/p'
