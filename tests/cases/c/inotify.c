// inotify: what is told of changes, and in which order.
#include "check.h"
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#define GIVEN(expression) ({ long given = (expression); show(#expression, given); given; })

static int in;
static const char *names[] = {"ACCESS", "MODIFY", "ATTRIB", "CLOSE_WRITE", "CLOSE_NOWRITE", "OPEN", "MOVED_FROM", "MOVED_TO", "CREATE",
                              "DELETE", "DELETE_SELF", "MOVE_SELF", "", "UNMOUNT", "Q_OVERFLOW", "IGNORED"};

static void drain(const char *title) {
    printf("%s:\n", title);
    _Alignas(struct inotify_event) char buffer[8192];
    unsigned cookie = 0;
    ssize_t n;
    while ((n = read(in, buffer, sizeof buffer)) > 0)
        for (char *p = buffer; p < buffer + n;) {
            struct inotify_event *event = (void *)p;
            printf("  %d", event->wd);
            for (int bit = 0; bit < 16; bit++)
                if (event->mask & 1u << bit) printf(" %s", names[bit]);
            if (event->mask & IN_ISDIR) printf(" ISDIR");
            if (event->cookie) printf(" %s", cookie == event->cookie ? "same cookie" : "cookie");
            cookie = event->cookie;
            if (event->len) printf(" %s (%u)", event->name, event->len);
            printf("\n");
            p += sizeof *event + event->len;
        }
    if (n < 0 && errno != EAGAIN) printf("  read: %s\n", strerrorname_np(errno));
}

static void touch(const char *path) {
    int fd = MUST(open(path, O_CREAT | O_WRONLY, 0644));
    MUST(write(fd, "x", 1));
    close(fd);
}

