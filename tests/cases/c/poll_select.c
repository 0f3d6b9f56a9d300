// poll, ppoll, select, pselect: what they report of pipes, files and nothing; timeouts and signals.
#include "asleep.h"
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

static volatile sig_atomic_t caught;
// Volatile, so that the compiler does not object.
static struct pollfd *volatile nowhere = (struct pollfd *)16;
static volatile nfds_t many = 1u << 30;

static void handler(int signal) { caught += signal == SIGALRM; }

static long milliseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void events(const char *text, int fd) {
    struct pollfd p = {fd, 0x7fff, 0};
    int n = poll(&p, 1, 0);
    printf("%s: %d %#x\n", text, n, p.revents & ~(POLLRDNORM | POLLWRNORM));
}

int main(void) {
    int p[2], q[2], file = MUST(open("/work/polled", O_RDWR | O_CREAT, 0600));
    MUST(pipe(p));
    MUST(pipe(q));
    events("empty pipe, reading", p[0]);
    events("empty pipe, writing", p[1]);
    MUST(write(p[1], "x", 1));
    events("pipe with data", p[0]);
    events("regular file", file);
    events("directory", MUST(open("/work", O_RDONLY)));
    events("not open", 99);
    events("path only", MUST(open("/work", O_PATH)));
    events("/dev/null", MUST(open("/dev/null", O_RDWR)));
    MUST(close(q[1]));
    events("no writer", q[0]);
    MUST(pipe(q));
    MUST(close(q[0]));
    events("no reader", q[1]);
    // Two of three are ready, and one of them is asked for nothing.
    struct pollfd three[3] = {{p[0], POLLIN, 7}, {q[1], 0, 7}, {-1, POLLIN, 7}};
    SHOW(poll(three, 3, 100000));
    printf("%#x %#x %#x\n", three[0].revents, three[1].revents, three[2].revents);
    SHOW(poll(NULL, 0, 0));
    SHOW(poll(nowhere, 1, 0));
    SHOW(poll(three, many, 0));
    // A timeout.
    char byte;
    MUST(read(p[0], &byte, 1));
    long start = milliseconds();
    SHOW(poll(three, 1, 60));
    long took = milliseconds() - start;
    SHOW(took >= 60 && took < 60000);
    // select
    fd_set r, w, e;
    struct timeval zero = {0, 0}, soon = {0, 30000};
    FD_ZERO(&r);
    FD_ZERO(&w);
    FD_ZERO(&e);
    for (int i = 0; i < 2; i++) {
        FD_SET(p[i], &r);
        FD_SET(p[i], &w);
    }
    FD_SET(file, &r);
    FD_SET(file, &e);
    SHOW(select(64, &r, &w, &e, &zero));
    printf("%d%d %d%d %d%d\n", !!FD_ISSET(p[0], &r), !!FD_ISSET(p[1], &r), !!FD_ISSET(p[0], &w), !!FD_ISSET(p[1], &w),
           !!FD_ISSET(file, &r), !!FD_ISSET(file, &e));
    FD_ZERO(&r);
    FD_SET(p[0], &r);
    SHOW(select(p[0] + 1, &r, NULL, NULL, &soon));
    SHOW(FD_ISSET(p[0], &r));
    SHOW(soon.tv_sec + soon.tv_usec);
    FD_SET(63, &r);
    SHOW(select(64, &r, NULL, NULL, &zero));
    SHOW(select(-1, NULL, NULL, NULL, &zero));
    zero.tv_usec = -1;
    SHOW(select(0, NULL, NULL, NULL, &zero));
    // Signals.
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    struct itimerval alarm = {{0, 0}, {0, 30000}};
    sigset_t block, none;
    sigemptyset(&none), sigemptyset(&block), sigaddset(&block, SIGALRM);
    MUST(sigaction(SIGALRM, &action, NULL));
    pid_t other = signal_when_asleep(SIGALRM);
    SHOW(poll(three, 1, 100000));
    reap(other);
    FD_ZERO(&r);
    FD_SET(p[0], &r);
    other = signal_when_asleep(SIGALRM);
    SHOW(select(64, &r, NULL, NULL, NULL));
    reap(other);
    SHOW(FD_ISSET(p[0], &r) != 0);
    MUST(sigprocmask(SIG_BLOCK, &block, NULL));
    MUST(setitimer(ITIMER_REAL, &alarm, NULL));
    usleep(60000);
    SHOW(caught);
    struct timespec limit = {100, 0};
    SHOW(ppoll(three, 1, &limit, &none));
    SHOW(caught);
    MUST(setitimer(ITIMER_REAL, &alarm, NULL));
    SHOW(pselect(0, NULL, NULL, NULL, &limit, &none));
    SHOW(caught);
    SHOW(sigprocmask(SIG_BLOCK, NULL, &none));
    SHOW(sigismember(&none, SIGALRM));
    limit.tv_nsec = 1000000000;
    SHOW(ppoll(three, 1, &limit, NULL));
}
