// What UDP sockets are told beside the bytes: addresses, hops, classes, times, errors; and groups on the loopback interface.
#include "check.h"
#include <arpa/inet.h>
#include <linux/errqueue.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

static int on = 1, off = 0;

static struct sockaddr_in at(const char *address, int port) {
    struct sockaddr_in there = {.sin_family = AF_INET, .sin_port = port};
    inet_pton(AF_INET, address, &there.sin_addr);
    return there;
}

static int bound(const char *address, int *port) {
    int fd = MUST(socket(AF_INET, SOCK_DGRAM, 0));
    struct sockaddr_in here = at(address, *port);
    socklen_t length = sizeof here;
    MUST(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on));
    MUST(bind(fd, (void *)&here, length));
    MUST(getsockname(fd, (void *)&here, &length));
    *port = here.sin_port;
    return fd;
}

// Prints a message with its control messages.
static void receive(int fd, int flags, size_t room) {
    char data[64], control[512];
    struct sockaddr_storage from;
    struct iovec piece = {data, sizeof data};
    struct msghdr message = {&from, sizeof from, &piece, 1, control, room, 0};
    long count = recvmsg(fd, &message, flags | MSG_DONTWAIT);
    if (count == -1) {
        printf("nothing: %s\n", strerrorname_np(errno));
        return;
    }
    printf("%ld bytes, flags %#x:", count, message.msg_flags);
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
        printf(" [%d %d, %d bytes", c->cmsg_level, c->cmsg_type, (int)(c->cmsg_len - CMSG_LEN(0)));
        char text[64];
        if (c->cmsg_level == SOL_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo *info = (void *)CMSG_DATA(c);
            printf(": %d %s", info->ipi_ifindex, inet_ntop(AF_INET, &info->ipi_spec_dst, text, sizeof text));
            printf(" %s", inet_ntop(AF_INET, &info->ipi_addr, text, sizeof text));
        } else if (c->cmsg_level == SOL_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo *info = (void *)CMSG_DATA(c);
            printf(": %d %s", info->ipi6_ifindex, inet_ntop(AF_INET6, &info->ipi6_addr, text, sizeof text));
        } else if (c->cmsg_level == SOL_IP && c->cmsg_type == IP_RECVERR) {
            struct sock_extended_err *e = (void *)CMSG_DATA(c);
            struct sockaddr_in *who = (void *)SO_EE_OFFENDER(e);
            printf(": %s %d %d %d %d, by %s", strerrorname_np(e->ee_errno), e->ee_origin, e->ee_type, e->ee_code,
                   (int)e->ee_info, inet_ntop(AF_INET, &who->sin_addr, text, sizeof text));
        } else if (c->cmsg_level == SOL_IP && c->cmsg_type == IP_ORIGDSTADDR) {
            struct sockaddr_in *to = (void *)CMSG_DATA(c);
            printf(": %s", inet_ntop(AF_INET, &to->sin_addr, text, sizeof text));
        } else if (c->cmsg_level == SOL_SOCKET) {
            struct timeval now, *then = (void *)CMSG_DATA(c);
            gettimeofday(&now, NULL);
            printf(": %s", now.tv_sec - then->tv_sec < 100 ? "lately" : "never");
        } else if (c->cmsg_len == CMSG_LEN(1)) {
            printf(": %d", *CMSG_DATA(c));
        } else {
            printf(": %d", *(int *)CMSG_DATA(c));
        }
        printf("]");
    }
    printf("\n");
}

// Sends a message with one control message.
static long send_with(int fd, struct sockaddr_in to, int level, int type, const void *data, size_t size) {
    char control[256] = "";
    struct iovec piece = {"abc", 3};
    struct msghdr message = {&to, sizeof to, &piece, 1, control, CMSG_SPACE(size), 0};
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    c->cmsg_level = level;
    c->cmsg_type = type;
    c->cmsg_len = CMSG_LEN(size);
    memcpy(CMSG_DATA(c), data, size);
    return sendmsg(fd, &message, 0);
}

