// A program that changes its own text in pages whose calls have been made often, and one whose text holds breakpoints.
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define SITE(name, code) asm(".balign 4096\n.skip 64, 0x90\n.globl " #name "\n" #name ":\n" code "\n.balign 4096, 0xcc\n"); extern long name(long nr)
SITE(early, "mov %rdi,%rax\nsyscall\ntest %rax,%rax\njns 1f\nneg %rax\n1: ret\n.balign 16\n.globl early_constant\nearly_constant: mov $11,%eax\nret");
SITE(late, "mov %rdi,%rax\nsyscall\ntest %rax,%rax\njns 1f\nneg %rax\n1: ret\n.balign 16\n.globl late_constant\nlate_constant: mov $11,%eax\nret");
SITE(stopped, "mov $110,%eax\nsyscall\nret");
SITE(copied, "mov %rdi,%rax\nsyscall\ntest %rax,%rax\njns 1f\nneg %rax\n1: ret");
extern int early_constant(void), late_constant(void);

static void *page_of(void *at) { return (void *)((uintptr_t)at & -4096); }
static void protect(void *at, int protection) { if (mprotect(page_of(at), 4096, protection)) exit(1); }

static void set(int (*constant)(void), int value) {
    protect(constant, PROT_READ | PROT_WRITE | PROT_EXEC);
    memcpy((char *)constant + 1, &value, sizeof value);
    protect(constant, PROT_READ | PROT_EXEC);
}

static long hot(long (*site)(long)) {
    long right = 0;
    for (int i = 0; i < 100; i++) right += site(SYS_getppid) == getppid();
    return right;
}

static volatile int trapped;
static unsigned char saved;
static volatile long trapped_at;
static void on_trap(int signal, siginfo_t *info, void *context) {
    ucontext_t *user = context;
    (void)signal, (void)info;
    trapped++;
    trapped_at = user->uc_mcontext.gregs[REG_RIP] - (long)stopped;
    // As a debugger does it: back to the instruction, which is put in its place again.
    user->uc_mcontext.gregs[REG_RIP]--;
    protect(stopped, PROT_READ | PROT_WRITE | PROT_EXEC);
    *(unsigned char *)stopped = saved;
    protect(stopped, PROT_READ | PROT_EXEC);
}

int main(void) {
    set(early_constant, 22);
    printf("early %ld %d\n", hot(early), early_constant());
    printf("late %ld %d\n", hot(late), late_constant());
    set(late_constant, 33);
    printf("late %ld %d\n", hot(late), late_constant());

    hot(stopped);
    struct sigaction action = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO};
    sigaction(SIGTRAP, &action, NULL);
    saved = *(unsigned char *)stopped;
    protect(stopped, PROT_READ | PROT_WRITE | PROT_EXEC);
    *(unsigned char *)stopped = 0xcc;
    protect(stopped, PROT_READ | PROT_EXEC);
    long right = stopped(0) == getppid();
    printf("breakpoint %d at %ld, call %ld, later %ld\n", trapped, trapped_at, right, hot(stopped));

    // Code copied elsewhere while it is hot, as language runtimes move text to huge pages: over itself.
    hot(copied);
    char *keep = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy(keep, page_of(copied), 4096);
    char *over = mmap(page_of(copied), 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    if (over == MAP_FAILED) return 1;
    memcpy(over, keep, 4096);
    protect(over, PROT_READ | PROT_EXEC);
    printf("copied %ld\n", hot(copied));
    return 0;
}
