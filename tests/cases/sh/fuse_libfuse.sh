# libfuse's own test suite, built from Debian's source package when the root was made. What it skips is said. Left out is one test that asserts
# what depends on the moment, natively too (whether a name that was never looked up can expire).
cd /usr/src/libfuse/build
python3 -B -W ignore -m pytest -p no:cacheprovider -o addopts= --disable-warnings -v -rs --tb=no --color=no --deselect 'test_examples.py::test_notify_inval_entry[True-expire_entries]' test 2>&1 |
  sed -nE 's/ +\[ *[0-9]+%\]$//; s/, [0-9]+ warnings? in .*//; s/ in [0-9.]+s.*//; s/^=+ ?//; /^test\/.*(PASSED|FAILED|SKIPPED|ERROR)$|^SKIPPED|passed|failed/p'
