"""Idmapped mounts: mount_setattr(2) and open_tree_attr(2) with MOUNT_ATTR_IDMAP, and whose files are through them."""
import os, shutil, struct
from idmapping import *

FSOPEN, FSCONFIG, FSMOUNT, STATMOUNT, OPEN_TREE_ATTR = 430, 431, 432, 457, 467
RECURSIVE, O_TMPFILE = 0x8000, os.O_TMPFILE
os.umask(0o022)
os.setgroups([])


def owner(path):
    found = os.lstat(path)
    return found.st_uid, found.st_gid


def make(path, mode=0o644, text=""):
    with open(path, "x") as file:
        file.write(text)
    os.chmod(path, mode)


shift = namespace("0 10000 1000\n5000 1 1\n", "0 20000 1000\n6000 2 1\n")
os.mkdir("/work/s")
for uid, gid in ((0, 0), (5, 7), (5000, 6000), (1000, 0), (0, 1000), (3000, 3000)):
    make(f"/work/s/{uid}", 0o640) if not os.path.exists(f"/work/s/{uid}") else make(f"/work/s/{uid}g", 0o640)
    name = f"/work/s/{uid}g" if os.path.exists(f"/work/s/{uid}g") else f"/work/s/{uid}"
    os.chown(name, uid, gid)
os.mkdir("/work/s/open")
os.chmod("/work/s/open", 0o1777)
os.symlink("5", "/work/s/link")
os.lchown("/work/s/link", 5, 7)

print("what is refused")
tree = clone("/work/s")
initial = os.open("/proc/self/ns/user", os.O_RDONLY)
told("initial namespace", setattr(tree, initial))
told("no maps", setattr(tree, namespace()))
told("users only", setattr(tree, namespace("0 0 1\n")))
told("no descriptor", setattr(tree, 99))
told("large descriptor", setattr(tree, 1 << 33))
told("file", setattr(tree, os.open("/work/s/5", os.O_RDONLY)))
told("other namespace", setattr(tree, os.open("/proc/self/ns/mnt", os.O_RDONLY)))
told("clear", setattr(tree, shift, 0, IDMAP))
told("both", setattr(tree, shift, IDMAP, IDMAP))
told("attached", syscall(SETATTR, HERE, "/work/s", 0, attributes(user=shift), 32))
told("no change", setattr(tree, shift, 0))
told("once", setattr(tree, shift))
told("twice", setattr(tree, shift))
told("attach", attach(tree, "/work/m"))
told("later", syscall(SETATTR, HERE, "/work/m", 0, attributes(user=shift), 32))
for kind in ("proc", "sysfs", "mqueue", "devtmpfs"):
    fs = syscall(FSOPEN, kind, 0)
    syscall(FSCONFIG, fs, 6, 0, 0, 0)
    told(kind, setattr(syscall(FSMOUNT, fs, 0, 0), shift))
fs = syscall(FSOPEN, "tmpfs", 0)
syscall(FSCONFIG, fs, 6, 0, 0, 0)
told("attribute of a new mount", -1 if syscall(FSMOUNT, fs, 0, IDMAP) < 0 else 0)
fresh = syscall(FSMOUNT, fs, 0, 0)
told("new mount", setattr(fresh, shift))
child(lambda: (os.setresuid(1000, 1000, 1000), told("without privileges", setattr(fresh, shift))))

print("how it is shown")
for name, place, flags in (("mountinfo", 4, 5), ("mounts", 1, 3)):
    lines = [line.split() for line in open("/proc/self/" + name)]
    print(name, ["idmapped" in line[flags].split(",") for line in lines if line[place] == "/work/m"])
told("bind mount", mount("/work/m", "/work/s/open", None, BIND))
print(owner("/work/s/open/5"))
told("unmount", umount("/work/s/open"))


def statmount(path):
    statx = ctypes.create_string_buffer(256)
    syscall(332, HERE, path, 0, 0x4000, statx)
    unique = struct.unpack_from("Q", statx.raw, 0x90)[0]
    answer = ctypes.create_string_buffer(4096)
    told("statmount", syscall(STATMOUNT, ctypes.create_string_buffer(struct.pack("IIQQ", 24, 0, unique, 0x6002)), answer, 4096, 0))
    mask, attributes = struct.unpack_from("Q", answer.raw, 8)[0], struct.unpack_from("Q", answer.raw, 64)[0]
    users, first_user, groups, first_group = struct.unpack_from("IIII", answer.raw, 152)
    lines = lambda count, start: answer.raw[512 + start :].split(b"\0")[:count]
    print(hex(mask), hex(attributes & IDMAP), lines(users, first_user), lines(groups, first_group))


