// What a signal handler sees of a thread inside a call that has been made often: addresses of the program and its library, nothing else.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

static int ends[2];
static char shown[4096];

static void where(char *to, size_t size, const void *address) {
    Dl_info info;
    if (!dladdr(address, &info) || !info.dli_fname) { snprintf(to, size, "nowhere"); return; }
    const char *file = strrchr(info.dli_fname, '/');
    snprintf(to, size, "%s+%#lx", file ? file + 1 : info.dli_fname, (unsigned long)((uintptr_t)address - (uintptr_t)info.dli_fbase));
}

static void handler(int signal, siginfo_t *info, void *context) {
    void *frames[32];
    char line[200];
    (void)signal, (void)info;
    ucontext_t *user = context;
    shown[0] = 0;
    where(line, sizeof line, (void *)user->uc_mcontext.gregs[REG_RIP]);
    strcat(shown, line);
    int count = backtrace(frames, 32);
    for (int i = 1; i < count; i++) {
        where(line, sizeof line, frames[i]);
        strcat(strcat(shown, " "), line);
    }
}

static void alarm_soon(void) {
    struct itimerval soon = {.it_value = {.tv_usec = 20000}};
    setitimer(ITIMER_REAL, &soon, NULL);
}

// A call site of the program's own, with instructions behind it that have to move.
asm(".balign 64\n.skip 64, 0x90\nown: mov %rdi,%rax\nmov %rsi,%rdi\nmov %rdx,%rsi\nmov %rcx,%rdx\nsyscall\ntest %rax,%rax\njns 1f\nneg %rax\n1: ret\n.balign 64");
extern long own(long nr, long a, long b, long c);

static volatile sig_atomic_t ticks;
static volatile long stray;
extern char __executable_start[], etext[];
static void tick(int signal, siginfo_t *info, void *context) {
    Dl_info known;
    (void)signal, (void)info;
    ticks++;
    uintptr_t rip = (uintptr_t)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
    if (!dladdr((void *)rip, &known) && rip >> 12 != 0xffffffffff600) stray++;
}

int main(void) {
    char c = 'x';
    if (pipe(ends)) return 1;
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
    sigaction(SIGALRM, &action, NULL);
    void *warm[2];
    backtrace(warm, 2);
    for (int i = 0; i < 200; i++) {
        if (write(ends[1], &c, 1) != 1 || read(ends[0], &c, 1) != 1) return 1;
        if (own(SYS_write, ends[1], (long)&c, 1) != 1 || own(SYS_read, ends[0], (long)&c, 1) != 1) return 1;
        if (syscall(SYS_write, ends[1], &c, 1) != 1 || syscall(SYS_read, ends[0], &c, 1) != 1) return 1;
    }
    alarm_soon();
    long r = read(ends[0], &c, 1);
    printf("read %ld %s\n%s\n", r, strerror(errno), shown);
    alarm_soon();
    r = syscall(SYS_read, ends[0], &c, 1);
    printf("syscall %ld %s\n%s\n", r, strerror(errno), shown);
    alarm_soon();
    r = own(SYS_read, ends[0], (long)&c, 1);
    printf("own %ld\n%s\n", r, shown);

    // Interrupted anywhere, thousands of calls long: never at an address that belongs to nobody.
    struct sigaction ticking = {.sa_sigaction = tick, .sa_flags = SA_SIGINFO | SA_RESTART};
    sigaction(SIGALRM, &ticking, NULL);
    struct itimerval often = {{0, 300}, {0, 300}}, never = {{0, 0}, {0, 0}};
    long wrong = 0;
    setitimer(ITIMER_REAL, &often, NULL);
    for (int i = 0; i < 20000; i++) wrong += own(SYS_getppid, 0, 0, 0) != getppid();
    setitimer(ITIMER_REAL, &never, NULL);
    printf("wrong %ld, stray %ld, ticks %s\n", wrong, stray, ticks > 10 ? "many" : "few");

    // The mappings of libc and of the program are those of the files.
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[400];
    while (fgets(line, sizeof line, maps)) {
        unsigned long start, end, offset;
        char mode[5], name[200] = "";
        if (sscanf(line, "%lx-%lx %4s %lx %*s %*s %199s", &start, &end, mode, &offset, name) >= 4 && (strstr(name, "libc.so") || strstr(name, "patched_")))
            printf("%lx %s %lx %s\n", end - start, mode, offset, strrchr(name, '/'));
    }
    return 0;
}
