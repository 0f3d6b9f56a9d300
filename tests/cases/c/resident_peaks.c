// ru_maxrss of children, also of those that nobody asked about when they were waited for.
#include "check.h"
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

// In steps of 8 MiB, so that what a process is made of does not count.
static long steps(long kib) { return kib / 8192; }
static void touch(long mib) { char *m = mmap(NULL, mib << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); memset(m, 1, mib << 20); }
static pid_t child(long mib) { pid_t pid = fork(); if (pid == 0) { touch(mib); _exit(0); } return pid; }
static long children(void) { struct rusage r; getrusage(RUSAGE_CHILDREN, &r); return steps(r.ru_maxrss); }

int main(int argc, char **argv) {
    (void)argv;
    if (argc > 1) { struct rusage r; getrusage(RUSAGE_SELF, &r); printf("after exec %ld\n", steps(r.ru_maxrss)); return 0; }
    struct rusage r;
    SHOW(children());
    pid_t pid = child(20);
    SHOW(wait4(pid, NULL, 0, &r) == pid);
    SHOW(steps(r.ru_maxrss));
    SHOW(children());
    child(44), wait(NULL);
    SHOW(children());
    for (int i = 0; i < 20; i++) { child(i < 10 ? 60 : 4); SHOW(wait(NULL) > 0); }
    SHOW(children());
    // A grandchild counts once its parent has waited for it.
    if (fork() == 0) { child(92); wait(NULL); _exit(0); }
    memset(&r, 0, sizeof r);
    SHOW(wait3(NULL, 0, &r) > 0);
    SHOW(steps(r.ru_maxrss));
    SHOW(children());
    siginfo_t info;
    child(108);
    SHOW(syscall(SYS_waitid, P_ALL, 0, &info, WEXITED | WNOWAIT, &r));
    SHOW(steps(r.ru_maxrss));
    SHOW(children());
    SHOW(wait(NULL) > 0);
    SHOW(children());
    // A program's peak survives its end and the next one's start.
    touch(76);
    fflush(stdout);
    execl("/proc/self/exe", "again", "1", NULL);
    return 1;
}
