"""Python's own tests of what its modules do with the system: which tests there are, and how each of them ends."""

import subprocess
import sys
import xml.etree.ElementTree as tree

MODULES = sys.argv[1:]
RESULTS = "/tmp/results.xml"

for module in MODULES:
    # One test compares what two moments say of a file system that others write to.
    options = ["-q", "-uall,-network,-largefile,-cpu", "-i", "test_disk_usage", f"--junit-xml={RESULTS}"]
    command = [sys.executable, "-m", "test", *options, module]
    ended = subprocess.run(command, cwd="/tmp", stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for case in tree.parse(RESULTS).iter("testcase"):
        kinds = {child.tag for child in case}
        how = "failed" if kinds & {"failure", "error"} else "skipped" if "skipped" in kinds else "passed"
        counts[how] += 1
        if how == "failed":
            print("  failed:", case.get("name"))
            print(ended.stdout[-2000:], file=sys.stderr)
    print(module, ended.returncode, counts, flush=True)
