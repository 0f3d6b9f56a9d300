// Handlers that start behind a call which has been made often, and what they and the interrupted code find.
#include "check.h"
#include <immintrin.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <ucontext.h>

#define OFTEN 60

static volatile int handled, nested, bad;
static sigset_t *change;
static siginfo_t last;
static uintptr_t stack_at;
static unsigned start_mxcsr;

static void handler(int signal, siginfo_t *info, void *context) {
    ucontext_t *user = context;
    int here;
    start_mxcsr = _mm_getcsr();
    stack_at = (uintptr_t)&here;
    handled++;
    last = *info;
    bad += info->si_signo != signal || (signal == SIGUSR1 && user->uc_mcontext.gregs[REG_RAX] != 0);
    // Leaves nothing of the vector registers as it was.
    _mm_setcsr(0x1f80 | 0x6000);
    __asm__ volatile("pcmpeqd %%xmm0,%%xmm0; pcmpeqd %%xmm7,%%xmm7; pcmpeqd %%xmm15,%%xmm15; fninit" ::: "xmm0", "xmm7", "xmm15");
    if (change) user->uc_sigmask = *change;
}

static void nesting(int signal) {
    static int depth;
    if (++depth < 3) kill(getpid(), signal);
    nested = depth > nested ? depth : nested;
    depth--;
}

static void install(int signal, void (*what)(int, siginfo_t *, void *), int flags) {
    struct sigaction action = {.sa_sigaction = what, .sa_flags = flags | SA_SIGINFO};
    sigaction(signal, &action, NULL);
}

static long send(int signal) {
    // With values in registers that a call keeps.
    register long rbx __asm__("rbx") = 11, r12 __asm__("r12") = 12, r13 __asm__("r13") = 13, r14 __asm__("r14") = 14, r15 __asm__("r15") = 15;
    __m128i one = _mm_set_epi32(1, 2, 3, 4), other = _mm_set_epi32(5, 6, 7, 8), out, out2;
    long result;
    unsigned short control = 0x27f, after = 0;
    unsigned mxcsr = 0x1f80 | 0x4000;
    _mm_setcsr(mxcsr);
    __asm__ volatile("fldcw %[control]\n movdqa %[one],%%xmm7\n movdqa %[other],%%xmm15\n"
                     "call syscall_kill\n"
                     "movdqa %%xmm7,%[out]\n movdqa %%xmm15,%[out2]\n fnstcw %[after]"
                     : "=a"(result), [out] "=m"(out), [out2] "=m"(out2), [after] "=m"(after), "+r"(rbx), "+r"(r12), "+r"(r13), "+r"(r14), "+r"(r15)
                     : "D"((long)getpid()), "S"((long)signal), [one] "m"(one), [other] "m"(other), [control] "m"(control)
                     : "rcx", "rdx", "r8", "r9", "r10", "r11", "xmm0", "xmm7", "xmm15", "memory", "cc");
    bad += memcmp(&one, &out, 16) || memcmp(&other, &out2, 16);
    bad += after != control || (_mm_getcsr() & 0x6000) != 0x4000;
    bad += rbx != 11 || r12 != 12 || r13 != 13 || r14 != 14 || r15 != 15;
    control = 0x37f;
    __asm__ volatile("fldcw %0" ::"m"(control));
    _mm_setcsr(0x1f80);
    return result;
}

__asm__(".globl syscall_kill\nsyscall_kill:\n mov $62,%eax\n syscall\n ret");

static sigjmp_buf back;

static void no_room(int signal, siginfo_t *info, void *context) {
    (void)context;
    printf("signal %d code %d\n", signal, info->si_code);
    fflush(stdout);
    siglongjmp(back, 1);
}

static void child(void (*act)(void)) {
    fflush(stdout);
    pid_t pid = fork();
    if (!pid) act(), _exit(0);
    int status;
    waitpid(pid, &status, 0);
    printf("status %#x\n", status);
}

static char *alternate;

