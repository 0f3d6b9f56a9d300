"""Limits of control groups, version 2: threads, processor time, memory. Each line says what held."""
import errno, mmap, os, resource, signal, threading, time
from control_files import waits, written
from mounting import *

os.mkdir("/work/cgroup")
told("mount", mount("none", "/work/cgroup", "cgroup2"))
root = "/work/cgroup"


def read(name):
    with open(f"{root}/{name}") as file:
        return file.read().strip()


def write(name, what):
    return written(f"{root}/{name}", what)


def values(name):
    return {key: int(value) for key, value in (line.split() for line in read(name).splitlines())}


def within(group, function):
    """Runs a function in a child that is in a group, and tells how it ended."""
    pid = os.fork()
    if pid == 0:
        try:
            write(group + "/cgroup.procs", "0")
            function()
        except BaseException as problem:
            print("problem:", problem)
            os._exit(1)
        os._exit(0)
    return pid


def ended(pid):
    return os.waitpid(pid, 0)[1]


print("delegation of controllers")
print(read("cgroup.controllers"), read("cgroup.type"), read("cgroup.subtree_control") == "")
tried("with processes", write, "cgroup.subtree_control", "+memory")
os.mkdir(root + "/init")
for pid in read("cgroup.procs").split():
    write("init/cgroup.procs", pid)
tried("without", write, "cgroup.subtree_control", "+cpu +memory +pids")
print(read("cgroup.subtree_control"), "|", read("init/cgroup.controllers"), "|", read("init/cgroup.subtree_control"))
tried("what it has not", write, "init/cgroup.subtree_control", "+nonsense")
tried("back", write, "cgroup.procs", "0")
tried("the container's own limits", write, "pids.max", "10")
tried("freezing the container", write, "cgroup.freeze", "1")
tried("killing the container", write, "cgroup.kill", "1")
os.mkdir(root + "/g")
print(sorted(name for name in os.listdir(root + "/g") if not name.startswith("cgroup.")))
os.mkdir(root + "/g/h")
print([name for name in os.listdir(root + "/g/h") if not name.startswith("cgroup.")])
write("g/cgroup.subtree_control", "+pids")
tried("a child has it", write, "cgroup.subtree_control", "-pids")
tried("no processes between", write, "g/cgroup.subtree_control", "+memory")
print("in the middle", os.WEXITSTATUS(ended(within("g", lambda: None))))
write("g/cgroup.subtree_control", "-pids -memory")

print("threads in a domain that competes with its children")
pid = os.fork()
if pid == 0:
    while True:
        signal.pause()
write("g/cgroup.procs", str(pid))
tried("memory", write, "g/cgroup.subtree_control", "+memory")
tried("pids", write, "g/cgroup.subtree_control", "+pids")
print(read("g/cgroup.type"), "|", read("g/h/cgroup.type"))
tried("into the child", write, "g/h/cgroup.procs", str(pid))
tried("threaded", write, "g/h/cgroup.type", "threaded")
os.kill(pid, signal.SIGKILL)
os.waitpid(pid, 0)
write("g/cgroup.subtree_control", "-pids")
os.rmdir(root + "/g/h")

print("pids")
for text in ["x", "-1", "", "4194305", "max", "5"]:
    tried(repr(text), write, "g/pids.max", text)
print(read("g/pids.current"), read("g/pids.peak"), read("g/pids.max"), read("g/pids.events"))


def forks():
    children = []
    try:
        while True:
            child = os.fork()
            if child == 0:
                os._exit(0)
            children.append(child)
    except OSError as error:
        print("fork", errno.errorcode[error.errno], len(children))
    try:
        threading.Thread(target=lambda: None).start()
    except RuntimeError as error:
        print(error)
    print("zombies count", waits(lambda: read("g/cgroup.procs").count("\n") == 0), read("g/pids.current"))
    for child in children:
        os.waitpid(child, 0)
    print(read("g/pids.current"))
    os.waitpid(os.fork() or os._exit(0), 0)


