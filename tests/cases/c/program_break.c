// brk(2): moved so often that the calls need not come to the kernel, by threads, in children, and against limits.
#include "check.h"
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>

#define PAGE 4096l

static uintptr_t first;

// The call itself: the library's keeps a break of its own.
static uintptr_t move(uintptr_t to) { return syscall(SYS_brk, to); }

// The heap's size as /proc tells it, in pages.
static long told(void) {
    FILE *file = fopen("/proc/self/maps", "r");
    char line[512];
    long pages = 0;
    while (fgets(line, sizeof line, file)) {
        uintptr_t start, end;
        if (strstr(line, "[heap]") && sscanf(line, "%lx-%lx", &start, &end) == 2) pages += (end - start) / PAGE;
    }
    fclose(file);
    return pages;
}

static void sizes(const char *what, long pages) {
    char *end = (char *)first + pages * PAGE;
    int right = move((uintptr_t)end) == (uintptr_t)end && move(0) == (uintptr_t)end;
    if (pages > 0) end[-1] = 1;
    printf("%s: %d, %ld pages\n", what, right, told());
}

static _Atomic long moved, kept;

static void *moves(void *unused) {
    for (int i = 0; i < 2000; i++) {
        uintptr_t now = move(0), wanted = now < first + 60 * PAGE ? now + PAGE / 2 : first + 30 * PAGE;
        if (move(wanted) == wanted) moved++;
        else kept++;
    }
    return unused;
}

static _Atomic long alarms;

static void alarmed(int signal) { (void)signal, alarms++; }

int main(void) {
    static char buffer[4096];
    setvbuf(stdout, buffer, _IOLBF, sizeof buffer);
    // Room for what the library needs from here on: it must not move the break.
    void *volatile room = malloc(100000);
    free(room);
    first = (move(0) + PAGE - 1) & -PAGE;
    long before = told();

    // Signals come at any moment of it.
    struct itimerval often = {{0, 300}, {0, 300}}, never = {0};
    signal(SIGALRM, alarmed);
    setitimer(ITIMER_REAL, &often, NULL);
    long wrong = 0;
    for (long i = 0; i < 20000 || alarms < 20; i++) {
        uintptr_t to = first + (i * 7919 % 64) * PAGE / 4;
        if (move(to) != to || move(0) != to) wrong++;
        if (to > first) *(char *)(to - 1) = 1;
        if (i % 97 == 0 && move(first - (1l << 30)) != to) wrong++;
    }
    setitimer(ITIMER_REAL, &never, NULL);
    printf("wrong: %ld\n", wrong);

    sizes("grown", 100);
    sizes("shrunk", 10);
    printf("before it was as large: %d\n", told() - before >= 10);
    memset((char *)first, 7, 10 * PAGE);
    sizes("less", 5);
    sizes("and again", 10);
    int zero = 1;
    for (long i = 5 * PAGE; i < 10 * PAGE - 1; i++) zero &= !((char *)first)[i];
    printf("what comes back is empty: %d, what stayed is not: %d\n", zero, ((char *)first)[0]);

    // Something is in the way.
    char *wall = (char *)first + 20 * PAGE;
    SHOW(mmap(wall, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == wall);
    SHOW(move(first + 30 * PAGE) == first + 10 * PAGE);
    SHOW(move(first + 19 * PAGE) == first + 19 * PAGE);
    SHOW(move(first + 20 * PAGE + 1) == first + 19 * PAGE);
    SHOW(munmap(wall, PAGE));
    SHOW(move(first + 30 * PAGE) == first + 30 * PAGE);

    // A child has a break of its own.
    fflush(stdout);
    if (!fork()) {
        sizes("child", 40);
        sizes("child", 50);
        return 0;
    }
    wait(NULL);
    SHOW(move(0) == first + 30 * PAGE);

    pthread_t threads[4];
    for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, moves, NULL);
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    printf("calls that have moved it: %ld, that have not: %ld\n", moved, kept);
    sizes("after threads", 30);
    sizes("with nothing in the way", 300);
    sizes("once more", 30);

    struct rlimit limit;
    getrlimit(RLIMIT_DATA, &limit);
    struct rlimit tight = {1 << 20, limit.rlim_max};
    SHOW(setrlimit(RLIMIT_DATA, &tight));
    SHOW(move(first + (16 << 20)) == first + 30 * PAGE);
    SHOW(setrlimit(RLIMIT_DATA, &limit));
    SHOW(move(first + (16 << 20)) == first + (16 << 20));
    struct rlimit space = {1 << 20, RLIM_INFINITY};
    getrlimit(RLIMIT_AS, &limit);
    space.rlim_max = limit.rlim_max;
    SHOW(setrlimit(RLIMIT_AS, &space));
    SHOW(move(first + (32 << 20)) == first + (16 << 20));
    SHOW(setrlimit(RLIMIT_AS, &limit));
    sizes("at the end", 1);
    return 0;
}
