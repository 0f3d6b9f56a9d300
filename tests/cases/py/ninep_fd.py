"""ninep_fd.py OPTIONS: diod serves a directory over two pipes, and it is mounted: see ninep_mount.sh."""
import os
import subprocess
import sys

sys.path.insert(0, "/cases/py")
from mounting import mount

to_server, from_server = os.pipe(), os.pipe()
server = f". /cases/sh/ninep_mount.sh; diod_server --rfdno {to_server[0]} --wfdno {from_server[1]}"
subprocess.Popen(["bash", "-c", server], pass_fds=(to_server[0], from_server[1]))
os.close(to_server[0])
os.close(from_server[1])
sys.exit(mount("none", "/work/mounted", "9p", 0, f"trans=fd,rfdno={from_server[0]},wfdno={to_server[1]},{sys.argv[1]}"))
