// Priorities, policies, affinity and limits: what can be set, by whom, and what is told afterwards.
#include "check.h"
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static void as_user(void) {
    SHOW(setuid(1000));
    SHOW(setpriority(PRIO_PROCESS, 0, 5));
    SHOW(getpriority(PRIO_PROCESS, 0));
    SHOW(setpriority(PRIO_PROCESS, 0, 1));
    SHOW(setpriority(PRIO_PROCESS, (id_t)getppid(), 6));
    struct rlimit limit = {100, 200};
    SHOW(setrlimit(RLIMIT_NOFILE, &limit));
    limit.rlim_max = 300;
    SHOW(setrlimit(RLIMIT_NOFILE, &limit));
    limit = (struct rlimit){300, 200};
    SHOW(setrlimit(RLIMIT_NOFILE, &limit));
    SHOW(prlimit(getppid(), RLIMIT_NOFILE, NULL, &limit));
}

int main(void) {
    SHOW(getpriority(PRIO_PROCESS, 1 << 22));
    SHOW(getpriority(9, 0));
    SHOW(setpriority(PRIO_PROCESS, 0, 3));
    SHOW(getpriority(PRIO_PROCESS, 0));
    fflush(stdout);
    if (fork() == 0) {
        SHOW(getpriority(PRIO_PROCESS, 0));
        as_user();
        _exit(0);
    }
    wait(NULL);

    struct sched_param param = {0};
    SHOW(sched_getscheduler(0));
    SHOW(sched_setscheduler(0, SCHED_BATCH, &param));
    SHOW(sched_getscheduler(0));
    SHOW(sched_setscheduler(0, 77, &param));
    param.sched_priority = 1;
    SHOW(sched_setscheduler(0, SCHED_OTHER, &param));
    SHOW(sched_get_priority_max(SCHED_FIFO));
    SHOW(sched_get_priority_min(SCHED_RR));
    SHOW(sched_get_priority_max(SCHED_OTHER));
    SHOW(sched_get_priority_max(99));

    cpu_set_t set;
    CPU_ZERO(&set);
    SHOW(sched_setaffinity(0, sizeof set, &set));
    CPU_SET(0, &set);
    SHOW(sched_setaffinity(0, sizeof set, &set));
    CPU_ZERO(&set);
    SHOW(sched_getaffinity(0, sizeof set, &set));
    SHOW(CPU_COUNT(&set));
    SHOW(syscall(SYS_sched_getaffinity, 0, 4, &set));
    SHOW(sched_getaffinity(1 << 22, sizeof set, &set));

    struct rlimit limit;
    SHOW(getrlimit(RLIMIT_STACK, &limit));
    SHOW(getrlimit(77, &limit));
    SHOW(prctl(PR_SET_NAME, "a name that is too long"));
    char name[17] = "";
    SHOW(prctl(PR_GET_NAME, name));
    puts(name);
    SHOW(prctl(PR_SET_DUMPABLE, 0));
    SHOW(prctl(PR_GET_DUMPABLE));
    SHOW(prctl(PR_SET_DUMPABLE, 7));
    SHOW(prctl(PR_SET_TIMERSLACK, 1000));
    SHOW(prctl(PR_GET_TIMERSLACK));
    SHOW(prctl(0x7fffffff));
    SHOW(syscall(SYS_ioprio_get, 1, 0));
    SHOW(syscall(SYS_ioprio_set, 1, 0, (2 << 13) | 5));
    SHOW(syscall(SYS_ioprio_get, 1, 0));
    SHOW(syscall(SYS_ioprio_set, 1, 0, (5 << 13)));
}
