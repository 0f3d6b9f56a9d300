"""mount(2) and its relatives for the other programs, and mountinfo without what differs from run to run."""
import ctypes, errno, functools, os

# What child processes print shall come in its place.
print = functools.partial(print, flush=True)

libc = ctypes.CDLL(None, use_errno=True)
RDONLY, NOSUID, NODEV, NOEXEC, REMOUNT, NOSYMFOLLOW, NOATIME, NODIRATIME = 1, 2, 4, 8, 32, 256, 1024, 2048
BIND, MOVE, REC, SILENT = 4096, 8192, 16384, 32768
UNBINDABLE, PRIVATE, SLAVE, SHARED, RELATIME, STRICTATIME = 1 << 17, 1 << 18, 1 << 19, 1 << 20, 1 << 21, 1 << 24
FORCE, DETACH, EXPIRE, NOFOLLOW = 1, 2, 4, 8
NEWNS, NEWUTS, NEWIPC = 0x20000, 0x4000000, 0x8000000


def told(what, result):
    """Prints the name of the error, or the result."""
    print(what, errno.errorcode[ctypes.get_errno()] if result < 0 else "ok" if result == 0 else result)
    return result


def text(value):
    return value.encode() if isinstance(value, str) else value


def mount(source, target, kind=None, flags=0, data=None):
    return libc.mount(text(source), text(target), text(kind), ctypes.c_ulong(flags), text(data))


def umount(target, flags=0):
    return libc.umount2(text(target), flags)


def syscall(number, *arguments):
    converted = [ctypes.c_char_p(text(a)) if isinstance(a, (str, bytes)) else ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    return libc.syscall(ctypes.c_long(number), *converted)


def tried(what, function, *arguments, **named):
    """Prints what a Python function returns, or the name of its error."""
    try:
        print(what, function(*arguments, **named))
    except OSError as error:
        print(what, errno.errorcode[error.errno])


def table(below="/work", options=False):
    """The mounts below a path: groups and parents by their order instead of by their number."""
    groups = {}
    rows = [line.rstrip("\n").split(" - ") for line in open("/proc/self/mountinfo")]
    places = {before.split(" ")[0]: before.split(" ")[4] for before, _ in rows}
    for before, after in rows:
        _, parent, _, root, place, flags, *fields = before.split(" ")
        if not place.startswith(below):
            continue
        fields = [f"{f.split(':')[0]}:{groups.setdefault(f.split(':')[1], len(groups))}" if ":" in f else f for f in fields]
        print("  ", places.get(parent, "?"), root, place, flags, *fields, "-", after if options else after.split(" ")[0])


def child(function, flags=0):
    """Runs a function in a process of its own, with namespaces of its own if flags say so."""
    pid = os.fork()
    if pid == 0:
        code = 0
        try:
            if flags:
                told("unshare", libc.unshare(flags))
            function()
        except Exception as problem:
            print("problem:", problem)
            code = 1
        os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
