// Pid namespaces: numbers on each level, the first process, what is seen of those above and below, and the end of it all.
#include "namespaces.h"
#include <linux/sched.h>
#include <sys/syscall.h>

static int spawn(int flags) {
    fflush(stdout);
    return syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
}

static void field(const char *file, const char *name) {
    char line[256];
    FILE *f = fopen(file, "r");
    if (!f) return (void)printf("%s is not there\n", file);
    while (fgets(line, sizeof line, f))
        if (!strncmp(line, name, strlen(name))) printf("%s: %s", file, line);
    fclose(f), fflush(stdout);
}

static void reap(const char *what) {
    int status;
    siginfo_t info = {0};
    MUST(waitid(P_ALL, 0, &info, WEXITED | WNOWAIT));
    pid_t pid = MUST(wait(&status));
    printf("%s: %s child, status %x, code %d\n", what, pid == info.si_pid ? "the same" : "another", status, info.si_code), fflush(stdout);
}

static void caught(int signal) { printf("caught %d\n", signal), fflush(stdout); }

static void first_process(void) {
    pid_t child = spawn(CLONE_NEWPID | CLONE_NEWNS);
    if (child == 0) {
        printf("first: %d %ld, parent %d, group %d, session %d\n", getpid(), syscall(SYS_gettid), getppid(), getpgrp(), getsid(0)), fflush(stdout);
        pid_t one = spawn(0);
        if (one == 0) printf("second: %d %d, parent %d\n", getpid(), (int)syscall(SYS_gettid), getppid()), exit(3);
        printf("made %d\n", one);
        reap("second");
        SHOW(setsid()), SHOW(getsid(0)), SHOW(setpgid(0, 0)), SHOW(kill(100, 0)), SHOW(kill(-100, 0)), SHOW(getpgid(100)), SHOW(waitpid(100, NULL, 0)), SHOW(setpgid(100, 0));
        // Without a handler the first process takes no signal from inside.
        SHOW(kill(1, SIGKILL)), SHOW(kill(getpid(), SIGTERM)), SHOW(raise(SIGSTOP)), SHOW(kill(-1, SIGTERM));
        signal(SIGUSR1, caught), SHOW(kill(1, SIGUSR1));
        // It adopts.
        int told[2];
        MUST(pipe(told));
        if (spawn(0) == 0) {
            if (spawn(0) == 0) {
                MUST(read(told[0], &(char){0}, 1));
                printf("orphan: parent %d\n", getppid());
                exit(5);
            }
            exit(4);
        }
        reap("one"), MUST(write(told[1], "", 1)), reap("other");
        MUST(mount("p", "/proc", "proc", 0, NULL));
        char self[32] = {0};
        MUST(readlink("/proc/self", self, 31)), printf("/proc/self is %s\n", self);
        MUST(readlink("/proc/thread-self", self, 31)), printf("/proc/thread-self is %s\n", self);
        field("/proc/1/status", "NS"), field("/proc/1/status", "PPid"), field("/proc/self/status", "Pid"), field("/proc/2/status", "Pid");
        SHOW(system("cd /proc; echo [0-9]*; grep -l ^State [0-9]*/status"));
        exit(7);
    }
    reap("first");
}

static void seen_from_outside(void) {
    int ends[2];
    char byte, file[64], status[64];
    MUST(pipe(ends));
    pid_t child = spawn(CLONE_NEWPID);
    if (child == 0) {
        pid_t inner = spawn(CLONE_NEWPID);
        if (inner == 0) pause();
        MUST(write(ends[1], "", 1));
        pause();
    }
    MUST(read(ends[0], &byte, 1));
    sprintf(file, "/proc/%d/status", child);
    FILE *f = fopen(file, "r");
    char line[256];
    int levels = 0;
    while (fgets(line, sizeof line, f))
        if (sscanf(line, "NSpid:%*d%s", status) == 1) levels = atoi(status);
    fclose(f);
    printf("the first is %d inside\n", levels);
    SHOW(kill(child, SIGTERM)), usleep(20000), SHOW(waitpid(child, NULL, WNOHANG));
    int ns = (sprintf(file, "/proc/%d/ns/pid", child), MUST(open(file, O_RDONLY)));
    SHOW(ioctl(ns, 0xb703) == CLONE_NEWPID), SHOW(ioctl(ns, 0x8004b708, child)), SHOW(ioctl(ns, 0x8004b706, 1) == child), SHOW(ioctl(ns, 0x8004b706, 77)), SHOW(ioctl(ns, 0x8004b708, getpid()));
    int parent = MUST(ioctl(ns, 0xb702));
    SHOW(ioctl(parent, 0xb703) == CLONE_NEWPID), SHOW(setns(ns, CLONE_NEWPID));
    pid_t guest = spawn(0);
    if (guest == 0) {
        printf("guest: %d, parent %d\n", getpid(), getppid());
        SHOW(setns(parent, 0)), SHOW(kill(2, 0)), SHOW(unshare(CLONE_NEWPID)), SHOW(unshare(CLONE_NEWPID));
        exit(0);
    }
    reap("guest");
    SHOW(unshare(CLONE_NEWPID)), SHOW(setns(parent, 0));
    // Its end is that of all in it, before anybody hears of it.
    SHOW(kill(child, SIGKILL));
    reap("first");
}

