"""Control groups, version 2: making, filling, freezing, killing and removing them. Controllers are left to other programs."""
import ctypes, os, select, signal, struct, time
from control_files import waits, written
from mounting import *

os.mkdir("/work/cgroup")
told("mount", mount("none", "/work/cgroup", "cgroup2"))
here = f"/work/cgroup/casemate-e2e-{os.getpid()}-tree"
os.mkdir(here)


def read(name):
    with open(f"{here}/{name}") as file:
        return file.read()


def write(name, what):
    return written(f"{here}/{name}", what)


def sleeper():
    pid = os.fork()
    if pid == 0:
        while True:
            signal.pause()
    return pid


def of(pid):
    path = open(f"/proc/{pid}/cgroup").read().splitlines()[-1]
    return path.replace(here.removeprefix("/work/cgroup"), "/HERE")


print("files")
for name in ["cgroup.controllers", "cgroup.events", "cgroup.freeze", "cgroup.max.depth", "cgroup.max.descendants",
             "cgroup.procs", "cgroup.subtree_control", "cgroup.threads", "cgroup.type"]:
    status = os.stat(f"{here}/{name}")
    print(name, oct(status.st_mode), status.st_nlink, status.st_size, status.st_uid)
    if name != "cgroup.controllers":
        tried(" ", read, name)
print(oct(os.stat(here).st_mode), oct(os.stat(here + "/cgroup.kill").st_mode))
tried("read kill", read, "cgroup.kill")
for name, texts in [("cgroup.controllers", ["x"]), ("cgroup.procs", ["x", "", "\n", "-1", "0x3ffffff", "1 1"]),
                    ("cgroup.threads", ["x", "-7"]), ("cgroup.type", ["domain", "nonsense", ""]),
                    ("cgroup.subtree_control", ["+nonsense", "pids", "", "-pids", " \n"]),
                    ("cgroup.max.depth", ["x", "-1", "0", "99999999999999999999", "4294967295", "0x10", " 5 \n", "max"]),
                    ("cgroup.max.descendants", ["", "maximum", "7"]),
                    ("cgroup.freeze", ["x", "2", "-1", "0", "0\n"]), ("cgroup.kill", ["x", "2", "0"])]:
    for what in texts:
        tried(f"{name} {what!r}", write, name, what)
print(repr(read("cgroup.max.depth")), repr(read("cgroup.max.descendants")))
tried("too long", write, "cgroup.procs", " " * 4097)
write("cgroup.max.descendants", "max")

print("names")
tried("file", os.open, here + "/f", os.O_CREAT | os.O_WRONLY)
tried("node", os.mknod, here + "/f")
tried("fifo", os.mkfifo, here + "/f")
tried("symlink", os.symlink, "x", here + "/f")
tried("link", os.link, here + "/cgroup.procs", here + "/f")
tried("unlink", os.unlink, here + "/cgroup.procs")
tried("rmdir of a file", os.rmdir, here + "/cgroup.procs")
tried("mkdir upon a file", os.mkdir, here + "/cgroup.procs")
tried("a line's end", os.mkdir, here + "/a\nb")
os.mkdir(here + "/a", 0o700)
tried("again", os.mkdir, here + "/a")
print(oct(os.stat(here + "/a").st_mode), os.stat(here).st_nlink, "a" in os.listdir(here))
tried("rename", os.rename, here + "/a", here + "/b")
tried("rename of a file", os.rename, here + "/cgroup.procs", here + "/b")
tried("not empty", os.rmdir, here)
for name, most in [("cgroup.max.depth", "0"), ("cgroup.max.descendants", "1")]:
    write(name, most)
    tried(name, os.mkdir, here + "/c")
    write(name, "max")
print([line for line in read("cgroup.stat").splitlines() if line.endswith("descendants 1")])
os.mkdir(here + "/a/deep")
print([line for line in read("cgroup.stat").splitlines() if "_descendants" in line])
tried("not empty either", os.rmdir, here + "/a")
os.rmdir(here + "/a/deep")

print("processes")
events = os.open(here + "/cgroup.events", os.O_RDONLY)
poll = select.poll()
poll.register(events, select.POLLIN | select.POLLPRI | select.POLLERR)


def told_of(what):
    """What poll(2) says before and after a reading. Linux may tell of a second change 10 milliseconds after it."""
    waits(lambda: poll.poll(0)[0][1] & select.POLLPRI)
    print(what, poll.poll(0)[0][1], os.pread(events, 100, 0), poll.poll(0)[0][1])


