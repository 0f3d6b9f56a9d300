# ioctl_tty(2) on both sides of a pair, open and close, packet mode, hang-ups.
import array, errno, fcntl, os, select, signal, stat, struct, sys, termios, time
from settling import settle

TIOCGPTN, TIOCSPTLCK, TIOCGPTLCK, TIOCGPTPEER, TIOCGPKT = 0x80045430, 0x40045431, 0x80045439, 0x5441, 0x80045438
TIOCSIG, TIOCGEXCL, TIOCGDEV, TCGETS2, TCSETS2, TCGETA, TCSETA = 0x40045436, 0x80045440, 0x80045432, 0x802C542A, 0x402C542B, 0x5405, 0x5406


def say(what, *results):
    print(what, *results, flush=True)


def tried(f, *args):
    try:
        return f(*args)
    except (OSError, termios.error) as e:
        return errno.errorcode[e.args[0]]


def number(fd, request):
    a = array.array("i", [-1])
    r = tried(fcntl.ioctl, fd, request, a)
    return a[0] if r == 0 else r


def put(fd, request, n):
    return tried(fcntl.ioctl, fd, request, array.array("i", [n]))


def events(fd):
    p = select.poll()
    p.register(fd, 0x1 | 0x2 | 0x4 | 0x8 | 0x10 | 0x40 | 0x100 | 0x2000)
    settle()
    return [e for _, e in p.poll(0)]


def opening():
    m = os.open("/dev/ptmx", os.O_RDWR | os.O_NOCTTY)
    n = number(m, TIOCGPTN)
    name = f"/dev/pts/{n}"
    st = os.fstat(m)
    say("master", os.major(st.st_rdev), os.minor(st.st_rdev), stat.S_ISCHR(st.st_mode))
    st = os.stat(name)
    say("slave", os.major(st.st_rdev), os.minor(st.st_rdev) == n, stat.S_ISCHR(st.st_mode), st.st_uid, st.st_ino == n + 3)
    say("locked", number(m, TIOCGPTLCK), tried(os.open, name, os.O_RDWR | os.O_NOCTTY))
    say("read before open", events(m))
    say("unlock", put(m, TIOCSPTLCK, 0), number(m, TIOCGPTLCK))
    say("write before open", tried(os.write, m, b"early\n"), tried(os.read, m, 100))
    s = os.open(name, os.O_RDWR | os.O_NOCTTY)
    say("read after open", tried(os.read, s, 100))
    say("tty", os.ttyname(s) == name, os.isatty(m), os.isatty(s))
    os.close(s)
    say("closed", events(m), tried(os.read, m, 100), tried(os.write, m, b"late\n"))
    peer = tried(fcntl.ioctl, m, TIOCGPTPEER, os.O_RDWR | os.O_NOCTTY)
    say("peer", os.ttyname(peer) == name, tried(os.read, peer, 100), tried(os.read, m, 100))
    say("opened again", events(m), events(peer))
    say("exists", os.path.exists(name), str(n) in os.listdir("/dev/pts"))
    os.write(peer, b"last words")
    settle()
    os.close(peer)
    say("what was written stays", events(m), tried(os.read, m, 100), tried(os.read, m, 100))
    os.close(m)
    say("gone", os.path.exists(name), tried(os.open, name, os.O_RDWR))


def slave_alone():
    m, s = os.openpty()
    name = os.ttyname(s)
    os.write(m, b"typed\n")
    settle()
    os.close(m)
    say("master closed", events(s), tried(os.read, s, 100), tried(os.write, s, b"x"), os.path.exists(name))
    say("requests", number(s, termios.FIONREAD), tried(termios.tcgetattr, s), os.isatty(s))
    say("group", tried(os.tcgetpgrp, s), tried(os.tcsetpgrp, s, os.getpgrp()))
    os.close(s)


