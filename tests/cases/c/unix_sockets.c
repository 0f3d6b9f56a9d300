// AF_UNIX: names, datagrams, boundaries, credentials, passed descriptors, shutdown.
#include "check.h"
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

int main(void) {
    struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "/work/sock"}, peer;
    socklen_t length = sizeof name;
    int l = socket(AF_UNIX, SOCK_STREAM, 0), c = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0), s[2], v;
    char b[300];
    SHOW(connect(c, (void *)&name, sizeof name));
    SHOW(bind(l, (void *)&name, sizeof name));
    SHOW(bind(l, (void *)&name, sizeof name));
    SHOW(bind(c, (void *)&name, sizeof name));
    SHOW(connect(c, (void *)&name, sizeof name));
    SHOW(listen(l, 1));
    SHOW(connect(c, (void *)&name, sizeof name));
    SHOW(connect(c, (void *)&name, sizeof name));
    int a = accept4(l, (void *)&peer, &length, SOCK_CLOEXEC);
    SHOW(a >= 0);
    SHOW(length);
    SHOW(getpeername(c, (void *)&peer, &length));
    puts(peer.sun_path);
    SHOW(recv(c, b, 1, 0));
    SHOW(send(a, "stream", 6, 0));
    SHOW(recv(c, b, 3, MSG_PEEK));
    SHOW(recv(c, b, 100, 0));
    SHOW(shutdown(a, SHUT_WR));
    SHOW(recv(c, b, 1, 0));
    SHOW(send(a, "x", 1, MSG_NOSIGNAL));
    SHOW(poll(&(struct pollfd){.fd = c, .events = POLLIN | POLLOUT | POLLRDHUP}, 1, 0));
    MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
    SHOW(send(s[0], "four", 4, 0));
    SHOW(send(s[0], "", 0, 0));
    SHOW(send(s[0], "more", 4, 0));
    SHOW(recv(s[1], b, 2, MSG_TRUNC));
    SHOW(recv(s[1], b, 9, 0));
    SHOW(recv(s[1], b, 9, 0));
    SHOW(recv(s[1], b, 9, MSG_DONTWAIT));
    SHOW(send(s[0], b, 10000000, 0));
    struct ucred cred;
    length = sizeof cred;
    SHOW(getsockopt(c, SOL_SOCKET, SO_PEERCRED, &cred, &length));
    SHOW(cred.pid == getpid());
    length = sizeof v;
    SHOW(getsockopt(l, SOL_SOCKET, SO_TYPE, &v, &length));
    SHOW(v);
    SHOW(socket(AF_UNIX, 77, 0));
    SHOW(socket(99, SOCK_STREAM, 0));
    SHOW(socket(AF_UNIX, SOCK_STREAM, 5));
    union { struct cmsghdr header; char space[CMSG_SPACE(sizeof(int[3]))]; } control = {.header = {CMSG_LEN(sizeof(int[3])), SOL_SOCKET, SCM_RIGHTS}};
    int fds[3] = {open("/etc/hostname", O_RDONLY), 1, s[0]};
    memcpy(CMSG_DATA(&control.header), fds, sizeof fds);
    struct iovec io = {"m", 1};
    struct msghdr m = {.msg_iov = &io, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    SHOW(sendmsg(s[0], &m, 0));
    io.iov_base = b;
    SHOW(recvmsg(s[1], &m, MSG_CMSG_CLOEXEC));
    SHOW(m.msg_controllen);
    memcpy(fds, CMSG_DATA(&control.header), sizeof fds);
    SHOW(read(fds[0], b, 8));
    SHOW(fcntl(fds[0], F_GETFD));
    SHOW(lseek(fds[0], 0, SEEK_CUR));
    SHOW(unlink("/work/sock"));
    SHOW(close(l));
    SHOW(send(c, "x", 1, MSG_NOSIGNAL));
    // A socket has a mode and owners of its own, and its file gets the mode.
    struct stat st;
    int changed = socket(AF_UNIX, SOCK_STREAM, 0);
    SHOW(fchmod(changed, 0750));
    SHOW(fchown(changed, 5, 6));
    SHOW(fstat(changed, &st));
    printf("%o %u %u\n", st.st_mode, st.st_uid, st.st_gid);
    umask(027);
    SHOW(fchmod(changed, 01734));
    SHOW(bind(changed, (void *)&name, sizeof name));
    SHOW(stat("/work/sock", &st));
    printf("%o %u %u\n", st.st_mode, st.st_uid, st.st_gid);
    SHOW(fchmod(changed, 0700));
    SHOW(stat("/work/sock", &st));
    printf("%o\n", st.st_mode);
    SHOW(ftruncate(changed, 0));
    SHOW(futimens(changed, (struct timespec[2]){{5, 0}, {6, 0}}));
    SHOW(fstat(changed, &st));
    printf("%ld %ld\n", (long)st.st_atime, (long)st.st_mtime);
    SHOW(setuid(7));
    SHOW(fchmod(changed, 0777));
}
