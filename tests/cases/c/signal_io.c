// O_ASYNC: a file's readiness told by signals.
#include "check.h"
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static volatile sig_atomic_t count;
static siginfo_t last;
static void note(int signal, siginfo_t *info, void *context) {
    (void)signal, (void)context;
    count++;
    last = *info;
}

static void report(const char *what, int fd) {
    printf("%s: %d signals", what, count);
    if (count) printf(", signal %s code %d", sigabbrev_np(last.si_signo) ?: "RT", last.si_code);
    if (count && last.si_code > 0 && last.si_code < 7) printf(" band %#lx fd %s", last.si_band, last.si_fd == fd ? "right" : "wrong");
    printf("\n");
    count = 0;
}

static void watch(int fd, int owner, int signal) {
    if (owner) MUST(fcntl(fd, F_SETOWN, owner));
    MUST(fcntl(fd, F_SETSIG, signal));
    MUST(fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_ASYNC));
}

int main(void) {
    setvbuf(stdout, NULL, _IONBF, 0);
    struct sigaction action = {.sa_sigaction = note, .sa_flags = SA_SIGINFO};
    sigaction(SIGIO, &action, NULL);
    sigaction(SIGRTMIN, &action, NULL);
    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGCHLD, &action, NULL);
    char buffer[65536] = {0};

    int p[2];
    MUST(pipe2(p, O_NONBLOCK));
    MUST(write(p[1], "a", 1));
    report("no owner, no flag", p[0]);
    MUST(fcntl(p[0], F_SETFL, O_NONBLOCK | O_ASYNC));
    SHOW(fcntl(p[0], F_GETFL) & O_ASYNC);
    MUST(write(p[1], "a", 1));
    report("a flag without owner", p[0]);
    watch(p[0], getpid(), 0);
    MUST(write(p[1], "a", 1));
    report("SIGIO from a pipe", p[0]);
    watch(p[0], 0, SIGRTMIN);
    MUST(write(p[1], "a", 1));
    report("a real-time signal", p[0]);
    watch(p[0], 0, SIGCHLD);
    MUST(write(p[1], "a", 1));
    report("a signal with codes of its own", p[0]);
    watch(p[0], 0, SIGIO);
    MUST(write(p[1], "a", 1));
    report("SIGIO by name", p[0]);
    watch(p[1], getpid(), SIGUSR1);
    while (write(p[1], buffer, sizeof buffer) > 0) {}
    count = 0;
    fcntl(p[0], F_SETFL, O_NONBLOCK);
    SHOW(fcntl(p[0], F_GETFL) & O_ASYNC);
    MUST(read(p[0], buffer, sizeof buffer));
    report("room in a pipe", p[1]);
    close(p[0]);
    report("a pipe without reader", p[1]);
    MUST(pipe2(p, O_NONBLOCK));
    watch(p[0], getpid(), SIGRTMIN);
    close(p[1]);
    report("a pipe without writer", p[0]);

    int s[2];
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    int one = 1, number;
    MUST(ioctl(s[0], FIOASYNC, &one));
    number = getpid();
    MUST(ioctl(s[0], FIOSETOWN, &number));
    number = 0;
    MUST(ioctl(s[0], SIOCGPGRP, &number));
    printf("owner of a socket: %s\n", number == getpid() ? "this process" : "wrong");
    MUST(fcntl(s[0], F_SETSIG, SIGRTMIN));
    MUST(write(s[1], "x", 1));
    report("a socket", s[0]);
    close(s[1]);
    report("a socket whose peer is gone", s[0]);

    // A process group, and a thread.
    signal(SIGCHLD, SIG_DFL);
    int ready[2];
    MUST(pipe(ready));
    if (fork() == 0) {
        MUST(pipe2(p, 0));
        setpgid(0, 0);
        if (fork() == 0) {
            MUST(write(ready[1], "r", 1));
            while (!count) usleep(1000);
            MUST(write(ready[1], "g", 1));
            _exit(0);
        }
        char c;
        MUST(read(ready[0], &c, 1));
        watch(p[0], -getpid(), SIGUSR1);
        printf("F_GETOWN is the negated group: %d\n", fcntl(p[0], F_GETOWN) == -getpid());
        MUST(write(p[1], "a", 1));
        MUST(read(ready[0], &c, 1));
        report("a process group, the leader", p[0]);
        wait(NULL);
        printf("the member got it: %c\n", c);
        fflush(stdout);
        _exit(0);
    }
    while (wait(NULL) < 0) {}
    count = 0;
    MUST(pipe2(p, 0));
    struct f_owner_ex owner = {F_OWNER_TID, gettid()};
    MUST(fcntl(p[0], F_SETOWN_EX, &owner));
    watch(p[0], 0, SIGUSR1);
    MUST(write(p[1], "a", 1));
    report("a thread", p[0]);

    // Somebody else's process must not be signalled.
    if (fork() == 0) {
        MUST(pipe2(p, 0));
        MUST(setresuid(1234, 1234, 0));
        watch(p[0], getppid(), SIGUSR1);
        MUST(write(p[1], "a", 1));
        _exit(0);
    }
    signal(SIGCHLD, SIG_DFL);
    while (wait(NULL) < 0) {}
    report("from another user", p[0]);
    int dead = fork();
    if (dead == 0) pause();
    MUST(fcntl(p[0], F_SETOWN, dead));
    kill(dead, SIGKILL);
    waitpid(dead, NULL, 0);
    SHOW(fcntl(p[0], F_GETOWN));
    SHOW(fcntl(p[0], F_SETOWN, 999999));

    int file = MUST(open("/tmp/signal_io", O_RDWR | O_CREAT, 0600));
    SHOW(fcntl(file, F_SETFL, O_ASYNC));
    SHOW(fcntl(file, F_GETFL) & O_ASYNC);
    SHOW(ioctl(file, FIOASYNC, &one));
    SHOW(ioctl(file, FIOSETOWN, &one));
    unlink("/tmp/signal_io");
    return 0;
}
