// How processes with several threads end: exec by one of them, exit of the leader, exit_group, kills at any moment.
#include "check.h"
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static void *sleeps(void *unused) {
    for (;;) pause();
    return unused;
}

static void *spins(void *unused) {
    for (volatile long x = 0;; x++) {}
    return unused;
}

static void *executes(void *unused) {
    usleep(10000);
    execl("/proc/self/exe", "self", "executed", NULL);
    return unused;
}

static void *ends_later(void *unused) {
    usleep(20000);
    syscall(SYS_exit, 5);
    return unused;
}

static void start(void *(*body)(void *), int count) {
    pthread_t thread;
    while (count-- > 0) MUST(-pthread_create(&thread, NULL, body, NULL));
}

static int status_of(void (*body)(void)) {
    int status;
    fflush(stdout);
    pid_t pid = MUST(fork());
    if (pid == 0) body(), _exit(99);
    MUST(waitpid(pid, &status, 0));
    return status;
}

static void exec_by_thread(void) { start(sleeps, 3), start(executes, 1), sleeps(NULL); }
static void exec_by_leader(void) { start(sleeps, 3), executes(NULL); }
static void group_exit(void) { start(sleeps, 5), usleep(1000), exit(6); }
static void leader_first(void) { start(ends_later, 1), syscall(SYS_exit, 7); }
static void leader_last(void) { start(ends_later, 1), usleep(60000), syscall(SYS_exit, 8); }
static void fault(void) { start(sleeps, 3), raise(SIGSEGV); }

int main(int argc, char **argv) {
    if (argc > 1) {
        printf("%s: leads its process %d\n", argv[1], syscall(SYS_gettid) == getpid());
        return 11;
    }
    SHOW(status_of(exec_by_thread));
    SHOW(status_of(exec_by_leader));
    SHOW(status_of(group_exit));
    SHOW(status_of(leader_first));
    SHOW(status_of(leader_last));
    SHOW(status_of(fault) & 0x7f);
    int wrong = 0;
    for (int i = 0; i < 40; i++) {
        int status;
        pid_t pid = MUST(fork());
        if (pid == 0) start(spins, 3), start(sleeps, 2), spins(NULL);
        usleep((useconds_t)(500 + i * 100));
        kill(pid, SIGKILL);
        waitpid(pid, &status, 0);
        wrong += !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL;
    }
    printf("killed with another status: %d\n", wrong);
}
