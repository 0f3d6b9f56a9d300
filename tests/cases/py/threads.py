"""Threads, locks, conditions, queues, thread-local data and a pool."""
import concurrent.futures, queue, threading, time

total, lock = 0, threading.Lock()
def add():
    global total
    for _ in range(2000):
        with lock:
            total += 1
threads = [threading.Thread(target=add) for _ in range(20)]
[t.start() for t in threads]; [t.join() for t in threads]
print(total)
q, out = queue.Queue(5), []
def consume():
    while (x := q.get()) is not None:
        out.append(x * x)
c = threading.Thread(target=consume); c.start()
for i in range(100): q.put(i)
q.put(None); c.join(); print(sum(out))
with concurrent.futures.ThreadPoolExecutor(8) as pool: print(sum(pool.map(lambda x: x * 2, range(200))))
event = threading.Event(); threading.Timer(0.1, event.set).start(); print(event.wait(100), threading.Event().wait(0.05))
barrier = threading.Barrier(4); hits = []
def meet(): barrier.wait(); hits.append(1)
ts = [threading.Thread(target=meet) for _ in range(4)]; [t.start() for t in ts]; [t.join() for t in ts]; print(len(hits))
local = threading.local(); local.x = 1; seen = []
t = threading.Thread(target=lambda: seen.append(hasattr(local, "x"))); t.start(); t.join(); print(seen)
s = threading.Semaphore(2); print(s.acquire(), s.acquire(), s.acquire(blocking=False))
