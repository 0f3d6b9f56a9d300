# What a terminal makes of what is typed and written: one dialogue after another on a pair, with different settings.
import array, errno, fcntl, os, select, struct, termios, time, tty
from settling import settle

IFLAG, OFLAG, CFLAG, LFLAG, CC = 0, 1, 2, 3, 6
IUTF8 = 0x4000
EXTPROC = 0x10000


def pair():
    m, s = os.openpty()
    for fd in (m, s):
        os.set_blocking(fd, False)
    return m, s


def drain(fd):
    out = []
    while True:
        if not select.select([fd], [], [], 0)[0]:
            settle()
        if not select.select([fd], [], [], 0)[0]:
            return out
        try:
            piece = os.read(fd, 10000)
        except OSError as e:
            out.append(errno.errorcode[e.errno])
            return out
        out.append(piece)
        if not piece or len(out) > 50:
            return out


def change(fd, when=termios.TCSANOW, on=(), off=(), cc={}):
    a = termios.tcgetattr(fd)
    for i, bits in on:
        a[i] |= bits
    for i, bits in off:
        a[i] &= ~bits
    for k, v in cc.items():
        a[CC][k] = v
    termios.tcsetattr(fd, when, a)


def dialogue(name, typed, written=(), on=(), off=(), cc={}):
    m, s = pair()
    change(s, on=on, off=off, cc=cc)
    seen = []
    for piece in typed:
        os.write(m, piece)
        settle()
    got = drain(s)
    for piece in written:
        os.write(s, piece)
    seen = b"".join(p for p in drain(m) if isinstance(p, bytes))
    print(name, "| read", got, "| shown", seen)
    os.close(m)
    os.close(s)


