// What /proc tells of calls that need not come to the kernel: made often, so that they do not.
#include "check.h"
#include <signal.h>
#include <stdint.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

static long long status(const char *name, int base) {
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    long long value = -1;
    while (fgets(line, sizeof line, file))
        if (!strncmp(line, name, strlen(name)) && line[strlen(name)] == ':') value = strtoll(line + strlen(name) + 1, NULL, base);
    fclose(file);
    return value;
}

static void maps(const char *what, uintptr_t from, uintptr_t to) {
    FILE *file = fopen("/proc/self/maps", "r");
    char line[512], flags[5];
    uintptr_t start, end;
    printf("%s:", what);
    while (fgets(line, sizeof line, file)) {
        sscanf(line, "%lx-%lx %4s", &start, &end, flags);
        if (start >= to || end <= from) continue;
        start = start < from ? from : start, end = end > to ? to : end;
        printf(" %lu-%lu %s", (start - from) / 4096, (end - from) / 4096, flags);
    }
    puts("");
    fclose(file);
}

static void change(int signal, siginfo_t *info, void *context) {
    (void)signal, (void)info;
    sigaddset(&((ucontext_t *)context)->uc_sigmask, SIGWINCH);
}

int main(void) {
    sigset_t set;
    for (int i = 0; i < 100; i++) {
        sigemptyset(&set), sigaddset(&set, i % 2 ? SIGUSR1 : SIGUSR2);
        sigprocmask(SIG_SETMASK, &set, NULL);
    }
    printf("blocked %llx\n", status("SigBlk", 16));
    struct sigaction action = {.sa_sigaction = change, .sa_flags = SA_SIGINFO};
    sigaction(SIGTERM, &action, NULL);
    for (int i = 0; i < 100; i++) kill(getpid(), SIGTERM);
    printf("after a handler has changed it %llx\n", status("SigBlk", 16));
    kill(getpid(), SIGUSR1);
    printf("pending %llx\n", status("ShdPnd", 16));

    for (int i = 0; i < 100; i++) getpid(), getuid();
    SHOW(setresuid(1234, 1234, 1234));
    printf("user %d %d, status says %lld\n", getuid(), geteuid(), status("Uid", 10));
    SHOW(status("Pid", 10) == getpid() && gettid() == getpid());

    char *at = mmap(NULL, 6 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    // Neighbours would be shown as one.
    mprotect(at, 4096, PROT_NONE), mprotect(at + 5 * 4096, 4096, PROT_NONE);
    maps("mapped", (uintptr_t)at, (uintptr_t)at + 6 * 4096);
    mprotect(at + 2 * 4096, 4096, PROT_READ);
    maps("protected", (uintptr_t)at, (uintptr_t)at + 6 * 4096);
    munmap(at + 3 * 4096, 4096);
    maps("unmapped", (uintptr_t)at, (uintptr_t)at + 6 * 4096);

    char *heap = sbrk(0);
    SHOW(brk(heap + 40960));
    SHOW((char *)sbrk(0) - heap);
    heap[40959] = 1;
    SHOW(brk(heap));
    SHOW((char *)sbrk(0) - heap);

    struct rlimit limit = {(status("VmSize", 10) << 10) + (32 << 20), RLIM_INFINITY};
    getrlimit(RLIMIT_AS, &(struct rlimit){0});
    SHOW(setrlimit(RLIMIT_AS, &limit));
    SHOW(mmap(NULL, 256 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
    SHOW(mmap(NULL, 1 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);

    unsigned cpu = 0, wrong = 0;
    for (int i = 0; i < 100; i++) {
        wrong += syscall(SYS_getcpu, &cpu, NULL, NULL) != 0 || cpu >= (unsigned)sysconf(_SC_NPROCESSORS_CONF);
    }
    printf("wrong processors %u\n", wrong);
    for (int i = 0; i < 100; i++) syscall(SYS_getcpu, &cpu, &wrong, NULL);
    SHOW(syscall(SYS_getcpu, 16, NULL, NULL));

    long long before = status("voluntary_ctxt_switches", 10);
    for (int i = 0; i < 20; i++) usleep(1000);
    long long after = status("voluntary_ctxt_switches", 10);
    printf("counts its waits: %d, %d\n", after - before >= 20, status("nonvoluntary_ctxt_switches", 10) >= 0);
    return 0;
}