told_of("at first")
pid = sleeper()
tried("in", write, "a/cgroup.procs", f"{pid}\n")
told_of("filled")
print(of(pid), read("cgroup.procs") == "", read("a/cgroup.procs") == f"{pid}\n", read("a/cgroup.threads") == f"{pid}\n")
tried("busy", os.rmdir, here + "/a")
tried("its thread elsewhere", write, "cgroup.threads", str(pid))
tried("its thread here", write, "a/cgroup.threads", str(pid))
os.kill(pid, signal.SIGKILL)
waits(lambda: read("a/cgroup.procs") == "")
print("zombie", of(pid), repr(read("a/cgroup.procs")))
told_of("emptied")
os.rmdir(here + "/a")
print(of(pid))
os.waitpid(pid, 0)
os.mkdir(here + "/a")


def inherits():
    write("a/cgroup.procs", "0")
    print(of("self"))
    child(lambda: print(of("self"), read("a/cgroup.procs").count("\n")))
    libc.unshare(0x2000000)
    print("own namespace", open("/proc/self/cgroup").read().splitlines()[-1])
    print("parent", open(f"/proc/{os.getppid()}/cgroup").read().splitlines()[-1])
    os.mkdir("/work/inside")
    told("mount", mount("none", "/work/inside", "cgroup2"))
    print(os.path.exists("/work/inside/cgroup.events"), open("/work/inside/cgroup.procs").read() == f"{os.getpid()}\n")
    table("/work/inside")
    os.mkdir("/work/inside/x")
    write("a/x/cgroup.procs", "0")
    print(open("/proc/self/cgroup").read().splitlines()[-1], of(os.getppid()))
    write("a/cgroup.procs", "0")
    os.rmdir("/work/inside/x")
    told("umount", umount("/work/inside"))


pid = sleeper()
write("cgroup.procs", str(pid))
told("inherits", os.waitpid(os.fork() or (inherits(), os._exit(0)), 0)[1])
os.kill(pid, signal.SIGKILL)
os.waitpid(pid, 0)

print("notices")
os.mkdir(here + "/n")
notices = libc.inotify_init1(os.O_NONBLOCK)
names = {libc.inotify_add_watch(notices, f"{here}/{name}".encode(), mask): name
         for name, mask in [("n/cgroup.events", 2), ("n", 0x300), ("cgroup.max.depth", 2)]}


def noticed():
    """What was told of, each once, in the order in which it came first."""
    try:
        data = os.read(notices, 65536)
    except BlockingIOError:
        return []
    at, told = 0, []
    while at < len(data):
        watch, mask, _, length = struct.unpack_from("iIII", data, at)
        event = names[watch], hex(mask), data[at + 16:at + 16 + length].rstrip(b"\0").decode()
        told += [event] if event not in told else []
        at += 16 + length
    return told


def collected(count):
    """So many of them. Linux tells some 10 milliseconds late."""
    told = []
    waits(lambda: told.extend(event for event in noticed() if event not in told) or len(told) >= count)
    return told


pid = sleeper()
write("n/cgroup.procs", str(pid))
print(collected(1))
os.mkdir(here + "/n/x")
os.rmdir(here + "/n/x")
print(collected(2))
write("cgroup.max.depth", "max")
print(collected(1))
write("n/cgroup.freeze", "1")
print(collected(1))
os.kill(pid, signal.SIGKILL)
os.waitpid(pid, 0)
print(collected(1))
os.close(notices)
os.rmdir(here + "/n")

print("clone3")


def clone_into(fd):
    arguments = struct.pack("11Q", 0x200000000, 0, 0, 0, signal.SIGCHLD, 0, 0, 0, 0, 0, fd & (1 << 64) - 1)
    pid = libc.syscall(ctypes.c_long(435), arguments, ctypes.c_long(len(arguments)))
    if pid == 0:
        os._exit(0 if of("self").endswith("/a") else 1)
    if pid < 0:
        raise OSError(ctypes.get_errno(), "")
    return os.waitpid(pid, 0)[1]


group = os.open(here + "/a", os.O_RDONLY | os.O_DIRECTORY)
tried("into", clone_into, group)
tried("a path", clone_into, os.open(here + "/a", os.O_PATH))
tried("another directory", clone_into, os.open("/work", os.O_RDONLY))
tried("a file", clone_into, events)
tried("nothing", clone_into, 999)
file = os.open(here + "/a/cgroup.procs", os.O_RDWR)
os.rmdir(here + "/a")
tried("removed", clone_into, group)
tried("read of a removed one", os.read, file, 10)
tried("write to a removed one", os.write, file, b"0")
tried("listing of a removed one", os.listdir, group)
tried("mkdir in a removed one", os.mkdir, "x", dir_fd=group)

