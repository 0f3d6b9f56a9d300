// Handlers: what siginfo and the saved registers say, masks, alternate stacks, nesting, and SA_ flags.
#include "check.h"
#include <signal.h>
#include <sys/ucontext.h>
#include <sys/wait.h>

static volatile sig_atomic_t count, depth, deepest;
static char *volatile stack_seen;
static siginfo_t last;

static void handler(int number, siginfo_t *info, void *context) {
    char here;
    stack_seen = &here;
    last = *info;
    count++;
    if (++depth > deepest) deepest = depth;
    if (number == SIGUSR1 && count == 1) raise(SIGUSR2);
    depth--;
    (void)context;
}

static void skip(int number, siginfo_t *info, void *context) {
    last = *info;
    ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] += 2;
    (void)number;
}

static void install(int number, void (*f)(int, siginfo_t *, void *), int flags, int also) {
    struct sigaction action = {.sa_sigaction = f, .sa_flags = SA_SIGINFO | flags};
    sigemptyset(&action.sa_mask);
    if (also) sigaddset(&action.sa_mask, also);
    MUST(sigaction(number, &action, NULL));
}

int main(void) {
    install(SIGUSR1, handler, 0, 0), install(SIGUSR2, handler, 0, 0);
    SHOW(raise(SIGUSR1));
    printf("%d %d, %d %d %d\n", count, deepest, last.si_signo, last.si_code, last.si_pid == getpid());
    install(SIGUSR1, handler, 0, SIGUSR2);
    count = deepest = 0;
    raise(SIGUSR1);
    printf("%d %d\n", count, deepest);
    union sigval value = {.sival_int = 4711};
    install(SIGRTMIN, handler, 0, 0);
    SHOW(sigqueue(getpid(), SIGRTMIN, value));
    printf("%d %d\n", last.si_code, last.si_value.sival_int);
    static char alternate[65536];
    stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate}, old;
    SHOW(sigaltstack(&stack, NULL));
    install(SIGUSR2, handler, SA_ONSTACK, 0);
    raise(SIGUSR2);
    printf("on it %d\n", stack_seen >= alternate && stack_seen < alternate + sizeof alternate);
    SHOW(sigaltstack(NULL, &old));
    printf("%d %zu\n", old.ss_flags, old.ss_size);
    install(SIGILL, skip, 0, 0);
    __asm__ volatile("ud2");
    printf("ud2: %d %d\n", last.si_signo, last.si_code);
    install(SIGUSR1, handler, SA_RESETHAND, 0);
    raise(SIGUSR1);
    struct sigaction now;
    sigaction(SIGUSR1, NULL, &now);
    SHOW(now.sa_handler == SIG_DFL);
    double live = 1.5, sum = 0;
    for (int i = 0; i < 1000; i++) {
        sum += live * i;
        raise(SIGUSR2);
    }
    printf("floating point %.1f\n", sum);
    SHOW(sigaction(SIGKILL, &now, NULL));
    SHOW(kill(getpid(), 65));
    SHOW(kill(1 << 22, 0));
}
