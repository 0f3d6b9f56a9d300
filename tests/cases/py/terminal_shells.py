# Dialogues with programs on a terminal, as expect(1) has them: shells with job control, editors, pagers.
import os, pty, re, select, signal, struct, sys, time, fcntl, termios


class Program:
    def __init__(self, *args):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(PS1="ready> ", PS2="more> ", TERM="dumb", HISTFILE="/dev/null")
            os.execvp(args[0], args)
        self.seen = b""

    def expect(self, pattern, seconds=120):
        end = time.monotonic() + seconds
        while not (found := re.search(pattern, self.seen, re.S)):
            left = end - time.monotonic()
            if left < 0 or not select.select([self.fd], [], [], left)[0]:
                raise SystemExit(f"waited for {pattern} in {self.seen}")
            try:
                piece = os.read(self.fd, 10000)
            except OSError:
                piece = b""
            if not piece:
                raise SystemExit(f"it ended before {pattern}: {self.seen}")
            self.seen += piece
        self.seen = self.seen[found.end():]
        return found.group(0)

    def type(self, text):
        os.write(self.fd, text)

    def foreground(self, program):
        "Runs a program in a shell, and waits until it is there: keys that are pressed now are for it."
        self.type(b"sh -c 'echo u''p; exec %s'\r" % program)
        self.expect(b"\nup\r\n")

    def ask(self, text, pattern):
        "Types something again and again until what it asks for is there."
        for _ in range(600):
            self.type(text)
            end = time.monotonic() + 0.2
            while (left := end - time.monotonic()) > 0 and select.select([self.fd], [], [], left)[0]:
                self.seen += os.read(self.fd, 10000)
            if re.search(pattern, self.seen, re.S):
                break
        return self.expect(pattern, 0)

    def end(self):
        try:
            while piece := os.read(self.fd, 10000):
                self.seen += piece
        except OSError:
            pass
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def shell():
    bash = Program("bash", "--norc", "--noprofile", "-i")
    bash.expect(b"ready> ")
    print("job control", b"no job control" not in bash.seen)
    bash.foreground(b"sleep 100")
    bash.type(b"\x1a")
    print(bash.expect(rb"Stopped +sh -c [^\r]*"))
    bash.type(b"jobs\r")
    print(bash.expect(rb"\[1\]\+ +Stopped +sh -c [^\r]*"))
    bash.type(b"bg\r")
    print(bash.expect(rb"\[1\]\+ sh -c [^\r]* &"))
    bash.type(b"jobs\r")
    print(bash.expect(rb"\[1\]\+ +Running +sh -c [^\r]* &"))
    bash.type(b"fg\r")
    bash.expect(b"fg\r\nsh -c [^\r]*sleep 100'\r\n")
    # The name of the job is told before the terminal is its own.
    while os.tcgetpgrp(bash.fd) == bash.pid:
        time.sleep(0.01)
    bash.type(b"\x03")
    bash.expect(b"ready> ")
    bash.type(b"echo code=$?\r")
    print(bash.expect(rb"code=\d+"))
    bash.type(b"cat &\r")
    print(bash.expect(rb"\[1\] \d+")[:3])
    print(bash.ask(b"\r", rb"\[1\]\+ +Stopped +cat"))
    bash.type(b"kill %1; wait\r")
    bash.expect(b"ready> ")
    bash.type(b"(stty tostop; echo quiet; sleep 0.1; echo loud) & until jobs | grep -q Stopped; do sleep 0.1; done; jobs\r")
    print(bash.expect(rb"\] *\+ *Stopped"))
    bash.type(b"fg\r")
    print(bash.expect(rb"loud"))
    bash.type(b"stty -tostop; echo re''ady; read -t 100 x; echo got-$x\r")
    bash.expect(b"\nready\r\n")
    bash.type(b"wrogn\x7f\x7fng\x17right\r")
    print(bash.expect(rb"got-[a-z]+"))
    bash.type(b"stty size; trap 'stty size' WINCH\r")
    print(bash.expect(rb"\d+ \d+\r"))
    bash.expect(b"ready> ")
    fcntl.ioctl(bash.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 99, 0, 0))
    print(bash.ask(b"\r", rb"33 99\r"))
    bash.type(b"ps -o tty= -p $$ | cut -c1-4; tty | cut -c1-9; echo $(</proc/$$/stat) | cut -d' ' -f5,6,8 | tr ' ' '\\n' | uniq | wc -l\r")
    print(bash.expect(rb"pts/"), bash.expect(rb"/dev/pts/"), bash.expect(rb"\r\n\d\r"))
    bash.type(b"sh -c 'echo u''p-1 >&2; exec sleep 200' | sh -c 'echo u''p-2 >&2; exec sleep 200'\r")
    bash.expect(b"up-1.*up-2|up-2.*up-1")
    bash.type(b"\x1c")
    print(bash.expect(rb"Quit"))
    bash.type(b"exit 5\r")
    print("ended", bash.end())


def hang_up():
    bash = Program("bash", "--norc", "--noprofile", "-i")
    bash.expect(b"ready> ")
    bash.foreground(b"sleep 100")
    os.close(bash.fd)
    print("hang-up", os.waitstatus_to_exitcode(os.waitpid(bash.pid, 0)[1]))


def reads():
    cat = Program("cat")
    cat.type(b"one\n")
    print(cat.expect(b"one\r\none\r\n"))
    cat.type(b"tw\x04")
    print(cat.expect(b"twtw"))
    cat.type(b"\x04\x04")
    print("end of file", cat.end())
    python = Program("python3", "-q", "-c", "import getpass; print(repr(getpass.getpass('secret: ')))")
    python.expect(b"secret: ")
    python.type(b"hidden\n")
    print(python.expect(b"'hidden'"), python.end())


shell()
hang_up()
reads()