L = termios
dialogue("line", [b"hello\n"])
dialogue("two lines", [b"one\ntwo\nthree"])
dialogue("return", [b"a\rb\n"])
dialogue("erase", [b"abc\x7f\x7fx\n"])
dialogue("erase nothing", [b"\x7f\x7fx\n"])
dialogue("erase control", [b"a\x01\x7f\x02b\n"])
dialogue("word", [b"one two-three  \x17X\n"])
dialogue("word twice", [b"one two.three\x17\x17X\n"])
dialogue("kill", [b"some words\x15else\n"])
dialogue("kill without ECHOKE", [b"some words\x15else\n"], off=[(LFLAG, 0x800)])
dialogue("kill without ECHOK", [b"some words\x15else\n"], off=[(LFLAG, L.ECHOK | 0x800)])
dialogue("kill without ECHO", [b"some words\x15else\n"], off=[(LFLAG, L.ECHO)])
dialogue("kill without ECHOE", [b"some words\x15else\n"], off=[(LFLAG, L.ECHOE)])
dialogue("erase without ECHOE", [b"abc\x7f\x7fx\n"], off=[(LFLAG, L.ECHOE)])
dialogue("erase with ECHOPRT", [b"abcd\x7f\x7fx\x7f\x7f\x7f\n"], on=[(LFLAG, 0x400)])
dialogue("reprint", [b"ab\x01c\x12d\n"])
dialogue("literal", [b"a\x16\x03b\x16\x7fc\x16\nd\n"])
dialogue("literal return", [b"a\x16\rb\n"])
dialogue("end of file", [b"abc\x04def\x04\x04g\n"])
dialogue("end of file first", [b"\x04x\n"])
dialogue("eol", [b"ab;cd;e\n"], cc={L.VEOL: b";"})
dialogue("eol2", [b"ab:cd;e\n"], cc={L.VEOL: b";", L.VEOL2: b":"})
dialogue("tab", [b"ab\tc\x7f\x7f\x7f!\n"])
dialogue("tabs", [b"\t\tx\x7f\x7f\x7f\x7f!\n"])
dialogue("tab after prompt", [b"ab\tcd\tef\x15!\n"], written=[b"never"])
dialogue("no echo", [b"secret\n"], off=[(LFLAG, L.ECHO)])
dialogue("echo newline", [b"secret\n"], off=[(LFLAG, L.ECHO)], on=[(LFLAG, L.ECHONL)])
dialogue("no carets", [b"a\x01b\x02\x7f\x7f\n"], off=[(LFLAG, 0x200)])
dialogue("no IEXTEN", [b"a b\x17c\x16d\x12\n"], off=[(LFLAG, L.IEXTEN)])
dialogue("inlcr", [b"a\nb\rc\n"], on=[(IFLAG, L.INLCR)])
dialogue("igncr", [b"a\rb\n"], on=[(IFLAG, L.IGNCR)])
dialogue("no icrnl", [b"a\rb\n"], off=[(IFLAG, L.ICRNL)])
dialogue("istrip", [b"\xe1\xe2\n"], on=[(IFLAG, L.ISTRIP)])
dialogue("iuclc", [b"HeLLo\n"], on=[(IFLAG, 0x200)])
dialogue("parmrk", [b"a\xffb\n"], on=[(IFLAG, L.PARMRK)])
dialogue("utf-8 without IUTF8", ["aä€\x7fx\n".encode()])
dialogue("utf-8", ["aä€\x7f\x7fx\n".encode()], on=[(IFLAG, IUTF8)])
dialogue("utf-8 word", ["ab äöü\x17x\n".encode()], on=[(IFLAG, IUTF8)])
dialogue("utf-8 tab", ["äö\tx\x7f\x7f!\n".encode()], on=[(IFLAG, IUTF8)])
dialogue("utf-8 echoprt", ["aä€\x7f\x7fx\n".encode()], on=[(IFLAG, IUTF8), (LFLAG, 0x400)])
dialogue("broken utf-8", [b"\x80\x80\x7f\x7fx\n"], on=[(IFLAG, IUTF8)])
dialogue("raw", [b"a\x03\x7f\r\n\x04"], off=[(LFLAG, L.ICANON | L.ECHO | L.ISIG), (IFLAG, L.ICRNL | L.IXON)])
dialogue("cbreak", [b"a\x7f\r\n\x01"], off=[(LFLAG, L.ICANON)])
dialogue("cbreak inlcr", [b"a\nb"], off=[(LFLAG, L.ICANON)], on=[(IFLAG, L.INLCR)])
dialogue("disabled characters", [b"a\x7f\x00b\x15c\n"], cc={L.VERASE: b"\0", L.VKILL: b"\0"})
dialogue("extproc", [b"a\x7fb\x03\n"], on=[(LFLAG, EXTPROC)])
dialogue("interrupt flushes", [b"abc", b"def\x03gh\n"])
dialogue("interrupt without flush", [b"abc", b"def\x03gh\n"], on=[(LFLAG, L.NOFLSH)])
dialogue("stop and start", [b"ab\x13cd\n", b"\x11e\n"])
dialogue("stopped", [b"ab\x13cd\n"])
dialogue("any starts", [b"ab\x13", b"cd\n"], on=[(IFLAG, L.IXANY)])

dialogue("output", [], [b"one\ntwo\tthree\r\n"])
dialogue("output without OPOST", [], [b"one\ntwo\n"], off=[(OFLAG, L.OPOST)])
dialogue("output without ONLCR", [], [b"one\n\ttwo\n"], off=[(OFLAG, L.ONLCR)])
dialogue("expanded tabs", [], [b"a\tbc\tdefghijk\tl\n\t\x08m\tn"], on=[(OFLAG, L.TAB3)])
dialogue("ocrnl", [], [b"a\rb\n"], on=[(OFLAG, L.OCRNL)])
dialogue("onocr", [], [b"\ra\rb\n\r"], on=[(OFLAG, L.ONOCR)])
dialogue("onlret", [], [b"abc\n\td"], on=[(OFLAG, L.ONLRET | L.TAB3)], off=[(OFLAG, L.ONLCR)])
dialogue("olcuc", [], ["grün\n".encode()], on=[(OFLAG, L.OLCUC)])