static void headers(void) {
    int port = 0, none = 0;
    int receiver = bound("0.0.0.0", &port), sender = bound("127.0.0.1", &none);
    struct sockaddr_in to = at("127.0.0.5", port);
    static const int names[] = {IP_PKTINFO, IP_RECVTTL, IP_RECVTOS, IP_ORIGDSTADDR};
    for (int i = 0; i < 4; i++) {
        MUST(setsockopt(receiver, SOL_IP, names[i], &on, sizeof on));
        MUST(sendto(sender, "abc", 3, 0, (void *)&to, sizeof to));
        receive(receiver, 0, 512);
    }
    int ttl = 7, tos = 0x28;
    unsigned char byte = 0x30;
    struct in_pktinfo source = {.ipi_spec_dst.s_addr = htonl(0x7f000009)}, elsewhere = {.ipi_ifindex = 99};
    struct in_pktinfo foreign = {.ipi_spec_dst.s_addr = htonl(0x01020304)};
    MUST(setsockopt(sender, SOL_IP, IP_TTL, &ttl, sizeof ttl));
    MUST(setsockopt(sender, SOL_IP, IP_TOS, &tos, sizeof tos));
    MUST(sendto(sender, "abc", 3, 0, (void *)&to, sizeof to));
    receive(receiver, MSG_PEEK, 512);
    receive(receiver, 0, 40);
    ttl = 9;
    SHOW(send_with(sender, to, SOL_IP, IP_TTL, &ttl, sizeof ttl));
    receive(receiver, 0, 512);
    SHOW(send_with(sender, to, SOL_IP, IP_TOS, &byte, sizeof byte));
    receive(receiver, 0, 512);
    ttl = 0;
    SHOW(send_with(sender, to, SOL_IP, IP_TTL, &ttl, sizeof ttl));
    ttl = 256;
    SHOW(send_with(sender, to, SOL_IP, IP_TTL, &ttl, sizeof ttl));
    SHOW(send_with(sender, to, SOL_IP, IP_TTL, &ttl, 1));
    SHOW(send_with(sender, to, SOL_IP, 99, &ttl, sizeof ttl));
    SHOW(send_with(sender, to, SOL_SOCKET, 99, &ttl, sizeof ttl));
    SHOW(send_with(sender, to, SOL_SOCKET, SCM_RIGHTS, &on, sizeof on));
    SHOW(send_with(sender, to, 99, 99, &ttl, sizeof ttl));
    SHOW(send_with(sender, to, SOL_IP, IP_PKTINFO, &elsewhere, sizeof elsewhere));
    SHOW(send_with(sender, to, SOL_IP, IP_PKTINFO, &foreign, sizeof foreign));
    SHOW(send_with(sender, to, SOL_IP, IP_PKTINFO, &source, sizeof source));
    for (int i = 0; i < 4; i++) MUST(setsockopt(receiver, SOL_IP, names[i], &off, sizeof off));
    receive(receiver, 0, 512);
    receive(receiver, 0, 512);
    struct sockaddr_in from;
    socklen_t length = sizeof from;
    char data[8];
    MUST(recvfrom(receiver, data, sizeof data, 0, (void *)&from, &length));
    printf("from %s\n", inet_ntoa(from.sin_addr));
    MUST(setsockopt(receiver, SOL_SOCKET, SO_TIMESTAMP, &on, sizeof on));
    MUST(sendto(sender, "abc", 3, 0, (void *)&to, sizeof to));
    receive(receiver, 0, 512);
    MUST(setsockopt(receiver, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on));
    SHOW(getsockopt(receiver, SOL_SOCKET, SO_TIMESTAMP, data, &length));
    printf("%d\n", data[0]);
    MUST(sendto(sender, "abc", 3, 0, (void *)&to, sizeof to));
    receive(receiver, 0, 512);
    int pair[2];
    MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
    MUST(setsockopt(pair[1], SOL_SOCKET, SO_TIMESTAMP, &on, sizeof on));
    MUST(write(pair[0], "abc", 3));
    receive(pair[1], 0, 512);
}

static void ipv6(void) {
    int receiver = MUST(socket(AF_INET6, SOCK_DGRAM, 0)), sender = MUST(socket(AF_INET6, SOCK_DGRAM, 0));
    int four = MUST(socket(AF_INET, SOCK_DGRAM, 0)), hops = 11, class = 0x40;
    struct sockaddr_in6 here = {.sin6_family = AF_INET6};
    socklen_t length = sizeof here;
    MUST(bind(receiver, (void *)&here, length));
    MUST(getsockname(receiver, (void *)&here, &length));
    MUST(setsockopt(receiver, SOL_IPV6, IPV6_RECVPKTINFO, &on, sizeof on));
    MUST(setsockopt(receiver, SOL_IPV6, IPV6_RECVHOPLIMIT, &on, sizeof on));
    MUST(setsockopt(receiver, SOL_IPV6, IPV6_RECVTCLASS, &on, sizeof on));
    here.sin6_addr = in6addr_loopback;
    MUST(sendto(sender, "abc", 3, 0, (void *)&here, sizeof here));
    receive(receiver, 0, 512);
    MUST(setsockopt(sender, SOL_IPV6, IPV6_UNICAST_HOPS, &hops, sizeof hops));
    MUST(setsockopt(sender, SOL_IPV6, IPV6_TCLASS, &class, sizeof class));
    MUST(sendto(sender, "abc", 3, 0, (void *)&here, sizeof here));
    receive(receiver, 0, 512);
    struct sockaddr_in to = at("127.0.0.1", here.sin6_port);
    MUST(sendto(four, "abc", 3, 0, (void *)&to, sizeof to));
    receive(receiver, 0, 512);
}

