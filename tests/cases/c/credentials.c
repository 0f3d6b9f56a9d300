// Users, groups and capabilities across set*id calls and exec.
#include "check.h"
#include <grp.h>
#include <sys/types.h>
#include <sys/prctl.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static void state(const char *when) {
    unsigned r, e, s, gr, ge, gs;
    struct { unsigned version; int pid; } header = {0x20080522, 0};
    struct { unsigned effective, permitted, inheritable; } data[2];
    getresuid(&r, &e, &s), getresgid(&gr, &ge, &gs), syscall(SYS_capget, &header, data);
    printf("%s: %u %u %u, %u %u %u, groups %d, capabilities %x %x %x\n", when, r, e, s, gr, ge, gs, getgroups(0, NULL), data[0].effective, data[0].permitted, data[0].inheritable), fflush(stdout);
}

int main(int argc, char **argv) {
    if (argc > 1) return state(argv[1]), 0;
    int status;
    state("start");
    for (int step = 0; step < 5; step++) {
        if (fork() == 0) {
            if (step == 0) SHOW(setgroups(2, (gid_t[]){5, 6})), SHOW(setresgid(1, 2, 3)), SHOW(setresuid(1, 2, 3)), state("all set"), SHOW(setuid(0)), SHOW(setresuid(-1, 1, -1)), SHOW(seteuid(3)), SHOW(setgroups(0, NULL)), state("after");
            if (step == 1) SHOW(seteuid(1000)), state("effective only"), SHOW(chmod("/work", 0755)), SHOW(seteuid(0)), state("back");
            if (step == 2) SHOW(prctl(PR_SET_KEEPCAPS, 1)), SHOW(setuid(1000)), state("kept"), execl("/proc/self/exe", "x", "kept, then exec", NULL);
            if (step == 3) SHOW(setuid(1000)), execl("/proc/self/exe", "x", "user, then exec", NULL);
            if (step == 4) SHOW(prctl(PR_CAPBSET_DROP, 5)), SHOW(prctl(PR_CAPBSET_READ, 5)), SHOW(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)), SHOW(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0)), execl("/proc/self/exe", "x", "bounded, then exec", NULL);
            _exit(0);
        }
        wait(&status);
    }
    SHOW(setreuid(-1, -1));
    SHOW(setresuid(-1, -1, -1));
    SHOW(setfsuid(-1));
    SHOW(getpgrp() > 0);
    SHOW(setsid() > 0 || errno == EPERM);
    SHOW(umask(0));
    SHOW(umask(022));
}
