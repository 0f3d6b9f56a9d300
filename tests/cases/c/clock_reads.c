// Clocks read without a call agree with those read by one, and what a signal finds on the way is the program, its library or the vDSO.
#include "check.h"
#include <execinfo.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <ucontext.h>

static uintptr_t vdso_start, vdso_end, main_start, main_end, starts[200], ends[200];
static int mapped;

static void mappings(void) {
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[512];
    while (fgets(line, sizeof line, maps)) {
        uintptr_t start, end;
        char flags[5], name[300] = "";
        sscanf(line, "%lx-%lx %4s %*s %*s %*s %299s", &start, &end, flags, name);
        if (flags[2] == 'x' && mapped < 200) starts[mapped] = start, ends[mapped++] = end;
        if (!strcmp(name, "[vdso]")) vdso_start = start, vdso_end = end;
        if (!strcmp(name, "[vdso]") || !strcmp(name, "[vvar]")) printf("%s %s\n", name, flags);
        if ((uintptr_t)mappings >= start && (uintptr_t)mappings < end) main_start = start, main_end = end;
    }
    fclose(maps);
    printf("where the auxiliary vector says: %d\n", getauxval(AT_SYSINFO_EHDR) == vdso_start);
    printf("an ELF file: %d\n", !memcmp((void *)vdso_start, "\177ELF", 4));
}

static int64_t nanos(const struct timespec *time) { return time->tv_sec * 1000000000LL + time->tv_nsec; }

static void agreement(void) {
    const int clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE,
                          CLOCK_BOOTTIME, CLOCK_TAI, CLOCK_PROCESS_CPUTIME_ID};
    for (size_t i = 0; i < sizeof clocks / sizeof *clocks; i++) {
        int64_t last = 0;
        int backwards = 0, far = 0;
        for (int round = 0; round < 3000; round++) {
            struct timespec now;
            if (round % 2 ? clock_gettime(clocks[i], &now) : (int)syscall(SYS_clock_gettime, clocks[i], &now)) { puts("fails"); break; }
            backwards += nanos(&now) < last;
            far += last && nanos(&now) - last > 60000000000;
            last = nanos(&now);
        }
        struct timespec one = {1, 1}, other = {2, 2};
        clock_getres(clocks[i], &one);
        syscall(SYS_clock_getres, clocks[i], &other);
        printf("clock %d: %d backwards, %d a minute apart, resolution %ld, the same by a call: %d\n", clocks[i], backwards, far, one.tv_nsec,
               nanos(&one) == nanos(&other));
    }
    int wrong = 0;
    for (int round = 0; round < 1000; round++) {
        struct timeval one;
        struct timespec before, after;
        clock_gettime(CLOCK_REALTIME, &before);
        gettimeofday(&one, NULL);
        clock_gettime(CLOCK_REALTIME, &after);
        int64_t micros = one.tv_sec * 1000000LL + one.tv_usec;
        wrong += micros < nanos(&before) / 1000 || micros > nanos(&after) / 1000;
        time_t by_call = syscall(SYS_time, NULL), by_library = time(NULL);
        wrong += by_library < by_call;
    }
    printf("gettimeofday and time: %d wrong\n", wrong);
    struct timespec now;
    SHOW(clock_gettime(99, &now));
    SHOW(clock_gettime(-1, &now));
    SHOW(clock_getres(CLOCK_MONOTONIC, NULL));
    unsigned cpu = -1u, node = -1u;
    SHOW(getcpu(&cpu, &node));
    printf("processor: %d\n", cpu < (unsigned)sysconf(_SC_NPROCESSORS_CONF));
}

static sigjmp_buf back;
static volatile int signals, in_vdso, lost;

static void fault(int signal, siginfo_t *info, void *context) {
    uintptr_t at = ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
    printf("signal %d at address %p, in the vDSO: %d\n", signal, info->si_addr, at >= vdso_start && at < vdso_end);
    siglongjmp(back, 1);
}

// A handler that finds its thread in the vDSO must be able to find main behind it.
static void alarm_handler(int signal, siginfo_t *info, void *context) {
    (void)signal, (void)info;
    uintptr_t at = ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
    signals++;
    if (at < vdso_start || at >= vdso_end) return;
    in_vdso++;
    void *frames[16];
    int count = backtrace(frames, 16), found = 0;
    for (int i = 2; i < count; i++) found |= (uintptr_t)frames[i] >= main_start && (uintptr_t)frames[i] < main_end;
    lost += !found;
}

static int somewhere_else;

static void place(int signal, siginfo_t *info, void *context) {
    uintptr_t at = ((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
    alarm_handler(signal, info, context);
    // Memory that /proc/self/maps does not show.
    int known = 0;
    for (int i = 0; i < mapped; i++) known |= at >= starts[i] && at < ends[i];
    somewhere_else += !known;
}

int main(void) {
    mappings();
    agreement();

    struct sigaction action = {.sa_sigaction = fault, .sa_flags = SA_SIGINFO | SA_NODEFER};
    sigaction(SIGSEGV, &action, NULL);
    if (!sigsetjmp(back, 1)) clock_gettime(CLOCK_MONOTONIC, (void *)16);

    void *frames[4];
    backtrace(frames, 4); // What it loads, it loads now.
    action.sa_sigaction = place;
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    sigaction(SIGALRM, &action, NULL);
    struct itimerval often = {{0, 400}, {0, 400}}, never = {{0, 0}, {0, 0}};
    setitimer(ITIMER_REAL, &often, NULL);
    int64_t last = 0, backwards = 0;
    while (signals < 300 || !in_vdso) {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        backwards += nanos(&now) < last;
        last = nanos(&now);
    }
    setitimer(ITIMER_REAL, &never, NULL);
    printf("interrupted: %ld backwards, %d times main not found, %d times somewhere else\n", (long)backwards, lost, somewhere_else);
    return 0;
}
