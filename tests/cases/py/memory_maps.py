"""mmap: private, shared, of files and anonymous, across fork."""
import mmap, os, signal

with open("/work/f", "wb+") as f:
    f.write(b"a" * 10000); f.flush()
    m = mmap.mmap(f.fileno(), 0); m[0:5] = b"hello"; m.flush(); f.seek(0); print(f.read(8), m.find(b"o"), len(m))
    p = mmap.mmap(f.fileno(), 0, flags=mmap.MAP_PRIVATE); p[0:5] = b"mine!"; print(m[0:5], p[0:5])
    f.truncate(20000); m.resize(20000); m[19999] = 65; f.seek(19999); print(f.read())
    r = mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ)
    try: r[0] = 1
    except TypeError as e: print(e)
a = mmap.mmap(-1, 1 << 20); pid = os.fork()
if not pid: a[0:5] = b"child"; os._exit(0)
os.waitpid(pid, 0); print(a[0:5])
b = mmap.mmap(-1, 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS); pid = os.fork()
if not pid: b[0:5] = b"child"; os._exit(0)
os.waitpid(pid, 0); print(b[0:5])
with open("/bin/ls", "rb") as f: x = mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ); print(x[:4], len(x) == os.path.getsize("/bin/ls"))
pid = os.fork()
if not pid:
    with open("/work/f", "rb+") as f: m = mmap.mmap(f.fileno(), 20000); f.truncate(0); m[10000]
    os._exit(0)
print(os.waitpid(pid, 0)[1] == signal.SIGBUS)
