"""Handlers, masks, timers, wake-up descriptors and waits."""
import os, select, signal, time

got = []
def until(holds):
    end = time.monotonic() + 100
    while not holds() and time.monotonic() < end: time.sleep(0.01)
for s in (signal.SIGUSR1, signal.SIGUSR2, signal.SIGRTMIN, signal.SIGRTMIN + 1): signal.signal(s, lambda n, f: got.append(n))
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1, signal.SIGUSR2, signal.SIGRTMIN, signal.SIGRTMIN + 1])
for s in (signal.SIGRTMIN + 1, signal.SIGRTMIN, signal.SIGRTMIN, signal.SIGUSR2, signal.SIGUSR1, signal.SIGUSR1): os.kill(os.getpid(), s)
print(sorted(signal.sigpending())); print(signal.sigwait([signal.SIGUSR1])); signal.pthread_sigmask(signal.SIG_SETMASK, []); print(sorted(got))
print(signal.sigtimedwait([signal.SIGUSR1], 0.05)); r, w = os.pipe(); os.set_blocking(w, False); signal.set_wakeup_fd(w); signal.signal(signal.SIGALRM, lambda n, f: got.append(n))
signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05); print(select.select([r], [], [], 100)[0] == [r], os.read(r, 1)); until(lambda: got.count(signal.SIGALRM) >= 4); signal.setitimer(signal.ITIMER_REAL, 0); print(got.count(signal.SIGALRM) >= 4)
class Stop(Exception): pass
def stop(n, f): raise Stop
signal.signal(signal.SIGALRM, stop); signal.alarm(1)
try: os.read(os.pipe()[0], 1)
except Stop: print("interrupted read")
pid = os.fork()
if not pid: signal.pause()
os.kill(pid, signal.SIGSTOP); print(os.WSTOPSIG(os.waitpid(pid, os.WUNTRACED)[1])); os.kill(pid, signal.SIGCONT); print(os.WIFCONTINUED(os.waitpid(pid, os.WCONTINUED)[1])); os.kill(pid, signal.SIGTERM); print(os.waitpid(pid, 0)[1])
signal.signal(signal.SIGCHLD, lambda n, f: got.append(n)); os.fork() or os._exit(0); until(lambda: signal.SIGCHLD in got); print(signal.SIGCHLD in got); print(os.waitid(os.P_ALL, 0, os.WEXITED).si_status)
