"""The container's own control group: cgroups(7), version 2."""
import os, resource, signal
from mounting import *

os.mkdir("/work/cgroup")
told("mount", mount("none", "/work/cgroup", "cgroup2"))


def read(name):
    return open("/work/cgroup/" + name).read()


needed = {"cgroup.controllers", "cgroup.procs", "cgroup.threads", "cgroup.subtree_control", "cgroup.stat", "cpu.stat"}
print("missing", needed - set(os.listdir("/work/cgroup")))
print("here", str(os.getpid()) in read("cgroup.procs").split())
print("threads", str(os.getpid()) in read("cgroup.threads").split())
pid = os.fork()
if pid == 0:
    signal.pause()
print("child", str(pid) in read("cgroup.procs").split())
os.kill(pid, 9)
os.waitpid(pid, 0)
print("gone", str(pid) in read("cgroup.procs").split())
tried("moved", open("/work/cgroup/cgroup.procs", "w").write, str(os.getpid()) + "\n")


def usage():
    return dict(line.split() for line in read("cpu.stat").splitlines())


before = int(usage()["usage_usec"])
while resource.getrusage(resource.RUSAGE_SELF).ru_utime < 0.3:
    pass
print("used", int(usage()["usage_usec"]) - before > 100000)
now = usage()
print("sum", abs(int(now["usage_usec"]) - int(now["user_usec"]) - int(now["system_usec"])) < 100000)
tried("no file", os.unlink, "/work/cgroup/cpu.stat")
print(os.statvfs("/work/cgroup").f_blocks)
told("umount", umount("/work/cgroup"))
print(open("/proc/self/cgroup").read().split(":")[-1].startswith("/"))
