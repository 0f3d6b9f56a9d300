// Shared by the programs that interrupt others: whoever is to be interrupted in a call has to wait in it first, however long that takes.
#pragma once
#include "check.h"
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

// The state of a process or thread: '?' if there is none.
static inline char state_in(const char *path) {
    char text[512] = "";
    FILE *file = fopen(path, "r");
    if (!file) return '?';
    size_t length = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[length] = 0;
    char *end = strrchr(text, ')');
    return end ? end[2] : '?';
}

// Waits until it waits for good, has stopped or has ended. Gives its state.
static inline char rests_in(const char *path) {
    int seen = 0;
    char state = 'R', last = 'R';
    while (seen < 4) {
        state = state_in(path);
        seen = state != 'R' && state == last ? seen + 1 : 0;
        last = state;
        if (state == 'Z' || state == '?') break;
        usleep(2000);
    }
    return state;
}

static inline char until_asleep(pid_t pid) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    return rests_in(path);
}

// The same for a thread of this process.
static inline char until_thread_sleeps(pid_t tid) {
    char path[64];
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", tid);
    return rests_in(path);
}

// A number that children of fork see too.
static inline volatile int *shared_number(void) {
    return mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

// A child that signals this process once it waits; then it ends.
static inline pid_t signal_when_asleep(int number) {
    pid_t victim = getpid();
    fflush(stdout);
    pid_t pid = MUST(fork());
    if (pid) return pid;
    until_asleep(victim);
    kill(victim, number);
    _exit(0);
}

static inline void reap(pid_t pid) {
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR) {}
}
