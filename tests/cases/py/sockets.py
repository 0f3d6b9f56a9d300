"""TCP and UDP on the loopback, and AF_UNIX in all types, with descriptors passed."""
import array, os, socket, threading

def serve(s):
    c, _ = s.accept()
    while data := c.recv(65536): c.sendall(data)
    c.close()
for family, address in ((socket.AF_INET, ("127.0.0.1", 0)), (socket.AF_UNIX, "/work/s"), (socket.AF_UNIX, "\0abstract")):
    s = socket.socket(family); s.bind(address); s.listen(); threading.Thread(target=serve, args=(s,)).start()
    c = socket.create_connection(s.getsockname()) if family == socket.AF_INET else socket.socket(family)
    if family == socket.AF_UNIX: c.connect(s.getsockname())
    w = threading.Thread(target=lambda: (c.sendall(b"y" * 500000), c.shutdown(socket.SHUT_WR))); w.start(); n = 0
    while d := c.recv(65536): n += len(d)
    print(n); w.join(); c.close(); s.close()
a, b = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)); a.bind(("127.0.0.1", 0)); b.sendto(b"datagram", a.getsockname()); print(a.recvfrom(100)[0])
for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):
    a, b = socket.socketpair(socket.AF_UNIX, kind); a.send(b"one"); a.send(b"two"); print(b.recv(100)); a.close()
a, b = socket.socketpair(); r, w = os.pipe(); socket.send_fds(a, [b"fd"], [w]); os.close(w); m, fds, _, _ = socket.recv_fds(b, 10, 1); os.write(fds[0], b"via passed"); print(m, os.read(r, 100))
b.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1); a.send(b"x"); d = b.recvmsg(10, 100)[1]; print(array.array("i", d[0][2])[1:] == array.array("i", [os.getuid(), os.getgid()]))
for f in (lambda: socket.create_connection(("127.0.0.1", 1)), lambda: socket.socket(socket.AF_UNIX).connect("/work/none"), lambda: socket.socket().listen(-1) or socket.socket().recv(1)):
    try: f()
    except OSError as e: print(e.errno)
s = socket.socket(); s.settimeout(0.1); s.bind(("127.0.0.1", 0)); s.listen()
try: s.accept()
except TimeoutError: print("timed out")
print(s.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE), s.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
