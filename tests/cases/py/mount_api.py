"""The newer mount calls: fsopen(2), fsconfig(2), fsmount(2), fspick(2), open_tree(2), move_mount(2), mount_setattr(2), statmount(2), listmount(2)."""
import os, struct
from mounting import *

OPEN_TREE, MOVE_MOUNT, FSOPEN, FSCONFIG, FSMOUNT, FSPICK, SETATTR, STATMOUNT, LISTMOUNT = 428, 429, 430, 431, 432, 433, 442, 457, 458
HERE, EMPTY, CLONE, RECURSIVE = -100, 0x1000, 1, 0x8000
SET_FLAG, SET_STRING, CREATE, RECONFIGURE = 0, 1, 6, 7
for name in ("a", "b", "c", "d"):
    os.mkdir("/work/" + name)


def number(what, result):
    """Prints only whether there is a descriptor."""
    print(what, errno.errorcode[ctypes.get_errno()] if result < 0 else "fd")
    return result


def config(fd, command, key=None, value=None, extra=0):
    key, value = (ctypes.c_char_p(text(v)) if v is not None else 0 for v in (key, value))
    return syscall(FSCONFIG, fd, command, key, value, extra)


def attributes(path, set=0, clear=0, propagation=0, flags=0, size=32):
    return syscall(SETATTR, HERE, path, flags, ctypes.create_string_buffer(struct.pack("QQQQ", set, clear, propagation, 0) + bytes(64)), size)


print("fsopen")
number("unknown type", syscall(FSOPEN, "nosuchfs", 0))
number("flags", syscall(FSOPEN, "tmpfs", 2))
fs = number("tmpfs", syscall(FSOPEN, "tmpfs", 1))
told("unknown", config(fs, SET_STRING, "colour", "red"))
told("bad value", config(fs, SET_STRING, "size", "x"))
told("size", config(fs, SET_STRING, "size", "64k"))
told("mode", config(fs, SET_STRING, "mode", "750"))
told("source", config(fs, SET_STRING, "source", "mine"))
told("flag with value", config(fs, SET_FLAG, "ro", "x"))
told("no key", config(fs, SET_STRING, None, "x"))
told("command", config(fs, 99, "x"))
number("too early", syscall(FSMOUNT, fs, 0, 0))
told("no reconfigure", config(fs, RECONFIGURE))
told("create", config(fs, CREATE))
told("again", config(fs, CREATE))
told("too late", config(fs, SET_STRING, "size", "1m"))
number("attributes", syscall(FSMOUNT, fs, 0, 0x30))
number("flags", syscall(FSMOUNT, fs, 2, 0))
mounted = number("mount", syscall(FSMOUNT, fs, 1, 2 | 8))
number("once", syscall(FSMOUNT, fs, 1, 0))
table()
os.mkdir("x", dir_fd=mounted)
told("no path", syscall(MOVE_MOUNT, mounted, "", HERE, "/work/a", 0))
told("flags", syscall(MOVE_MOUNT, mounted, "", HERE, "/work/a", 4 | 0x1000))
told("not a root", syscall(MOVE_MOUNT, mounted, "x", HERE, "/work/a", 4))
told("move", syscall(MOVE_MOUNT, mounted, "", HERE, "/work/a", 4))
print(os.listdir("/work/a"), oct(os.stat("/work/a").st_mode))
table(options=True)
told("not a context", config(0, CREATE))
told("bad fd", config(99, CREATE))

print("fspick")
number("no mount", syscall(FSPICK, HERE, "/work/b", 0))
pick = number("pick", syscall(FSPICK, HERE, "/work/a", 1))
told("create", config(pick, CREATE))
told("ro", config(pick, SET_FLAG, "ro"))
told("size", config(pick, SET_STRING, "size", "128k"))
told("reconfigure", config(pick, RECONFIGURE))
table(options=True)
tried("write", os.mkdir, "/work/a/y")
told("rw", config(pick, SET_FLAG, "rw"))
told("reconfigure", config(pick, RECONFIGURE))