static void without_a_first(void) {
    MUST(unshare(CLONE_NEWPID));
    SHOW(unshare(CLONE_NEWPID)), SHOW(getpid() > 1);
    if (spawn(0) == 0) printf("first: %d, parent %d\n", getpid(), getppid()), exit(0);
    reap("first");
    SHOW(fork());
}

static void chosen_numbers(void) {
    pid_t wanted[] = {1, 40000};
    struct clone_args args = {.exit_signal = SIGCHLD, .flags = CLONE_NEWPID, .set_tid = (unsigned long)wanted, .set_tid_size = 2};
    fflush(stdout);
    pid_t child = syscall(SYS_clone3, &args, sizeof args);
    if (child == 0) {
        printf("chosen: %d\n", getpid());
        pid_t next = 77;
        args = (struct clone_args){.exit_signal = SIGCHLD, .set_tid = (unsigned long)&next, .set_tid_size = 1};
        fflush(stdout);
        pid_t second = syscall(SYS_clone3, &args, sizeof args);
        if (second == 0) {
            next = 77, SHOW(syscall(SYS_clone3, &args, sizeof args)), next = 0, SHOW(syscall(SYS_clone3, &args, sizeof args));
            args.set_tid_size = 40, SHOW(syscall(SYS_clone3, &args, sizeof args)), args.set_tid = 0, SHOW(syscall(SYS_clone3, &args, sizeof args));
            exit(getpid());
        }
        reap("second");
        exit(0);
    }
    printf("outside %d\n", child);
    reap("first");
    wanted[0] = 2;
    args = (struct clone_args){.exit_signal = SIGCHLD, .flags = CLONE_NEWPID, .set_tid = (unsigned long)wanted, .set_tid_size = 2};
    SHOW(syscall(SYS_clone3, &args, sizeof args));
}

static void credentials(void) {
    int pair[2], on = 1;
    MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair)), MUST(setsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on));
    if (spawn(CLONE_NEWPID) == 0) {
        char byte, control[CMSG_SPACE(sizeof(struct ucred))];
        struct iovec vector = {&byte, 1};
        for (int turn = 0; turn < 2; turn++) {
            struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
            if (turn) MUST(write(pair[0], "", 1));
            MUST(recvmsg(pair[1], &message, 0));
            printf("from %d\n", ((struct ucred *)CMSG_DATA(CMSG_FIRSTHDR(&message)))->pid), fflush(stdout);
        }
        siginfo_t info;
        sigset_t set;
        sigemptyset(&set), sigaddset(&set, SIGUSR1), sigprocmask(SIG_BLOCK, &set, NULL);
        MUST(kill(1, SIGUSR1)), MUST(sigwaitinfo(&set, &info)), printf("signal from %d\n", info.si_pid);
        exit(0);
    }
    MUST(write(pair[0], "", 1));
    reap("receiver");
}

int main(void) {
    in_child(first_process), in_child(seen_from_outside), in_child(without_a_first), in_child(chosen_numbers), in_child(credentials);
    become(1000);
    SHOW(unshare(CLONE_NEWPID)), SHOW(unshare(CLONE_NEWUSER | CLONE_NEWPID));
    if (spawn(0) == 0) SHOW(getpid()), exit(0);
    reap("of a user");
}
