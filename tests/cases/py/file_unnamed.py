"""O_TMPFILE: files without names, and how they get one."""
import os
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
