// Pending signals: order, coalescing, and taking them without a handler.
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// A call, its value and its error.
#define TRY(name, call) \
    do { \
        errno = 0; \
        long value_ = (long)(call); \
        printf("%s: %ld %s\n", name, value_, value_ < 0 ? strerror(errno) : ""); \
    } while (0)

static int order[64], values[64], seen;

static void note(int signal, siginfo_t *info, void *context) {
    (void)context;
    order[seen] = signal;
    values[seen++] = info->si_value.sival_int;
}

static void show(const char *what) {
    printf("%s:", what);
    for (int i = 0; i < seen; i++)
        printf(" %s%d/%d", order[i] >= SIGRTMIN ? "rt" : "", order[i] >= SIGRTMIN ? order[i] - SIGRTMIN : order[i], values[i]);
    printf("\n");
    seen = 0;
}

int main(void) {
    setvbuf(stdout, NULL, _IONBF, 0);
    sigset_t all, old;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &old);
    struct sigaction action = {.sa_sigaction = note, .sa_flags = SA_SIGINFO};
    sigfillset(&action.sa_mask);
    int used[] = {SIGUSR1, SIGUSR2, SIGTERM, SIGRTMIN, SIGRTMIN + 1, SIGRTMAX};
    for (unsigned i = 0; i < 6; i++) sigaction(used[i], &action, NULL);
    for (int i = 1; i <= 3; i++) {
        union sigval v = {.sival_int = i};
        sigqueue(getpid(), SIGRTMAX, v);
        sigqueue(getpid(), SIGRTMIN + 1, v);
        sigqueue(getpid(), SIGRTMIN, v);
        sigqueue(getpid(), SIGUSR2, v);
        sigqueue(getpid(), SIGUSR1, v);
    }
    kill(getpid(), SIGTERM);
    sigset_t pending;
    sigpending(&pending);
    printf("pending:");
    for (unsigned i = 0; i < 6; i++) printf(" %d", sigismember(&pending, used[i]));
    printf(" %d\n", sigismember(&pending, SIGHUP));
    sigprocmask(SIG_SETMASK, &old, NULL);
    show("handlers, last frame first");

    sigprocmask(SIG_SETMASK, &all, NULL);
    for (int i = 1; i <= 3; i++) sigqueue(getpid(), SIGRTMIN + (i & 1), (union sigval){.sival_int = i});
    kill(getpid(), SIGUSR1);
    siginfo_t info;
    struct timespec zero = {0}, shortly = {.tv_nsec = 30000000};
    for (int i = 0; i < 5; i++) {
        int n = sigtimedwait(&all, &info, &zero);
        if (n < 0) printf("none: %s\n", strerror(errno));
        else printf("took %s%d code %d value %d\n", n >= SIGRTMIN ? "rt" : "", n >= SIGRTMIN ? n - SIGRTMIN : n, info.si_code, n >= SIGRTMIN ? info.si_value.sival_int : 0);
    }
    sigset_t one;
    sigemptyset(&one);
    sigaddset(&one, SIGUSR2);
    TRY("timeout", sigtimedwait(&one, &info, &shortly));
    struct timespec bad = {.tv_nsec = 2000000000};
    TRY("bad timeout", sigtimedwait(&one, &info, &bad));
    pid_t parent = getpid();
    pid_t child = fork();
    if (child == 0) { usleep(30000); sigqueue(parent, SIGUSR2, (union sigval){.sival_int = 9}); _exit(0); }
    int n = sigwaitinfo(&one, &info);
    printf("sigwaitinfo: %d from child %d code %d value %d\n", n, info.si_pid == child, info.si_code, info.si_value.sival_int);
    waitpid(child, NULL, 0);
    while (sigtimedwait(&all, &info, &zero) > 0) {}

    int fd = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
    struct signalfd_siginfo read_info[4];
    TRY("empty", read(fd, read_info, sizeof read_info));
    TRY("small", read(fd, read_info, 100));
    int epoll = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN};
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    printf("epoll before: %d\n", epoll_wait(epoll, &event, 1, 0));
    sigqueue(getpid(), SIGRTMIN + 2, (union sigval){.sival_int = 5});
    kill(getpid(), SIGUSR1);
    child = fork();
    if (child == 0) _exit(6);
    siginfo_t ignored;
    waitid(P_PID, child, &ignored, WEXITED | WNOWAIT);
    printf("epoll after: %d\n", epoll_wait(epoll, &event, 1, 1000));
    ssize_t got = read(fd, read_info, sizeof read_info);
    printf("read %zd\n", got / (ssize_t)sizeof *read_info);
    for (int i = 0; i < got / (ssize_t)sizeof *read_info; i++) {
        struct signalfd_siginfo *s = &read_info[i];
        printf("  signo %d code %d pid %d status %d int %d\n", s->ssi_signo < 32 ? (int)s->ssi_signo : -(int)(s->ssi_signo - SIGRTMIN),
               s->ssi_code, s->ssi_pid == (unsigned)getpid() ? 1 : s->ssi_pid == (unsigned)child ? 2 : 0, s->ssi_status, s->ssi_int);
    }
    waitpid(child, NULL, 0);
    child = fork();
    if (child == 0) { usleep(50000); kill(parent, SIGUSR2); _exit(0); }
    struct pollfd p = {.fd = fd, .events = POLLIN};
    printf("poll: %d\n", poll(&p, 1, 100000));
    waitpid(child, NULL, 0);
    while (read(fd, read_info, sizeof read_info) > 0) {}

    struct rlimit limit = {3, 3};
    setrlimit(RLIMIT_SIGPENDING, &limit);
    int queued = 0;
    while (queued < 100 && sigqueue(getpid(), SIGRTMIN + 4, (union sigval){.sival_int = queued}) == 0) queued++;
    printf("limit: %s, some queued %d\n", strerror(errno), queued <= 3);
    printf("kill goes beyond: %d\n", kill(getpid(), SIGUSR2));
    return 0;
}