static void without_room(void) {
    stack_t stack = {.ss_sp = alternate, .ss_size = 65536};
    MUST(sigaltstack(&stack, NULL));
    install(SIGUSR1, handler, SA_ONSTACK);
    for (int i = 0; i < OFTEN; i++) send(SIGUSR1);
    printf("on the alternate stack: %d\n", stack_at > (uintptr_t)alternate && stack_at < (uintptr_t)alternate + 65536);
    mprotect(alternate, 65536, PROT_NONE);
    if (!sigsetjmp(back, 1)) send(SIGUSR1), puts("not reached");
}

static void without_room_handled(void) {
    install(SIGSEGV, no_room, 0);
    without_room();
    puts("survived");
    fflush(stdout);
}

static void without_room_fatal(void) {
    install(SIGSEGV, no_room, SA_ONSTACK);
    without_room();
}

int main(void) {
    alternate = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    install(SIGUSR1, handler, 0);
    for (int i = 0; i < OFTEN; i++) bad += send(SIGUSR1) != 0;
    printf("handled %d, bad %d, mxcsr %#x, from itself %d, code %d\n", handled, bad, start_mxcsr, last.si_pid == getpid(), last.si_code);

    // The handler sets the mask that holds when it has returned.
    sigset_t more, now;
    sigemptyset(&more), sigaddset(&more, SIGWINCH), sigaddset(&more, SIGUSR2);
    change = &more;
    send(SIGUSR1);
    change = NULL;
    sigprocmask(SIG_SETMASK, NULL, &now);
    printf("mask: %d %d %d\n", sigismember(&now, SIGWINCH), sigismember(&now, SIGUSR2), sigismember(&now, SIGUSR1));
    // What it lets through comes at once.
    install(SIGUSR2, handler, 0);
    handled = 0;
    send(SIGUSR2);
    printf("blocked: %d", handled);
    sigemptyset(&more);
    change = &more;
    send(SIGUSR1);
    change = NULL;
    printf(", after: %d\n", handled);

    struct sigaction action = {.sa_handler = nesting, .sa_flags = SA_NODEFER};
    sigaction(SIGUSR2, &action, NULL);
    for (int i = 0; i < OFTEN; i++) send(SIGUSR2);
    printf("nested %d\n", nested);

    // Two at once, and queued ones.
    handled = 0;
    sigset_t set;
    sigemptyset(&set), sigaddset(&set, SIGRTMIN), sigaddset(&set, SIGRTMIN + 1);
    install(SIGRTMIN, handler, 0), install(SIGRTMIN + 1, handler, SA_NODEFER);
    for (int i = 0; i < 20; i++) {
        sigprocmask(SIG_BLOCK, &set, NULL);
        for (int j = 0; j < 3; j++) kill(getpid(), SIGRTMIN), kill(getpid(), SIGRTMIN + 1);
        sigprocmask(SIG_UNBLOCK, &set, NULL);
    }
    printf("queued %d\n", handled);

    // A wait that is cut short, and one that goes on.
    // Again and again: a signal may come before the wait.
    struct itimerval soon = {{0, 20000}, {0, 3000}}, never = {{0, 0}, {0, 0}};
    int ends[2], restarted = 0, cut = 0;
    char byte;
    MUST(pipe(ends));
    install(SIGALRM, handler, 0);
    for (int i = 0; i < 40; i++) {
        setitimer(ITIMER_REAL, &soon, NULL);
        cut += read(ends[0], &byte, 1) == -1 && errno == EINTR;
        setitimer(ITIMER_REAL, &never, NULL);
    }
    install(SIGALRM, handler, SA_RESTART);
    for (int i = 0; i < 10; i++) {
        pid_t pid = fork();
        if (!pid) usleep(15000), write(ends[1], "x", 1), _exit(0);
        setitimer(ITIMER_REAL, &soon, NULL);
        restarted += read(ends[0], &byte, 1) == 1;
        setitimer(ITIMER_REAL, &never, NULL);
        waitpid(pid, NULL, 0);
    }
    printf("cut short %d, restarted %d, bad %d\n", cut, restarted, bad);

    child(without_room_handled);
    child(without_room_fatal);
    return 0;
}