static void errors(void) {
    int closed = 0, none = 0;
    close(bound("127.0.0.1", &closed));
    int fd = bound("127.0.0.1", &none);
    struct sockaddr_in to = at("127.0.0.1", closed);
    receive(fd, MSG_ERRQUEUE, 512);
    SHOW(sendto(fd, "abc", 3, 0, (void *)&to, sizeof to));
    receive(fd, 0, 512);
    MUST(setsockopt(fd, SOL_IP, IP_RECVERR, &on, sizeof on));
    SHOW(sendto(fd, "abc", 3, 0, (void *)&to, sizeof to));
    struct pollfd ready = {fd, POLLIN, 0};
    SHOW(poll(&ready, 1, 10000));
    SHOW(ready.revents);
    SHOW(sendto(fd, "abcdef", 6, 0, (void *)&to, sizeof to));
    SHOW(sendto(fd, "abcdef", 6, 0, (void *)&to, sizeof to));
    receive(fd, MSG_ERRQUEUE, 512);
    receive(fd, MSG_ERRQUEUE, 512);
    receive(fd, MSG_ERRQUEUE, 512);
    SHOW(poll(&ready, 1, 0));
    receive(fd, 0, 512);
    MUST(setsockopt(fd, SOL_IP, IP_RECVERR, &off, sizeof off));
    MUST(connect(fd, (void *)&to, sizeof to));
    SHOW(send(fd, "abc", 3, 0));
    receive(fd, MSG_ERRQUEUE, 512);
    SHOW(poll(&ready, 1, 10000));
    int error = 0;
    socklen_t length = sizeof error;
    MUST(getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length));
    printf("%s\n", strerrorname_np(error));
}

static void groups(void) {
    int port = 0, none = 0;
    int any = bound("0.0.0.0", &port), group = bound("239.1.2.3", &port), local = bound("127.0.0.1", &port);
    int sender = bound("127.0.0.1", &none);
    struct sockaddr_in to = at("239.1.2.3", port);
    struct ip_mreqn request = {.imr_multiaddr = to.sin_addr}, wrong = {.imr_multiaddr.s_addr = htonl(0x7f000001)};
    request.imr_ifindex = 99;
    SHOW(setsockopt(any, SOL_IP, IP_ADD_MEMBERSHIP, &request, sizeof request));
    request.imr_ifindex = 1;
    wrong.imr_ifindex = 1;
    SHOW(setsockopt(any, SOL_IP, IP_ADD_MEMBERSHIP, &wrong, sizeof wrong));
    SHOW(setsockopt(any, SOL_IP, IP_ADD_MEMBERSHIP, &request, 4));
    SHOW(setsockopt(any, SOL_IP, IP_DROP_MEMBERSHIP, &request, sizeof request));
    SHOW(sendto(sender, "abc", 3, 0, (void *)&to, sizeof to));
    receive(any, 0, 512);
    SHOW(setsockopt(any, SOL_IP, IP_ADD_MEMBERSHIP, &request, sizeof request));
    SHOW(setsockopt(any, SOL_IP, IP_ADD_MEMBERSHIP, &request, sizeof request));
    MUST(setsockopt(any, SOL_IP, IP_PKTINFO, &on, sizeof on));
    MUST(setsockopt(any, SOL_IP, IP_RECVTTL, &on, sizeof on));
    SHOW(sendto(sender, "abc", 3, 0, (void *)&to, sizeof to));
    receive(any, 0, 512);
    receive(group, 0, 512);
    receive(local, 0, 512);
    MUST(setsockopt(group, SOL_IP, IP_MULTICAST_ALL, &off, sizeof off));
    SHOW(sendto(sender, "abc", 3, 0, (void *)&to, sizeof to));
    receive(any, 0, 512);
    receive(group, 0, 512);
    int free = MUST(socket(AF_INET, SOCK_DGRAM, 0));
    SHOW(sendto(free, "abc", 3, 0, (void *)&to, sizeof to));
    struct in_addr here = {htonl(INADDR_LOOPBACK)}, there = {htonl(0x01020304)}, back;
    socklen_t length = sizeof back;
    SHOW(setsockopt(free, SOL_IP, IP_MULTICAST_IF, &there, sizeof there));
    SHOW(setsockopt(free, SOL_IP, IP_MULTICAST_IF, &here, sizeof here));
    SHOW(setsockopt(free, SOL_IP, IP_MULTICAST_IF, &here, 2));
    SHOW(getsockopt(free, SOL_IP, IP_MULTICAST_IF, &back, &length));
    printf("%s\n", inet_ntoa(back));
    SHOW(sendto(free, "abc", 3, 0, (void *)&to, sizeof to));
    receive(any, 0, 512);
    SHOW(setsockopt(any, SOL_IP, IP_DROP_MEMBERSHIP, &request, sizeof request));
    SHOW(sendto(sender, "abc", 3, 0, (void *)&to, sizeof to));
    receive(any, 0, 512);
}

int main(void) {
    headers();
    ipv6();
    errors();
    groups();
    return 0;
}
