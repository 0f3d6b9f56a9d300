"""A tree that is changed in a container, and whose changes are put on the original elsewhere.

    layer_tree.py make DIR         makes the tree
    layer_tree.py change DIR       changes it in many ways
    layer_tree.py show DIR         prints everything about it
    layer_tree.py apply FILE DIR   unpacks a layer of an OCI image over a root
"""

import hashlib
import os
import shutil
import socket
import stat
import sys
import tarfile
from decimal import Decimal

LONG = "long-" + "x" * 180
ODD = "odd\n\xe9 name"


def put(path, text, mode=0o644):
    with open(path, "w") as file:
        file.write(text)
    os.chmod(path, mode)


def make(top):
    os.makedirs(top)
    os.chdir(top)
    for directory in ["kept", "gone/inner", "again/inner", "file-later", "moved/deep", "swapped"]:
        os.makedirs(directory)
        put(directory + "/old", directory)
    for name in ["changed", "touched", "removed", "directory-later", LONG, ODD]:
        put(name, name)
    put("names-1", "one file")
    os.link("names-1", "names-2")
    os.link("names-1", "kept/names-3")
    put("others-1", "another")
    os.link("others-1", "others-2")
    os.symlink("changed", "link")


def change(top):
    os.chdir(top)
    put("changed", "changed now", 0o4755)
    os.chown("touched", 123456789, 7)
    os.utime("touched", ns=(0, -1_500_000_000))
    os.remove("removed")
    shutil.rmtree("gone")
    shutil.rmtree("again")
    os.mkdir("again")
    put("again/new", "new")
    shutil.rmtree("file-later")
    put("file-later", "a file now")
    os.remove("directory-later")
    os.mkdir("directory-later", 0o1777)
    os.rename("moved", "kept/moved")
    put("kept/moved/deep/new", "new")
    os.remove("kept/moved/deep/old")
    put("names-2", "one file, three names")
    os.remove("others-2")
    put(LONG, "long", 0o600)
    put(ODD, "odd")
    os.remove("link")
    os.symlink("/" + LONG, "link")
    put("new-1", "new")
    os.link("new-1", "kept/new-2")
    os.mkfifo("fifo", 0o640)
    os.mknod("null", 0o660 | stat.S_IFCHR, os.makedev(1, 3))
    os.setxattr("new-1", "trusted.note", b"of\0bytes=\n")
    os.setxattr("kept", "trusted.note", b"a directory's")
    with open("sparse", "wb") as file:
        for at in [1 << 20, 5 << 20]:
            file.seek(at)
            file.write(b"data" * 2000)
        file.truncate(9 << 20)
    # What no archive holds.
    here = socket.socket(socket.AF_UNIX)
    here.bind("socket")
    os.remove("socket")


def show(top):
    os.chdir(top)
    for directory, directories, files in os.walk("."):
        directories.sort()
        for name in [""] + sorted(files) + [d for d in directories if os.path.islink(os.path.join(directory, d))]:
            path = os.path.join(directory, name)
            found = os.lstat(path)
            line = [path, oct(found.st_mode), found.st_uid, found.st_gid, found.st_mtime_ns]
            if not stat.S_ISDIR(found.st_mode):
                line += [found.st_nlink, found.st_size, found.st_rdev]
            if stat.S_ISREG(found.st_mode):
                with open(path, "rb") as file:
                    line.append(hashlib.sha256(file.read()).hexdigest()[:16])
            if stat.S_ISLNK(found.st_mode):
                line.append(os.readlink(path))
            else:
                line += [(name, os.getxattr(path, name)) for name in sorted(os.listxattr(path))]
            print(line)


def apply(archive, top):
    times = []
    with tarfile.open(archive) as layer:
        members = layer.getmembers()
        for member in members:
            parent, name = os.path.split(os.path.normpath(os.path.join(top, member.name)))
            if name == ".wh..wh..opq":
                # A directory that the layer has made may hide what is not there.
                for old in os.listdir(parent) if os.path.isdir(parent) else []:
                    remove(os.path.join(parent, old))
            elif name.startswith(".wh."):
                remove(os.path.join(parent, name.removeprefix(".wh.")))
        for member in members:
            path = os.path.normpath(os.path.join(top, member.name))
            if os.path.basename(path).startswith(".wh."):
                continue
            if not (member.isdir() and os.path.isdir(path) and not os.path.islink(path)):
                remove(path)
            layer.extract(member, top, numeric_owner=True, filter="fully_trusted")
            if member.islnk():
                continue
            for key, value in member.pax_headers.items():
                if key.startswith("SCHILY.xattr."):
                    value = value.encode("utf-8", "surrogateescape")
                    os.setxattr(path, key.removeprefix("SCHILY.xattr."), value, follow_symlinks=False)
            at = int(Decimal(member.pax_headers.get("mtime", member.mtime)) * 1_000_000_000)
            times.append((path, at))
    for path, at in reversed(times):
        os.utime(path, ns=(at, at), follow_symlinks=False)


def remove(path):
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.remove(path)


{"make": make, "change": change, "show": show, "apply": apply}[sys.argv[1]](*sys.argv[2:])
