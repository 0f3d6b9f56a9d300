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

