// Descriptor numbers: the lowest, duplicates, limits, close_range, flags that are shared and flags that are not.
#include "check.h"
#include <fcntl.h>
#include <linux/close_range.h>
#include <sys/resource.h>
#include <sys/wait.h>

int main(void) {
    int a = open("/etc/hostname", O_RDONLY), b = open("/etc/hostname", O_RDONLY);
    char c[4];
    SHOW(a);
    SHOW(b);
    SHOW(close(a));
    SHOW(dup(b));
    SHOW(dup2(b, b));
    SHOW(dup2(b, 500));
    SHOW(dup2(99, 5));
    SHOW(dup2(b, 100000));
    SHOW(dup3(b, b, 0));
    SHOW(fcntl(b, F_DUPFD, 200));
    SHOW(fcntl(b, F_DUPFD_CLOEXEC, 200));
    SHOW(fcntl(201, F_GETFD));
    SHOW(fcntl(200, F_GETFD));
    SHOW(read(b, c, 4));
    SHOW(lseek(500, 0, SEEK_CUR));
    SHOW(fcntl(b, F_SETFL, O_NONBLOCK));
    SHOW(fcntl(500, F_GETFL) & O_NONBLOCK);
    SHOW(close(b));
    SHOW(close(b));
    SHOW(fcntl(b, F_GETFD));
    SHOW(close_range(200, 400, 0));
    SHOW(fcntl(200, F_GETFD));
    SHOW(close_range(500, 500, CLOSE_RANGE_CLOEXEC));
    SHOW(fcntl(500, F_GETFD));
    SHOW(close_range(5, 4, 0));
    struct rlimit limit = {20, 20};
    SHOW(setrlimit(RLIMIT_NOFILE, &limit));
    int last = 0, fd;
    while ((fd = open("/dev/null", O_RDONLY)) >= 0) last = fd;
    SHOW(last);
    SHOW(open("/dev/null", O_RDONLY));
    SHOW(pipe((int[2]){0}));
    SHOW(dup2(0, 20));
    SHOW(dup2(0, 19));
    fflush(stdout);
    if (fork() == 0) {
        lseek(500, 2, SEEK_SET);
        close(19);
        _exit(fcntl(10, F_GETFD));
    }
    int status;
    wait(&status);
    SHOW(status);
    SHOW(lseek(500, 0, SEEK_CUR));
    SHOW(fcntl(19, F_GETFD));
}
