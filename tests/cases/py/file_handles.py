"""File handles: name_to_handle_at(2), open_by_handle_at(2)."""
import os, struct
from mounting import *

HERE, HANDLE, BY_HANDLE = -100, 303, 304
os.mkdir("/work/d")
open("/work/d/file", "w").write("0123456789")
d = os.open("/work/d", os.O_RDONLY)
handle = ctypes.create_string_buffer(struct.pack("Ii", 0, 0) + bytes(128))
mid = ctypes.c_int()
told("size", syscall(HANDLE, HERE, "/work/d/file", handle, ctypes.byref(mid), 0))
length = struct.unpack_from("I", handle.raw)[0]
print(length > 0)
told("handle", syscall(HANDLE, HERE, "/work/d/file", handle, ctypes.byref(mid), 0))
h = syscall(BY_HANDLE, d, handle, os.O_RDONLY)
print("by handle", os.read(h, 4))
handle = ctypes.create_string_buffer(struct.pack("Ii", 9999, 0) + bytes(128))
told("too long", syscall(HANDLE, HERE, "/work/d/file", handle, ctypes.byref(mid), 0))
told("flags", syscall(HANDLE, HERE, "/work/d/file", handle, ctypes.byref(mid), 0x80))



def given(path, flags=0):
    handle = ctypes.create_string_buffer(struct.pack("Ii", 128, 0) + bytes(128))
    return handle if syscall(HANDLE, HERE, path, handle, ctypes.byref(mid), flags) == 0 else None


first, again, other = given("/work/d/file"), given("/work/d/file"), given("/work/d")
print("same", first.raw == again.raw, "different", first.raw != other.raw)
os.link("/work/d/file", "/work/d/link")
print("link", given("/work/d/link").raw == first.raw)
os.symlink("file", "/work/d/symlink")
print("symlink", given("/work/d/symlink").raw != first.raw, given("/work/d/symlink", 0x400).raw == first.raw)
os.rename("/work/d/file", "/work/d/renamed")
h = syscall(BY_HANDLE, d, first, os.O_RDWR)
print("renamed", os.read(h, 4), os.write(h, b"xx"), os.fstat(h).st_ino == os.stat("/work/d/link").st_ino)
h = syscall(BY_HANDLE, d, other, os.O_RDONLY | os.O_DIRECTORY)
print("directory", sorted(os.listdir(h)))
told("no directory", syscall(BY_HANDLE, d, first, os.O_RDONLY | os.O_DIRECTORY))
told("symlink by handle", syscall(BY_HANDLE, d, given("/work/d/symlink"), os.O_RDONLY))
os.mkdir("/work/gone")
open("/work/gone/file", "w").write("x")
gone = given("/work/gone/file"), given("/work/gone")
os.unlink("/work/gone/file")
os.rmdir("/work/gone")
for handle in gone:
    told("gone", syscall(BY_HANDLE, d, handle, os.O_RDONLY))
told("no descriptor", syscall(BY_HANDLE, 99, first, os.O_RDONLY))
told("nothing in it", syscall(BY_HANDLE, d, ctypes.create_string_buffer(136), os.O_RDONLY))
told("proc", syscall(HANDLE, HERE, "/proc/self/status", ctypes.create_string_buffer(struct.pack("Ii", 128, 0) + bytes(128)), ctypes.byref(mid), 0))
mount("none", "/work/d", "tmpfs")
open("/work/d/t", "w").write("tmpfs")
inside = given("/work/d/t")
told("other filesystem", syscall(BY_HANDLE, d, inside, os.O_RDONLY))
print(os.read(syscall(BY_HANDLE, os.open("/work/d", os.O_RDONLY), inside, os.O_RDONLY), 9))
umount("/work/d", DETACH)
if os.fork() == 0:
    os.setuid(1000)
    told("without the right", syscall(BY_HANDLE, d, first, os.O_RDONLY))
    os._exit(0)
os.wait()
