// rseq(2) and the barriers for it: sequences that a signal cuts begin again; fork keeps the registration, a thread and a program do not.
#include "check.h"
#include <linux/membarrier.h>
#include <linux/rseq.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <sys/wait.h>

extern char **environ;

#define SIGNATURE 0x12345678

// The kernel's area of a thread without glibc's: glibc registers its own, so that threads made here come without.
static struct rseq area[2] __attribute__((aligned(32)));

static long enlist(struct rseq *at, int flags, unsigned signature) {
    return syscall(SYS_rseq, at, 32, flags, signature);
}

static struct rseq *glibc(void) { return (void *)((char *)__builtin_thread_pointer() + __rseq_offset); }

static void handler(int signal) {
    (void)signal;
}

// Counts `most` rounds in a sequence, and how often it was cut and begun again.
static long count(struct rseq *at, long most, long *restarts) {
    long done = 0;
    __asm__ __volatile__(
        ".pushsection __rseq_cs, \"aw\"\n"
        ".balign 32\n"
        "3: .long 0, 0\n"
        ".quad 1f, 2f - 1f, 4f\n"
        ".popsection\n"
        "5: xorl %%eax, %%eax\n"
        "leaq 3b(%%rip), %%rcx\n"
        "movq %%rcx, 8(%[area])\n"
        "1: incq %%rax\n"
        "cmpq %[most], %%rax\n"
        "jb 1b\n"
        "movq %%rax, %[done]\n"
        "2: jmp 6f\n"
        ".byte 0x0f, 0xb9, 0x3d\n"
        ".long 0x12345678\n"
        "4: incq %[restarts]\n"
        "cmpq $3, %[restarts]\n"
        "jb 5b\n"
        "6:\n"
        : [done] "+m"(done), [restarts] "+m"(*restarts)
        : [area] "r"(at), [most] "r"(most)
        : "rax", "rcx", "memory", "cc");
    return done;
}

static void *thread(void *unused) {
    (void)unused;
    // glibc's own registration is in the way.
    SHOW(enlist(&area[0], 0, SIGNATURE));
    SHOW(enlist(glibc(), 0, RSEQ_SIG));
    SHOW(enlist(glibc(), RSEQ_FLAG_UNREGISTER, SIGNATURE));
    SHOW(enlist(glibc(), RSEQ_FLAG_UNREGISTER, RSEQ_SIG));
    SHOW(enlist(glibc(), RSEQ_FLAG_UNREGISTER, RSEQ_SIG));
    SHOW(enlist((void *)8, 0, SIGNATURE));
    SHOW(syscall(SYS_rseq, &area[0], 16, 0, SIGNATURE));
    SHOW(enlist((void *)0x4000000000000000, 0, SIGNATURE));
    SHOW(enlist(&area[0], 0, SIGNATURE));
    SHOW(area[0].cpu_id < (unsigned)sysconf(_SC_NPROCESSORS_CONF));

    long restarts = 0;
    SHOW(count(&area[0], 1000, &restarts));
    // Signals come while it counts: three times it begins again, and then it gives up.
    struct sigaction act = {.sa_handler = handler};
    MUST(sigaction(SIGALRM, &act, NULL));
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGALRM};
    event._sigev_un._tid = gettid();
    MUST(timer_create(CLOCK_MONOTONIC, &event, &timer));
    struct itimerspec every = {{0, 1000000}, {0, 1000000}};
    MUST(timer_settime(timer, 0, &every, NULL));
    restarts = 0;
    SHOW(count(&area[0], 1L << 60, &restarts));
    SHOW(restarts);
    MUST(timer_delete(timer));

    pid_t child = MUST(fork());
    if (child == 0) {
        SHOW(enlist(&area[0], 0, SIGNATURE));
        SHOW(enlist(&area[0], RSEQ_FLAG_UNREGISTER, SIGNATURE));
        _exit(0);
    }
    int status;
    MUST(waitpid(child, &status, 0));
    SHOW(status);
    // Where the sequence would go on is not what it must be.
    child = MUST(fork());
    if (child == 0) {
        signal(SIGSEGV, SIG_DFL);
        restarts = 0;
        MUST(enlist(&area[0], RSEQ_FLAG_UNREGISTER, SIGNATURE));
        MUST(enlist(&area[0], 0, SIGNATURE + 1));
        alarm(1);
        count(&area[0], 1L << 60, &restarts);
        _exit(0);
    }
    MUST(waitpid(child, &status, 0));
    SHOW(WIFSIGNALED(status) ? WTERMSIG(status) : -2);
    SHOW(enlist(&area[0], RSEQ_FLAG_UNREGISTER, SIGNATURE));
    return NULL;
}

int main(int argc, char **argv) {
    if (argc > 1) {
        // A new program has what its glibc registered.
        SHOW((int)glibc()->cpu_id >= 0);
        return 0;
    }
    SHOW(__rseq_size > 0);
    SHOW((int)glibc()->cpu_id >= 0);
    SHOW(enlist(glibc(), 0, RSEQ_SIG));
    pthread_t other;
    for (int i = 0; i < 2; i++) {
        if (pthread_create(&other, NULL, thread, NULL) != 0) return 1;
        pthread_join(other, NULL);
    }
    int commands = MUST(syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY, 0, 0));
    SHOW((commands & MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ) != 0);
    SHOW(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, 0, 0));
    SHOW(syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ, 0, 0));
    SHOW(syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, 0, 0));
    char *again[] = {argv[0], "again", NULL};
    execve("/proc/self/exe", again, environ);
    return 1;
}
