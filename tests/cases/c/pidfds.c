// Descriptors of processes: made by clone and pidfd_open, polled, waited for, used to take descriptors.
#include "check.h"
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static int ready(int fd, int milliseconds) {
    struct pollfd entry = {fd, POLLIN, 0};
    int count = poll(&entry, 1, milliseconds);
    return count == 1 ? entry.revents : count;
}

static volatile sig_atomic_t count;
static void note(int signal) { (void)signal, count++; }

int main(void) {
    siginfo_t info;
    pid_t pid = MUST(fork());
    if (pid == 0) pause();
    int fd = MUST(syscall(SYS_pidfd_open, pid, 0));
    SHOW(fcntl(fd, F_GETFD));
    SHOW(ready(fd, 0));
    SHOW(waitid(P_PIDFD, (id_t)fd, &info, WEXITED | WNOHANG));
    SHOW(syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 0));
    SHOW(ready(fd, 100000));
    SHOW(waitid(P_PIDFD, (id_t)fd, &info, WEXITED));
    SHOW(info.si_status);
    SHOW(waitid(P_PIDFD, (id_t)fd, &info, WEXITED));
    SHOW(syscall(SYS_pidfd_send_signal, fd, 0, NULL, 0));
    close(fd);

    int made = -1;
    pid = (pid_t)syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, NULL, &made, NULL, 0);
    if (pid == 0) _exit(7);
    SHOW(made >= 0);
    SHOW(ready(made, 100000));
    SHOW(waitid(P_PIDFD, (id_t)made, &info, WEXITED));
    SHOW(info.si_status);
    close(made);

    int own = MUST(syscall(SYS_pidfd_open, getpid(), 0));
    int pipes[2];
    MUST(pipe(pipes));
    int taken = MUST(syscall(SYS_pidfd_getfd, own, pipes[1], 0));
    SHOW(write(taken, "abc", 3));
    char text[4] = "";
    SHOW(read(pipes[0], text, 3));
    puts(text);
    SHOW(syscall(SYS_pidfd_getfd, own, 99, 0));
    SHOW(syscall(SYS_pidfd_open, 1 << 22, 0));
    SHOW(syscall(SYS_pidfd_open, -1, 0));
    SHOW(syscall(SYS_pidfd_open, getpid(), 0x10000000));
    SHOW(syscall(SYS_pidfd_getfd, pipes[0], 0, 0));
    SHOW(waitid(P_PIDFD, (id_t)pipes[0], &info, WEXITED));
    SHOW(waitid(P_PIDFD, 99, &info, WEXITED));

    // Signals for a thread and for a process group.
    signal(SIGUSR1, note);
    SHOW(syscall(SYS_pidfd_send_signal, own, SIGUSR1, NULL, 1));
    SHOW(syscall(SYS_pidfd_send_signal, own, SIGUSR1, NULL, 2));
    SHOW(syscall(SYS_pidfd_send_signal, own, SIGUSR1, NULL, 3));
    SHOW(syscall(SYS_pidfd_send_signal, own, SIGUSR1, NULL, 8));
    SHOW(count);
    pid = fork();
    if (pid == 0) {
        setpgid(0, 0);
        if (fork() == 0) pause();
        pause();
    }
    setpgid(pid, pid);
    int leader = MUST(syscall(SYS_pidfd_open, pid, 0));
    usleep(20000);
    SHOW(syscall(SYS_pidfd_send_signal, leader, SIGTERM, NULL, 4));
    SHOW(waitid(P_PID, (id_t)pid, &info, WEXITED));
    SHOW(info.si_status);
    SHOW(syscall(SYS_pidfd_send_signal, leader, SIGTERM, NULL, 0));
}