def requests():
    m, s = os.openpty()
    for fd in (m, s):
        say("size", struct.unpack("HHHH", fcntl.ioctl(fd, termios.TIOCGWINSZ, b"\0" * 8)))
    fcntl.ioctl(m, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 1, 2))
    say("size", struct.unpack("HHHH", fcntl.ioctl(s, termios.TIOCGWINSZ, b"\0" * 8)))
    fcntl.ioctl(s, termios.TIOCSWINSZ, struct.pack("HHHH", 25, 81, 1, 2))
    say("size", struct.unpack("HHHH", fcntl.ioctl(m, termios.TIOCGWINSZ, b"\0" * 8)))
    say("settings", fcntl.ioctl(s, termios.TCGETS, b"\0" * 36), fcntl.ioctl(m, termios.TCGETS, b"\0" * 36))
    say("settings 2", fcntl.ioctl(s, TCGETS2, b"\0" * 44))
    say("termio", fcntl.ioctl(s, TCGETA, b"\0" * 18))
    a = termios.tcgetattr(s)
    a[4] = a[5] = termios.B115200
    a[2] = (a[2] & ~termios.CSIZE) | termios.CS7 | termios.PARENB | termios.HUPCL
    termios.tcsetattr(s, termios.TCSANOW, a)
    say("changed", fcntl.ioctl(m, TCGETS2, b"\0" * 44))
    t2 = bytearray(fcntl.ioctl(s, TCGETS2, b"\0" * 44))
    t2[8:12] = struct.pack("I", struct.unpack("I", t2[8:12])[0] & ~0x100F | 0x1000)
    t2[36:44] = struct.pack("II", 12345, 54321)
    fcntl.ioctl(s, TCSETS2, bytes(t2))
    say("odd speeds", fcntl.ioctl(m, TCGETS2, b"\0" * 44))
    t = bytearray(fcntl.ioctl(s, TCGETA, b"\0" * 18))
    t[0:2] = b"\0\0"
    fcntl.ioctl(s, TCSETA, bytes(t))
    say("termio set", fcntl.ioctl(m, TCGETS2, b"\0" * 44))
    for name in "FIONREAD TIOCOUTQ TIOCGETD TIOCMGET TIOCGPGRP TIOCGSID TIOCGSOFTCAR".split():
        request = getattr(termios, name, 0x5429 if name == "TIOCGSID" else None)
        say(name, number(m, request), number(s, request))
    for name, request in [("TIOCGPTN", TIOCGPTN), ("TIOCGPKT", TIOCGPKT), ("TIOCGPTLCK", TIOCGPTLCK)]:
        say(name, number(s, request))
    say("TIOCGDEV", number(s, TIOCGDEV) == number(m, TIOCGDEV) == os.fstat(s).st_rdev)
    say("TIOCSETD", put(s, termios.TIOCSETD, 0), put(s, termios.TIOCSETD, 1000))
    say("exclusive", tried(fcntl.ioctl, s, termios.TIOCEXCL), number(s, TIOCGEXCL), number(m, TIOCGEXCL))
    fcntl.ioctl(s, termios.TIOCNXCL)
    say("break", tried(termios.tcsendbreak, s, 0), tried(termios.tcdrain, s), tried(termios.tcsendbreak, m, 0))
    say("bad flow", tried(termios.tcflow, s, 9), tried(termios.tcflush, s, 9))
    say("unknown", tried(fcntl.ioctl, s, 0x5499), tried(fcntl.ioctl, m, 0x5499), tried(fcntl.ioctl, s, TIOCSIG, 2))
    say("seek", tried(os.lseek, s, 0, 0), tried(os.pread, s, 1, 0), tried(os.fsync, s), tried(os.ftruncate, s, 0))
    say("fault", tried(fcntl.ioctl, s, termios.TCGETS, 1), tried(fcntl.ioctl, s, termios.TIOCSWINSZ, 1))
    say("empty", tried(os.read, s, 0), tried(os.write, s, b""))
    os.close(m)
    os.close(s)


def flow():
    m, s = os.openpty()
    os.set_blocking(m, False)
    os.set_blocking(s, False)
    os.write(m, b"typed\n")
    settle()
    termios.tcflush(s, termios.TCIFLUSH)
    say("flushed", tried(os.read, s, 10), os.read(m, 100))
    termios.tcflow(s, termios.TCOOFF)
    say("held", tried(os.write, s, b"x"), events(s))
    os.write(m, b"\x11")
    settle()
    say("START does not help", tried(os.write, s, b"x"))
    termios.tcflow(s, termios.TCOON)
    say("on", tried(os.write, s, b"x"), events(s), os.read(m, 10))
    termios.tcflow(s, termios.TCIOFF)
    termios.tcflow(s, termios.TCION)
    settle()
    say("stop and start for the other side", os.read(m, 10))
    os.write(s, b"unread")
    settle()
    termios.tcflush(m, termios.TCIFLUSH)
    say("the other side flushes", tried(os.read, m, 10))
    os.close(m)
    os.close(s)


