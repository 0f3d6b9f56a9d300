"""Opening, linking and renaming in all the ways that the *at calls know."""
import os, struct
from mounting import *

HERE, EMPTY, NOFOLLOW_LINK, FOLLOW_LINK = -100, 0x1000, 0x100, 0x400
O_PATH, O_TMPFILE, O_DIRECTORY, O_DIRECT = os.O_PATH, os.O_TMPFILE, os.O_DIRECTORY, os.O_DIRECT
OPENAT2, RENAMEAT2, LINKAT, STATX = 437, 316, 265, 332
os.umask(0o022)
os.makedirs("/work/d/e/f")
open("/work/d/file", "w").write("0123456789")
os.symlink("d/file", "/work/link")
os.symlink("/work/d", "/work/absolute")
os.symlink("../..", "/work/d/e/up")
os.symlink("loop", "/work/loop")
os.mkdir("/work/m")
told("mount", mount("none", "/work/m", "tmpfs", 0, "size=1m"))


def opened(what, result):
    print(what, errno.errorcode[ctypes.get_errno()] if result < 0 else "fd")
    if result >= 0:
        os.close(result)


def openat2(path, flags=0, mode=0, resolve=0, directory=HERE, size=24, more=b""):
    how = ctypes.create_string_buffer(struct.pack("QQQ", flags, mode, resolve) + more)
    return syscall(OPENAT2, directory, path, how, size)


print("openat2")
d = os.open("/work/d", os.O_RDONLY)
for what, path, resolve in (
    ("beneath", "file", 8), ("beneath up", "../link", 8), ("beneath and back", "e/../file", 8), ("beneath absolute", "/work", 8),
    ("beneath link up", "e/up", 8), ("in root", "/file", 16), ("in root up", "../../../file", 16), ("in root link", "e/up/e", 16),
    ("both", "file", 24), ("unknown", "file", 64), ("xdev", "../m", 1), ("xdev up", "../..", 1), ("symlinks", "../link", 4),
    ("magic", "/proc/self/fd/0", 2), ("magic exe", "/proc/self/exe", 2), ("self is none", "/proc/self/stat", 2), ("cached", "file", 32),
):
    opened(what, openat2(path, os.O_RDONLY, 0, resolve, d))
opened("mode without creation", openat2("file", 0, 0o644, 0, d))
opened("bad mode", openat2("new", os.O_CREAT, 0o200000, 0, d))
opened("unknown flag", openat2("file", 1 << 40, 0, 0, d))
opened("path with more", openat2("file", O_PATH | os.O_RDWR, 0, 0, d))
opened("small", openat2("file", 0, 0, 0, d, 16))
opened("longer", openat2("file", 0, 0, 0, d, 32, bytes(8)))
opened("longer, set", openat2("file", 0, 0, 0, d, 32, b"\1" + bytes(7)))
opened("nofollow", openat2("../link", O_PATH | os.O_NOFOLLOW, 0, 4, d))

print("O_PATH")
p = os.open("/work/link", O_PATH | os.O_NOFOLLOW)
print(os.readlink("", dir_fd=p), os.stat(p).st_size)
f = os.open("/work/d/file", O_PATH)
for what, function in (
    ("read", lambda: os.read(f, 1)), ("write", lambda: os.write(f, b"x")), ("fchmod", lambda: os.fchmod(f, 0o600)), ("fchown", lambda: os.fchown(f, 0, 0)),
    ("ioctl", lambda: __import__("fcntl").ioctl(f, 0x5401, bytes(64))), ("fstat", lambda: os.fstat(f).st_size), ("dup", lambda: os.close(os.dup(f))), ("lseek", lambda: os.lseek(f, 0, 0)),
    ("ftruncate", lambda: os.ftruncate(f, 0)), ("fsync", lambda: os.fsync(f)), ("getxattr", lambda: os.getxattr(f, "user.x")), ("flags", lambda: oct(__import__("fcntl").fcntl(f, 3))),
    ("reopen", lambda: os.read(os.open(f"/proc/self/fd/{f}", os.O_RDONLY), 3)), ("chmod", lambda: os.chmod(f"/proc/self/fd/{f}", 0o600)), ("mmap", lambda: __import__("mmap").mmap(f, 10, prot=1)),
    ("fchdir", lambda: os.fchdir(f)), ("flock", lambda: __import__("fcntl").flock(f, 1)), ("fallocate", lambda: os.posix_fallocate(f, 0, 1)), ("statvfs", lambda: os.fstatvfs(f).f_namemax),
):
    tried(what, function)
dp = os.open("/work/d", O_PATH)
tried("fchdir", os.fchdir, dp)
tried("listdir", os.listdir, dp)
tried("openat", lambda: os.read(os.open("file", os.O_RDONLY, dir_fd=dp), 2))
os.chdir("/work")
tried("directory flag", os.open, "/work/d/file", O_PATH | O_DIRECTORY)
tried("nofollow link", lambda: os.open("/work/link", os.O_NOFOLLOW))

print("linkat")
for name in "linked", "linked2":
    open("/work/" + name, "w").write("temporary")