print("open_tree")
number("recursive alone", syscall(OPEN_TREE, HERE, "/work/a", RECURSIVE))
number("flags", syscall(OPEN_TREE, HERE, "/work/a", 2))
place = number("path", syscall(OPEN_TREE, HERE, "/work/a", 0))
print(os.readlink(f"/proc/self/fd/{place}"))
told("sub", mount("none", "/work/a/x", "tmpfs", 0, "size=64k"))
open("/work/a/x/file", "w")
tree = number("clone", syscall(OPEN_TREE, HERE, "/work/a", CLONE | RECURSIVE))
alone = number("clone one", syscall(OPEN_TREE, HERE, "/work/a", CLONE))
table()
print(os.listdir(f"/proc/self/fd/{tree}/x"), os.listdir(f"/proc/self/fd/{alone}/x"))
told("attach", syscall(MOVE_MOUNT, tree, "", HERE, "/work/b", 4))
told("attach again is a move", syscall(MOVE_MOUNT, tree, "", HERE, "/work/c", 4))
told("beneath", syscall(MOVE_MOUNT, alone, "", HERE, "/work/c", 4 | 0x200))
table()
told("top", umount("/work/c", DETACH))
print(os.listdir("/work/c/x"))
gone = number("clone", syscall(OPEN_TREE, HERE, "/work/a", CLONE))
os.close(gone)
table()

print("mount_setattr")
told("unknown", attributes("/work/a", set=1 << 40))
told("flags", attributes("/work/a", set=1, flags=0x10000))
told("short", attributes("/work/a", set=1, size=16))
told("nothing", attributes("/work/d"))
told("no mount", attributes("/work/d", set=1))
told("times without clearing", attributes("/work/a", set=0x10))
told("two types", attributes("/work/a", propagation=SHARED | SLAVE))
told("ro noexec noatime", attributes("/work/a", set=1 | 8 | 0x10, clear=0x70))
table()
told("recursive", attributes("/work/a", set=4, clear=1 | 8, flags=RECURSIVE))
table()
told("strict", attributes("/work/a", set=0x20, clear=0x70, propagation=SHARED))
file = open("/work/a/open", "w")
told("busy", attributes("/work/a", set=1))
file.close()
table()

print("statmount")
LIBC_STATX = struct.Struct("IIQIIIHHQQQQ")
buffer = ctypes.create_string_buffer(256)


def mount_id(path):
    syscall(332, HERE, path, 0, 0x4000, buffer)
    return struct.unpack_from("Q", buffer.raw, 144)[0]


def request(id, parameter, size=24):
    return ctypes.create_string_buffer(struct.pack("IIQQQ", size, 0, id, parameter, 0))


id = mount_id("/work/a/x")
print(struct.unpack_from("I", buffer.raw, 0)[0] & 0x5000)
answer = ctypes.create_string_buffer(1024)
ALL = 1 | 2 | 8 | 0x10 | 0x20
told("statmount", syscall(STATMOUNT, request(id, ALL), answer, 1024, 0))
fields = struct.unpack_from("IIQIIQIIQQIIQQQQQII", answer.raw)
texts = answer.raw[512:]
string = lambda at: texts[at:].split(b"\0")[0].decode()
print(fields[2] == ALL, hex(fields[5]), fields[6], string(fields[7]), fields[8] == id, fields[9] == mount_id("/work/a"), fields[12], hex(fields[13]), string(fields[17]), string(fields[18]))
told("small", syscall(STATMOUNT, request(id, 0x10), answer, 513, 0))
told("numbers fit", syscall(STATMOUNT, request(id, 2), answer, 128, 0))
told("no such", syscall(STATMOUNT, request(1 << 50, 2), answer, 1024, 0))
told("size", syscall(STATMOUNT, request(id, 2, size=8), answer, 1024, 0))
told("flags", syscall(STATMOUNT, request(id, 2), answer, 1024, 1))
ids = (ctypes.c_uint64 * 64)()
count = syscall(LISTMOUNT, request(mount_id("/work"), 0), ids, 64, 0)
print(count, list(ids[:count]) == sorted(ids[:count]), id in ids[:count])
print(syscall(LISTMOUNT, request(mount_id("/work/a"), 0), ids, 64, 0), ids[0] == id)
print(syscall(LISTMOUNT, request(2**64 - 1, 0), ids, 64, 0) > count)
print(syscall(LISTMOUNT, request(mount_id("/work"), ids[1]), ids, 2, 0))
told("flags", syscall(LISTMOUNT, request(id, 0), ids, 64, 2))
told("no such", syscall(LISTMOUNT, request(1 << 50, 0), ids, 64, 0))

print("without privilege")


def unprivileged():
    os.setresuid(1000, 1000, 1000)
    number("fsopen", syscall(FSOPEN, "nosuchfs", 99))
    number("fsmount", syscall(FSMOUNT, 99, 99, 0))
    number("fspick", syscall(FSPICK, HERE, "/work/none", 99))
    number("clone", syscall(OPEN_TREE, HERE, "/work/none", CLONE))
    number("path", syscall(OPEN_TREE, HERE, "/work", 0))
    told("move", syscall(MOVE_MOUNT, 99, "", 99, "", 0x1000))
    told("setattr", attributes("/work/none", set=1))


child(unprivileged)
