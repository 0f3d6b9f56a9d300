"""direct_io.py DIRECTORY: O_DIRECT, from memory and to memory that is aligned, where the disk takes it."""
import errno, fcntl, mmap, os, sys

os.chdir(sys.argv[1])
BLOCK = 4096
memory = mmap.mmap(-1, 64 * BLOCK)
view = memoryview(memory)


def tried(what, function, *arguments):
    try:
        print(what, function(*arguments))
    except OSError as error:
        print(what, errno.errorcode[error.errno])


with open("file", "wb") as file:
    file.write(bytes(i % 251 for i in range(10 * BLOCK + 100)))
d = os.open("file", os.O_RDWR | os.O_DIRECT)
print("flag", bool(fcntl.fcntl(d, fcntl.F_GETFL) & os.O_DIRECT))
tried("read", os.preadv, d, [view[:BLOCK]], BLOCK)
print(bytes(memory[:5]) == bytes((BLOCK + i) % 251 for i in range(5)))
tried("read all", os.preadv, d, [view], 0)
tried("behind", os.preadv, d, [view[:BLOCK]], 11 * BLOCK)
tried("last", os.preadv, d, [view[:BLOCK]], 10 * BLOCK)
for what, offset, length in ("offset", 100, BLOCK), ("length", 0, 100), ("both", 7, 9):
    tried("read: " + what, os.preadv, d, [view[:length]], offset)
    tried("write: " + what, os.pwritev, d, [view[:length]], offset)
view[: 2 * BLOCK] = b"\xaa" * 2 * BLOCK
tried("write", os.pwritev, d, [view[: 2 * BLOCK]], 3 * BLOCK)
with open("file", "rb") as file:
    content = file.read()
print(len(content), content[3 * BLOCK : 5 * BLOCK] == b"\xaa" * 2 * BLOCK, content[5 * BLOCK :] == bytes(i % 251 for i in range(5 * BLOCK, 10 * BLOCK + 100)))
with open("file", "r+b") as file:
    file.seek(3 * BLOCK)
    file.write(b"cached")
tried("read what was cached", os.preadv, d, [view[:BLOCK]], 3 * BLOCK)
print(bytes(memory[:8]))
os.ftruncate(d, 2 * BLOCK)
tried("seek", os.lseek, d, 0, os.SEEK_END)
tried("stream", os.writev, d, [view[:BLOCK]])
tried("position", os.lseek, d, 0, os.SEEK_CUR)
a = os.open("file", os.O_WRONLY | os.O_APPEND | os.O_DIRECT)
tried("append", os.writev, a, [view[:BLOCK]])
tried("read of a writer", os.preadv, a, [view[:BLOCK]], 0)
print(os.fstat(a).st_size)
n = os.open("new", os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_DIRECT, 0o600)
tried("new", os.pwritev, n, [view[: 32 * BLOCK]], 0)
os.unlink("new")
tried("unlinked", os.preadv, n, [view], 0)
with mmap.mmap(d, 0, prot=mmap.PROT_READ, flags=mmap.MAP_SHARED) as mapped:
    print(len(mapped), mapped[:4] == bytes(range(4)))
again = os.open(f"/proc/self/fd/{n}", os.O_RDONLY | os.O_DIRECT)
tried("again", os.preadv, again, [view[:BLOCK]], BLOCK)
# The flag comes and goes, and with it what offset and length have to be.
f = os.open("file", os.O_RDWR)
flags = fcntl.fcntl(f, fcntl.F_GETFL)
for what, wanted in ("not set", flags), ("set", flags | os.O_DIRECT), ("taken back", flags), ("set again", flags | os.O_DIRECT):
    tried(what, fcntl.fcntl, f, fcntl.F_SETFL, wanted)
    print("flag", bool(fcntl.fcntl(f, fcntl.F_GETFL) & os.O_DIRECT))
    tried("odd write", os.pwritev, f, [view[:100]], 7)
    tried("odd read", os.preadv, f, [view[:100]], 7)
    tried("even read", os.preadv, f, [view[:BLOCK]], 0)
