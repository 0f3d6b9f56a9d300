"""ninep_fd.py SERVED AT OPTIONS: diod serves a directory over two pipes, and it is mounted there."""
import os
import subprocess
import sys

sys.path.insert(0, "/cases/py")
from mounting import mount

served, at, options = sys.argv[1:]
to_server, from_server = os.pipe(), os.pipe()
subprocess.Popen(
    ["diod", "-f", "-n", "-L", "/work/diod.log", "-e", served, "--rfdno", str(to_server[0]), "--wfdno", str(from_server[1])],
    pass_fds=(to_server[0], from_server[1]),
)
os.close(to_server[0])
os.close(from_server[1])
sys.exit(mount("none", at, "9p", 0, f"trans=fd,rfdno={from_server[0]},wfdno={to_server[1]},{options}"))