def packets():
    m, s = os.openpty()
    os.set_blocking(m, False)
    put(m, termios.TIOCPKT, 1)
    say("packets", number(m, TIOCGPKT), events(m), tried(os.read, m, 10))
    os.write(s, b"data")
    settle()
    say("data", events(m), os.read(m, 3), os.read(m, 10), tried(os.read, m, 10))
    termios.tcflush(s, termios.TCIFLUSH)
    say("flush", events(m), os.read(m, 10))
    termios.tcflush(s, termios.TCOFLUSH)
    say("flush", os.read(m, 10))
    termios.tcflush(s, termios.TCIOFLUSH)
    say("flush", os.read(m, 10))
    termios.tcflow(s, termios.TCOOFF)
    say("stop", os.read(m, 10))
    termios.tcflow(s, termios.TCOON)
    say("start", os.read(m, 10))
    a = termios.tcgetattr(s)
    a[0] &= ~termios.IXON
    termios.tcsetattr(s, termios.TCSANOW, a)
    say("no flow control", os.read(m, 10))
    a[0] |= termios.IXON
    termios.tcsetattr(s, termios.TCSANOW, a)
    say("flow control", os.read(m, 10))
    a[3] |= 0x10000
    termios.tcsetattr(s, termios.TCSANOW, a)
    say("extproc", os.read(m, 10))
    a[3] &= ~0x10000
    termios.tcsetattr(s, termios.TCSANOW, a)
    say("no extproc", os.read(m, 10), tried(os.read, m, 10))
    os.write(m, b"\x03")
    settle()
    say("interrupt", tried(os.read, m, 10), tried(os.read, m, 10), tried(os.read, m, 10))
    put(m, termios.TIOCPKT, 0)
    os.write(s, b"data")
    settle()
    say("no packets", os.read(m, 10))
    os.close(m)
    os.close(s)


def sessions():
    m, s = os.openpty()
    name = os.ttyname(s)
    r, w = os.pipe()
    pid = os.fork()
    if pid == 0:
        sys.stdout = os.fdopen(w, "w")
        os.setsid()
        say("no terminal", tried(os.open, "/dev/tty", os.O_RDWR), tried(os.tcgetpgrp, s), tried(os.tcsetpgrp, s, os.getpid()))
        other = os.open(name, os.O_RDWR | os.O_NOCTTY)
        say("still none", tried(os.open, "/dev/tty", os.O_RDWR))
        write_only = os.open(name, os.O_WRONLY)
        say("write-only gives none", tried(os.open, "/dev/tty", os.O_RDWR))
        os.open(name, os.O_RDWR)
        t = tried(os.open, "/dev/tty", os.O_RDWR)
        st = os.fstat(t)
        say("acquired", os.major(st.st_rdev), os.minor(st.st_rdev), os.tcgetpgrp(t) == os.getpid(), number(t, 0x5429) == os.getpid())
        say("name of /dev/tty", os.ttyname(t))
        say("master sees", os.tcgetpgrp(m) == os.getpid(), number(m, 0x5429) == os.getpid(), tried(os.tcsetpgrp, m, os.getpid()))
        say("again", tried(fcntl.ioctl, s, termios.TIOCSCTTY, 0))
        child = os.fork()
        if child == 0:
            say("child", tried(fcntl.ioctl, s, termios.TIOCSCTTY, 0))
            say("child gives up", tried(fcntl.ioctl, t, termios.TIOCNOTTY), tried(os.open, "/dev/tty", os.O_RDWR), tried(os.tcgetpgrp, s))
            sys.stdout.flush()
            os._exit(0)
        os.waitpid(child, 0)
        child = os.fork()
        if child == 0:
            os.setsid()
            say("another session", tried(fcntl.ioctl, s, termios.TIOCSCTTY, 0), tried(os.tcgetpgrp, s))
            sys.stdout.flush()
            os._exit(0)
        os.waitpid(child, 0)
        say("bad groups", tried(os.tcsetpgrp, t, -1), tried(os.tcsetpgrp, t, 99999), tried(os.tcsetpgrp, t, 1))
        signal.signal(signal.SIGHUP, lambda *a: say("SIGHUP"))
        signal.signal(signal.SIGCONT, lambda *a: say("SIGCONT"))
        say("give up", tried(fcntl.ioctl, t, termios.TIOCNOTTY))
        say("given up", tried(os.open, "/dev/tty", os.O_RDWR), tried(os.write, t, b"x"))
        sys.stdout.flush()
        os._exit(0)
    os.close(w)
    print(os.fdopen(r).read(), end="")
    os.waitpid(pid, 0)
    os.close(m)
    os.close(s)


