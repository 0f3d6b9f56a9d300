# Filters as libseccomp makes them: lists, conditions, a default, and what the program can still do.
import ctypes
import errno
import os
import signal

lib = ctypes.CDLL("libseccomp.so.2")
lib.seccomp_init.restype = ctypes.c_void_p
ALLOW, KILL, LOG, TRAP = 0x7FFF0000, 0x80000000, 0x7FFC0000, 0x00030000
EQ, NE, GT, MASKED = 4, 1, 6, 7


def errno_action(number):
    return 0x00050000 | number


class Condition(ctypes.Structure):
    _fields_ = [("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]


def load(default, rules):
    context = ctypes.c_void_p(lib.seccomp_init(ctypes.c_uint32(default)))
    for action, name, *conditions in rules:
        number = lib.seccomp_syscall_resolve_name(name.encode())
        array = (Condition * len(conditions))(*conditions)
        result = lib.seccomp_rule_add_array(context, ctypes.c_uint32(action), number, len(conditions), array)
        assert result == 0, (name, result)
    result = lib.seccomp_load(context)
    lib.seccomp_release(context)
    return result


def child(text, body):
    pid = os.fork()
    if pid == 0:
        try:
            body()
        except OSError as error:
            print(text, "failed:", errno.errorcode[error.errno], flush=True)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    how = signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
    print(text, how, flush=True)


def deny_list():
    print(load(ALLOW, [(errno_action(errno.EPERM), "mkdir"), (errno_action(errno.ENOSYS), "getppid"), (LOG, "rmdir")]))
    for act in (lambda: os.mkdir("/tmp/a"), lambda: os.rmdir("/tmp/none"), os.getppid):
        try:
            print(act())
        except OSError as error:
            print(errno.errorcode[error.errno])


def conditions():
    print(load(ALLOW, [
        (errno_action(errno.EACCES), "dup2", Condition(0, EQ, 2, 0), Condition(1, GT, 100, 0)),
        (errno_action(errno.EBUSY), "socket", Condition(0, NE, 1, 0)),
        (errno_action(errno.EROFS), "openat", Condition(2, MASKED, 3, 1)),
    ]))
    for act in (lambda: os.dup2(2, 101), lambda: os.dup2(2, 99), lambda: os.dup2(1, 101),
                lambda: os.open("/dev/null", os.O_WRONLY) > 0, lambda: os.open("/dev/null", os.O_RDWR) > 0):
        try:
            print(act())
        except OSError as error:
            print(errno.errorcode[error.errno])
    import socket
    for family in (socket.AF_INET, socket.AF_UNIX):
        try:
            socket.socket(family).close()
            print("made")
        except OSError as error:
            print(errno.errorcode[error.errno])


def allow_list():
    names = ["write", "exit_group", "exit", "rt_sigreturn", "brk", "munmap", "futex", "rt_sigaction"]
    print(load(KILL, [(ALLOW, name) for name in names]), flush=True)
    os.write(1, b"written\n")
    os.getppid()


def many_rules():
    rules = [(errno_action(40 + n % 50), "fcntl", Condition(0, EQ, 10000 + n, 0)) for n in range(200)]
    print(load(ALLOW, rules))
    import fcntl
    found = []
    for n in range(200):
        try:
            fcntl.fcntl(10000 + n, fcntl.F_GETFD)
        except OSError as error:
            found.append(error.errno == 40 + n % 50)
    print(found.count(True))


lib.prctl = ctypes.CDLL(None).prctl
child("deny list", deny_list)
child("conditions", conditions)
child("allow list", allow_list)
child("many rules", many_rules)


def nested():
    load(ALLOW, [(errno_action(errno.EPERM), "getppid")])
    load(ALLOW, [(errno_action(errno.EINVAL), "getppid"), (TRAP, "mkdir")])
    try:
        print(os.getppid())
    except OSError as error:
        print(error)
    print(os.system("echo a shell; grep Seccomp /proc/self/status"))
    os.mkdir("/tmp/b")


child("nested", nested)