print("freezing")
os.mkdir(here + "/a")
os.mkdir(here + "/a/b")
shared = open("/work/count", "wb+", buffering=0)
shared.write(bytes(8))


def counts():
    return os.pread(shared.fileno(), 8, 0)


def counter():
    pid = os.fork()
    if pid == 0:
        number = 0
        while True:
            number += 1
            os.pwrite(shared.fileno(), struct.pack("Q", number), 0)
    return pid


pid, quiet = counter(), sleeper()
write("a/b/cgroup.procs", str(pid))
write("a/cgroup.procs", str(quiet))
waits(lambda: counts() != bytes(8))
write("a/cgroup.freeze", "1")
print("frozen", waits(lambda: read("a/cgroup.events") == "populated 1\nfrozen 1\n"), waits(lambda: read("a/b/cgroup.events").endswith("frozen 1\n")))
print(repr(read("a/cgroup.freeze")), repr(read("a/b/cgroup.freeze")), repr(read("cgroup.events")))
before = counts()
time.sleep(0.05)
print("stands still", counts() == before)
write("a/b/cgroup.freeze", "0")
print(repr(read("a/b/cgroup.events")))
os.kill(quiet, signal.SIGTERM)
print("killed", os.waitpid(quiet, 0)[1])
write("a/cgroup.freeze", "0")
print("thawed", waits(lambda: read("a/cgroup.events").endswith("frozen 0\n")), waits(lambda: counts() != before))
write("a/cgroup.freeze", "1")
write("a/b/cgroup.procs", str(pid))
print("moved in", waits(lambda: read("a/cgroup.events") == "populated 1\nfrozen 1\n"))
write("cgroup.procs", str(pid))
before = counts()
print("moved out", waits(lambda: counts() != before), repr(read("a/cgroup.events")))
os.mkdir(here + "/a/c")
print("made within", repr(read("a/c/cgroup.events")))
os.rmdir(here + "/a/c")
write("a/cgroup.freeze", "0")

print("killing")
forker = os.fork()
if forker == 0:
    write("a/b/cgroup.procs", "0")
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        if os.fork() == 0:
            time.sleep(0.01)
            os._exit(0)
        time.sleep(0.001)
waits(lambda: read("a/b/cgroup.procs") != "")
tried("kill", write, "a/cgroup.kill", "1")
print(os.waitpid(forker, 0)[1], waits(lambda: read("a/cgroup.events") == "populated 0\nfrozen 0\n"))
tried("others", os.waitpid, pid, os.WNOHANG)
write("cgroup.kill", "1")
print(os.waitpid(pid, 0)[1])

print("delegation")
os.chown(here + "/a", 1000, 1000)
print(os.stat(here + "/a").st_uid, os.stat(here + "/a/cgroup.procs").st_uid)
pid = sleeper()
write("a/b/cgroup.procs", str(pid))


def delegate():
    os.setresgid(1000, 1000, 1000)
    os.setresuid(1000, 1000, 1000)
    tried("mkdir", os.mkdir, here + "/a/own")
    tried("mkdir elsewhere", os.mkdir, here + "/foreign")
    tried("mkdir in root's", os.mkdir, here + "/a/b/foreign")
    print(os.stat(here + "/a/own").st_uid, os.stat(here + "/a/own/cgroup.procs").st_uid, oct(os.stat(here + "/a/own").st_mode))
    tried("into its own", write, "a/own/cgroup.procs", str(pid))
    tried("setting", write, "a/cgroup.max.depth", "3")
    tried("own setting", write, "a/own/cgroup.max.depth", "3")
    tried("chmod", os.chmod, here + "/a/own/cgroup.procs", 0o600)
    tried("chown", os.chown, here + "/a/own/cgroup.procs", 0, 0)


told("delegate", os.waitpid(os.fork() or (delegate(), os._exit(0)), 0)[1])
os.chown(here + "/a/cgroup.procs", 1000, 1000)
os.chown(here + "/a/b/cgroup.procs", 1000, 1000)


def again():
    os.setresgid(1000, 1000, 1000)
    os.setresuid(1000, 1000, 1000)
    tried("within", write, "a/own/cgroup.procs", str(pid))
    tried("from outside", write, "a/own/cgroup.procs", str(os.getppid()))
    tried("to outside", write, "cgroup.procs", str(pid))


told("again", os.waitpid(os.fork() or (again(), os._exit(0)), 0)[1])
print(of(pid))
os.kill(pid, signal.SIGKILL)
os.waitpid(pid, 0)

for group in ["a/own", "a/b", "a", ""]:
    os.rmdir(f"{here}/{group}")
told("umount", umount("/work/cgroup", DETACH))