def sizes():
    m, s = pair()
    os.write(m, b"x" * 3000)
    os.write(m, b"y" * 3000)
    os.write(m, b"\n")
    print("a line that is too long", [len(p) for p in drain(s)])
    drain(m)
    os.write(m, b"12345\n67890\n")
    settle()
    print("short reads", os.read(s, 3), os.read(s, 10), os.read(s, 100))
    os.write(m, b"1234\x04")
    settle()
    print("exact read before an end of file", os.read(s, 4), drain(s))
    os.write(m, b"1234\x04\x04")
    settle()
    print("and with another", os.read(s, 4), drain(s))
    os.write(m, b"abc\ndef")
    settle()
    n = array.array("i", [0])
    fcntl.ioctl(s, termios.FIONREAD, n)
    print("waiting in lines", n[0])
    tty.setraw(s, termios.TCSANOW)
    fcntl.ioctl(s, termios.FIONREAD, n)
    print("waiting raw", n[0], drain(s))
    os.write(m, b"no line")
    settle()
    change(s, on=[(LFLAG, termios.ICANON)])
    print("lines again", drain(s))
    os.close(m)
    os.close(s)


sizes()


def fill():
    m, s = pair()
    tty.setraw(s)
    total = 0
    try:
        while True:
            total += os.write(s, b"z" * 1000)
            time.sleep(0.001)
    except BlockingIOError:
        pass
    print("output is bounded", 4096 <= total <= 65536)
    print("and then", select.select([], [s], [], 0)[1] == [])
    got = 0
    while got < total:
        select.select([m], [], [], 100)
        got += len(os.read(m, 10000))
    print("all of it arrives", got == total, select.select([], [s], [], 100)[1] == [s])
    total = 0
    try:
        while total < 1000000:
            total += os.write(m, b"z" * 1000)
            time.sleep(0.001)
    except BlockingIOError:
        pass
    print("input is bounded", 4096 <= total <= 65536, select.select([], [m], [], 0)[1] == [])
    got = 0
    while got < total:
        select.select([s], [], [], 100)
        got += len(os.read(s, 100000))
    print("all of it arrives", got == total)
    os.close(m)
    os.close(s)


fill()


def timing():
    m, s = os.openpty()
    tty.setraw(s)

    def rule(minimum, tenths):
        change(s, cc={termios.VMIN: minimum, termios.VTIME: tenths})

    rule(0, 0)
    print("nothing to read", os.read(s, 10))
    rule(0, 2)
    start = time.monotonic()
    print("nothing in time", os.read(s, 10), 0.15 < time.monotonic() - start < 60)
    rule(3, 0)
    os.write(m, b"12")
    settle()
    print("not enough to poll", select.select([s], [], [], 0)[0])
    os.write(m, b"3")
    print("enough", select.select([s], [], [], 100)[0] == [s], os.read(s, 10))
    answers, answer = os.pipe()
    pid = os.fork()
    if pid == 0:
        for c in b"abcdef":
            # What was asked for is read before more comes.
            if c in b"cf":
                os.read(answers, 1)
            os.write(m, bytes([c]))
            settle()
        os._exit(0)
    asked = []
    for count in (2, 10):
        asked.append(os.read(s, count))
        os.write(answer, b"x")
    print("as many as asked", *asked)
    os.waitpid(pid, 0)
    settle()
    rule(1, 0)
    print("the rest", os.read(s, 10))
    rule(5, 2)
    pid = os.fork()
    if pid == 0:
        time.sleep(0.3)
        os.write(m, b"xy")
        os._exit(0)
    print("a pause ends it", os.read(s, 10))
    os.waitpid(pid, 0)
    os.set_blocking(s, False)
    rule(5, 0)
    os.write(m, b"pq")
    settle()
    print("without waiting", os.read(s, 10))
    try:
        os.read(s, 10)
    except BlockingIOError:
        print("and then nothing")
    rule(0, 3)
    try:
        print(os.read(s, 10))
    except BlockingIOError:
        print("nor with a time")
    rule(0, 0)
    print("nor without", os.read(s, 10))


timing()
