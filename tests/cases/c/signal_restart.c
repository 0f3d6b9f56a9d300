// Which calls fail with EINTR, and which go on after a handler: signal(7).
#include "asleep.h"
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>

static volatile int *handled;
static int feed = -1, word;

static void count(int signal) { (void)signal; ++*handled; }

static void arm(int flags) {
    struct sigaction action = {.sa_handler = count, .sa_flags = flags};
    sigaction(SIGUSR1, &action, NULL);
    *handled = 0;
}

// Signals the caller once it waits and, when it has handled that and waits again, lets what it waits for happen.
static pid_t helper(void (*finish)(void)) {
    pid_t victim = getpid();
    fflush(stdout);
    pid_t pid = fork();
    if (pid != 0) return pid;
    until_asleep(victim);
    kill(victim, SIGUSR1);
    while (finish && !*handled) usleep(1000);
    if (finish) until_asleep(victim), finish();
    _exit(0);
}

static void feed_it(void) { if (write(feed, "x", 1) < 0) _exit(1); }

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static void result(const char *name, int flags, long value) {
    int error = errno;
    printf("%s%s: %s%s, handled %d\n", name, flags ? " restart" : "", value < 0 ? "fails " : "returns",
           value < 0 ? strerror(error) : "", *handled);
}

static void reading(int flags) {
    int ends[2];
    char byte;
    if (pipe(ends)) exit(1);
    feed = ends[1];
    arm(flags);
    pid_t pid = helper(feed_it);
    long n = read(ends[0], &byte, 1);
    result("read", flags, n);
    reap(pid);
    arm(flags);
    struct pollfd fd = {.fd = ends[0], .events = POLLIN};
    if (n < 0) n = read(ends[0], &byte, 1);
    pid = helper(feed_it);
    result("poll", flags, poll(&fd, 1, 100000));
    reap(pid);
    n = read(ends[0], &byte, 1);
    arm(flags);
    pid = helper(feed_it);
    fd_set set;
    FD_ZERO(&set);
    FD_SET(ends[0], &set);
    result("select", flags, select(ends[0] + 1, &set, NULL, NULL, NULL));
    reap(pid);
    n = read(ends[0], &byte, 1);
    arm(flags);
    int epoll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN};
    epoll_ctl(epoll, EPOLL_CTL_ADD, ends[0], &event);
    pid = helper(feed_it);
    result("epoll_wait", flags, epoll_wait(epoll, &event, 1, 100000));
    reap(pid);
    close(epoll);
    close(ends[0]);
    close(ends[1]);
}

static void sockets(int flags) {
    int pair[2];
    char byte;
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair)) exit(1);
    feed = pair[1];
    arm(flags);
    pid_t pid = helper(feed_it);
    result("recv", flags, recv(pair[0], &byte, 1, 0));
    reap(pid);
    struct timeval timeout = {.tv_sec = 100};
    setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    if (recv(pair[0], &byte, 1, MSG_DONTWAIT) < 0 && errno != EAGAIN) exit(1);
    arm(flags);
    pid = helper(feed_it);
    result("recv with timeout", flags, recv(pair[0], &byte, 1, 0));
    reap(pid);
    close(pair[0]);
    close(pair[1]);
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path + 1, 60, "restart-%d", getpid());
    if (bind(listener, (void *)&address, sizeof address) || listen(listener, 1)) exit(1);
    arm(flags);
    // Nobody connects.
    if (flags == 0) {
        pid = helper(NULL);
        result("accept", flags, accept(listener, NULL, NULL));
        reap(pid);
    }
    close(listener);
}

static void sleeping(int flags) {
    arm(flags);
    pid_t pid = helper(NULL);
    struct timespec request = {.tv_sec = 100}, left = {0};
    double before = now();
    result("nanosleep", flags, nanosleep(&request, &left));
    double slept = now() - before, rest = left.tv_sec + left.tv_nsec / 1e9;
    printf("  slept %s, left %s\n", slept < 99 ? "less" : "all", rest < 100 && rest > 99.99 - slept ? "right" : "wrong");
    reap(pid);
    arm(flags);
    pid = helper(NULL);
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += 100;
    int error = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
    errno = error;
    result("clock_nanosleep", flags, error ? -1 : 0);
    reap(pid);
}

static void futexes(int flags) {
    arm(flags);
    pid_t pid = helper(NULL);
    struct timespec limit = {.tv_sec = 100};
    long n = syscall(SYS_futex, &word, FUTEX_WAIT, 0, &limit, NULL, 0);
    result("futex with timeout", flags, n);
    reap(pid);
    if (flags == 0) {
        arm(flags);
        pid = helper(NULL);
        n = syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
        result("futex", flags, n);
        reap(pid);
    }
    sem_t semaphore;
    sem_init(&semaphore, 0, 0);
    struct timespec at;
    clock_gettime(CLOCK_REALTIME, &at);
    at.tv_sec += 100;
    arm(flags);
    pid = helper(NULL);
    result("sem_timedwait", flags, sem_timedwait(&semaphore, &at));
    reap(pid);
}

static void waiting(int flags) {
    arm(flags);
    pid_t child = fork();
    if (child == 0) {
        while (!*handled) usleep(1000);
        until_asleep(getppid());
        _exit(3);
    }
    pid_t pid = helper(NULL);
    int status = 0;
    long n = waitpid(child, &status, 0);
    result("waitpid", flags, n);
    reap(pid);
    if (n < 0) waitpid(child, &status, 0);
    printf("  status %#x\n", status);
    arm(flags);
    pid = helper(NULL);
    sigset_t none;
    sigemptyset(&none);
    result("sigsuspend", flags, sigsuspend(&none));
    reap(pid);
    arm(flags);
    pid = helper(NULL);
    result("pause", flags, pause());
    reap(pid);
    arm(flags);
    pid = helper(NULL);
    sigset_t term;
    sigemptyset(&term);
    sigaddset(&term, SIGTERM);
    sigprocmask(SIG_BLOCK, &term, NULL);
    struct timespec limit = {.tv_sec = 100};
    result("sigtimedwait", flags, sigtimedwait(&term, NULL, &limit));
    reap(pid);
}

static void no_handler(void) {
    // Ignored signals, and stopping and going on, are not noticed.
    signal(SIGUSR1, SIG_IGN);
    *handled = 0;
    double before = now();
    pid_t pid = helper(NULL);
    struct timespec request = {.tv_nsec = 250000000};
    result("ignored: nanosleep", 0, nanosleep(&request, NULL));
    reap(pid);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        struct pollfd none = {.fd = -1};
        int n = poll(&none, 1, 1000);
        _exit(n == 0 ? 10 : errno);
    }
    until_asleep(child);
    kill(child, SIGSTOP);
    waitpid(child, NULL, WUNTRACED);
    kill(child, SIGCONT);
    int status;
    waitpid(child, &status, 0);
    double took = now() - before;
    printf("stopped: poll exit %d, in time %d\n", WEXITSTATUS(status), took > 1.24 && took < 60);
}

int main(void) {
    setvbuf(stdout, NULL, _IONBF, 0);
    handled = shared_number();
    for (int i = 0; i < 2; i++) {
        int flags = i ? SA_RESTART : 0;
        reading(flags);
        sockets(flags);
        sleeping(flags);
        futexes(flags);
        waiting(flags);
    }
    no_handler();
    return 0;
}
