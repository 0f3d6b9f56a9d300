"""Who may do what: extended attributes, ACLs, sticky and set-ID directories, capabilities for files."""
import os, struct
from mounting import *

os.umask(0)
os.mkdir("/work/p")
open("/work/p/f", "w").write("text")
os.chmod("/work/p", 0o777)
os.chmod("/work/p/f", 0o666)
print("attributes")
for name, value in (("user.a", b"1"), ("user.empty", b""), ("trusted.t", b"2"), ("security.s", b"3"), ("system.x", b"4"), ("nothing", b"5"), ("user.", b"6"), ("user." + "n" * 250, b"7"), ("user." + "n" * 251, b"8"), ("security.capability", b"9"), ("user.big", b"b" * 65536)):
    tried(name[:20], os.setxattr, "/work/p/f", name, value)
tried("too big", os.setxattr, "/work/p/f", "user.big", b"b" * 65537)
tried("create", os.setxattr, "/work/p/f", "user.a", b"x", os.XATTR_CREATE)
tried("replace", os.setxattr, "/work/p/f", "user.none", b"x", os.XATTR_REPLACE)
print(sorted(os.listxattr("/work/p/f")))
tried("get", os.getxattr, "/work/p/f", "user.a")
tried("missing", os.getxattr, "/work/p/f", "user.none")
tried("remove", os.removexattr, "/work/p/f", "user.a")
tried("again", os.removexattr, "/work/p/f", "user.a")
os.symlink("f", "/work/p/l")
tried("on a link", os.setxattr, "/work/p/l", "user.x", b"1", follow_symlinks=False)
tried("trusted on a link", os.setxattr, "/work/p/l", "trusted.x", b"1", follow_symlinks=False)
os.mkfifo("/work/p/fifo")
tried("on a fifo", os.setxattr, "/work/p/fifo", "user.x", b"1")
os.mkdir("/work/p/sticky")
os.chmod("/work/p/sticky", 0o1777)


def other():
    os.setresuid(1000, 1000, 1000)
    tried("user", os.setxattr, "/work/p/f", "user.o", b"1")
    tried("trusted", os.setxattr, "/work/p/f", "trusted.o", b"1")
    tried("get trusted", os.getxattr, "/work/p/f", "trusted.t")
    tried("security", os.setxattr, "/work/p/f", "security.o", b"1")
    tried("sticky directory", os.setxattr, "/work/p/sticky", "user.o", b"1")
    print(sorted(os.listxattr("/work/p/f")))


child(other)

print("ACLs")
USER_OBJ, USER, GROUP_OBJ, GROUP, MASK, OTHER = 1, 2, 4, 8, 16, 32


def acl(*entries):
    return struct.pack("I", 2) + b"".join(struct.pack("HHI", tag, perm, id) for tag, perm, id in entries)


def shown(path, name="system.posix_acl_access"):
    raw = os.getxattr(path, name)
    return [struct.unpack_from("HHI", raw, at) for at in range(4, len(raw), 8)]


NONE = 0xFFFFFFFF
tried("none", shown, "/work/p/f")
tried("set", os.setxattr, "/work/p/f", "system.posix_acl_access", acl((USER_OBJ, 6, NONE), (USER, 4, 1000), (GROUP_OBJ, 0, NONE), (MASK, 4, NONE), (OTHER, 0, NONE)))
print(oct(os.stat("/work/p/f").st_mode))
tried("get", shown, "/work/p/f")
tried("no mask", os.setxattr, "/work/p/f", "system.posix_acl_access", acl((USER_OBJ, 6, NONE), (USER, 4, 1000), (GROUP_OBJ, 0, NONE), (OTHER, 0, NONE)))
tried("order", os.setxattr, "/work/p/f", "system.posix_acl_access", acl((GROUP_OBJ, 6, NONE), (USER_OBJ, 4, NONE), (OTHER, 0, NONE)))
tried("nonsense", os.setxattr, "/work/p/f", "system.posix_acl_access", b"\1\2\3")
tried("default on a file", os.setxattr, "/work/p/f", "system.posix_acl_default", acl((USER_OBJ, 7, NONE), (GROUP_OBJ, 7, NONE), (OTHER, 7, NONE)))


