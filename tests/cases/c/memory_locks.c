// Locked memory, resident pages, advice, seals and policies of memory: what is checked, counted and told.
#include "check.h"
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#ifndef MLOCK_ONFAULT
#define MLOCK_ONFAULT 1
#endif

static long status(const char *name) {
    char line[200];
    long value = -1;
    FILE *file = fopen("/proc/self/status", "r");
    while (fgets(line, sizeof line, file))
        if (strncmp(line, name, strlen(name)) == 0) value = atol(line + strlen(name) + 1);
    fclose(file);
    return value;
}

// Locked bytes of the mapping at an address, in KiB, and whether it says so.
static void smaps(void *at) {
    char line[300], flags[300] = "";
    unsigned long start, end, here = 0;
    long locked = -1;
    FILE *file = fopen("/proc/self/smaps", "r");
    while (fgets(line, sizeof line, file)) {
        if (sscanf(line, "%lx-%lx ", &start, &end) == 2) here = (unsigned long)at >= start && (unsigned long)at < end;
        if (here) sscanf(line, "Locked: %ld", &locked);
        if (here && strncmp(line, "VmFlags:", 8) == 0) strcpy(flags, line);
    }
    fclose(file);
    printf("locked %ld KiB, %s\n", locked, strstr(flags, " lo") ? "flagged" : "not flagged");
}

static void resident(char *at, size_t pages) {
    unsigned char vector[64] = {0};
    SHOW(mincore(at, pages * 4096, vector));
    for (size_t i = 0; i < pages; i++) putchar(vector[i] & 1 ? '1' : '0');
    putchar('\n');
}

static void locks(void) {
    char *at = mmap(NULL, 16 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    at[4096] = 1;
    resident(at, 8);
    SHOW(mincore(at + 1, 4096, (void *)at));
    SHOW(mincore(at, 4096, (void *)8));
    SHOW(mlock(at + 2 * 4096 + 5, 4096));
    resident(at, 8);
    SHOW(status("VmLck"));
    SHOW(mlock2(at + 5 * 4096, 2 * 4096, MLOCK_ONFAULT));
    resident(at, 8);
    SHOW(status("VmLck"));
    SHOW(mlock2(at, 4096, 2));
    SHOW(munlock(at + 3 * 4096, 3 * 4096));
    SHOW(status("VmLck"));
    SHOW(munlock(at, 16 * 4096));
    SHOW(mlock(at, 4 * 4096));
    munmap(at + 4 * 4096, 4096);
    smaps(at);
    SHOW(mlock(at + 3 * 4096, 3 * 4096));
    SHOW(msync(at, 4096, MS_INVALIDATE));
    fflush(stdout);
    if (fork() == 0) {
        SHOW(status("VmLck"));
        _exit(0);
    }
    wait(NULL);
    munmap(at, 16 * 4096);
    SHOW(status("VmLck"));
    char *locked = mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0);
    resident(locked, 4);
    SHOW(status("VmLck"));
    SHOW(munlockall());
    SHOW(status("VmLck"));
    SHOW(mlockall(0));
    SHOW(mlockall(8));
    SHOW(mlockall(MCL_ONFAULT));
    SHOW(mlockall(MCL_FUTURE));
    long before = status("VmLck");
    char *later = mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    SHOW(status("VmLck") - before);
    munmap(later, 4 * 4096);
    SHOW(munlockall());
}

