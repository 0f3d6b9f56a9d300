"""Control groups, version 1: hierarchies with controllers of their own, and one with a name alone."""
import errno, os, signal, threading, time
from control_files import waits, written as write
from mounting import *


def read(name):
    with open(name) as file:
        return file.read()


def of(pid, title):
    return [line.split(":", 1)[1] for line in read(f"/proc/{pid}/cgroup").splitlines() if f":{title}:" in line]


print("mounting")
for place in ["pids", "named", "again", "more", "freezer", "cpu", "memory"]:
    os.mkdir("/work/" + place)
for options in ["none", "nonsense", "all,pids", "none,name=a b"]:
    told(options, mount("none", "/work/pids", "cgroup", 0, options))
told("pids", mount("none", "/work/pids", "cgroup", 0, "pids"))
told("again", mount("none", "/work/again", "cgroup", 0, "pids"))
told("in use", mount("none", "/work/more", "cgroup", 0, "pids,memory"))
told("named", mount("none", "/work/named", "cgroup", 0, "none,name=systemd"))
for place in ["freezer", "memory"]:
    told(place, mount("none", "/work/" + place, "cgroup", 0, place))
told("cpu", mount("none", "/work/cpu", "cgroup", 0, "cpu,cpuacct"))
table("/work/", options=True)
print(*read("/proc/self/cgroup").splitlines(), sep="\n")
print(sorted(os.listdir("/work/pids")), os.stat("/work/pids/tasks").st_ino == os.stat("/work/again/tasks").st_ino)
told("version 2", mount("none", "/work/more", "cgroup2"))
print(repr(read("/work/more/cgroup.controllers")))
told("umount", umount("/work/more"))

print("pids")
g = "/work/pids/g"
os.mkdir(g)
print(sorted(os.listdir(g)))
for text in ["x", "-1", "99999999"]:
    tried("tasks " + text, write, g + "/tasks", text)
os.mkdir(g + "/a")
tried("rename", os.rename, g + "/a", g + "/b")
tried("elsewhere", os.rename, g + "/b", "/work/pids/b")
tried("a file", os.rename, g + "/tasks", g + "/t")
print(sorted(name for name in os.listdir(g) if len(name) == 1))
os.rmdir(g + "/b")


def limited():
    write(g + "/tasks", "0")
    print(of("self", "pids"), of("self", "name=systemd"), read(g + "/tasks") == f"{os.getpid()}\n")
    write(g + "/pids.max", "3")
    children = []
    try:
        while True:
            children.append(os.fork() or (signal.pause(), os._exit(0)))
    except OSError as error:
        print(errno.errorcode[error.errno], len(children))
    for child in children:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    print(read(g + "/pids.current").strip(), read(g + "/pids.events").split())


child(limited)
tried("rmdir", os.rmdir, g)

print("threads go alone")
os.mkdir("/work/named/one")
stay, ready = threading.Event(), threading.Event()
ids = []
thread = threading.Thread(target=lambda: (ids.append(threading.get_native_id()), ready.set(), stay.wait()))
thread.start()
ready.wait()
tried("one", write, "/work/named/one/tasks", str(ids[0]))
print(read("/work/named/one/tasks") == f"{ids[0]}\n", str(os.getpid()) in read("/work/named/tasks").split(), of(f"self/task/{ids[0]}", "name=systemd"), of("self", "name=systemd"))
tried("busy", os.rmdir, "/work/named/one")
tried("all", write, "/work/named/one/cgroup.procs", str(os.getpid()))
print(of("self", "name=systemd"), read("/work/named/one/tasks").count("\n"))
write("/work/named/cgroup.procs", "0")
stay.set()
thread.join()
os.rmdir("/work/named/one")

print("freezer")
g = "/work/freezer/g"
os.makedirs(g + "/below")
pid = os.fork()
if pid == 0:
    write(g + "/below/tasks", "0")
    signal.signal(signal.SIGUSR1, lambda *_: os._exit(3))
    while True:
        time.sleep(0.01)
waits(lambda: read(g + "/below/tasks") != "")
tried("nonsense", write, g + "/freezer.state", "FREEZING")
tried("freeze", write, g + "/freezer.state", "FROZEN")
print(waits(lambda: read(g + "/freezer.state") == "FROZEN\n"), waits(lambda: read(g + "/below/freezer.state") == "FROZEN\n"))
print(read(g + "/freezer.self_freezing"), read(g + "/below/freezer.self_freezing"), read(g + "/below/freezer.parent_freezing"))
os.kill(pid, signal.SIGUSR1)
time.sleep(0.1)
print("stands still", os.waitpid(pid, os.WNOHANG))
tried("thaw", write, g + "/freezer.state", "THAWED")
print(os.waitpid(pid, 0)[1])
os.rmdir(g + "/below")
os.rmdir(g)

print("cpu")
g = "/work/cpu/g"
os.mkdir(g)
print(read(g + "/cpu.cfs_quota_us"), read(g + "/cpu.cfs_period_us"), read(g + "/cpuacct.usage"))
for text in ["x", "999", "20000", "-1", "5000"]:
    tried(text, write, g + "/cpu.cfs_quota_us", text)
tried("period", write, g + "/cpu.cfs_period_us", "1000001")


def spins():
    write(g + "/tasks", "0")
    while time.process_time() < 0.15:
        pass


begun = time.monotonic()
child(spins)
print(time.monotonic() - begun > 1.5, int(read(g + "/cpuacct.usage")) > 100_000_000, dict(line.split() for line in read(g + "/cpu.stat").splitlines())["nr_throttled"] != "0")
os.rmdir(g)

print("memory")
g = "/work/memory/g"
os.mkdir(g)
tried("limit", write, g + "/memory.limit_in_bytes", "96M")
print(read(g + "/memory.limit_in_bytes"), read(g + "/memory.failcnt"))
pid = os.fork()
if pid == 0:
    write(g + "/tasks", "0")
    region = bytearray(2 << 30)
    for at in range(0, len(region), 4096):
        region[at] = 1
    os._exit(0)
print(os.waitpid(pid, 0)[1], "oom_kill 1" in read(g + "/memory.oom_control"), read(g + "/memory.failcnt") != "0\n")
os.rmdir(g)
for place in ["pids", "again", "named", "freezer", "cpu", "memory"]:
    told(place, umount("/work/" + place))
print(read("/proc/self/cgroup"))
told("pids elsewhere", mount("none", "/work/pids", "cgroup", 0, "pids,name=other"))
print(of("self", "pids,name=other"))
told("umount", umount("/work/pids"))
