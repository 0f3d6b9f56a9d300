// Options of sockets at all levels: their defaults, what they take, and what they refuse.
#include "check.h"
// The compiler knows that some of these calls must fail.
#pragma GCC diagnostic ignored "-Wnonnull"
#include <linux/netlink.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>

#define NONE (-12345)

static const char *result(int value) { return value == -1 ? strerrorname_np(errno) : "ok"; }

// Sets an option to each of several values, and prints what it is then.
static void numbers(int fd, const char *text, int level, int name) {
    static const int values[] = {0, 1, 2, 5, -1, -2, 255, 256, 1000, 0x7fffffff};
    int value = NONE;
    socklen_t length = sizeof value;
    if (getsockopt(fd, level, name, &value, &length) == -1)
        printf("%s: %s", text, strerrorname_np(errno));
    else
        printf("%s: %d of %d bytes;", text, value, (int)length);
    for (unsigned i = 0; i < sizeof values / sizeof *values; i++) {
        if (setsockopt(fd, level, name, &values[i], sizeof *values) == -1) {
            printf(" %d:%s", values[i], strerrorname_np(errno));
            continue;
        }
        value = NONE;
        length = sizeof value;
        if (getsockopt(fd, level, name, &value, &length) == 0)
            printf(" %d=%d", values[i], value);
        else
            printf(" %d ok", values[i]);
    }
    printf("; nothing %s", result(setsockopt(fd, level, name, values, 0)));
    printf(", a byte %s", result(setsockopt(fd, level, name, values, 1)));
    if (level == SOL_SOCKET) printf(", nowhere %s", result(setsockopt(fd, level, name, NULL, 4)));
    printf("\n");
}

#define NUMBERS(fd, level, name) numbers(fd, #level " " #name, level, name)

static void every(int fd) {
    NUMBERS(fd, SOL_SOCKET, SO_DEBUG);
    NUMBERS(fd, SOL_SOCKET, SO_REUSEADDR);
    NUMBERS(fd, SOL_SOCKET, SO_TYPE);
    NUMBERS(fd, SOL_SOCKET, SO_ERROR);
    NUMBERS(fd, SOL_SOCKET, SO_DONTROUTE);
    NUMBERS(fd, SOL_SOCKET, SO_BROADCAST);
    NUMBERS(fd, SOL_SOCKET, SO_KEEPALIVE);
    NUMBERS(fd, SOL_SOCKET, SO_OOBINLINE);
    NUMBERS(fd, SOL_SOCKET, SO_NO_CHECK);
    NUMBERS(fd, SOL_SOCKET, SO_PRIORITY);
    NUMBERS(fd, SOL_SOCKET, SO_TIMESTAMP);
    NUMBERS(fd, SOL_SOCKET, SO_TIMESTAMPNS);
    NUMBERS(fd, SOL_SOCKET, SO_ACCEPTCONN);
    NUMBERS(fd, SOL_SOCKET, SO_MARK);
    NUMBERS(fd, SOL_SOCKET, SO_DOMAIN);
    NUMBERS(fd, SOL_SOCKET, SO_PROTOCOL);
    NUMBERS(fd, SOL_SOCKET, SO_RXQ_OVFL);
    NUMBERS(fd, SOL_SOCKET, SO_BUSY_POLL);
    NUMBERS(fd, SOL_SOCKET, SO_INCOMING_CPU);
    NUMBERS(fd, SOL_SOCKET, SO_SNDLOWAT);
    NUMBERS(fd, SOL_SOCKET, 12345);
    struct timeval time = {1, 500000}, back = {0, 0}, wrong = {0, 1000000}, past = {-1, 0};
    socklen_t length = sizeof back;
    for (int name = SO_RCVTIMEO; name <= SO_SNDTIMEO; name++) {
        SHOW(setsockopt(fd, SOL_SOCKET, name, &time, sizeof time));
        SHOW(getsockopt(fd, SOL_SOCKET, name, &back, &length));
        printf("%ld %ld of %d bytes\n", back.tv_sec, back.tv_usec, (int)length);
        SHOW(setsockopt(fd, SOL_SOCKET, name, &wrong, sizeof wrong));
        SHOW(setsockopt(fd, SOL_SOCKET, name, &past, sizeof past));
        SHOW(setsockopt(fd, SOL_SOCKET, name, &time, 8));
    }
    struct linger linger = {1, 5}, told = {0, 0};
    length = sizeof told;
    SHOW(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger));
    SHOW(getsockopt(fd, SOL_SOCKET, SO_LINGER, &told, &length));
    printf("%d %d of %d bytes\n", told.l_onoff, told.l_linger, (int)length);
    SHOW(setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, 4));
    char name[16] = "";
    length = sizeof name;
    SHOW(getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, &length));
    SHOW(length);
    SHOW(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "none", 4));
    SHOW(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 2));
    length = sizeof name;
    SHOW(getsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, name, &length));
    printf("%s of %d bytes\n", name, (int)length);
    SHOW(setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "", 0));
    SHOW(setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &length, sizeof length));
    length = -1;
    SHOW(getsockopt(fd, SOL_SOCKET, SO_TYPE, name, &length));
    length = 2;
    SHOW(getsockopt(fd, SOL_SOCKET, SO_TYPE, name, &length));
    SHOW(length);
    SHOW(getsockopt(fd, SOL_SOCKET, SO_TYPE, NULL, &length));
    SHOW(getsockopt(fd, SOL_SOCKET, SO_TYPE, name, NULL));
    SHOW(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, name, -1));
}

