"""O_TMPFILE: files without names, and how they get one."""
import mmap, os
from mounting import *

HERE, EMPTY, FOLLOW_LINK, O_TMPFILE, LINKAT = -100, 0x1000, 0x400, os.O_TMPFILE, 265
os.umask(0o022)
os.makedirs("/work/d")
open("/work/d/file", "w").write("0123456789")
t = os.open("/work", O_TMPFILE | os.O_RDWR, 0o640)
print(os.fstat(t).st_nlink, oct(os.fstat(t).st_mode), os.write(t, b"temporary"))
told("link by proc", syscall(LINKAT, HERE, f"/proc/self/fd/{t}", HERE, "/work/linked", FOLLOW_LINK))
told("link by descriptor", syscall(LINKAT, t, "", HERE, "/work/linked2", EMPTY))
print(os.fstat(t).st_nlink, open("/work/linked").read())
x = os.open("/work", O_TMPFILE | os.O_RDWR | os.O_EXCL)
told("exclusive", syscall(LINKAT, x, "", HERE, "/work/never", EMPTY))
tried("read only", os.open, "/work", O_TMPFILE)
tried("on a file", os.open, "/work/d/file", O_TMPFILE | os.O_RDWR)
tried("on nothing", os.open, "/work/nothing", O_TMPFILE | os.O_RDWR)
tried("created", os.open, "/work", O_TMPFILE | os.O_RDWR | os.O_CREAT)
told("exclusive by proc", syscall(LINKAT, HERE, f"/proc/self/fd/{x}", HERE, "/work/never", FOLLOW_LINK))
print(sorted(os.listdir("/work")))

print("before it has a name")
t = os.open("/work/d", O_TMPFILE | os.O_RDWR, 0o666)
os.fchmod(t, 0o6751)
os.fchown(t, 12, 34)
os.truncate(t, 10000)
os.utime(t, (1000, 2000))
mapped = mmap.mmap(t, 8192)
mapped[4096:4104] = b"in pages"
os.setxattr(t, "user.a", b"b")
again = os.open(f"/proc/self/fd/{t}", os.O_RDONLY)
print(os.pread(again, 8, 4096), os.fstat(again).st_size, os.fstat(t).st_nlink, sorted(os.listdir("/work/d")))
told("link", syscall(LINKAT, t, "", HERE, "/work/d/named", EMPTY))
found = os.stat("/work/d/named")
print(found.st_nlink, oct(found.st_mode), found.st_uid, found.st_gid, found.st_size, found.st_ino == os.fstat(t).st_ino)
mapped[:5] = b"later"
print(open("/work/d/named", "rb").read(5), os.getxattr("/work/d/named", "user.a"))
told("link again", syscall(LINKAT, t, "", HERE, "/work/d/named", EMPTY))
os.rename("/work/d/named", "/work/moved")
print(os.fstat(t).st_nlink, os.path.exists("/work/d/named"), os.stat("/work/moved").st_size)
os.unlink("/work/moved")
told("after its last name", syscall(LINKAT, t, "", HERE, "/work/d/never", EMPTY))
tried("where there are none", os.open, "/proc", O_TMPFILE | os.O_RDWR)

print("by others")
os.chmod("/work/d", 0o2775)
os.chown("/work/d", 0, 77)
t = os.open("/work/d", O_TMPFILE | os.O_WRONLY, 0o600)
print(os.fstat(t).st_gid)


def other():
    os.setresuid(1000, 1000, 1000)
    tried("refused", os.open, "/work/d", O_TMPFILE | os.O_RDWR)
    tried("given", os.fchown, t, 1000, 77)


child(other)
