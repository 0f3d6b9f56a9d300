// Record locks, locks of descriptions, flock: between processes, with waiting, deadlock and release.
#include "asleep.h"
#include <fcntl.h>
#include <sys/file.h>

static int lock(int fd, int command, int type, long start, long length) {
    struct flock l = {.l_type = (short)type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
    return fcntl(fd, command, &l);
}

static void who(int fd, long start, long length) {
    struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
    MUST(fcntl(fd, F_GETLK, &l));
    printf("%ld+%ld: type %d start %ld length %ld by parent %d\n", start, length, l.l_type, (long)l.l_start, (long)l.l_len,
           l.l_pid == getppid());
    fflush(stdout);
}

// Runs a step in a child and waits for it.
#define CHILD(step)                         \
    do {                                    \
        pid_t pid = fork();                 \
        if (pid == 0) {                     \
            step;                           \
            exit(0);                        \
        }                                   \
        waitpid(pid, NULL, 0);              \
    } while (0)

int main(void) {
    int fd = MUST(open("/work/locks", O_RDWR | O_CREAT, 0600)), back[2], status;
    char byte = 0;
    MUST(pipe(back));
    SHOW(lock(fd, F_SETLK, F_WRLCK, 10, 10));
    SHOW(lock(fd, F_SETLK, F_RDLCK, 14, 2));
    CHILD(who(fd, 0, 0); who(fd, 14, 1); who(fd, 16, 100); who(fd, 20, 0));
    CHILD(SHOW(lock(fd, F_SETLK, F_RDLCK, 14, 2)); SHOW(lock(fd, F_SETLK, F_RDLCK, 13, 2)));
    SHOW(lock(fd, F_SETLK, F_UNLCK, 12, 2));
    CHILD(who(fd, 12, 2); who(fd, 11, 2); who(fd, 0, 10));
    // A waiter gets it when it is released.
    pid_t waiter = fork();
    if (waiter == 0) {
        MUST(write(back[1], "r", 1));
        MUST(lock(fd, F_SETLKW, F_WRLCK, 0, 0));
        exit(7);
    }
    MUST(read(back[0], &byte, 1));
    until_asleep(waiter);
    SHOW(waitpid(waiter, &status, WNOHANG));
    SHOW(lock(fd, F_SETLK, F_UNLCK, 0, 0));
    MUST(waitpid(waiter, &status, 0));
    SHOW(WEXITSTATUS(status));
    // Two that wait for each other.
    MUST(lock(fd, F_SETLK, F_WRLCK, 0, 1));
    pid_t other = fork();
    if (other == 0) {
        MUST(lock(fd, F_SETLK, F_WRLCK, 1, 1));
        MUST(write(back[1], "r", 1));
        MUST(lock(fd, F_SETLKW, F_WRLCK, 0, 1));
        exit(0);
    }
    MUST(read(back[0], &byte, 1));
    until_asleep(other);
    SHOW(lock(fd, F_SETLKW, F_WRLCK, 1, 1));
    MUST(lock(fd, F_SETLK, F_UNLCK, 0, 0));
    MUST(waitpid(other, NULL, 0));
    // Closing any descriptor of the file releases the process's locks.
    MUST(lock(fd, F_SETLK, F_WRLCK, 0, 0));
    MUST(close(MUST(open("/work/locks", O_RDONLY))));
    CHILD(who(fd, 0, 0));
    // Locks of descriptions stand against others of the same process, and go with the last descriptor.
    int second = MUST(open("/work/locks", O_RDWR));
    SHOW(lock(fd, F_OFD_SETLK, F_WRLCK, 0, 10));
    SHOW(lock(second, F_OFD_SETLK, F_RDLCK, 9, 10));
    SHOW(lock(second, F_OFD_SETLK, F_RDLCK, 10, 10));
    SHOW(lock(second, F_SETLK, F_WRLCK, 5, 1));
    int copy = MUST(dup(fd));
    MUST(close(fd));
    SHOW(lock(second, F_OFD_SETLK, F_RDLCK, 9, 10));
    MUST(close(copy));
    SHOW(lock(second, F_OFD_SETLK, F_RDLCK, 9, 10));
    SHOW(lock(MUST(open("/work/locks", O_RDONLY)), F_SETLK, F_WRLCK, 0, 1));
    // flock
    int a = MUST(open("/work/locks", O_RDONLY)), b = MUST(open("/work/locks", O_RDONLY));
    SHOW(flock(a, LOCK_SH));
    SHOW(flock(b, LOCK_SH | LOCK_NB));
    SHOW(flock(b, LOCK_EX | LOCK_NB));
    SHOW(flock(a, LOCK_UN));
    SHOW(flock(b, LOCK_EX | LOCK_NB));
    CHILD(SHOW(flock(b, LOCK_EX | LOCK_NB)); SHOW(flock(a, LOCK_SH | LOCK_NB)));
    MUST(close(b));
    SHOW(flock(a, LOCK_EX | LOCK_NB));
}
