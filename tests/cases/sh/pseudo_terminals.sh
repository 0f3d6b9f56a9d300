# Terminals that programs make: a pair by hand, and a shell on one.
python3 -c 'import os; m, s = os.openpty(); print(os.ttyname(s).startswith("/dev/pts/")); os.write(s, b"hi\n"); print(os.read(m, 10))'
python3 -c '
import os, pty
pid, m = pty.fork()
if pid == 0: os.execvp("sh", ["sh", "-c", "tty >/dev/null && stty size && echo on a terminal"])
out = b""
try:
    while d := os.read(m, 1000): out += d
except OSError: pass
print(out, os.waitpid(pid, 0)[1])
'
