// Real-time and deadline policies: who may have which, what is told of them, and what children inherit.
#include "check.h"
#include <sched.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

struct attributes {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
    uint32_t least, most;
};

static void tell(const char *when) {
    struct attributes a = {0};
    struct sched_param param = {-1};
    struct timespec slice = {-1, -1};
    syscall(SYS_sched_getattr, 0, &a, sizeof a, 0);
    sched_getparam(0, &param);
    sched_rr_get_interval(0, &slice);
    int fair = a.policy == SCHED_OTHER || a.policy == SCHED_BATCH || a.policy == SCHED_IDLE;
    printf("%s: policy %#x %u flags %lx nice %d priority %u %d slice %ld", when, sched_getscheduler(0), a.policy,
           (long)a.flags, a.nice, a.priority, param.sched_priority, slice.tv_nsec);
    printf(" deadline %lu %lu %lu\n", fair ? 0 : (long)a.runtime, (long)a.deadline, (long)a.period);
}

static long set(uint32_t size, uint32_t policy, uint64_t flags, int nice, uint32_t priority, uint64_t runtime,
                uint64_t deadline, uint64_t period) {
    struct attributes a = {size, policy, flags, nice, priority, runtime, deadline, period, 0, 0};
    return syscall(SYS_sched_setattr, 0, &a, 0);
}

static void child(const char *when) {
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        tell(when);
        _exit(0);
    }
    printf("fork %s\n", pid > 0 ? "succeeds" : strerrorname_np(errno));
    if (pid > 0) waitpid(pid, NULL, 0);
}

static void as_user(void) {
    struct sched_param param = {10};
    struct rlimit limit = {0, 20};
    MUST(setrlimit(RLIMIT_RTPRIO, &limit));
    MUST(setuid(1000));
    SHOW(sched_setscheduler(0, SCHED_FIFO, &param));
    limit.rlim_cur = 10;
    MUST(setrlimit(RLIMIT_RTPRIO, &limit));
    SHOW(sched_setscheduler(0, SCHED_FIFO, &param));
    param.sched_priority = 11;
    SHOW(sched_setparam(0, &param));
    param.sched_priority = 3;
    SHOW(sched_setparam(0, &param));
    SHOW(sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &param));
    SHOW(sched_setscheduler(0, SCHED_RR, &param));
    SHOW(set(48, SCHED_DEADLINE, 0, 0, 0, 1000000, 10000000, 10000000));
    param.sched_priority = 0;
    SHOW(sched_setscheduler(0, SCHED_IDLE | SCHED_RESET_ON_FORK, &param));
    SHOW(sched_setscheduler(0, SCHED_OTHER | SCHED_RESET_ON_FORK, &param));
    SHOW(sched_setscheduler(getppid(), SCHED_OTHER, &param));
    tell("user");
}

int main(void) {
    struct sched_param param = {0};
    tell("at first");
    for (int policy = -1; policy < 10; policy++)
        printf("%d: %d %d\n", policy, sched_get_priority_max(policy), sched_get_priority_min(policy));
    SHOW(sched_setscheduler(0, SCHED_FIFO, &param));
    param.sched_priority = 100;
    SHOW(sched_setscheduler(0, SCHED_RR, &param));
    param.sched_priority = 50;
    SHOW(sched_setscheduler(0, -1, &param));
    SHOW(sched_setscheduler(-1, SCHED_RR, &param));
    SHOW(sched_setscheduler(0, SCHED_RR, NULL));
    SHOW(sched_setscheduler(1 << 22, SCHED_RR, &param));
    SHOW(sched_setscheduler(0, SCHED_RR, &param));
    tell("round robin");
    child("its child");
    SHOW(sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &param));
    tell("first in, first out");
    child("its child");
    param.sched_priority = 0;
    SHOW(sched_setparam(0, &param));
    SHOW(set(48, SCHED_BATCH, 1, -5, 0, 0, 0, 0));
    tell("batch");
    child("its child");
    SHOW(set(48, SCHED_OTHER, 0, 3, 0, 0, 0, 0));
    SHOW(set(47, SCHED_OTHER, 0, 3, 0, 0, 0, 0));
    SHOW(set(0, SCHED_OTHER, 0x80, 3, 0, 0, 0, 0));
    SHOW(set(0, 0x80000000, 0, 3, 0, 0, 0, 0));
    SHOW(set(48, SCHED_OTHER, 0, 3, 1, 0, 0, 0));
    SHOW(set(48, SCHED_FIFO, 8, 4, 0, 0, 0, 0));
    tell("kept policy");
    struct { struct attributes a; uint64_t more; } longer = {{72, 0, 0, 0, 0, 0, 0, 0, 0, 0}, 1};
    SHOW(syscall(SYS_sched_setattr, 0, &longer, 0));
    printf("size %u\n", longer.a.size);
    SHOW(set(48, SCHED_DEADLINE, 0, 0, 0, 1000, 10000000, 10000000));
    SHOW(set(48, SCHED_DEADLINE, 0, 0, 0, 5000000, 1000000, 10000000));
    SHOW(syscall(SYS_sched_getattr, 0, &longer, 47, 0));
    fflush(stdout);
    if (fork() == 0) {
        as_user();
        _exit(0);
    }
    wait(NULL);

    // What a zombie was is still told.
    pid_t pid = fork();
    if (pid == 0) {
        param.sched_priority = 7;
        MUST(sched_setscheduler(0, SCHED_FIFO, &param));
        _exit(0);
    }
    siginfo_t info;
    MUST(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT));
    SHOW(sched_getscheduler(pid));
    SHOW(sched_getparam(pid, &param));
    SHOW(param.sched_priority);
}