def window_signal():
    m, s = os.openpty()
    r, w = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.setsid()
        fcntl.ioctl(s, termios.TIOCSCTTY, 0)
        signal.signal(signal.SIGWINCH, lambda *a: os.write(w, b"%d\n" % os.get_terminal_size(s).columns))
        signal.signal(signal.SIGINT, lambda *a: os.write(w, b"int\n"))
        signal.signal(signal.SIGQUIT, lambda *a: os.write(w, b"quit\n"))
        signal.signal(signal.SIGTSTP, lambda *a: os.write(w, b"tstp\n"))
        os.write(w, b"ready\n")
        while True:
            signal.pause()
    os.close(w)
    f = os.fdopen(r)
    say(f.readline().strip())
    told = []
    for columns in (80, 80, 100):
        fcntl.ioctl(m, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        # The same size again is no news.
        if len(told) != 1 or columns != 80:
            told.append(f.readline().strip())
    say("resized", *told)
    for key in b"\x03\x1c\x1a":
        os.write(m, bytes([key]))
        say("key", f.readline().strip())
    for n in (2, 3, 20):
        fcntl.ioctl(m, TIOCSIG, n)
        say("sent", f.readline().strip())
    say("not sent", tried(fcntl.ioctl, m, TIOCSIG, 15), tried(fcntl.ioctl, m, TIOCSIG, 1000))
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    os.close(m)
    os.close(s)


def hang_up():
    "The master closes: the leader hears of it, and when it ends, the foreground does."
    m, s = os.openpty()
    r, w = os.pipe()
    there, comes = os.pipe()
    leader = os.fork()
    if leader == 0:
        os.close(m)
        os.setsid()
        fcntl.ioctl(s, termios.TIOCSCTTY, 0)
        job = os.fork()
        if job == 0:
            os.setpgid(0, 0)
            for n in (signal.SIGHUP, signal.SIGCONT):
                signal.signal(n, lambda n, f: os.write(w, b"job %d\n" % n))
            os.write(w, b"job ready\n")
            os.write(comes, b"x")
            while True:
                signal.pause()
        os.read(there, 1)
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        os.tcsetpgrp(s, job)
        got = []
        for n in (signal.SIGHUP, signal.SIGCONT):
            signal.signal(n, lambda n, f: got.append(n))
        os.write(w, b"leader ready\n")
        while len(got) < 2:
            time.sleep(0.02)
        os.write(w, b"leader %s %s %s\n" % (str(sorted(int(n) for n in got)).encode(), str(tried(os.read, s, 5)).encode(), str(tried(os.open, "/dev/tty", 2)).encode()))
        os._exit(0)
    os.close(w)
    os.close(s)
    f = os.fdopen(r)
    say(f.readline().strip(), f.readline().strip())
    os.close(m)
    say(f.readline().strip())
    os.waitpid(leader, 0)
    print(*sorted(f.readline().strip() for _ in range(2)))


def leader_ends():
    "The leader ends: the foreground hears of it, and the terminal is free for others."
    m, s = os.openpty()
    name = os.ttyname(s)
    r, w = os.pipe()
    there, comes = os.pipe()
    leader = os.fork()
    if leader == 0:
        os.close(m)
        os.setsid()
        fcntl.ioctl(s, termios.TIOCSCTTY, 0)
        child = os.fork()
        if child == 0:
            os.setpgid(0, 0)
            heard = []
            for n in (signal.SIGHUP, signal.SIGCONT):
                signal.signal(n, lambda n, f: heard.append(n) or os.write(w, b"child %d\n" % n))
            os.write(comes, b"x")
            while not heard:
                time.sleep(0.02)
            # Nothing follows.
            time.sleep(0.2)
            os.write(w, b"child %s %s\n" % (str(tried(os.write, s, b"x")).encode(), str(tried(os.open, "/dev/tty", 2)).encode()))
            os._exit(0)
        os.read(there, 1)
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        os.tcsetpgrp(s, child)
        os._exit(0)
    os.close(w)
    os.waitpid(leader, 0)
    os.set_blocking(s, False)
    say("ours", tried(os.write, s, b"x"), tried(os.read, s, 5), events(s))
    say(os.fdopen(r).read().strip())
    new = os.open(name, os.O_RDWR | os.O_NOCTTY)
    say("new", tried(os.write, new, b"x"), settle(), tried(os.read, m, 5))


for part in (opening, slave_alone, requests, flow, packets, sessions, window_signal, hang_up, leader_ends):
    say("---", part.__name__)
    part()