statmount("/work/m")
statmount("/work/s")

print("owners")
for name in sorted(os.listdir("/work/s")):
    print(" ", name, owner(f"/work/s/{name}"), owner(f"/work/m/{name}"), os.fstat(os.open(f"/work/m/{name}", os.O_PATH | os.O_NOFOLLOW))[4:6])

print("access")
for uid, gid in ((10005, 20007), (1, 2), (5, 7), (10005, 1), (1, 20007)):
    by(uid, gid, os.access, "/work/m/5", os.R_OK)
    by(uid, gid, os.access, "/work/m/5000", os.W_OK)
for name in ("5", "1000", "0g", "3000"):
    for mode in (os.R_OK, os.W_OK):
        print(" root", name, mode, os.access(f"/work/m/{name}", mode))
tried(" root opens nobody's", os.open, "/work/m/3000", os.O_WRONLY)
tried(" root opens nobody's group's", os.open, "/work/m/0g", os.O_WRONLY)

print("changes")
for name in ("5", "1000", "3000"):
    tried(f" chmod {name}", os.chmod, f"/work/m/{name}", 0o644)
    tried(f" utime {name}", os.utime, f"/work/m/{name}", (1, 1))
    tried(f" touch {name}", os.utime, f"/work/m/{name}")
    tried(f" truncate {name}", os.truncate, f"/work/m/{name}", 3)
    tried(f" setxattr {name}", os.setxattr, f"/work/m/{name}", "user.a", b"1")
    tried(f" link {name}", os.link, f"/work/m/{name}", f"/work/m/open/{name}")
    tried(f" rename {name}", os.rename, f"/work/m/{name}", f"/work/m/open/{name}.new")
    if os.path.exists(f"/work/m/open/{name}.new"):
        os.rename(f"/work/m/open/{name}.new", f"/work/m/{name}")
by(10005, 20007, os.chmod, "/work/m/5", 0o600)
by(5, 7, os.chmod, "/work/m/5", 0o600)
by(10006, 20007, os.unlink, "/work/m/open/5")
by(10005, 20007, os.unlink, "/work/m/open/5")
tried(" unlink", os.unlink, "/work/m/1000")

print("chown")
make("/work/s/c")
for uid, gid in ((10003, -1), (-1, 20004), (1, 2), (3, -1), (-1, 4), (11000, 20000), (10000, 20000)):
    tried(f" {uid}:{gid}", os.chown, "/work/m/c", uid, gid)
    print("  ", owner("/work/s/c"), owner("/work/m/c"))
tried(" half of nobody's", os.chown, "/work/m/3000", 10001, -1)
tried(" nobody's", os.chown, "/work/m/3000", 10001, 20001)
print("  ", owner("/work/s/3000"), owner("/work/m/3000"))
by(10000, 20000, os.chown, "/work/m/c", 10000, 20000)
by(10000, 20000, os.chown, "/work/m/c", 10001, 20000)

print("creation")
tried(" root", make, "/work/m/open/root")
tried(" root mkdir", os.mkdir, "/work/m/open/rootd")
tried(" root symlink", os.symlink, "x", "/work/m/open/roots")
tried(" root mkfifo", os.mkfifo, "/work/m/open/rootf")
tried(" root link", os.link, "/work/m/0", "/work/m/open/rootl")
tried(" root rename", os.rename, "/work/m/5", "/work/m/open/moved")
tried(" root unnamed", os.open, "/work/m/open", O_TMPFILE | os.O_RDWR)
tried(" root opens", os.close, os.open("/work/m/0", os.O_CREAT | os.O_RDWR))
for uid, gid in ((10009, 20009), (1, 2), (10009, 9), (1000, 1000)):
    by(uid, gid, make, f"/work/m/open/f{uid}-{gid}")
    by(uid, gid, os.mkdir, f"/work/m/open/d{uid}-{gid}")
    by(uid, gid, os.symlink, "x", f"/work/m/open/s{uid}-{gid}")


def unnamed():
    """A file without a name that gets one."""
    fd = os.open("/work/m/open", O_TMPFILE | os.O_RDWR, 0o600)
    named = syscall(265, HERE, f"/proc/self/fd/{fd}", HERE, f"/work/m/open/u{os.getuid()}", 0x400)
    told("  by descriptor", syscall(265, fd, "", HERE, f"/work/m/open/e{os.getuid()}", EMPTY))
    return named, os.fstat(fd)[4:6] == owner(f"/work/m/open/u{os.getuid()}")


