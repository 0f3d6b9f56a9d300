"""host_serve.py POLICY: sockets bound at /shared, which programs of the host connect to (create) or cannot (none). Each line of standard input says that
they have done their part."""
import os, select, socket, stat, struct, sys

sys.path.insert(0, "/cases/py")
from mounting import tried

reached = sys.argv[1] == "create"
os.umask(0o027)


def bound(kind, path):
    mine = socket.socket(socket.AF_UNIX, kind)
    mine.bind(path)
    return mine


def ready(what):
    """Waits for something to read, without which nothing is there to be read."""
    return select.select([what], [], []) == ([what], [], [])


def credentials(of):
    return struct.unpack("3i", of.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))


stream = bound(socket.SOCK_STREAM, "/shared/stream")
print(oct(stat.S_IMODE(os.stat("/shared/stream").st_mode)), stat.S_ISSOCK(os.stat("/shared/stream").st_mode))
print("bound", flush=True)
sys.stdin.readline()
stream.listen(5)
packets = bound(socket.SOCK_DGRAM, "/shared/packets")
sequence = bound(socket.SOCK_SEQPACKET, "/shared/sequence")
sequence.listen()
os.chdir("/shared/directory")
long = bound(socket.SOCK_STREAM, "l" * 107)
long.listen()
os.chdir("/")
tried("in use", bound, socket.SOCK_STREAM, "/shared/stream")
tried("in use", bound, socket.SOCK_DGRAM, "/shared/file")
stream.setblocking(False)
tried("nobody yet", stream.accept)
print("listening", flush=True)

# Those inside meet as ever.
client = socket.socket(socket.AF_UNIX)
client.connect("/shared/stream")
server, _ = stream.accept()
client.sendall(b"inside")
print(server.recv(10), server.getsockname(), credentials(client)[1:])
client.close()
server.close()

if reached:
    print(ready(stream))
    server, name = stream.accept()
    server.setblocking(True)
    print(repr(name), server.getsockname(), repr(server.getpeername()), credentials(server))
    print(ready(server), server.recv(3, socket.MSG_PEEK), server.recv(100))
    server.sendall(b"hello from inside")
    # Sent with a descriptor, which stays on the host.
    data, passed, flags, _ = server.recvmsg(100, 1000)
    print(data, passed)
    tried("descriptors stay here", socket.send_fds, server, [b"x"], [0])
    count = 0
    while got := server.recv(65536):
        count += len(got)
    server.sendall(str(count).encode())
    server.close()

    print(ready(packets), packets.recv(3, socket.MSG_PEEK))
    data, _, flags, name = packets.recvmsg(4)
    print(data, flags == socket.MSG_TRUNC, name)
    packets.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    data, passed, flags, name = packets.recvmsg(200000, 1000)
    print(len(data), flags, [struct.unpack("3i", value) for _, _, value in passed])
    inside = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    inside.sendto(b"inside", "/shared/packets")
    print(packets.recv(100))

    print(ready(sequence))
    server, _ = sequence.accept()
    print(server.recv(100), server.recv(100))
    print(server.send(b"three"), server.send(b"y" * 150000))
    print(server.recv(100))

    print(ready(long), long.accept()[0].recv(100))

    # Nobody is accepted any more.
    print("shut", stream.shutdown(socket.SHUT_RD), flush=True)
    sys.stdin.readline()
    os.unlink("/shared/stream")
    stream.close()
    again = bound(socket.SOCK_STREAM, "/shared/stream")
    again.listen()
    print("again", flush=True)
    print(again.accept()[0].recv(100))
    again.close()
    print("closed", flush=True)
else:
    packets.setblocking(False)
    sys.stdin.readline()
    tried("nobody", stream.accept)
    tried("nothing", packets.recv, 10)
sys.stdin.readline()
print(sorted(os.listdir("/shared")))
