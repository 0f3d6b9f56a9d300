// Masks that change often, so often that the calls are answered beside the program: nothing is lost, nothing comes while it is blocked.
#include "check.h"
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static volatile sig_atomic_t blocked, wrong;
static volatile long handled[65];
static void handler(int number) { if (blocked) wrong++; __atomic_add_fetch(&handled[number], 1, __ATOMIC_SEQ_CST); }

static sigset_t set(int number) { sigset_t s; sigemptyset(&s); if (number) sigaddset(&s, number); return s; }
static int change(int how, int number) { sigset_t s = set(number); return sigprocmask(how, &s, NULL); }
static int is_blocked(int number) { sigset_t now; sigprocmask(SIG_SETMASK, NULL, &now); return sigismember(&now, number); }
static void hot(void) { for (int i = 0; i < 200; i++) change(SIG_BLOCK, 0), getpid(), gettid(), getuid(), geteuid(), getgid(), getegid(); }

// The mask as everybody else sees it.
static unsigned long shown(const char *name) {
    char line[256];
    unsigned long mask = 0;
    FILE *f = fopen("/proc/thread-self/status", "r");
    while (fgets(line, sizeof line, f))
        if (!strncmp(line, name, strlen(name))) mask = strtoul(line + strlen(name), NULL, 16);
    fclose(f);
    return mask;
}

// ---- what comes from another process while the mask changes all the time

static void storm(int number, long count, int queued) {
    pid_t me = getpid();
    handled[number] = 0, wrong = 0;
    pid_t sender = fork();
    if (sender == 0) {
        for (long i = 0; i < count; i++) {
            union sigval value = { .sival_int = i };
            while ((queued ? sigqueue(me, number, value) : kill(me, number)) != 0) usleep(100);
            if (i % 64 == 0) usleep(100);
        }
        _exit(0);
    }
    int status = -1;
    for (long i = 0;; i++) {
        change(SIG_BLOCK, number), blocked = 1;
        if (!is_blocked(number)) wrong++;
        blocked = 0, change(SIG_UNBLOCK, number);
        if (i % 100 == 0 && waitpid(sender, &status, WNOHANG) == sender) break;
    }
    SHOW(status);
    SHOW(wrong);
    if (queued) SHOW(handled[number] == count);
    else SHOW(handled[number] >= 1 && handled[number] <= count);
}

// ---- the same among threads of one process

static volatile int done;
static void *changes(void *number) {
    sigset_t s = set((long)number);
    while (!done) pthread_sigmask(SIG_BLOCK, &s, NULL), pthread_sigmask(SIG_UNBLOCK, &s, NULL);
    return NULL;
}
static void threads(int number, long count) {
    pthread_t t[4];
    handled[number] = 0, done = 0;
    change(SIG_BLOCK, number);
    for (int i = 0; i < 4; i++) pthread_create(&t[i], NULL, changes, (void *)(long)number);
    for (long i = 0; i < count; i++) {
        union sigval value = { .sival_int = i };
        while (sigqueue(getpid(), number, value) != 0) usleep(100);
        if (i % 16 == 0) pthread_kill(t[i / 16 % 4], SIGUSR2);
    }
    for (int i = 0; i < 60000 && handled[number] < count; i++) usleep(1000);
    SHOW(handled[number] == count);
    done = 1;
    for (int i = 0; i < 4; i++) pthread_join(t[i], NULL);
    change(SIG_UNBLOCK, number);
}

static void *in_thread(void *p) {
    (void)p;
    SHOW(is_blocked(SIGUSR1));
    SHOW(gettid() != getpid());
    change(SIG_UNBLOCK, SIGUSR1);
    SHOW(shown("SigBlk:") & 1L << (SIGUSR1 - 1));
    return NULL;
}

