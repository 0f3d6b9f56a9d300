// Network namespaces: an interface of their own that is down at first, ports and names of their own.
#include "namespaces.h"
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/un.h>

static struct sockaddr_in at(int port) {
    return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int flags(int up) {
    struct ifreq request = {.ifr_name = "lo"};
    int fd = socket(AF_INET, SOCK_DGRAM, 0), result;
    if (up >= 0) request.ifr_flags = up ? IFF_UP : 0, result = ioctl(fd, SIOCSIFFLAGS, &request);
    else result = ioctl(fd, SIOCGIFFLAGS, &request), result = result < 0 ? result : request.ifr_flags;
    int error = errno;
    close(fd), errno = error;
    return result;
}

static void interfaces(void) {
    struct ifaddrs *all;
    MUST(getifaddrs(&all));
    for (struct ifaddrs *one = all; one; one = one->ifa_next) printf("%s: family %d, flags %x\n", one->ifa_name, one->ifa_addr ? one->ifa_addr->sa_family : -1, one->ifa_flags);
    freeifaddrs(all), fflush(stdout);
}

static void use(int port) {
    struct sockaddr_in address = at(port);
    int stream = MUST(socket(AF_INET, SOCK_STREAM, 0)), datagram = MUST(socket(AF_INET, SOCK_DGRAM, 0)), other = MUST(socket(AF_INET, SOCK_STREAM, 0));
    SHOW(connect(stream, (struct sockaddr *)&address, sizeof address)), SHOW(bind(other, (struct sockaddr *)&address, sizeof address)), SHOW(bind(datagram, (struct sockaddr *)&address, sizeof address));
    SHOW(sendto(datagram, "x", 1, 0, (struct sockaddr *)&address, sizeof address));
    close(stream), close(datagram), close(other);
}

static void named(const char *when) {
    struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "\0namespaces"};
    int fd = MUST(socket(AF_UNIX, SOCK_DGRAM, 0));
    printf("%s: ", when), SHOW(bind(fd, (struct sockaddr *)&name, offsetof(struct sockaddr_un, sun_path) + 11));
}

static void of_root(void) {
    struct stat before, after;
    struct sockaddr_in address = at(7777);
    int outside = MUST(open("/proc/self/ns/net", O_RDONLY)), server = MUST(socket(AF_INET, SOCK_STREAM, 0)), client = MUST(socket(AF_INET, SOCK_STREAM, 0));
    MUST(bind(server, (struct sockaddr *)&address, sizeof address)), MUST(listen(server, 1)), MUST(fstat(outside, &before));
    named("outside");
    MUST(unshare(CLONE_NEWNET));
    int inside = MUST(open("/proc/self/ns/net", O_RDONLY));
    MUST(fstat(inside, &after)), printf("another: %d\n", before.st_ino != after.st_ino);
    SHOW(ioctl(inside, 0xb703) == CLONE_NEWNET), SHOW(ioctl(inside, 0xb702));
    named("inside");
    interfaces(), SHOW(flags(-1)), use(7777);
    SHOW(flags(1)), SHOW(flags(-1)), interfaces(), use(7777), use(80);
    // A socket stays where it was made.
    SHOW(connect(client, (struct sockaddr *)&address, sizeof address));
    SHOW(flags(0)), SHOW(flags(-1)), SHOW(flags(1));
    SHOW(setns(outside, CLONE_NEWNET)), SHOW(flags(-1)), use(7777), SHOW(setns(inside, 0)), SHOW(flags(-1));
}

static void of_a_user(void) {
    become(1000);
    SHOW(unshare(CLONE_NEWNET)), SHOW(flags(0));
    MUST(unshare(CLONE_NEWUSER)), SHOW(flags(0)), use(80);
    MUST(unshare(CLONE_NEWNET)), SHOW(flags(1)), use(80);
}

int main(void) { in_child(of_root), in_child(of_a_user); }
