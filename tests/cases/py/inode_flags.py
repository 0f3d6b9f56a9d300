"""Inode flags of tmpfs: FS_IOC_GETFLAGS and FS_IOC_SETFLAGS, FS_IOC_FSGETXATTR and FS_IOC_FSSETXATTR (ioctl_iflags(2)), and what they forbid."""
import ctypes, fcntl, mmap, os, struct, sys

sys.path.insert(0, "/cases/py")
from mounting import mount, told, tried

GET, SET, XGET, XSET = 0x80086601, 0x40086602, 0x801c581f, 0x401c5820
IMMUTABLE, APPEND, NODUMP, NOATIME = 0x10, 0x20, 0x40, 0x80
libc = ctypes.CDLL(None, use_errno=True)


def flags(path):
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        return hex(struct.unpack("i", fcntl.ioctl(fd, GET, bytes(4)))[0])
    finally:
        os.close(fd)


def set_flags(path, value):
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        fcntl.ioctl(fd, SET, struct.pack("i", value))
    finally:
        os.close(fd)


def extended(path):
    fd = os.open(path, os.O_RDONLY)
    try:
        return struct.unpack("5I", fcntl.ioctl(fd, XGET, bytes(28))[:20])
    finally:
        os.close(fd)


def set_extended(path, *values):
    fd = os.open(path, os.O_RDONLY)
    try:
        fcntl.ioctl(fd, XSET, struct.pack("5I8x", *values))
    finally:
        os.close(fd)


def statx(path):
    """The attributes that flags show as, and which of them are known."""
    buffer = ctypes.create_string_buffer(256)
    told("statx", libc.statx(-100, path.encode(), 0, 0x7ff, buffer))
    attributes, mask = struct.unpack_from("Q", buffer, 8)[0], struct.unpack_from("Q", buffer, 56)[0]
    return hex(attributes & 0x74), hex(mask & 0x74)


os.makedirs("/work/m")
told("mount", mount("none", "/work/m", "tmpfs"))
os.chdir("/work/m")
open("file", "w").write("content")
open("other", "w").close()
os.mkdir("directory")
open("directory/inside", "w").close()
os.mkfifo("fifo")
os.symlink("file", "link")

print("-- as they are")
print(flags("file"), flags("directory"), flags("."), statx("file"), statx("directory"))
tried("fifo", flags, "fifo")
tried("fifo set", set_flags, "fifo", 0)
tried("elsewhere", flags, "/proc/self/status")
print(extended("file"))


def changes(path):
    """Everything that one might want to do to a file."""
    tried("read", lambda: os.close(os.open(path, os.O_RDONLY)))
    for how in ["O_WRONLY", "O_RDWR", "O_WRONLY|O_APPEND", "O_RDONLY|O_TRUNC", "O_WRONLY|O_APPEND|O_TRUNC"]:
        value = 0
        for word in how.split("|"):
            value |= getattr(os, word)
        tried(how, lambda: os.close(os.open(path, value)))
    tried("truncate", os.truncate, path, 1)
    tried("chmod", os.chmod, path, 0o600)
    tried("chown", os.chown, path, 1, 1)
    tried("utime", os.utime, path, (1, 1))
    tried("touch", os.utime, path)
    tried("link", os.link, path, "new-link")
    tried("rename", os.rename, path, "renamed")
    tried("replace", os.rename, "other", path)
    told("exchange", libc.renameat2(-100, path.encode(), -100, b"other", 2))
    tried("setxattr", os.setxattr, path, "user.a", b"b")
    tried("trusted", os.setxattr, path, "trusted.a", b"b")
    tried("removexattr", os.removexattr, path, "user.none")
    tried("acl", os.setxattr, path, "system.posix_acl_access", struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in [(1, 6, 0xffffffff), (4, 6, 0xffffffff), (0x20, 4, 0xffffffff)]))
    tried("access", os.access, path, os.W_OK)
    tried("unlink", os.unlink, path)


