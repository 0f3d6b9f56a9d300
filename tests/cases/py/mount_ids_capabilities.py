"""Capabilities of files on idmapped mounts: security.capability, set, seen and executed through them."""
import os, shutil, struct
from idmapping import *

os.umask(0o022)
os.setgroups([])
os.mkdir("/work/s")
shutil.copy("/bin/cat", "/work/s/cat")
told("mapped", mapped("/work/s", "/work/m", namespace("0 10000 1000\n5000 1 1\n", "0 20000 1000\n")))
# Version 2, and version 3 for root of other namespaces: effective, DAC_OVERRIDE, DAC_READ_SEARCH, SETUID.
capability = lambda root=None: struct.pack("<IIIII", (2 if root is None else 3) << 24 | 1, 0x86, 0, 0, 0) + (b"" if root is None else struct.pack("<I", root))
version = lambda path: (lambda value: (value[3], *struct.unpack("<I", value[20:24])) if len(value) == 24 else value[3])(os.getxattr(path, "security.capability"))
for root in (None, 0, 10000, 5):
    tried(f" set {root}", os.setxattr, "/work/m/cat", "security.capability", capability(root))
    tried("  stored", version, "/work/s/cat")
    tried("  seen", version, "/work/m/cat")
with open("/work/secret", "w") as file:
    file.write("secret\n")
os.chmod("/work/secret", 0o600)
for root in (None, 10000, 5000):
    os.setxattr("/work/s/cat", "security.capability", capability(root))
    tried(f" stored {root}", version, "/work/m/cat")
    by(1234, 1234, runs, "/work/s/cat", "/work/secret")
    by(1234, 1234, runs, "/work/m/cat", "/work/secret")

# Root of another namespace, whose capabilities of files are those of its own root.
inside = namespace("0 10000 1000\n", "0 20000 1000\n")


def as_root_there():
    """Its root's files are those that the mount gives to it."""
    told("enter", libc.setns(inside, NEWUSER))
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)
    tried(" seen by it", version, "/work/m/cat")
    tried(" set by it", os.setxattr, "/work/m/cat", "security.capability", capability())
    tried(" seen by it", version, "/work/m/cat")
    tried(" elsewhere", os.setxattr, "/work/s/cat", "security.capability", capability())


os.setxattr("/work/s/cat", "security.capability", capability())
os.chown("/work/s/cat", 0, 0)
child(as_root_there)
tried("stored", version, "/work/s/cat")
tried("seen", version, "/work/m/cat")
