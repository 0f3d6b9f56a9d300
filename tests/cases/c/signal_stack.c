// Alternate stacks, nesting, jumps out of handlers, and stack overflow.
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1U << 31)
#endif

static char *stack;
static size_t size;
static sigjmp_buf back;
static volatile int level;

static int on_stack(void *p) { return (char *)p >= stack && (char *)p < stack + size; }

static void state(const char *when) {
    stack_t now;
    sigaltstack(NULL, &now);
    printf("%s: flags %#x size %s\n", when, (unsigned)now.ss_flags, now.ss_size == size ? "set" : now.ss_size ? "odd" : "0");
}

static void inner(int signal) {
    (void)signal;
    int here;
    printf("inner on alternate stack: %d, aligned %d\n", on_stack(&here), ((uintptr_t)__builtin_frame_address(0) & 15) == 0);
}

static void outer(int signal, siginfo_t *info, void *context) {
    (void)signal; (void)info;
    int here;
    ucontext_t *uc = context;
    printf("outer on alternate stack: %d, frame %d, stack in frame %d flags %#x\n", on_stack(&here), on_stack(context),
           uc->uc_stack.ss_sp == stack && uc->uc_stack.ss_size == size, (unsigned)uc->uc_stack.ss_flags);
    state("inside");
    stack_t other = {.ss_sp = stack, .ss_size = size};
    printf("changing it inside: %s\n", sigaltstack(&other, NULL) ? strerror(errno) : "done");
    raise(SIGUSR2);
}

static void overflowed(int signal, siginfo_t *info, void *context) {
    (void)context; (void)info;
    int here;
    printf("signal %d on alternate stack: %d\n", signal, on_stack(&here));
    siglongjmp(back, 7);
}

static volatile int forever = 1;
static int __attribute__((noinline)) recurse(volatile char *above) {
    volatile char page[4096];
    page[0] = above ? above[0] : 1;
    level++;
    return (forever ? recurse(page) : 0) + page[0];
}

static void jump(int signal) { (void)signal; siglongjmp(back, ++level); }

int main(void) {
    setvbuf(stdout, NULL, _IONBF, 0);
    size = 64 << 10;
    stack = malloc(size);
    state("before");
    stack_t alternate = {.ss_sp = stack, .ss_size = size};
    printf("too small: %s\n", sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = 1000}, NULL) ? strerror(errno) : "done");
    printf("odd flags: %s\n", sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = size, .ss_flags = 8}, NULL) ? strerror(errno) : "done");
    printf("set: %d\n", sigaltstack(&alternate, NULL));
    state("set");
    struct sigaction a = {.sa_sigaction = outer, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigaction(SIGUSR1, &a, NULL);
    struct sigaction b = {.sa_handler = inner, .sa_flags = SA_ONSTACK};
    sigaction(SIGUSR2, &b, NULL);
    raise(SIGUSR1);
    b.sa_flags = 0;
    sigaction(SIGUSR2, &b, NULL);
    raise(SIGUSR2);
    raise(SIGUSR1);
    state("after");

    alternate.ss_flags = (int)SS_AUTODISARM;
    printf("autodisarm: %d\n", sigaltstack(&alternate, NULL));
    raise(SIGUSR1);
    state("after autodisarm");

    alternate.ss_flags = 0;
    sigaltstack(&alternate, NULL);
    struct sigaction c = {.sa_sigaction = overflowed, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigaction(SIGSEGV, &c, NULL);
    for (int i = 0; i < 2; i++) {
        level = 0;
        int value = sigsetjmp(back, 1);
        if (value == 0) recurse(NULL);
        printf("back with %d, deep %d\n", value, level > 1000);
        sigset_t now;
        sigprocmask(SIG_BLOCK, NULL, &now);
        printf("segv blocked %d\n", sigismember(&now, SIGSEGV));
    }

    level = 0;
    signal(SIGUSR1, jump);
    while (sigsetjmp(back, 1) < 50) raise(SIGUSR1);
    printf("jumped %d times\n", level);

    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        state("child");
        // No room for a frame: SIGSEGV, which has no handler.
        signal(SIGSEGV, SIG_DFL);
        alternate.ss_size = 2048;
        sigaltstack(&alternate, NULL);
        sigaction(SIGUSR1, &a, NULL);
        // A frame fits into 2 KiB or not, as the vector state has it: a hole does not.
        alternate.ss_flags = SS_DISABLE;
        sigaltstack(&alternate, NULL);
        __asm__ volatile("mov $0x1000, %%rsp; syscall; ud2" ::"D"(getpid()), "S"(SIGUSR1), "a"(200) : "memory");
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    printf("bad stack: signal %d\n", WTERMSIG(status));
    return 0;
}
