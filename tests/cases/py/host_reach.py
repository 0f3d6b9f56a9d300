"""host_reach.py POLICY: sockets and FIFOs of the host in a bind mount at /shared, within reach (open) or not (none)."""
import os, select, socket, sys, threading

sys.path.insert(0, "/cases/py")
from mounting import told, tried, mount, umount

reached = sys.argv[1] == "open"


def connected(kind, path):
    mine = socket.socket(socket.AF_UNIX, kind)
    tried(path, mine.connect, "/shared/" + path)
    return mine


stream = connected(socket.SOCK_STREAM, "stream")
if reached:
    print(stream.getpeername(), select.select([stream], [stream], [], 0) == ([], [stream], []))
    stream.sendall(b"hello")
    # Waits for the answer.
    print(select.select([stream], [], [])[0] == [stream], stream.recv(100))
    stream.sendall(b"x" * 1000000)
    stream.shutdown(socket.SHUT_WR)
    print(stream.recv(100), stream.recv(100))
    tried("again", stream.connect, "/shared/stream")
    reader, _ = os.pipe()
    tried("descriptors stay here", socket.send_fds, stream, [b"x"], [reader])
stream.close()
# Before the host has what it waits for, and goes.
connected(socket.SOCK_STREAM, "packets")
packets = connected(socket.SOCK_DGRAM, "packets")
if reached:
    print(packets.send(b"one"), packets.send(b"two"))
connected(socket.SOCK_STREAM, "left")
connected(socket.SOCK_STREAM, "file")

if reached:
    print(open("/shared/in").read())
    with open("/shared/out", "w") as out:
        print(out.write("from inside"))
else:
    thread = threading.Thread(target=lambda: open("/shared/in", "w").write("from inside"))
    thread.start()
    print(open("/shared/in").read())
    thread.join()
tried("nobody reads", os.open, "/shared/lonely", os.O_WRONLY | os.O_NONBLOCK)
pipe = os.open("/shared/lonely", os.O_RDWR | os.O_NONBLOCK)
print(os.write(pipe, b"to myself"), os.read(pipe, 100))
tried("nothing there", os.read, pipe, 100)

os.mkdir("/work/served")
if told("mount", mount("/offered/socket", "/work/served", "9p", 0, "trans=unix,uname=root")) == 0:
    os.mkdir("/work/served/made")
    open("/work/served/made/file", "w").write("content")
    os.rename("/work/served/made/file", "/work/served/moved")
    print(sorted(os.listdir("/work/served")), open("/work/served/moved").read())
    told("umount", umount("/work/served"))
