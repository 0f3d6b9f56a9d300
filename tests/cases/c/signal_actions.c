// Dispositions: flags, masks, old values, errors, and what siginfo says of each origin.
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// A call, its value and its error.
#define TRY(name, call) \
    do { \
        errno = 0; \
        long value_ = (long)(call); \
        printf("%s: %ld %s\n", name, value_, value_ < 0 ? strerror(errno) : ""); \
    } while (0)

static volatile int depth, deepest, runs;

static void nest(int signal) {
    runs++;
    depth++;
    if (depth > deepest) deepest = depth;
    if (runs == 1) raise(signal);
    depth--;
}

static void show(int signal, siginfo_t *info, void *context) {
    (void)context;
    printf("%d: signo %d code %d pid %d uid %d value %d\n", signal, info->si_signo, info->si_code,
           info->si_pid == getpid(), info->si_uid == getuid(), info->si_value.sival_int);
}

static void masks(int signal) {
    sigset_t now;
    sigprocmask(SIG_BLOCK, NULL, &now);
    printf("in handler of %d: usr1 %d usr2 %d term %d kill %d\n", signal, sigismember(&now, SIGUSR1),
           sigismember(&now, SIGUSR2), sigismember(&now, SIGTERM), sigismember(&now, SIGKILL));
}

static void set(int signal, void (*handler)(int), int flags, int masked) {
    struct sigaction action = {.sa_handler = handler, .sa_flags = flags};
    if (masked) sigaddset(&action.sa_mask, masked);
    sigaction(signal, &action, NULL);
}

int main(void) {
    setvbuf(stdout, NULL, _IONBF, 0);
    runs = deepest = 0;
    set(SIGUSR1, nest, 0, 0);
    raise(SIGUSR1);
    printf("deferred: runs %d deepest %d\n", runs, deepest);
    runs = deepest = 0;
    set(SIGUSR1, nest, SA_NODEFER, 0);
    raise(SIGUSR1);
    printf("nodefer: runs %d deepest %d\n", runs, deepest);

    set(SIGUSR1, masks, 0, SIGTERM);
    raise(SIGUSR1);
    set(SIGUSR1, masks, SA_NODEFER, SIGUSR2);
    raise(SIGUSR1);
    set(SIGUSR1, masks, SA_RESETHAND, SIGKILL);
    raise(SIGUSR1);
    struct sigaction old;
    sigaction(SIGUSR1, NULL, &old);
    printf("after resethand: default %d\n", old.sa_handler == SIG_DFL);

    struct sigaction info = {.sa_sigaction = show, .sa_flags = SA_SIGINFO};
    int all[] = {SIGUSR1, SIGPIPE, SIGRTMIN + 3};
    for (int i = 0; i < 3; i++) sigaction(all[i], &info, NULL);
    kill(getpid(), SIGUSR1);
    raise(SIGUSR1);
    syscall(SYS_tgkill, getpid(), gettid(), SIGRTMIN + 3);
    sigqueue(getpid(), SIGRTMIN + 3, (union sigval){.sival_int = 77});
    sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = -5});
    int ends[2];
    if (pipe(ends) != 0) return 1;
    close(ends[0]);
    TRY("write", write(ends[1], "x", 1));

    struct sigaction action = {.sa_handler = SIG_IGN};
    TRY("kill", sigaction(SIGKILL, &action, NULL));
    TRY("stop", sigaction(SIGSTOP, &action, NULL));
    TRY("zero", sigaction(0, &action, NULL));
    TRY("65", sigaction(65, &action, NULL));
    printf("reading kill: %d\n", sigaction(SIGKILL, NULL, &old));
    TRY("size", syscall(SYS_rt_sigaction, SIGUSR1, NULL, NULL, 4));
    TRY("how", syscall(SYS_rt_sigprocmask, 9, &action, NULL, 8));
    printf("how without set: %ld\n", syscall(SYS_rt_sigprocmask, 9, NULL, NULL, 8));
    TRY("fault", syscall(SYS_rt_sigprocmask, SIG_BLOCK, (void *)8, NULL, 8));

    struct { void *handler; unsigned long flags; void *restorer; unsigned long mask; } raw = {0}, back;
    raw.flags = 0xffffffffff & ~0x04000000UL;
    raw.mask = ~0UL;
    syscall(SYS_rt_sigaction, SIGUSR2, &raw, NULL, 8);
    syscall(SYS_rt_sigaction, SIGUSR2, NULL, &back, 8);
    printf("stored flags %#lx mask %#lx\n", back.flags, back.mask);

    TRY("kill 0 to nobody", kill(4000000, 0));
    printf("kill 0 to self: %d\n", kill(getpid(), 0));
    TRY("bad signal", kill(getpid(), 65));
    TRY("tgkill of another", syscall(SYS_tgkill, 4000000, gettid(), 0));
    TRY("tgkill zero", syscall(SYS_tgkill, 0, 0, 0));
    siginfo_t fake = {.si_signo = SIGUSR1, .si_code = SI_USER};
    pid_t child = fork();
    if (child == 0) { pause(); _exit(0); }
    TRY("faked for another", syscall(SYS_rt_sigqueueinfo, child, SIGUSR1, &fake));
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    fake.si_code = SI_KERNEL;
    printf("faked for self: %ld\n", syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, &fake));

    // Ignored while pending and blocked: it goes.
    sigset_t set1, pending;
    sigemptyset(&set1);
    sigaddset(&set1, SIGTERM);
    sigprocmask(SIG_BLOCK, &set1, NULL);
    raise(SIGTERM);
    sigpending(&pending);
    printf("pending term %d\n", sigismember(&pending, SIGTERM));
    signal(SIGTERM, SIG_IGN);
    sigpending(&pending);
    printf("pending term %d\n", sigismember(&pending, SIGTERM));
    raise(SIGTERM);
    sigpending(&pending);
    printf("blocked and ignored: pending term %d\n", sigismember(&pending, SIGTERM));
    sigprocmask(SIG_UNBLOCK, &set1, NULL);
    printf("alive\n");
    return 0;
}