int main(int arguments, char **values) {
    setvbuf(stdout, NULL, _IONBF, 0);
    char buffer[64];
    MUST(chdir(arguments > 1 ? values[1] : "/tmp"));
    MUST(mkdir("watched", 0755));
    MUST(mkdir("other", 0755));
    in = MUST(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
    SHOW(inotify_init1(1));
    SHOW(inotify_add_watch(in, "watched", IN_ALL_EVENTS));
    drain("nothing");

    touch("watched/a");
    drain("a new file");
    touch("watched/a");
    drain("opened and written");
    int fd = MUST(open("watched/a", O_RDWR | O_TRUNC));
    drain("cut at opening");
    MUST(write(fd, "abc", 3));
    MUST(write(fd, "abc", 3));
    MUST(pread(fd, buffer, 3, 0));
    MUST(pread(fd, buffer, 3, 100));
    MUST(ftruncate(fd, 2));
    MUST(fchmod(fd, 0600));
    MUST(fchown(fd, 1, 1));
    MUST(futimens(fd, NULL));
    MUST(posix_fallocate(fd, 0, 100));
    drain("through a descriptor");
    int copy = dup(fd);
    close(fd);
    drain("one of two descriptors closed");
    close(copy);
    drain("closed");
    struct timespec times[2] = {{1, 1}, {0, UTIME_OMIT}};
    MUST(utimensat(AT_FDCWD, "watched/a", times, 0));
    times[0].tv_nsec = UTIME_OMIT;
    times[1] = (struct timespec){2, 2};
    MUST(utimensat(AT_FDCWD, "watched/a", times, 0));
    MUST(truncate("watched/a", 1));
    MUST(chmod("watched/a", 0644));
    if (setxattr("watched/a", "user.x", "1", 1, 0) == 0) removexattr("watched/a", "user.x");
    else printf("no attributes\n");
    close(MUST(open("watched/a", O_PATH)));
    struct stat status;
    MUST(stat("watched/a", &status));
    drain("by path");

    MUST(mkdir("watched/sub", 0755));
    MUST(symlink("a", "watched/link"));
    MUST(link("watched/a", "watched/hard"));
    MUST(mkfifo("watched/fifo", 0600));
    drain("names of many kinds");
    DIR *directory = opendir("watched");
    while (readdir(directory)) {}
    closedir(directory);
    drain("listed");
    MUST(rename("watched/a", "watched/b"));
    MUST(rename("watched/b", "other/b"));
    MUST(rename("other/b", "watched/c"));
    MUST(rename("watched/sub", "watched/dir"));
    drain("renamed");
    touch("watched/d");
    drain("another");
    MUST(rename("watched/c", "watched/d"));
    drain("replaced");
    MUST(renameat2(AT_FDCWD, "watched/d", AT_FDCWD, "watched/link", RENAME_EXCHANGE));
    drain("exchanged");

    // Watches on files.
    int file = GIVEN(inotify_add_watch(in, "watched/hard", IN_ALL_EVENTS)), held;
    (void)file;
    touch("watched/hard");
    MUST(link("watched/hard", "other/hard"));
    drain("a file and its directory");
    touch("other/hard");
    drain("by another name");
    MUST(rename("watched/hard", "watched/moved"));
    held = MUST(open("watched/moved", O_RDONLY));
    MUST(unlink("other/hard"));
    MUST(unlink("watched/link"));
    drain("one link left");
    MUST(unlink("watched/moved"));
    drain("no link left");
    MUST(read(held, buffer, 1));
    close(held);
    drain("and closed");
    SHOW(inotify_add_watch(in, "watched/dir", IN_ALL_EVENTS | IN_ONLYDIR));
    MUST(rmdir("watched/dir"));
    drain("a directory removed");

    // How to watch.
    touch("other/f");
    SHOW(inotify_add_watch(in, "other/f", IN_ONLYDIR | IN_OPEN));
    int watch = GIVEN(inotify_add_watch(in, "other/f", IN_MODIFY | IN_ONESHOT));
    touch("other/f");
    touch("other/f");
    drain("once");
    watch = GIVEN(inotify_add_watch(in, "other/f", IN_MODIFY));
    SHOW(inotify_add_watch(in, "other/f", IN_OPEN | IN_MASK_ADD));
    touch("other/f");
    drain("two kinds");
    SHOW(inotify_add_watch(in, "other/f", IN_CLOSE));
    SHOW(inotify_add_watch(in, "other/f", IN_CLOSE | IN_MASK_CREATE));
    touch("other/f");
    drain("another kind");
    SHOW(inotify_rm_watch(in, watch));
    SHOW(inotify_rm_watch(in, watch));
    drain("removed");
    watch = GIVEN(inotify_add_watch(in, "other", IN_ALL_EVENTS | IN_EXCL_UNLINK));
    fd = MUST(open("other/f", O_RDWR));
    MUST(unlink("other/f"));
    MUST(write(fd, "x", 1));
    close(fd);
    drain("without what happens to files without name");
    MUST(symlink("f", "other/link"));
    SHOW(inotify_add_watch(in, "other/link", IN_OPEN));
    SHOW(inotify_add_watch(in, "other/link", IN_OPEN | IN_DONT_FOLLOW));
    SHOW(inotify_add_watch(in, "other", 0));
    SHOW(inotify_add_watch(in, "other", 0x1000));
    SHOW(inotify_add_watch(in, "other", IN_ISDIR));
    SHOW(inotify_add_watch(in, "missing", IN_OPEN));
    SHOW(inotify_add_watch(0, "other", IN_OPEN));
    SHOW(inotify_add_watch(99, "other", IN_OPEN));
    SHOW(inotify_add_watch(in, "other", IN_MASK_ADD | IN_MASK_CREATE | IN_OPEN));
    drain("errors");
    if (fork() == 0) {
        MUST(chmod("other", 0700));
        MUST(setuid(1234));
        SHOW(inotify_add_watch(in, "other", IN_OPEN));
        exit(0);
    }
    wait(NULL);
    drain("not allowed");

    // Sizes, readiness, waiting.
    SHOW(inotify_add_watch(in, "other", IN_ALL_EVENTS));
    touch("other/name-of-sixteen");
    int waiting = 0;
    MUST(ioctl(in, FIONREAD, &waiting));
    printf("waiting: %d\n", waiting);
    SHOW(read(in, buffer, 15));
    SHOW(read(in, buffer, 47));
    SHOW(read(in, buffer, 48));
    struct pollfd poller = {in, POLLIN | POLLOUT, 0};
    SHOW(poll(&poller, 1, 0));
    printf("revents %#x\n", poller.revents);
    SHOW(write(in, "x", 1));
    drain("the rest");
    SHOW(poll(&poller, 1, 0));
    fcntl(in, F_SETFL, 0);
    if (fork() == 0) {
        usleep(50000);
        touch("other/late");
        _exit(0);
    }
    SHOW(read(in, buffer, sizeof buffer) >= 32);
    wait(NULL);
    fcntl(in, F_SETFL, O_NONBLOCK);
    drain("and what followed");

    // Overflow.
    for (int i = 0; i < 9000; i++) {
        MUST(chmod("other/late", i & 1 ? 0600 : 0644));
        close(MUST(open("other/late", O_RDONLY)));
    }
    char big[65536];
    int count = 0, overflows = 0;
    ssize_t n;
    while ((n = read(in, big, sizeof big)) > 0)
        for (char *p = big; p < big + n; count++) {
            struct inotify_event *event = (void *)p;
            overflows += event->mask & IN_Q_OVERFLOW && event->wd == -1;
            p += sizeof *event + event->len;
        }
    printf("%d events, %d overflows\n", count, overflows);

    // A filesystem that goes.
    MUST(mkdir("mount", 0755));
    if (mount("none", "mount", "tmpfs", 0, NULL) == 0) {
        touch("mount/file");
        SHOW(inotify_add_watch(in, "mount/file", IN_MODIFY) > 0);
        SHOW(inotify_add_watch(in, "mount", IN_MODIFY) > 0);
        drain("before");
        MUST(umount("mount"));
        poll(&poller, 1, 100000);
        n = read(in, big, sizeof big);
        int unmounts = 0, ignored = 0;
        for (char *p = big; p < big + n;) {
            struct inotify_event *event = (void *)p;
            unmounts += event->mask == IN_UNMOUNT;
            ignored += event->mask == IN_IGNORED;
            p += sizeof *event + event->len;
        }
        printf("unmounted %d, ignored %d\n", unmounts, ignored);
    }
    return 0;
}
