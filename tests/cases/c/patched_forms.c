// System call instructions of all shapes, each executed often enough to be patched: results, registers and flags stay what they are.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define TIMES 300
#define SITE(name, code) asm(".balign 64\n.skip 64, 0x90\n" #name ":\n" code "\n.balign 64, 0xcc\n"); extern long name(long nr, long a, long b, long c)
#define LOAD "mov %rdi,%rax\nmov %rsi,%rdi\nmov %rdx,%rsi\nmov %rcx,%rdx\n"
SITE(numbered_getppid, "mov $110,%eax\nsyscall\nret");
SITE(wrapper, LOAD "syscall\nwrapper_after: cmp $-4095,%rax\njae 1f\nret\n1: mov $-1,%rax\nret");
SITE(bare, LOAD "syscall\nret\n.balign 16");
SITE(go_like, LOAD "syscall\ncmp $0xfffffffffffff001,%rax\njbe 1f\nneg %rax\nret\n1: ret");
SITE(tested, LOAD "syscall\ntest %rax,%rax\njns 1f\nneg %rax\n1: ret");
SITE(relative, LOAD "syscall\nadd addend(%rip),%rax\nsub $5,%rax\nret");
SITE(crowded, LOAD "syscall\npush %rbx\nmov %rax,%rbx\nmov %rbx,%rax\npop %rbx\nret");
SITE(twice, LOAD "syscall\nmov $110,%eax\nsyscall\nret");
SITE(calls_on, "push %rbx\n" LOAD "syscall\ncall same\npop %rbx\nret\nsame: ret");
long addend = 5;
typedef long site(long, long, long, long);
static long libc_generic(long nr, long a, long b, long c) { long r = syscall(nr, a, b, c); return r < 0 ? -errno : r; }
static const struct { const char *name; site *site; } sites[] = {
    {"wrapper", wrapper}, {"bare", bare}, {"go-like", go_like}, {"tested", tested}, {"relative", relative},
    {"crowded", crowded}, {"calls-on", calls_on}, {"libc", libc_generic}};
#define SITES (sizeof sites / sizeof *sites)

static long behind(long rax) {
    long r;
    asm volatile("call wrapper_after" : "=a"(r) : "a"(rax) : "rcx", "r11", "memory", "cc");
    return r;
}

// The registers that a system call keeps, and the direction flag.
static int kept(void) {
    long r, bad = 0;
    asm volatile("mov $0x1111,%%rdi\nmov $0x2222,%%rsi\nmov $0x3333,%%rdx\nmov $0x4444,%%r8\nmov $0x5555,%%r9\nmov $0x6666,%%r10\n"
                 "mov $0x7777,%%r12\nmov $0x8888,%%r13\nmov $0x9999,%%r14\nmov $0xaaaa,%%r15\nstd\nmov $110,%%eax\nsyscall\npushfq\npop %%rcx\ncld\n"
                 "test $0x400,%%ecx\njnz 1f\nor $1,%1\n1: cmp $0x1111,%%rdi\nje 1f\nor $2,%1\n1: cmp $0x2222,%%rsi\nje 1f\nor $4,%1\n"
                 "1: cmp $0x3333,%%rdx\nje 1f\nor $8,%1\n1: cmp $0x4444,%%r8\nje 1f\nor $16,%1\n1: cmp $0x5555,%%r9\nje 1f\nor $32,%1\n"
                 "1: cmp $0x6666,%%r10\nje 1f\nor $64,%1\n1: cmp $0x7777,%%r12\nje 1f\nor $128,%1\n1: cmp $0x8888,%%r13\nje 1f\nor $256,%1\n"
                 "1: cmp $0x9999,%%r14\nje 1f\nor $512,%1\n1: cmp $0xaaaa,%%r15\nje 1f\nor $1024,%1\n1:"
                 : "=&a"(r), "+b"(bad) : : "rcx", "r11", "rdi", "rsi", "rdx", "r8", "r9", "r10", "r12", "r13", "r14", "r15", "memory", "cc");
    return r == getppid() ? (int)bad : -1;
}

static int ends[2];
static volatile int stop;
static void *runs(void *unused) {
    char c[8];
    (void)unused;
    for (long n = 0; !stop; n++) {
        site *s = sites[(size_t)n % SITES].site;
        if (s(SYS_pread64, ends[0], (long)c, 8) == 8 || s(SYS_getppid, 0, 0, 0) != getppid()) return "wrong";
    }
    return "right";
}

int main(void) {
    char c = 'x';
    for (size_t i = 0; i < SITES; i++) {
        long parents = 0, errors = 0, bytes = 0;
        if (pipe(ends)) return 1;
        for (int n = 0; n < TIMES; n++) {
            parents += sites[i].site(SYS_getppid, 0, 0, 0) == getppid();
            long bad = sites[i].site(SYS_close, -1, 0, 0);
            errors += bad == -EBADF || bad == EBADF || (bad == -1 && sites[i].site == wrapper);
            bytes += sites[i].site(SYS_write, ends[1], (long)&c, 1);
            bytes += sites[i].site(SYS_read, ends[0], (long)&c, 1);
        }
        printf("%s: parents %ld, errors %ld, bytes %ld, %c\n", sites[i].name, parents, errors, bytes, c);
        close(ends[0]), close(ends[1]);
    }
    long right = 0, jumped = 0, lost = 0;
    for (int n = 0; n < TIMES; n++) {
        right += numbered_getppid(0, 0, 0, 0) == getppid() && twice(SYS_getuid, 0, 0, 0) == getppid();
        jumped += behind(n) == n && behind(-5) == -1;
        lost |= kept();
    }
    printf("numbered %ld, jumped %ld, lost %lx\n", right, jumped, lost);

    if (pipe(ends)) return 1;
    pthread_t threads[8];
    for (int i = 0; i < 8; i++) pthread_create(&threads[i], NULL, runs, NULL);
    usleep(200000);
    stop = 1;
    for (int i = 0; i < 8; i++) { void *result; pthread_join(threads[i], &result); printf("%s ", (char *)result); }

    int good = 0;
    for (int i = 0; i < 20; i++) {
        pid_t child = fork();
        if (child == 0) _exit(wrapper(SYS_getppid, 0, 0, 0) == getppid() && bare(SYS_getpid, 0, 0, 0) == getpid() ? 7 : 1);
        int status;
        good += waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 7;
    }
    printf("\nchildren %d\n", good);
    return 0;
}
