// kcmp, personality, barriers, and what prctl and older calls tell.
#include "check.h"
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/ipc.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>

static long same(pid_t one, pid_t other, int kind, unsigned long a, unsigned long b) {
    long result = syscall(SYS_kcmp, one, other, kind, a, b);
    return result > 0 ? 1 : result;
}

static pid_t parent;

static int compare(void *unused) {
    (void)unused;
    for (int kind = 1; kind < 8; kind++) printf("%d: %ld\n", kind, same(parent, getpid(), kind, 0, 0));
    fflush(stdout);
    return 0;
}

static void clones(void) {
    static char stack[65536] __attribute__((aligned(16)));
    parent = getpid();
    int flags[] = {0, CLONE_FILES, CLONE_FS, CLONE_VM | CLONE_SIGHAND, CLONE_SYSVSEM, CLONE_VM | CLONE_VFORK};
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        printf("clone %x\n", flags[i]);
        fflush(stdout);
        MUST(clone(compare, stack + sizeof stack, flags[i] | SIGCHLD, NULL));
        wait(NULL);
    }
}

static void files(void) {
    int fds[2];
    MUST(pipe(fds));
    int copy = MUST(dup(fds[0]));
    SHOW(same(getpid(), getpid(), 0, fds[0], copy));
    SHOW(same(getpid(), getpid(), 0, fds[0], fds[1]));
    SHOW(same(getpid(), getpid(), 0, fds[0], 999));
    SHOW(same(getpid(), 1 << 22, 1, 0, 0));
    SHOW(same(getpid(), getpid(), 99, 0, 0));
    long order = syscall(SYS_kcmp, getpid(), getpid(), 0, fds[0], fds[1]);
    SHOW(order + syscall(SYS_kcmp, getpid(), getpid(), 0, fds[1], fds[0]));
    int set = MUST(epoll_create1(0));
    struct epoll_event event = {.events = EPOLLIN};
    MUST(epoll_ctl(set, EPOLL_CTL_ADD, fds[0], &event));
    struct { unsigned epoll, target, index; } slot = {(unsigned)set, (unsigned)fds[0], 0};
    SHOW(same(getpid(), getpid(), 7, copy, (unsigned long)&slot));
    SHOW(same(getpid(), getpid(), 7, fds[1], (unsigned long)&slot));
    slot.index = 1;
    SHOW(same(getpid(), getpid(), 7, copy, (unsigned long)&slot));
}

static void personalities(void) {
    struct utsname name;
    SHOW(personality(0xffffffff));
    SHOW(personality(PER_LINUX32));
    uname(&name);
    puts(name.machine);
    SHOW(personality(PER_LINUX | UNAME26));
    uname(&name);
    printf("%.4s\n", name.release);
    SHOW(personality(STICKY_TIMEOUTS));
    struct timeval timeout = {0, 1000};
    SHOW(select(0, NULL, NULL, NULL, &timeout));
    printf("%ld %ld\n", timeout.tv_sec, timeout.tv_usec);
    SHOW(personality(0x12345600));
    SHOW(personality(0));
    timeout = (struct timeval){0, 1000};
    SHOW(select(0, NULL, NULL, NULL, &timeout));
    printf("%ld %ld\n", timeout.tv_sec, timeout.tv_usec);
}

static void barriers(void) {
    SHOW(syscall(SYS_membarrier, 0, 0, 0) & 0x7f);
    SHOW(syscall(SYS_membarrier, 0, 1, 0));
    SHOW(syscall(SYS_membarrier, 8, 0, 0));
    SHOW(syscall(SYS_membarrier, 16, 0, 0));
    SHOW(syscall(SYS_membarrier, 8, 0, 0));
    SHOW(syscall(SYS_membarrier, 32, 0, 0));
    SHOW(syscall(SYS_membarrier, 64, 0, 0));
    SHOW(syscall(SYS_membarrier, 32, 0, 0));
    SHOW(syscall(SYS_membarrier, 1, 0, 0));
    SHOW(syscall(SYS_membarrier, 4, 0, 0));
    SHOW(syscall(SYS_membarrier, 2, 0, 0));
    SHOW(syscall(SYS_membarrier, 3, 0, 0));
    SHOW(syscall(SYS_membarrier, 8, 2, 0));
}

static void words(void) {
    int value = -1;
    SHOW(prctl(PR_GET_TSC, &value));
    SHOW(value);
    SHOW(prctl(PR_SET_TSC, 3));
    SHOW(prctl(PR_MCE_KILL_GET, 0, 0, 0, 0));
    SHOW(prctl(PR_MCE_KILL, 1, 1, 0, 0));
    SHOW(prctl(PR_MCE_KILL_GET, 0, 0, 0, 0));
    SHOW(prctl(PR_MCE_KILL, 2, 0, 0, 0));
    SHOW(prctl(PR_MCE_KILL_GET, 1, 0, 0, 0));
    SHOW(prctl(PR_SET_TIMERSLACK, 70000));
    fflush(stdout);
    if (fork() == 0) {
        SHOW(prctl(PR_GET_TIMERSLACK));
        prctl(PR_SET_TIMERSLACK, 1000);
        prctl(PR_SET_TIMERSLACK, 0);
        SHOW(prctl(PR_GET_TIMERSLACK));
        _exit(0);
    }
    wait(NULL);
    SHOW(syscall(SYS_sysfs, 3) > 0);
    SHOW(syscall(SYS_sysfs, 1, "no such kind"));
    long number = syscall(SYS_sysfs, 1, "tmpfs");
    char name[64] = "";
    SHOW(syscall(SYS_sysfs, 2, number, name));
    puts(name);
    SHOW(syscall(SYS_sysfs, 2, 1000, name));
    SHOW(syscall(SYS_sysfs, 9));
    SHOW(syscall(SYS_ustat, 0xffff, name));
    SHOW(syscall(SYS_ioprio_set, 2, 0, (2 << 13) | 3));
    SHOW(syscall(SYS_ioprio_get, 2, 0));
    SHOW(syscall(SYS_ioprio_get, 3, 4711));
    SHOW(syscall(SYS_ioprio_get, 4, 0));
}

// What threads ask to be undone is undone with the last of them; a child of fork has a list of its own.
static void undo(void) {
    int id = MUST(semget(IPC_PRIVATE, 2, 0600 | IPC_CREAT));
    struct sembuf up = {0, 3, SEM_UNDO}, other = {1, 2, SEM_UNDO};
    if (fork() == 0) {
        MUST(semop(id, &up, 1));
        if (fork() == 0) {
            MUST(semop(id, &other, 1));
            printf("%d %d\n", semctl(id, 0, GETVAL), semctl(id, 1, GETVAL));
            fflush(stdout);
            _exit(0);
        }
        wait(NULL);
        printf("%d %d\n", semctl(id, 0, GETVAL), semctl(id, 1, GETVAL));
        SHOW(unshare(CLONE_SYSVSEM));
        printf("%d %d\n", semctl(id, 0, GETVAL), semctl(id, 1, GETVAL));
        MUST(semop(id, &other, 1));
        fflush(stdout);
        _exit(0);
    }
    wait(NULL);
    printf("%d %d\n", semctl(id, 0, GETVAL), semctl(id, 1, GETVAL));
    MUST(semctl(id, 0, IPC_RMID));
}

int main(void) {
    clones();
    files();
    personalities();
    barriers();
    words();
    undo();
}
