"""Pools, queues, shared values and managers between processes."""
import multiprocessing as mp, os

def square(x): return x * x
def fill(q, n): [q.put(i) for i in range(n)]
def bump(v, n):
    for _ in range(n):
        with v.get_lock(): v.value += 1
def greet(c): c.send(["child", c.recv()]); c.close()

if __name__ == "__main__":
    for method in ("fork", "spawn", "forkserver"):
        ctx = mp.get_context(method)
        with ctx.Pool(4) as pool: print(method, sum(pool.map(square, range(1000))))
    q = mp.Queue(); p = mp.Process(target=fill, args=(q, 500)); p.start(); print(sum(q.get() for _ in range(500))); p.join(); print(p.exitcode)
    v = mp.Value("i", 0); ps = [mp.Process(target=bump, args=(v, 300)) for _ in range(4)]; [p.start() for p in ps]; [p.join() for p in ps]; print(v.value)
    a, b = mp.Pipe(); p = mp.Process(target=greet, args=(b,)); p.start(); a.send("hello"); print(a.recv()); p.join()
    with mp.Manager() as m: d = m.dict(); d["x"] = 1; print(dict(d))
    from multiprocessing import shared_memory
    s = shared_memory.SharedMemory(create=True, size=4096); s.buf[:5] = b"hello"; t = shared_memory.SharedMemory(s.name); print(bytes(t.buf[:5])); t.close(); s.close(); s.unlink()
