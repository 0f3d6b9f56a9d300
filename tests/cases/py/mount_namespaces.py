"""Mount namespaces: unshare(2), setns(2), propagation between them, pivot_root(2), chroot."""
import os, socket
from mounting import *

for name in ("a", "new", "s"):
    os.mkdir("/work/" + name)
told("base", mount("none", "/work/a", "tmpfs"))
os.mkdir("/work/a/x")
told("shared", mount("", "/work/a", None, SHARED))


def elsewhere():
    print(os.readlink("/proc/self/ns/mnt") != outside)
    table()
    told("x", mount("none", "/work/a/x", "tmpfs"))
    told("private", mount("none", "/work/s", "tmpfs"))
    table()


outside = os.readlink("/proc/self/ns/mnt")
child(elsewhere, NEWNS)
print("what is left of it")
table()
told("x", umount("/work/a/x"))


def slave():
    told("slave", mount("", "/work/a", None, SLAVE | REC))
    os.write(ready[1], b"1")
    os.read(go[0], 1)
    table()
    told("own", mount("none", "/work/s", "tmpfs"))
    os.write(ready[1], b"1")


ready, go = os.pipe(), os.pipe()
if (pid := os.fork()) == 0:
    told("unshare", libc.unshare(NEWNS))
    slave()
    os.read(go[0], 1)
    os._exit(0)
os.read(ready[0], 1)
told("x", mount("none", "/work/a/x", "tmpfs"))
os.write(go[1], b"1")
os.read(ready[0], 1)
table()


def enter():
    namespace = os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY)
    told("wrong type", libc.setns(namespace, NEWUTS))
    told("setns", libc.setns(namespace, NEWNS))


child(enter)
os.write(go[1], b"1")
os.waitpid(pid, 0)
told("x", umount("/work/a/x"))


def pivot():
    told("private", mount("", "/", None, PRIVATE | REC))
    told("new", mount("/", "/work/new", None, BIND | REC))
    told("not a mount", syscall(155, "/work/s", "/work/s"))
    told("the root", syscall(155, "/", "/"))
    told("not below", syscall(155, "/work/new", "/tmp"))
    os.chdir("/work/new")
    told("pivot", syscall(155, ".", "."))
    told("old", umount(".", DETACH))
    print(os.getcwd(), sorted(os.listdir("/work")))
    print(len(open("/proc/self/mounts").readlines()) > 3)
    os.chdir("/")
    print(sorted(os.listdir("/"))[:3])


child(pivot, NEWNS)


def names():
    socket.sethostname("elsewhere")
    print(socket.gethostname(), open("/proc/sys/kernel/hostname").read().strip())


child(names, NEWUTS)
print(socket.gethostname())


def unprivileged():
    os.setresuid(1000, 1000, 1000)
    told("unshare", libc.unshare(NEWNS))
    told("mount", mount("none", "/work/s", "tmpfs"))
    told("missing", mount("none", "/work/none", "tmpfs"))
    told("umount", umount("/work/a"))
    told("umount missing", umount("/work/none"))
    told("pivot", syscall(155, "/work/none", "/"))
    told("setns", libc.setns(os.open("/proc/self/ns/uts", os.O_RDONLY), NEWUTS))


child(unprivileged)
print(sorted(os.listdir("/proc/self/ns")))
told("bad fd", libc.setns(99, 0))
told("no namespace", libc.setns(0, 0))
told("bad flags", libc.unshare(1))
told("own", libc.setns(os.open("/proc/self/ns/pid", os.O_RDONLY), 0))
told("own user", libc.setns(os.open("/proc/self/ns/user", os.O_RDONLY), 0))


def own_ipc():
    inside = os.readlink("/proc/self/ns/ipc")
    print("ipc", inside != outside_ipc, libc.msgget(77, 0) < 0, libc.msgget(78, 0o1600) >= 0)
    told("queue", libc.syscall(240, b"outside", os.O_RDWR))
    told("own queue", libc.syscall(240, b"inside", os.O_RDWR | os.O_CREAT, 0o600, 0) and 0)
    told("mount", mount("none", "/work/a", "mqueue"))
    print(os.listdir("/work/a"))
    told("back", libc.setns(ipc, NEWIPC))
    print(os.readlink("/proc/self/ns/ipc") == outside_ipc, libc.msgget(77, 0) >= 0, libc.msgget(78, 0) < 0)
    print(os.listdir("/work/a"))


outside_ipc = os.readlink("/proc/self/ns/ipc")
ipc = os.open("/proc/self/ns/ipc", os.O_RDONLY)
libc.msgget(77, 0o1600)
libc.syscall(240, b"outside", os.O_RDWR | os.O_CREAT, 0o600, 0)
child(own_ipc, NEWIPC)
libc.msgctl(libc.msgget(77, 0), 0, None)
libc.syscall(241, b"outside")
