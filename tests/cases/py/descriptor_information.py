"""/proc/PID/fdinfo: what files that are no files say of themselves."""
import ctypes, os, re, select

libc = ctypes.CDLL(None, use_errno=True)


def information(fd, keep=lambda line: True):
    """The lines after those that all descriptors have."""
    lines = open(f"/proc/self/fdinfo/{fd}").read().splitlines()
    print([line.split(":")[0] for line in lines[:4]])
    for line in lines[4:]:
        if keep(line):
            print(line)


os.chdir("/work")
os.mkdir("watched")
open("file", "w").write("content")
counter = os.eventfd(0x1234)
# Where instances have numbers, they differ from run to run.
information(counter, lambda line: not line.startswith("eventfd-id"))
os.read(counter, 8)
information(os.eventfd(1, os.EFD_SEMAPHORE), lambda line: not line.startswith("eventfd-id"))

watch = libc.inotify_init1(0)
for name, mask in (("watched", 0x100), ("file", 0x2 | 0x80000000)):
    print(libc.inotify_add_watch(watch, name.encode(), mask))
print(len(open(f"/proc/self/fdinfo/{watch}").read().splitlines()) - 4)
for line in open(f"/proc/self/fdinfo/{watch}"):
    found = re.match(r"inotify wd:(\w+) ino:(\w+) sdev:(\w+) mask:(\w+) ignored_mask:(\w+) ", line)
    if found:
        inode, device = int(found[2], 16), int(found[3], 16)
        which = [name for name in ("watched", "file") if os.stat(name).st_ino == inode]
        status = os.stat("file")
        print(found[1], which, device == os.major(status.st_dev) << 20 | os.minor(status.st_dev), found[4], found[5])

poll = select.epoll()
information(poll.fileno())
reader, writer = os.pipe()
for fd, events in ((reader, select.EPOLLIN), (writer, select.EPOLLOUT | select.EPOLLET)):
    poll.register(fd, events)
for line in sorted(open(f"/proc/self/fdinfo/{poll.fileno()}").read().splitlines()[4:]):
    line = re.sub(r" (ino|sdev):\w+", r" \1", re.sub(r"data: +\w+", "data", line))
    print(line.replace(f"{reader:8}", "reader").replace(f"{writer:8}", "writer"))
os.close(reader)
print(len(open(f"/proc/self/fdinfo/{poll.fileno()}").read().splitlines()) - 4)