print(ended(within("g", forks)), read("g/pids.current"), read("g/pids.peak"), values("g/pids.events")["max"] >= 2)
write("g/pids.max", "0")
pid = within("g", lambda: tried("none may be made", os.fork))
ended(pid)
write("g/pids.max", "max")

print("cpu")
for text in ["x", "999", "1000 999", "max 1000001", "max", "20000", "max 50000", "5000 100000"]:
    tried(repr(text), write, "g/cpu.max", text)
print(read("g/cpu.max"))


def spins(seconds):
    begun = time.process_time()
    while time.process_time() < begun + seconds:
        pass


begun = time.monotonic()
ended(within("g", lambda: spins(0.15)))
took = time.monotonic() - begun
spent = values("g/cpu.stat")
print("a twentieth", took > 2 or took, spent["usage_usec"] > 150_000, spent["nr_throttled"] > 5, spent["throttled_usec"] > 500_000 or spent)
write("g/cpu.max", "1000 1000000")
pid = within("g", lambda: spins(1000))
waits(lambda: values("g/cpu.stat")["usage_usec"] > spent["usage_usec"] + 1000)
os.kill(pid, signal.SIGKILL)
print("a stopped one can be killed", ended(pid))
pid = within("g", lambda: spins(1000))
before = values("g/cpu.stat")["usage_usec"]
write("g/cpu.max", "max")
print("goes on", waits(lambda: values("g/cpu.stat")["usage_usec"] > before + 200_000))
os.kill(pid, signal.SIGKILL)
ended(pid)

print("memory")
MEBI = 1 << 20
for text in ["x", "-1", "max", "96M"]:
    tried(repr(text), write, "g/memory.max", text)
print(read("g/memory.max"), values("g/memory.events"))


def takes(size, forever=True):
    region = mmap.mmap(-1, size, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    for at in range(0, size, 4096):
        region[at] = 1
    while forever:
        signal.pause()
    return region


pid = within("g", lambda: takes(32 * MEBI))
print("within the limit", waits(lambda: int(read("g/memory.current")) > 32 * MEBI), int(read("g/memory.current")) < 64 * MEBI)
print(values("g/memory.stat")["anon"] > 32 * MEBI)


def sharing():
    region = takes(48 * MEBI, False)
    children = [os.fork() or signal.sigwait([signal.SIGTERM]) for _ in range(4)]
    time.sleep(1)
    print("what is shared counts once", len(children), region[0], int(read("g/memory.current")) < 96 * MEBI)
    for child in children:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


os.kill(pid, signal.SIGKILL)
ended(pid)
print(ended(within("g", sharing)), values("g/memory.events")["oom_kill"])
small = within("g", lambda: takes(8 * MEBI))
big = within("g", lambda: takes(2048 * MEBI))
print("too much", ended(big), os.waitpid(small, os.WNOHANG), values("g/memory.events"))
open(f"/proc/{small}/oom_score_adj", "w").write("1000")
other = within("g", lambda: takes(94 * MEBI))
print("the chosen one", ended(small))
os.kill(other, signal.SIGKILL)
ended(other)
write("g/memory.oom.group", "1")
small = within("g", lambda: takes(8 * MEBI))
big = within("g", lambda: takes(2048 * MEBI))
print("together", ended(big), ended(small), values("g/memory.events")["oom_group_kill"])
os.rmdir(root + "/g")

print("controllers of the kernel")
print(*(line.split("\t")[0] for line in open("/proc/cgroups")), *{line.split("\t")[1] for line in open("/proc/cgroups")} - {"hierarchy"})
print("many")
made = 0
try:
    here = root
    while True:
        here += "/d"
        os.mkdir(here)
        made += 1
except OSError as error:
    print("deep", errno.errorcode[error.errno], made > 100)
while here != root:
    here = os.path.dirname(here)
    if here != root:
        os.rmdir(here)
print(read("cgroup.stat").splitlines()[0])

print("races, with everything counted")
told("umount", umount(root, DETACH))
os.rmdir(root)
os.execv("/usr/bin/python3", ["python3", os.path.dirname(os.path.abspath(__file__)) + "/control_races.py"])
