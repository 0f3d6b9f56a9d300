// Faults of instructions, as handlers see them.
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

static sigjmp_buf back;
static char *page;
static void *expected;

static void show(int signal, siginfo_t *info, void *context) {
    ucontext_t *uc = context;
    printf("signal %d code %d addr %s trapno %lld err %#llx cr2 %d\n", signal, info->si_code,
           info->si_addr == expected ? "right" : info->si_addr == NULL ? "null" : "other", uc->uc_mcontext.gregs[REG_TRAPNO],
           uc->uc_mcontext.gregs[REG_ERR], (void *)uc->uc_mcontext.gregs[REG_CR2] == expected);
    siglongjmp(back, 1);
}

static int fixes;
static void fix(int signal, siginfo_t *info, void *context) {
    (void)signal; (void)context;
    fixes++;
    mprotect((void *)((uintptr_t)info->si_addr & ~4095UL), 4096, PROT_READ | PROT_WRITE);
}

static void skip(int signal, siginfo_t *info, void *context) {
    (void)info;
    ucontext_t *uc = context;
    printf("skipping for %d, code %d\n", signal, info->si_code);
    uc->uc_mcontext.gregs[REG_RIP] += 2;
    uc->uc_mcontext.gregs[REG_RAX] = 1234;
}

static void handle(int signal, void (*handler)(int, siginfo_t *, void *)) {
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    sigaction(signal, &action, NULL);
}

static int in_child(void (*act)(void)) {
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) { act(); _exit(0); }
    int status;
    waitpid(pid, &status, 0);
    return status;
}

static void die_blocked(void) {
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL);
    handle(SIGSEGV, fix);
    *(volatile char *)8 = 1;
}
static void die_ignored(void) { signal(SIGFPE, SIG_IGN); __asm__ volatile("xor %%ecx, %%ecx; mov $1, %%eax; cltd; idiv %%ecx" ::: "eax", "ecx", "edx"); }
static void die_default(void) { signal(SIGILL, SIG_DFL); __asm__ volatile("ud2"); }
static void die_abort(void) { abort(); }

int main(void) {
    setvbuf(stdout, NULL, _IONBF, 0);
    page = mmap(NULL, 16384, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int all[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
    for (int i = 0; i < 5; i++) handle(all[i], show);

    expected = (void *)16;
    if (!sigsetjmp(back, 1)) *(volatile char *)16 = 1;
    expected = (void *)24;
    if (!sigsetjmp(back, 1)) printf("%d", *(volatile char *)24);
    mprotect(page, 4096, PROT_READ);
    expected = page + 7;
    if (!sigsetjmp(back, 1)) page[7] = 1;
    mprotect(page, 4096, PROT_NONE);
    if (!sigsetjmp(back, 1)) printf("%d", *(volatile char *)(page + 7));
    munmap(page + 4096, 4096);
    expected = page + 4096;
    if (!sigsetjmp(back, 1)) printf("%d", *(volatile char *)(page + 4096));
    // Not an address that can exist: a general protection fault.
    expected = NULL;
    if (!sigsetjmp(back, 1)) *(volatile char *)0x8000000000000000UL = 1;
    if (!sigsetjmp(back, 1)) __asm__ volatile("hlt");
    int fd = memfd_create("x", 0);
    if (ftruncate(fd, 4096)) return 1;
    char *file = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    expected = file + 5000;
    if (!sigsetjmp(back, 1)) file[5000] = 1;
    expected = NULL;
    if (!sigsetjmp(back, 1)) __asm__ volatile("xor %%ecx, %%ecx; mov $1, %%eax; cltd; idiv %%ecx" ::: "eax", "ecx", "edx");
    if (!sigsetjmp(back, 1)) __asm__ volatile("ud2");
    if (!sigsetjmp(back, 1)) __asm__ volatile("int3");

    handle(SIGSEGV, fix);
    char *fresh = mmap(NULL, 64 << 12, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < 64; i++) fresh[(i << 12) + i] = (char)i;
    printf("fixed %d pages\n", fixes);
    handle(SIGILL, skip);
    long value;
    __asm__ volatile("xor %%eax, %%eax; ud2" : "=a"(value));
    printf("rax from the handler: %ld\n", value);

    printf("blocked: %#x\n", in_child(die_blocked) & 0x7f);
    printf("ignored: %#x\n", in_child(die_ignored) & 0x7f);
    printf("default: %#x\n", in_child(die_default) & 0x7f);
    printf("abort: %#x\n", in_child(die_abort) & 0x7f);
    return 0;
}