static void ipv4(int fd) {
    NUMBERS(fd, SOL_IP, IP_TOS);
    NUMBERS(fd, SOL_IP, IP_TTL);
    NUMBERS(fd, SOL_IP, IP_HDRINCL);
    NUMBERS(fd, SOL_IP, IP_RECVOPTS);
    NUMBERS(fd, SOL_IP, IP_RETOPTS);
    NUMBERS(fd, SOL_IP, IP_PKTINFO);
    NUMBERS(fd, SOL_IP, IP_MTU_DISCOVER);
    NUMBERS(fd, SOL_IP, IP_RECVERR);
    NUMBERS(fd, SOL_IP, IP_RECVTTL);
    NUMBERS(fd, SOL_IP, IP_RECVTOS);
    NUMBERS(fd, SOL_IP, IP_MTU);
    NUMBERS(fd, SOL_IP, IP_FREEBIND);
    NUMBERS(fd, SOL_IP, IP_TRANSPARENT);
    NUMBERS(fd, SOL_IP, IP_ORIGDSTADDR);
    NUMBERS(fd, SOL_IP, IP_MINTTL);
    NUMBERS(fd, SOL_IP, IP_NODEFRAG);
    NUMBERS(fd, SOL_IP, IP_BIND_ADDRESS_NO_PORT);
    NUMBERS(fd, SOL_IP, IP_MULTICAST_TTL);
    NUMBERS(fd, SOL_IP, IP_MULTICAST_LOOP);
    NUMBERS(fd, SOL_IP, IP_MULTICAST_ALL);
    NUMBERS(fd, SOL_IP, 12345);
    NUMBERS(fd, 9999, 1);
}

