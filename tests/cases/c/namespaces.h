// Shared by the programs about namespaces.
#pragma once
#include "check.h"
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static inline void ids(const char *when) {
    unsigned r, e, s, gr, ge, gs;
    gid_t groups[8];
    struct { unsigned version; int pid; } header = {0x20080522, 0};
    struct { unsigned effective, permitted, inheritable; } data[2];
    getresuid(&r, &e, &s), getresgid(&gr, &ge, &gs), syscall(SYS_capget, &header, data);
    int count = getgroups(8, groups);
    printf("%s: %u %u %u, %u %u %u, %d groups %d, capabilities %x %x %x, bounding %d, bits %d\n", when, r, e, s, gr, ge, gs, count, count > 0 ? (int)groups[0] : -1, data[0].effective, data[0].permitted, data[0].inheritable, prctl(PR_CAPBSET_READ, 8), prctl(PR_GET_SECUREBITS));
    fflush(stdout);
}

static inline int put(const char *file, const char *text) {
    int fd = open(file, O_WRONLY);
    if (fd < 0) return -1;
    int result = write(fd, text, strlen(text)), error = errno;
    close(fd);
    errno = error;
    return result;
}

static inline void tell(const char *file) {
    char text[512];
    int fd = MUST(open(file, O_RDONLY)), count = MUST(read(fd, text, sizeof text - 1));
    text[count] = 0;
    printf("%s:\n%s", file, text), fflush(stdout);
    close(fd);
}

static inline void owner(const char *path) {
    struct stat st;
    struct statx sx;
    MUST(stat(path, &st)), MUST(statx(AT_FDCWD, path, 0, STATX_BASIC_STATS, &sx));
    printf("%s belongs to %u %u, %u %u\n", path, st.st_uid, st.st_gid, sx.stx_uid, sx.stx_gid), fflush(stdout);
}

// What a child does, in order.
static inline void in_child(void (*act)(void)) {
    int status;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) act(), exit(0);
    waitpid(child, &status, 0);
    if (status) printf("status %x\n", status);
}

static inline void become(int uid) {
    MUST(setgroups(1, (gid_t[]){77})), MUST(setresgid(uid, uid, uid)), MUST(setresuid(uid, uid, uid));
    MUST(prctl(PR_SET_DUMPABLE, 1));
}
