"""Mounts of 9P that cannot be, servers that go or stall, and users for whom a mount is not."""
import os, signal, socket, struct, sys, threading

sys.path.insert(0, "/cases/py")
from mounting import NEWNS, child, mount, told, umount

NEWUSER = 0x10000000
AT = "/work/at"
os.mkdir(AT)


def refused(what, options, source="none"):
    told(what, mount(source, AT, "9p", 0, options))


refused("no descriptors", "trans=fd")
refused("not open", "trans=fd,rfdno=77,wfdno=77")
reading, writing = os.pipe()
refused("not for that", f"trans=fd,rfdno={reading},wfdno={reading}")
refused("other dialect", "trans=fd,rfdno=0,wfdno=1,version=9p2000.u")
refused("other transport", "trans=virtio")
refused("small messages", "trans=unix,msize=1000", "/work/none")
refused("nobody's number", "access=somebody")
refused("no socket", "trans=unix", "/work/none")
refused("no socket's path", "trans=unix", "/" + "x" * 200)
refused("no server", "trans=tcp,port=1", "127.0.0.1")
refused("no address", "trans=tcp", "localhost")
open("/work/file", "w").close()
refused("a file", "trans=unix", "/work/file")
child(lambda: refused("another user", f"trans=fd,rfdno={reading},wfdno={writing}"), NEWUSER | NEWNS)


def message(kind, tag, body):
    return struct.pack("<IBH", len(body) + 7, kind, tag) + body


def served(answers):
    """A server that gives these answers in turn, and then what it is asked; and the mount's end."""
    ours, theirs = socket.socketpair()

    def serve():
        for answer in answers:
            size = struct.unpack("<I", ours.recv(4, socket.MSG_WAITALL))[0]
            _, tag = struct.unpack("<BH", ours.recv(3, socket.MSG_WAITALL))
            if size > 7:
                ours.recv(size - 7, socket.MSG_WAITALL)
            if answer is None:
                ours.close()
                return
            ours.sendall(message(answer[0], tag, answer[1]))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    return ours, theirs, thread


VERSION = (101, struct.pack("<IH8s", 8192, 8, b"9P2000.L"))
ATTACH = (105, b"\x80" + bytes(12))
ROOT = (25, struct.pack("<Q", 0x7FF) + b"\x80" + bytes(12) + struct.pack("<III", 0o40755, 0, 0) + struct.pack("<Q", 2) + bytes(112))
ENOENT = (7, struct.pack("<I", 2))


def with_server(what, answers, use=None):
    ours, theirs, thread = served(answers)
    number = theirs.fileno()
    options = f"trans=fd,rfdno={number},wfdno={number},access=any"
    if told(what, mount("none", AT, "9p", 0, options)) == 0:
        theirs.close()
        if use:
            use(ours, thread)
        told("umount", umount(AT, 2))


def looked():
    try:
        print("found", os.listdir(AT))
    except OSError as error:
        print(error.strerror)


with_server("another dialect", [(101, struct.pack("<IH7s", 8192, 7, b"unknown"))])
with_server("nonsense", [(101, b"x")])
with_server("a closed connection", [None])
with_server("a root that is none", [VERSION, ATTACH, (25, ROOT[1][:21] + struct.pack("<I", 0o100644) + ROOT[1][25:])])
with_server("not let in", [VERSION, (7, struct.pack("<I", 13))])


def goes(ours, thread):
    thread.join()
    ours.close()
    looked()
    looked()


with_server("a server that goes", [VERSION, ATTACH, ROOT], goes)


def stalls(ours, thread):
    thread.join()
    pid = os.fork()
    if pid == 0:
        looked()
        os._exit(0)
    # The request is there: it waits for an answer that never comes.
    assert ours.recv(4, socket.MSG_WAITALL | socket.MSG_PEEK)
    os.kill(pid, signal.SIGKILL)
    print("killed by", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    ours.setblocking(True)
    kinds = []
    while 108 not in kinds:
        size, kind, tag = struct.unpack("<IBH", ours.recv(7, socket.MSG_WAITALL))
        ours.recv(size - 7, socket.MSG_WAITALL)
        kinds.append(kind)
    print("asked to forget it")


with_server("a server that stalls", [VERSION, ATTACH, ROOT], stalls)
with_server("errors of its own", [VERSION, ATTACH, ROOT, (7, struct.pack("<I", 512))], lambda *_: looked())