by(10009, 20009, unnamed)
for name in sorted(os.listdir("/work/s/open")):
    print(" ", name, owner(f"/work/s/open/{name}"), owner(f"/work/m/open/{name}"))
os.mkdir("/work/s/setgid")
os.chown("/work/s/setgid", 9, 11)
os.chmod("/work/s/setgid", 0o2777)
by(10009, 20009, os.mkdir, "/work/m/setgid/d")
by(10009, 20009, make, "/work/m/setgid/f")
for name in ("d", "f"):
    print(" ", name, owner(f"/work/s/setgid/{name}"), owner(f"/work/m/setgid/{name}"), oct(os.stat(f"/work/m/setgid/{name}").st_mode))

print("programs")
shutil.copy("/usr/bin/id", "/work/s/id")


for uid, gid in ((5, 7), (3000, 7), (0, 0)):
    os.chown("/work/s/id", uid, gid)
    os.chmod("/work/s/id", 0o6755)
    by(1234, 1234, runs, "/work/s/id")
    by(1234, 1234, runs, "/work/m/id")

print("access control lists")
ACL = "system.posix_acl_access"


def acl(*entries):
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


def entries(path):
    value = os.getxattr(path, ACL)
    return [struct.unpack_from("<HHI", value, at) for at in range(4, len(value), 8)]


NONE = 0xFFFFFFFF
listed = lambda user, group: acl((1, 6, NONE), (2, 4, user), (4, 0, NONE), (8, 4, group), (16, 4, NONE), (32, 0, NONE))
make("/work/s/listed")
os.setxattr("/work/s/listed", ACL, listed(21, 22))
print(entries("/work/s/listed"), entries("/work/m/listed"))
by(21, 1, os.access, "/work/m/listed", os.R_OK)
by(10021, 1, os.access, "/work/m/listed", os.R_OK)
by(1, 20022, os.access, "/work/m/listed", os.R_OK)
by(1, 22, os.access, "/work/m/listed", os.R_OK)
tried("set", os.setxattr, "/work/m/listed", ACL, listed(10031, 20032))
print(entries("/work/s/listed"), entries("/work/m/listed"))
tried("set nobody", os.setxattr, "/work/m/listed", ACL, listed(31, 20032))
os.setxattr("/work/s/listed", ACL, listed(4000, 4001))
print(entries("/work/m/listed"))
os.setxattr("/work/s/setgid", "system.posix_acl_default", listed(41, 42))
os.setxattr("/work/s/setgid", ACL, acl((1, 7, NONE), (4, 7, NONE), (32, 7, NONE)))
by(10009, 20009, make, "/work/m/setgid/inherits")
print(entries("/work/s/setgid/inherits"), entries("/work/m/setgid/inherits"))

print("trees and copies")
os.mkdir("/work/s/sub")
told("sub", mount("none", "/work/s/sub", "tmpfs", 0, "size=64k"))
open("/work/s/sub/file", "w").close()
tree = clone("/work/s", RECURSIVE)
told("all", setattr(tree, shift, flags=RECURSIVE))
told("attach", attach(tree, "/work/t"))
print(owner("/work/t/0"), owner("/work/t/sub/file"))
told("proc below", mount("none", "/work/s/sub", "proc"))
tree = clone("/work/s", RECURSIVE)
told("all", setattr(tree, shift, flags=RECURSIVE))
print("nothing was changed", os.stat("0", dir_fd=tree).st_uid)
told("copy", setattr(clone("/work/m"), shift))
other = namespace("0 30000 1000\n", "0 40000 1000\n")
fd = syscall(OPEN_TREE_ATTR, HERE, "/work/m", CLONE, attributes(user=other), 32)
print("replaced", os.stat("0", dir_fd=fd)[4:6])
fd = syscall(OPEN_TREE_ATTR, HERE, "/work/m", CLONE, attributes(0, IDMAP), 32)
print("dropped", os.stat("0", dir_fd=fd)[4:6])
told("not a copy", syscall(OPEN_TREE_ATTR, HERE, "/work/m", 0, attributes(user=other), 32))
told("not a copy, dropped", syscall(OPEN_TREE_ATTR, HERE, "/work/m", 0, attributes(0, IDMAP), 32))
told("unmount", umount("/work/m"))