static void ipv6(int fd) {
    NUMBERS(fd, SOL_IPV6, IPV6_UNICAST_HOPS);
    NUMBERS(fd, SOL_IPV6, IPV6_MULTICAST_HOPS);
    NUMBERS(fd, SOL_IPV6, IPV6_MULTICAST_LOOP);
    NUMBERS(fd, SOL_IPV6, IPV6_MULTICAST_IF);
    NUMBERS(fd, SOL_IPV6, IPV6_MTU_DISCOVER);
    NUMBERS(fd, SOL_IPV6, IPV6_RECVERR);
    NUMBERS(fd, SOL_IPV6, IPV6_V6ONLY);
    NUMBERS(fd, SOL_IPV6, IPV6_RECVPKTINFO);
    NUMBERS(fd, SOL_IPV6, IPV6_RECVHOPLIMIT);
    NUMBERS(fd, SOL_IPV6, IPV6_RECVTCLASS);
    NUMBERS(fd, SOL_IPV6, IPV6_TCLASS);
    NUMBERS(fd, SOL_IPV6, IPV6_MINHOPCOUNT);
    NUMBERS(fd, SOL_IPV6, IPV6_FREEBIND);
    NUMBERS(fd, 9999, 1);
}

static void tcp(int fd) {
    NUMBERS(fd, SOL_TCP, TCP_NODELAY);
    NUMBERS(fd, SOL_TCP, TCP_MAXSEG);
    NUMBERS(fd, SOL_TCP, TCP_CORK);
    NUMBERS(fd, SOL_TCP, TCP_KEEPIDLE);
    NUMBERS(fd, SOL_TCP, TCP_KEEPINTVL);
    NUMBERS(fd, SOL_TCP, TCP_KEEPCNT);
    NUMBERS(fd, SOL_TCP, TCP_SYNCNT);
    NUMBERS(fd, SOL_TCP, TCP_LINGER2);
    NUMBERS(fd, SOL_TCP, TCP_DEFER_ACCEPT);
    NUMBERS(fd, SOL_TCP, TCP_USER_TIMEOUT);
    NUMBERS(fd, SOL_TCP, TCP_SAVE_SYN);
    NUMBERS(fd, SOL_TCP, 12345);
    char name[16] = "";
    socklen_t length = sizeof name;
    SHOW(setsockopt(fd, SOL_TCP, TCP_CONGESTION, "none", 4));
    SHOW(setsockopt(fd, SOL_TCP, TCP_CONGESTION, "", 0));
    SHOW(setsockopt(fd, SOL_TCP, TCP_CONGESTION, "reno", 4));
    SHOW(getsockopt(fd, SOL_TCP, TCP_CONGESTION, name, &length));
    printf("%s of %d bytes\n", name, (int)length);
    SHOW(setsockopt(fd, SOL_TCP, TCP_ULP, "none", 4));
}

static void kind(const char *text, int domain, int type, int protocol) {
    printf("-- %s\n", text);
    int fd = MUST(socket(domain, type, protocol));
    every(fd);
    if (domain == AF_INET) ipv4(fd);
    if (domain == AF_INET6) ipv6(fd);
    if (domain != AF_UNIX && type == SOCK_STREAM) tcp(fd);
    if (domain == AF_UNIX) NUMBERS(fd, SOL_IP, IP_TTL);
    if (domain == AF_NETLINK) {
        NUMBERS(fd, SOL_NETLINK, NETLINK_PKTINFO);
        NUMBERS(fd, SOL_NETLINK, NETLINK_BROADCAST_ERROR);
        NUMBERS(fd, SOL_NETLINK, NETLINK_NO_ENOBUFS);
        NUMBERS(fd, SOL_NETLINK, NETLINK_CAP_ACK);
        NUMBERS(fd, SOL_NETLINK, NETLINK_EXT_ACK);
        NUMBERS(fd, SOL_NETLINK, 12345);
    }
    MUST(close(fd));
}

int main(void) {
    kind("TCP", AF_INET, SOCK_STREAM, 0);
    kind("UDP", AF_INET, SOCK_DGRAM, 0);
    kind("TCP over IPv6", AF_INET6, SOCK_STREAM, 0);
    kind("UDP over IPv6", AF_INET6, SOCK_DGRAM, 0);
    kind("UNIX streams", AF_UNIX, SOCK_STREAM, 0);
    kind("UNIX datagrams", AF_UNIX, SOCK_DGRAM, 0);
    kind("netlink", AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
    return 0;
}
