"""host_changes.py DIRECTORY: what inotify(7) tells of a directory in which others make changes too. They make theirs when this says so, the last of which is a
file with a name that begins with end."""
import ctypes, os, select, struct, sys, threading

libc = ctypes.CDLL(None, use_errno=True)
directory = sys.argv[1]
NAMES = {0x2: "MODIFY", 0x4: "ATTRIB", 0x8: "CLOSE_WRITE", 0x40: "MOVED_FROM", 0x80: "MOVED_TO", 0x100: "CREATE", 0x200: "DELETE", 0x400: "DELETE_SELF",
         0x800: "MOVE_SELF", 0x8000: "IGNORED", 0x40000000: "ISDIR"}
# Without what only looks.
CHANGES = 0xfff & ~(0x1 | 0x10 | 0x20)

fd = libc.inotify_init1(os.O_NONBLOCK)
watches = {}


def watch(path):
    number = libc.inotify_add_watch(fd, os.path.join(directory, path).encode(), CHANGES)
    if number < 0:
        raise OSError(ctypes.get_errno(), path)
    watches[number] = path


def read():
    """The events that wait."""
    try:
        data = os.read(fd, 1 << 16)
    except BlockingIOError:
        return []
    events = []
    while data:
        number, bits, cookie, length = struct.unpack("iIII", data[:16])
        name = data[16:16 + length].rstrip(b"\0").decode()
        words = " ".join(word for bit, word in NAMES.items() if bits & bit)
        events.append((watches.get(number, number), words, cookie, name))
        data = data[16 + length:]
    return events


def until(end):
    """All events until the others have ended, each once where it only repeats the one before."""
    all, cookies, ended = [], {}, False
    while not ended:
        for where, words, cookie, name in read():
            if name == end:
                ended = words == "CLOSE_WRITE"
                continue
            event = (where, words, cookies.setdefault(cookie, len(cookies) + 1) if cookie else 0, name)
            if not all or all[-1] != event:
                all.append(event)
        if not ended:
            select.select([fd], [], [])
    return all


def show(what, events):
    for where, words, cookie, name in events:
        print(what, where, words, cookie, name)


def at(name):
    return os.path.join(directory, name)


def own():
    """Changes of this process."""
    with open(at("own"), "w") as file:
        file.write("x")
        file.flush()
        print("at once", [event[1] for event in read()])
        file.write("y")
    os.chmod(at("own"), 0o600)
    os.rename(at("own"), at("own2"))
    os.rename(at("own2"), at("sub/own"))
    os.truncate(at("sub/own"), 10)
    os.utime(at("sub/own"), (1, 2))
    os.link(at("sub/own"), at("sub/link"))
    os.chown(at("sub/link"), 1, 2)
    os.setxattr(at("sub/own"), "user.a", b"b")
    os.symlink("own", at("sub/symlink"))
    os.unlink(at("sub/link"))
    os.mkdir(at("sub/made"), 0o2755)
    os.rmdir(at("sub/made"))
    os.mkfifo(at("sub/fifo"))
    # A file of somebody else's has to be given to him.
    os.setegid(77)
    os.seteuid(77)
    os.close(os.open(at("theirs"), os.O_CREAT | os.O_WRONLY, 0o4750))
    os.seteuid(0)
    os.setegid(0)
    with open(at("other"), "w") as file:
        os.posix_fallocate(file.fileno(), 0, 10)
        os.ftruncate(file.fileno(), 5)
    os.unlink(at("other"))


watch("")
watch("watched")
watch("sub")
print("go", flush=True)
show("theirs", until("end1"))

watch("kept")
own()
print("go", flush=True)
show("own", until("end2"))

# Both at a time.
thread = threading.Thread(target=lambda: [os.close(os.open(at(f"g{number}"), os.O_CREAT | os.O_WRONLY)) for number in range(200)])
print("go", flush=True)
thread.start()
made = [name for _, words, _, name in until("end3") if words == "CREATE"]
thread.join()
made += [name for _, words, _, name in read() if words == "CREATE"]
print(sorted(made) == sorted([f"g{number}" for number in range(200)] + [f"h{number}" for number in range(200)]), len(made))

# What is watched no more is not heard of.
for number in list(watches):
    libc.inotify_rm_watch(fd, number)
print(sum(1 for event in read() if event[1] == "IGNORED"))
print("go", flush=True)
sys.stdin.readline()
print(read())
