"""select, poll, epoll, eventfd and pipes that fill."""
import os, select, threading, time

r, w = os.pipe(); print(select.select([r], [w], [], 0)); os.write(w, b"x"); print(len(select.select([r], [], [], 100)[0])); p = select.poll(); p.register(r, select.POLLIN); print(p.poll(0)[0][1]); os.read(r, 1); t = time.monotonic(); print(p.poll(100), time.monotonic() - t >= 0.09)
e = select.epoll(); e.register(r, select.EPOLLIN | select.EPOLLET); threading.Timer(0.05, os.write, (w, b"later")).start(); print([m for _, m in e.poll(100)], e.poll(0)); os.close(w); print([m for _, m in e.poll(100)])
v = os.eventfd(3); print(os.eventfd_read(v)); os.eventfd_write(v, 7); print(select.select([v], [], [], 0)[0] == [v], os.eventfd_read(v)); r, w = os.pipe(); os.set_blocking(w, False); n = 0
try:
    while True: n += os.write(w, b"z" * 4096)
except BlockingIOError: print(n)
print(select.select([], [w], [], 0)[1]); print(len(os.read(r, 65536))); print(select.select([], [w], [], 0)[1] == [w]); os.close(r)
try: os.write(w, b"x")
except BrokenPipeError as error: print(error.errno)
