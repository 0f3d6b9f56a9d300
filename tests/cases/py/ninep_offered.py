"""What can be done with the files of a 9P server, in the directory that is named: each line says what became of it."""
import hashlib, os, random, stat, subprocess, sys

from mounting import tried

os.chdir(sys.argv[1])
os.umask(0o022)


def put(name, what):
    with open(name, "wb") as file:
        file.write(what)


def content(name):
    with open(name, "rb") as file:
        return file.read()


def hashed(name):
    digest = hashlib.sha256()
    with open(name, "rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


print("== names")
os.makedirs("a/b")
put("a/one", b"one")
tried("list", lambda: sorted(os.listdir("a")))
tried("rename", os.rename, "a/one", "a/b/two")
tried("over another", lambda: (put("a/other", b"other"), os.rename("a/other", "a/b/two"), content("a/b/two"))[2])
tried("link", os.link, "a/b/two", "a/two")
tried("links", lambda: os.stat("a/two").st_nlink)
tried("symlink", os.symlink, "b/two", "a/link")
tried("through it", content, "a/link")
tried("unlink", os.unlink, "a/two")
tried("unlink", os.unlink, "a/two")
tried("full directory", os.rmdir, "a/b")
tried("many", lambda: [put(f"a/{n}", b"") for n in range(1000)] and len(os.listdir("a")))
tried("gone", lambda: [os.unlink(f"a/{n}") for n in range(1000)] and sorted(os.listdir("a")))

print("== attributes")
put("file", b"content")
tried("mode", lambda: (os.chmod("file", 0o640), oct(os.stat("file").st_mode))[1])
tried("times", lambda: (os.utime("file", ns=(5_000_000_007, 6_000_000_008)), os.stat("file").st_mtime_ns)[1])
tried("fifo", lambda: (os.mkfifo("fifo"), stat.S_ISFIFO(os.lstat("fifo").st_mode))[1])
tried("set", os.setxattr, "file", "user.colour", b"blue")
tried("get", os.getxattr, "file", "user.colour")
tried("new only", os.setxattr, "file", "user.colour", b"red", os.XATTR_CREATE)
tried("old only", os.setxattr, "file", "user.none", b"red", os.XATTR_REPLACE)
tried("long", lambda: (os.setxattr("file", "user.long", bytes(3000)), len(os.getxattr("file", "user.long")))[1])
tried("list", lambda: sorted(name for name in os.listxattr("file") if name.startswith("user.")))
tried("remove", os.removexattr, "file", "user.colour")
tried("none", os.getxattr, "file", "user.colour")

print("== large")
pieces = random.Random(9)
with open("large", "wb") as file:
    for _ in range(64):
        file.write(pieces.randbytes(1 << 20))
print(hashed("large"))
tried("beyond 4 GiB", lambda: (os.truncate("large", (5 << 30) + 3), os.stat("large").st_size)[1])
with open("large", "r+b") as file:
    tried("written there", os.pwrite, file.fileno(), b"far away", 5 << 30)
    tried("read there", os.pread, file.fileno(), 100, (5 << 30) - 2)
    tried("in the middle", os.pread, file.fileno(), 4, 64 << 20)
    tried("synchronised", os.fsync, file.fileno())
    tried("cut", lambda: (os.truncate("large", 64 << 20), os.fstat(file.fileno()).st_size)[1])
print(hashed("large"))
os.unlink("large")

print("== locks")
subprocess.run(["python3", "/cases/py/ninep_locks.py", os.getcwd()], check=True)