told("link to a link", syscall(LINKAT, HERE, "/work/link", HERE, "/work/link2", 0))
print(os.path.islink("/work/link2"))
told("link through it", syscall(LINKAT, HERE, "/work/link", HERE, "/work/link3", FOLLOW_LINK))
told("directory", syscall(LINKAT, HERE, "/work/d", HERE, "/work/d2", 0))
told("exists", syscall(LINKAT, HERE, "/work/linked", HERE, "/work/linked2", 0))
told("across", syscall(LINKAT, HERE, "/work/linked", HERE, "/work/m/x", 0))
told("flags", syscall(LINKAT, HERE, "/work/linked", HERE, "/work/y", 0x100))
u = os.open("/work/unlinked", os.O_CREAT | os.O_RDWR)
os.unlink("/work/unlinked")
told("dead", syscall(LINKAT, u, "", HERE, "/work/y", EMPTY))

print("renameat2")
rename = lambda a, b, flags: syscall(RENAMEAT2, HERE, "/work/" + a, HERE, "/work/" + b, flags)
open("/work/one", "w").write("one")
os.mkdir("/work/two")
told("noreplace", rename("one", "two", 1))
told("noreplace", rename("one", "three", 1))
told("exchange", rename("three", "two", 2))
print(os.path.isdir("/work/three"), open("/work/two").read())
told("exchange with nothing", rename("two", "none", 2))
told("both", rename("two", "three", 3))
told("unknown", rename("two", "three", 8))
told("whiteout", rename("two", "four", 4))
s = os.lstat("/work/two")
print(oct(s.st_mode), s.st_rdev)
told("into itself", rename("d", "d/e/g", 0))
told("across", rename("four", "m/four", 0))
told("exchange parent", rename("d", "d/e", 2))
told("onto non-empty", rename("three", "d", 0))
told("dot", rename("d/.", "x", 0))
told("slash", rename("four/", "five", 0))

print("statx")
buffer = ctypes.create_string_buffer(256)


def statx(path, flags=0, mask=0xfff, directory=HERE):
    return syscall(STATX, directory, path, flags, mask, buffer)


told("file", statx("/work/d/file"))
mask, block, attributes, links, uid, gid, mode, _, inode, size, blocks, known = struct.unpack_from("IIQIIIHHQQQQ", buffer.raw)
print(hex(mask & 0xfff), hex(attributes), links, uid, gid, oct(mode), size, blocks, hex(known & 0x2000))
print(struct.unpack_from("q", buffer.raw, 80)[0] > 1500000000)
told("mount root", statx("/work/m", 0, 0x1000))
print(hex(struct.unpack_from("Q", buffer.raw, 8)[0] & 0x2000), hex(struct.unpack_from("I", buffer.raw, 0)[0] & 0x1000))
told("reserved", statx("/work/d/file", 0, 0x80000000))
told("sync", statx("/work/d/file", 0x6000))
told("flags", statx("/work/d/file", 0x400))
told("empty", statx("", EMPTY, 0xfff, f))
told("empty without flag", statx("", 0, 0xfff, f))
told("link", statx("/work/link", NOFOLLOW_LINK))
print(oct(struct.unpack_from("H", buffer.raw, 28)[0]))

print("the rest")
told("quotactl", syscall(179, 0x800002 << 8, "/work", 0, 0))
told("quotactl sync", syscall(179, 0x800001 << 8, 0, 0, 0))
told("syncfs", syscall(306, d))
told("syncfs bad", syscall(306, 99))
w = os.open("/work/d/file", os.O_RDWR)
told("sync_file_range", syscall(277, w, 0, 4096, 7))
told("bad flags", syscall(277, w, 0, 4096, 8))
told("negative", syscall(277, w, -1, 4096, 0))
told("pipe", syscall(277, os.pipe()[0], 0, 0, 0))
told("fallocate keep", syscall(285, w, 1, 4096, 4096))
print(os.fstat(w).st_size, os.fstat(w).st_blocks)
told("punch", syscall(285, w, 3, 0, 5))
print(os.pread(w, 20, 0))
told("zero", syscall(285, w, 16, 8, 100))
print(os.fstat(w).st_size)
told("collapse", syscall(285, w, 8, 0, 4096))
told("insert", syscall(285, w, 32, 0, 4096))
told("unshare", syscall(285, w, 64, 0, 4096))
told("punch without keep", syscall(285, w, 2, 0, 5))
told("nothing", syscall(285, w, 0, 0, 0))
s = os.open("/work/sparse", os.O_RDWR | os.O_CREAT)
os.pwrite(s, b"x" * 4096, 65536)
os.ftruncate(s, 200000)
tried("data", os.lseek, s, 0, os.SEEK_DATA)
tried("hole", os.lseek, s, 65536, os.SEEK_HOLE)
tried("data behind", os.lseek, s, 100000, os.SEEK_DATA)
tried("hole at end", os.lseek, s, 150000, os.SEEK_HOLE)
tried("past", os.lseek, s, 200000, os.SEEK_HOLE)
tried("past", os.lseek, s, 200001, os.SEEK_DATA)
tried("whence", os.lseek, s, 0, 7)
tried("direct", lambda: os.close(os.open("/work/sparse", os.O_RDWR | O_DIRECT)))
tried("utime now", os.utime, "/work/sparse")
told("utimensat omit", syscall(280, HERE, "/work/none", ctypes.create_string_buffer(struct.pack("qqqq", 0, (1 << 30) - 2, 0, (1 << 30) - 2)), 0))
told("utimensat bad", syscall(280, HERE, "/work/sparse", ctypes.create_string_buffer(struct.pack("qqqq", 0, 1 << 30, 0, 0)), 0))
told("utimensat flags", syscall(280, HERE, "/work/sparse", 0, 1))