static void limited(void) {
    char *at = mmap(NULL, 16 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct rlimit limit = {4 * 4096, 4 * 4096};
    MUST(setrlimit(RLIMIT_MEMLOCK, &limit));
    MUST(setuid(1000));
    SHOW(mlock(at, 3 * 4096));
    SHOW(mlock(at + 4 * 4096, 2 * 4096));
    SHOW(mlock(at, 4 * 4096));
    SHOW(mlock(at + 8 * 4096, 4096));
    SHOW(munlock(at, 4096));
    SHOW(mlock(at + 8 * 4096, 4096));
    SHOW(mlockall(MCL_CURRENT));
    limit.rlim_cur = 0;
    MUST(setrlimit(RLIMIT_MEMLOCK, &limit));
    SHOW(mlock(at, 4096));
    SHOW(mlockall(MCL_CURRENT));
    SHOW(munlockall());
}

static void advice(void) {
    char *at = mmap(NULL, 8 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memset(at, 7, 8 * 4096);
    SHOW(madvise(at, 4096, MADV_DONTNEED));
    SHOW(at[0]);
    SHOW(madvise(at + 4096, 4096, MADV_WIPEONFORK));
    SHOW(madvise(at + 2 * 4096, 4096, MADV_DONTFORK));
    SHOW(madvise(at + 3 * 4096, 4096, MADV_COLD));
    SHOW(madvise(at + 3 * 4096, 4096, MADV_POPULATE_WRITE));
    SHOW(madvise(at + 1, 4096, MADV_DONTNEED));
    SHOW(madvise(at, 4096, 1234));
    fflush(stdout);
    if (fork() == 0) {
        SHOW(at[4096]);
        unsigned char there;
        SHOW(mincore(at + 2 * 4096, 4096, &there));
        SHOW(at[3 * 4096]);
        _exit(0);
    }
    wait(NULL);
    int self = (int)syscall(SYS_pidfd_open, getpid(), 0);
    struct { void *base; size_t length; } pieces[2] = {{at + 3 * 4096, 4096}, {at + 5 * 4096, 2 * 4096}};
    SHOW(syscall(SYS_process_madvise, self, pieces, 2, MADV_COLD, 0));
    SHOW(syscall(SYS_process_madvise, self, pieces, 2, MADV_COLD, 1));
    SHOW(syscall(SYS_process_madvise, -1, pieces, 2, MADV_COLD, 0));
    SHOW(syscall(SYS_process_mrelease, self, 0));
    SHOW(syscall(SYS_process_mrelease, self, 1));
    int ready[2];
    MUST(pipe(ready));
    pid_t pid = fork();
    if (pid == 0) {
        MUST(write(ready[1], "", 1));
        pause();
        _exit(0);
    }
    MUST(read(ready[0], &(char){0}, 1));
    int other = (int)syscall(SYS_pidfd_open, pid, 0);
    SHOW(syscall(SYS_process_madvise, other, pieces, 2, MADV_COLD, 0));
    SHOW(syscall(SYS_process_madvise, other, pieces, 2, MADV_DONTNEED, 0));
    kill(pid, 9);
    waitpid(pid, NULL, 0);
    SHOW(syscall(SYS_process_mrelease, other, 0));
}

static void seals(void) {
    char *at = mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    at[0] = 5;
    SHOW(syscall(462, at + 1, 4096, 0));
    SHOW(syscall(462, at, 4096, 1));
    SHOW(syscall(462, at, 4096, 0));
    SHOW(mprotect(at, 4096, PROT_READ));
    SHOW(munmap(at, 4096));
    SHOW(munmap(at + 4096, 3 * 4096));
    SHOW(at[0]);
}

static void nodes(void) {
    char *at = mmap(NULL, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int mode = -1;
    unsigned long mask = 1, told = 0;
    SHOW(syscall(SYS_get_mempolicy, &mode, &told, 65, 0, 0));
    printf("mode %d nodes %lx\n", mode, told);
    SHOW(syscall(SYS_get_mempolicy, NULL, &told, 65, 0, 4));
    printf("allowed %lx\n", told);
    SHOW(syscall(SYS_set_mempolicy, 2, &mask, 65));
    SHOW(syscall(SYS_get_mempolicy, &mode, &told, 65, 0, 0));
    printf("mode %d nodes %lx\n", mode, told);
    SHOW(syscall(SYS_set_mempolicy, 3, NULL, 0));
    SHOW(syscall(SYS_set_mempolicy, 9, &mask, 65));
    SHOW(syscall(SYS_set_mempolicy, 0, &mask, 65));
    SHOW(syscall(SYS_mbind, at, 2 * 4096, 3, &mask, 65, 0));
    SHOW(syscall(SYS_get_mempolicy, &mode, &told, 65, at + 4096, 2));
    printf("mode %d nodes %lx\n", mode, told);
    SHOW(syscall(SYS_get_mempolicy, &mode, &told, 65, at + 2 * 4096, 2));
    printf("mode %d nodes %lx\n", mode, told);
    SHOW(syscall(SYS_get_mempolicy, &mode, NULL, 0, at, 3));
    printf("node %d\n", mode);
    SHOW(syscall(SYS_get_mempolicy, &mode, NULL, 0, 16, 2));
    SHOW(syscall(SYS_get_mempolicy, &mode, NULL, 0, at, 0));
    SHOW(syscall(SYS_get_mempolicy, &mode, NULL, 0, 0, 1));
    SHOW(syscall(SYS_mbind, at + 1, 4096, 3, &mask, 65, 0));
    SHOW(syscall(SYS_mbind, at, 4096, 3, &mask, 65, 8));
    SHOW(syscall(SYS_mbind, 4096 * 16, 4096, 3, &mask, 65, 0));
    SHOW(syscall(SYS_migrate_pages, 0, 65, &mask, &mask));
    SHOW(syscall(SYS_migrate_pages, 1 << 22, 65, &mask, &mask));
    SHOW(syscall(SYS_pkey_alloc, 0, 4));
    SHOW(syscall(SYS_pkey_free, 3));
    SHOW(syscall(SYS_pkey_mprotect, at, 4096, PROT_READ, -1));
    SHOW(syscall(SYS_pkey_mprotect, at, 4096, PROT_READ, 3));
}

int main(void) {
    locks();
    advice();
    seals();
    nodes();
    fflush(stdout);
    if (fork() == 0) {
        limited();
        _exit(0);
    }
    wait(NULL);
}