def reader(uid):
    def act():
        os.setresgid(uid, uid, uid)
        os.setgroups([])
        os.setresuid(uid, uid, uid)
        tried(f"{uid} reads", lambda: open("/work/p/f").read())
        tried(f"{uid} writes", lambda: open("/work/p/f", "a").close())
        print(os.access("/work/p/f", os.R_OK), os.access("/work/p/f", os.W_OK))
    return act


child(reader(1000))
child(reader(1001))
os.chmod("/work/p/f", 0o620)
tried("mask by chmod", shown, "/work/p/f")
child(reader(1000))
os.mkdir("/work/p/def")
tried("default", os.setxattr, "/work/p/def", "system.posix_acl_default", acl((USER_OBJ, 7, NONE), (USER, 6, 1000), (GROUP_OBJ, 5, NONE), (MASK, 7, NONE), (OTHER, 0, NONE)))
os.umask(0o077)
os.mkdir("/work/p/def/sub", 0o777)
open("/work/p/def/file", "w").close()
os.umask(0)
for name in ("sub", "file"):
    print(name, oct(os.stat("/work/p/def/" + name).st_mode))
    tried("access", shown, "/work/p/def/" + name)
    tried("default", shown, "/work/p/def/" + name, "system.posix_acl_default")
tried("remove", os.removexattr, "/work/p/f", "system.posix_acl_access")
print(oct(os.stat("/work/p/f").st_mode), sorted(os.listxattr("/work/p/f")))
tried("minimal", os.setxattr, "/work/p/f", "system.posix_acl_access", acl((USER_OBJ, 6, NONE), (GROUP_OBJ, 4, NONE), (OTHER, 4, NONE)))
print(oct(os.stat("/work/p/f").st_mode), "system.posix_acl_access" in os.listxattr("/work/p/f"))

print("sticky, set-ID")
os.mkdir("/work/p/sticky/theirs")
open("/work/p/sticky/root", "w").close()
os.mkdir("/work/p/gid")
os.chown("/work/p/gid", 0, 50)
os.chmod("/work/p/gid", 0o2777)
open("/work/p/suid", "w").write("x")
os.chmod("/work/p/suid", 0o6777)
os.symlink("root", "/work/p/sticky/link")


def user():
    os.setresgid(1000, 1000, 1000)
    os.setgroups([])
    os.setresuid(1000, 1000, 1000)
    tried("unlink", os.unlink, "/work/p/sticky/root")
    tried("rename", os.rename, "/work/p/sticky/root", "/work/p/sticky/mine")
    tried("rmdir", os.rmdir, "/work/p/sticky/theirs")
    open("/work/p/sticky/own", "w").close()
    tried("own", os.unlink, "/work/p/sticky/own")
    open("/work/p/gid/file", "w").close()
    os.mkdir("/work/p/gid/dir")
    print(os.stat("/work/p/gid/file").st_gid, os.stat("/work/p/gid/dir").st_gid, oct(os.stat("/work/p/gid/dir").st_mode))
    os.chmod("/work/p/gid/file", 0o2755)
    print(oct(os.stat("/work/p/gid/file").st_mode))
    open("/work/p/suid", "a").write("y")
    print(oct(os.stat("/work/p/suid").st_mode))
    tried("chown", os.chown, "/work/p/gid/file", 0, -1)
    tried("chgrp", os.chown, "/work/p/gid/file", -1, 50)
    tried("mknod", os.mknod, "/work/p/null", 0o20666, os.makedev(1, 3))
    tried("chroot", os.chroot, "/work")
    tried("noatime", os.open, "/work/p/f", os.O_RDONLY | os.O_NOATIME)


child(user)
os.chmod("/work/p/suid", 0o6777)
os.chown("/work/p/suid", 1, 1)
print(oct(os.stat("/work/p/suid").st_mode))
os.chmod("/work/p/suid", 0o6777)
os.truncate("/work/p/suid", 0)
print(oct(os.stat("/work/p/suid").st_mode))
