"""Control groups under races: forks, ends, moves, freezing, killing and removing at once. What is counted must be right in the end."""
import os, random, signal, time
from control_files import written
from mounting import *

os.mkdir("/work/cgroup")
told("mount", mount("none", "/work/cgroup", "cgroup2"))
root = "/work/cgroup"
here = f"{root}/casemate-e2e-{os.getpid()}-races"
os.mkdir(here)
moving = [here + "/a", here + "/b", here + "/a/c"]
for group in moving:
    os.mkdir(group)


def write(path, what):
    """Most of what is tried here may fail."""
    try:
        written(path, what)
    except OSError:
        pass


def read(path):
    with open(path) as file:
        return file.read()


def beside(function):
    pid = os.fork()
    if pid == 0:
        random.seed(os.getpid())
        end = time.monotonic() + 3
        try:
            while time.monotonic() < end:
                function()
        except Exception as problem:
            print("problem:", problem)
        os._exit(0)
    return pid


def forks():
    children = []
    for _ in range(8):
        child = os.fork()
        if child == 0:
            if random.random() < 0.5:
                os._exit(0)
            if os.fork() == 0:
                time.sleep(0.01)
            os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)


def enters_and_forks():
    child = os.fork()
    if child == 0:
        write(random.choice(moving) + "/cgroup.procs", "0")
        forks()
        os._exit(0)
    os.waitpid(child, 0)


def moves():
    for group in moving:
        for pid in read(group + "/cgroup.procs").split():
            write(random.choice(moving) + "/cgroup.procs", pid)


def freezes():
    write(random.choice(moving) + "/cgroup.freeze", random.choice("01"))
    time.sleep(0.002)


def kills():
    time.sleep(0.02)
    write(random.choice(moving) + "/cgroup.kill", "1")


def makes():
    name = random.choice(moving) + "/" + random.choice("xyz")
    try:
        if random.random() < 0.5:
            os.mkdir(name)
        else:
            os.rmdir(name)
    except OSError:
        pass


def looks():
    for group in moving + [here]:
        for name in ["cgroup.events", "cgroup.procs", "cgroup.threads", "cgroup.stat", "cpu.stat"]:
            read(f"{group}/{name}")
    os.listdir(random.choice(moving))


def within(group):
    """Those below a group, and the group."""
    for name in os.listdir(group):
        if os.path.isdir(f"{group}/{name}"):
            yield from within(f"{group}/{name}")
    yield group


helpers = [beside(what) for what in [enters_and_forks, enters_and_forks, moves, freezes, kills, makes, looks]]
time.sleep(3)
for helper in helpers:
    # Its children may have been left frozen.
    while os.waitpid(helper, os.WNOHANG) == (0, 0):
        for group in moving:
            write(group + "/cgroup.freeze", "0")
        time.sleep(0.01)
print("helpers have ended")
write(here + "/cgroup.kill", "1")
deadline = time.monotonic() + 100
while "populated 1" in read(here + "/cgroup.events") and time.monotonic() < deadline:
    time.sleep(0.01)
print(read(here + "/cgroup.events").split())
print({path.count("/") for path in within(here) if read(path + "/cgroup.procs")} or "all are empty")
try:
    # Orphans of whom this process is the init: zombies count.
    while True:
        os.waitpid(-1, 0)
except ChildProcessError:
    pass
if os.path.exists(here + "/pids.current"):
    print("counted", read(here + "/pids.current").strip())
for group in within(here):
    if group != here:
        os.rmdir(group)
print([line for line in read(here + "/cgroup.stat").splitlines() if line.startswith("nr_descendants")])
os.rmdir(here)
told("umount", umount(root, DETACH))