for name, value in [("immutable", IMMUTABLE), ("append", APPEND), ("both", IMMUTABLE | APPEND), ("others", NODUMP | NOATIME)]:
    print("--", name)
    os.close(os.open("victim", os.O_CREAT | os.O_WRONLY, 0o644))
    before = os.open("victim", os.O_RDWR)
    tried("set", set_flags, "victim", value)
    print(flags("victim"), statx("victim"), extended("victim"))
    # What is open stays so.
    tried("write", os.write, before, b"xyz")
    tried("ftruncate", os.ftruncate, before, 2)
    tried("fallocate", os.posix_fallocate, before, 0, 10)
    told("punch", libc.fallocate(before, 3, ctypes.c_long(0), ctypes.c_long(1)))
    tried("map", lambda: mmap.mmap(before, 1).close())
    tried("fchmod", os.fchmod, before, 0o640)
    if value != NODUMP | NOATIME:
        changes("victim")
    tried("clear", set_flags, "victim", 0)
    os.close(before)
    tried("remove", os.unlink, "victim")
    for left in ["renamed", "new-link"]:
        if os.path.lexists(left):
            print("left", left)
            os.unlink(left)
    if not os.path.exists("other"):
        open("other", "w").close()

print("-- append only, and open so")
open("log", "w").close()
set_flags("log", APPEND)
log = os.open("log", os.O_WRONLY | os.O_APPEND)
print(os.write(log, b"one"), os.write(log, b"two"), os.stat("log").st_size)
tried("no more", fcntl.fcntl, log, fcntl.F_SETFL, 0)
tried("so still", fcntl.fcntl, log, fcntl.F_SETFL, os.O_APPEND | os.O_NONBLOCK)
both = os.open("log", os.O_RDWR | os.O_APPEND)
tried("shared", lambda: mmap.mmap(both, 1).close())
tried("private", lambda: mmap.mmap(both, 1, flags=mmap.MAP_PRIVATE).close())

print("-- directories")
for value in [IMMUTABLE, APPEND]:
    set_flags("directory", value)
    print(flags("directory"), statx("directory"))
    tried("make", lambda: os.close(os.open("directory/new", os.O_CREAT | os.O_WRONLY)))
    tried("mkdir", os.mkdir, "directory/made")
    tried("unlink", os.unlink, "directory/inside")
    tried("rename", os.rename, "directory/inside", "directory/moved")
    tried("in", os.rename, "other", "directory/other")
    tried("rmdir", os.rmdir, "directory")
    tried("write", lambda: os.close(os.open("directory/inside", os.O_WRONLY)))
    set_flags("directory", 0)
print(sorted(os.listdir("directory")))

print("-- inherited")
set_flags("directory", NODUMP | NOATIME)
os.mkdir("directory/child")
open("directory/child/file", "w").write("x")
print(flags("directory/child"), flags("directory/child/file"))
os.utime("directory/child/file", (1, 10))
open("directory/child/file").read()
print(os.stat("directory/child/file").st_atime)

print("-- the other way")
tried("set", set_extended, "file", 0x8, 0, 0, 0, 0)
print(flags("file"), extended("file"))
tried("set", set_extended, "file", 0x80 | 0x40, 0, 0, 0, 0)
print(flags("file"), extended("file"))
tried("extent", set_extended, "file", 0, 4096, 0, 0, 0)
tried("project", set_extended, "file", 0, 0, 0, 7, 0)
set_flags("file", 0)

print("-- who may", flush=True)
os.chown("file", 7, 7)
os.chmod("file", 0o644)
child = os.fork()
if child == 0:
    os.setuid(7)
    tried("own", set_flags, "file", NODUMP)
    tried("immutable", set_flags, "file", NODUMP | IMMUTABLE)
    tried("append", set_flags, "file", APPEND)
    tried("another's", set_flags, "other", NODUMP)
    print(flags("file"), flush=True)
    os._exit(0)
os.waitpid(child, 0)
os.close(log)
os.close(both)
told("remount", mount("none", "/work/m", None, 32 | 1))
tried("read-only", set_flags, "file", 0)
print(flags("file"))
os.chdir("/")
