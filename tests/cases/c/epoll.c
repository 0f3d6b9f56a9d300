// epoll: level and edge, one-shot, nesting, removal, and what cannot be watched.
#include "check.h"
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

static int e;
static int ready(int timeout) {
    struct epoll_event events[8];
    int n = epoll_wait(e, events, 8, timeout);
    for (int i = 0; i < n; i++) printf("[%x %d]", events[i].events, events[i].data.fd);
    return n;
}
static int control(int op, int fd, unsigned events) { return epoll_ctl(e, op, fd, &(struct epoll_event){.events = events, .data.fd = fd}); }

int main(void) {
    int p[2], v = eventfd(0, EFD_NONBLOCK);
    char c;
    MUST(pipe(p));
    e = epoll_create1(EPOLL_CLOEXEC);
    SHOW(control(EPOLL_CTL_ADD, p[0], EPOLLIN));
    SHOW(control(EPOLL_CTL_ADD, p[0], EPOLLIN));
    SHOW(ready(0));
    SHOW(write(p[1], "ab", 2));
    SHOW(ready(0));
    SHOW(ready(0));
    SHOW(control(EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLET));
    SHOW(ready(0));
    SHOW(ready(0));
    SHOW(write(p[1], "c", 1));
    SHOW(ready(0));
    SHOW(control(EPOLL_CTL_MOD, p[0], EPOLLIN | EPOLLONESHOT));
    SHOW(ready(0));
    SHOW(ready(0));
    SHOW(control(EPOLL_CTL_ADD, v, EPOLLIN | EPOLLOUT));
    SHOW(ready(0));
    SHOW(write(v, &(long){5}, 8));
    SHOW(ready(0));
    SHOW(control(EPOLL_CTL_DEL, v, 0));
    SHOW(control(EPOLL_CTL_DEL, v, 0));
    SHOW(ready(20));
    SHOW(control(EPOLL_CTL_MOD, p[0], EPOLLIN));
    SHOW(read(p[0], &c, 1));
    SHOW(close(p[1]));
    SHOW(ready(0));
    SHOW(close(p[0]));
    SHOW(ready(0));
    SHOW(control(EPOLL_CTL_ADD, open("/etc/hostname", O_RDONLY), EPOLLIN));
    SHOW(control(EPOLL_CTL_ADD, e, EPOLLIN));
    SHOW(control(EPOLL_CTL_ADD, 99, EPOLLIN));
    int outer = epoll_create1(0), inner = e;
    MUST(pipe(p));
    SHOW(control(EPOLL_CTL_ADD, p[0], EPOLLIN));
    e = outer;
    SHOW(control(EPOLL_CTL_ADD, inner, EPOLLIN));
    SHOW(ready(0));
    SHOW(write(p[1], "x", 1));
    SHOW(ready(0));
    e = inner;
    SHOW(control(EPOLL_CTL_ADD, outer, EPOLLIN));
}