int main(int argc, char **argv) {
    (void)argv;
    if (argc > 1) { SHOW(is_blocked(SIGUSR1)); SHOW(is_blocked(SIGUSR2)); hot(); SHOW(is_blocked(SIGUSR1)); return 0; }
    struct sigaction action = { .sa_handler = handler };
    sigaction(SIGUSR1, &action, NULL), sigaction(SIGUSR2, &action, NULL), sigaction(SIGRTMIN, &action, NULL);
    setvbuf(stdout, NULL, _IONBF, 0);
    hot();
    SHOW(getpid() == syscall(SYS_getpid) && gettid() == getpid() && getuid() == geteuid() && getgid() == getegid());
    storm(SIGUSR1, 2000, 0);
    storm(SIGRTMIN, 2000, 1);
    threads(SIGRTMIN + 0, 2000);
    // Its own signals, blocked and not.
    hot(), change(SIG_BLOCK, SIGUSR1), handled[SIGUSR1] = 0;
    raise(SIGUSR1);
    SHOW(handled[SIGUSR1]);
    sigset_t pending;
    sigpending(&pending);
    SHOW(sigismember(&pending, SIGUSR1));
    SHOW(shown("SigPnd:") & 1L << (SIGUSR1 - 1));
    SHOW(shown("SigBlk:") == 1L << (SIGUSR1 - 1));
    change(SIG_UNBLOCK, SIGUSR1);
    SHOW(handled[SIGUSR1]);
    SHOW(shown("SigBlk:"));
    // Waits that bring a mask along, or look at what is blocked.
    hot(), change(SIG_BLOCK, SIGUSR1);
    for (int i = 0; i < 3; i++) {
        sigset_t none = set(0), one = set(SIGUSR1);
        struct timespec second = { .tv_sec = 100 };
        int fd = signalfd(-1, &one, SFD_NONBLOCK);
        struct signalfd_siginfo info;
        if (fork() == 0) { usleep(20000); kill(getppid(), SIGUSR1); _exit(0); }
        if (i == 0) SHOW(sigsuspend(&none));
        if (i == 1) SHOW(ppoll(NULL, 0, &second, &none));
        if (i == 2) SHOW(sigtimedwait(&one, NULL, &second) == SIGUSR1);
        SHOW(handled[SIGUSR1]);
        SHOW(is_blocked(SIGUSR1));
        kill(getpid(), SIGUSR1);
        SHOW(read(fd, &info, sizeof info) == sizeof info && info.ssi_signo == SIGUSR1);
        close(fd), wait(NULL);
        hot();
    }
    // A handler runs with its own signal blocked, and what it changes ends with it.
    SHOW(is_blocked(SIGUSR1));
    change(SIG_BLOCK, SIGUSR2);
    // Threads, forks and programs.
    pthread_t t;
    pthread_create(&t, NULL, in_thread, NULL), pthread_join(t, NULL);
    SHOW(is_blocked(SIGUSR1));
    fflush(stdout);
    if (fork() == 0) {
        SHOW(is_blocked(SIGUSR1));
        SHOW(is_blocked(SIGUSR2));
        SHOW(getpid() == syscall(SYS_getpid) && gettid() == getpid());
        change(SIG_UNBLOCK, SIGUSR1), hot();
        SHOW(shown("SigBlk:") == 1L << (SIGUSR2 - 1));
        raise(SIGUSR2);
        execl("/proc/self/exe", "again", "1", NULL);
        _exit(1);
    }
    wait(NULL);
    // Errors are what they were.
    SHOW(syscall(SYS_rt_sigprocmask, 7, &pending, NULL, 8L));
    SHOW(syscall(SYS_rt_sigprocmask, 7, NULL, NULL, 8L));
    SHOW(syscall(SYS_rt_sigprocmask, SIG_BLOCK, &pending, NULL, 9L));
    for (int i = 0; i < 40; i++) {
        long bad = syscall(SYS_rt_sigprocmask, SIG_BLOCK, (void *)16, NULL, 8L), worse = syscall(SYS_rt_sigprocmask, SIG_BLOCK, &pending, (void *)16, 8L);
        if (bad != -1 || worse != -1 || errno != EFAULT) printf("%d: %ld %ld\n", i, bad, worse);
    }
    sigset_t all, same;
    sigfillset(&all), same = set(SIGHUP);
    sigprocmask(SIG_SETMASK, &all, NULL);
    SHOW(is_blocked(SIGKILL) + is_blocked(SIGSTOP));
    // In and out at the same place.
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &same, &same, 8L);
    SHOW(sigismember(&same, SIGTERM));
    SHOW(is_blocked(SIGHUP) && !is_blocked(SIGTERM));
}
