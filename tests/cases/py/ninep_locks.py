"""Locks in a mount of 9P: of processes and of files, against each other."""
import fcntl, os, struct, sys

sys.path.insert(0, "/cases/py")
from mounting import child, tried

os.chdir(sys.argv[1])
open("file", "w").write("content")


def record(file, command, kind, start, length):
    data = struct.pack("hhqqi4x", kind, os.SEEK_SET, start, length, 0)
    return struct.unpack("hhqqi4x", fcntl.fcntl(file, command, data))[:4]


def other(function):
    child(lambda: function(open("file", "r+")))


file = open("file", "r+")
tried("write lock", record, file, fcntl.F_SETLK, fcntl.F_WRLCK, 0, 10)
other(lambda mine: tried("same bytes", record, mine, fcntl.F_SETLK, fcntl.F_RDLCK, 5, 1))
other(lambda mine: tried("asked", record, mine, fcntl.F_GETLK, fcntl.F_RDLCK, 5, 1))
tried("unlock", record, file, fcntl.F_SETLK, fcntl.F_UNLCK, 0, 10)
other(lambda mine: tried("now", record, mine, fcntl.F_SETLK, fcntl.F_WRLCK, 5, 1))
tried("closed", record, file, fcntl.F_SETLK, fcntl.F_WRLCK, 0, 0)
open("file").close()
other(lambda mine: tried("by any descriptor", record, mine, fcntl.F_SETLK, fcntl.F_WRLCK, 0, 0))

tried("flock", fcntl.flock, file, fcntl.LOCK_EX)
other(lambda mine: tried("second", fcntl.flock, mine, fcntl.LOCK_SH | fcntl.LOCK_NB))
tried("unlock", fcntl.flock, file, fcntl.LOCK_UN)
other(lambda mine: tried("second", fcntl.flock, mine, fcntl.LOCK_SH | fcntl.LOCK_NB))

reader, writer = os.pipe()


def holds():
    mine = open("file", "r+")
    fcntl.lockf(mine, fcntl.LOCK_EX)
    os.write(writer, b"x")
    # Until the one who waits is about to.
    os.read(ready, 1)


ready, go = os.pipe()
pid = os.fork()
if pid == 0:
    holds()
    os._exit(0)
os.read(reader, 1)
os.write(go, b"x")
tried("waited for", fcntl.lockf, file, fcntl.LOCK_EX)
os.waitpid(pid, 0)
