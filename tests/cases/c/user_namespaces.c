// User namespaces: what the maps say and who may write them, ids and capabilities inside, and what root there may not do.
#include "namespaces.h"

static void by_a_user(void) {
    become(1000);
    MUST(close(MUST(creat("/tmp/own", 0644))));
    SHOW(unshare(CLONE_NEWUTS));
    MUST(unshare(CLONE_NEWUSER));
    ids("unmapped");
    tell("/proc/self/uid_map"), tell("/proc/self/setgroups");
    owner("/tmp/own"), owner("/");
    SHOW(setuid(0)), SHOW(setresuid(-1, 65534, -1)), SHOW(setgroups(0, NULL)), SHOW(chown("/tmp/own", 0, 0));
    SHOW(put("/proc/self/uid_map", "")), SHOW(put("/proc/self/uid_map", "0 1000")), SHOW(put("/proc/self/uid_map", "0 0 1")), SHOW(put("/proc/self/uid_map", "0 1000 2"));
    SHOW(put("/proc/self/uid_map", "0 1000 1 1")), SHOW(put("/proc/self/uid_map", "0 1000 0")), SHOW(put("/proc/self/uid_map", "-1 1000 1")), SHOW(put("/proc/self/uid_map", "0 4294967295 1"));
    SHOW(put("/proc/self/uid_map", "0 1000 1\n1 1001 1\n"));
    SHOW(put("/proc/self/gid_map", "0 1000 1"));
    SHOW(put("/proc/self/uid_map", "0 1000 1\n"));
    SHOW(put("/proc/self/uid_map", "0 1000 1\n"));
    SHOW(put("/proc/self/setgroups", "no")), SHOW(put("/proc/self/setgroups", "deny\n")), SHOW(put("/proc/self/setgroups", "allow")), SHOW(put("/proc/self/gid_map", "0 1000 1"));
    SHOW(put("/proc/self/setgroups", "deny"));
    tell("/proc/self/uid_map"), tell("/proc/self/gid_map"), tell("/proc/self/setgroups");
    ids("mapped");
    owner("/tmp/own"), owner("/"), owner("/etc/shadow");
    SHOW(setgroups(0, NULL)), SHOW(setuid(1)), SHOW(setuid(0)), SHOW(setresuid(0, 0, 0)), SHOW(seteuid(1000));
    SHOW(chown("/tmp/own", 0, 0)), SHOW(chown("/tmp/own", 1, 0)), SHOW(chown("/etc/shadow", 0, 0)), SHOW(chmod("/etc/shadow", 0666)), SHOW(open("/etc/shadow", O_RDONLY));
    SHOW(sethostname("x", 1)), SHOW(mknod("/tmp/node", S_IFCHR | 0600, 0x103)), SHOW(mount("t", "/mnt", "tmpfs", 0, NULL)), SHOW(chroot("/tmp")), SHOW(unshare(CLONE_NEWUSER));
    SHOW(chroot("/"));
}

static void owned_program(void) {
    // A set-user-ID program of somebody who is nobody inside does nothing.
    MUST(system("cp /bin/true /tmp/suid; cp /usr/bin/id /tmp/id; chmod 6755 /tmp/id"));
    become(1000);
    MUST(unshare(CLONE_NEWUSER));
    MUST(put("/proc/self/uid_map", "1000 1000 1"));
    execl("/tmp/id", "id", "-u", NULL);
}

static int ready[2], go[2];

static void mapped_by_root(void) {
    MUST(pipe(ready)), MUST(pipe(go));
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        char c;
        become(1000);
        MUST(unshare(CLONE_NEWUSER));
        MUST(write(ready[1], "", 1)), MUST(read(go[0], &c, 1));
        ids("a range");
        SHOW(setgroups(2, (gid_t[]){5, 6})), SHOW(setgroups(1, (gid_t[]){600})), SHOW(setresgid(1, 2, 3)), SHOW(setresuid(1, 2, 499)), SHOW(setuid(500));
        ids("others");
        SHOW(put("/proc/self/setgroups", "deny"));
        tell("/proc/self/uid_map");
        // One in the other: the outer numbers are those of the one between.
        SHOW(unshare(CLONE_NEWUSER)), SHOW(put("/proc/self/uid_map", "7 2 1")), ids("nested");
        tell("/proc/self/uid_map");
        exit(0);
    }
    char c, file[64];
    MUST(read(ready[0], &c, 1));
    sprintf(file, "/proc/%d/uid_map", child), SHOW(put(file, "0 1000 1\n1 100000 499\n"));
    sprintf(file, "/proc/%d/gid_map", child), SHOW(put(file, "0 1000 1\n1 100000 499\n"));
    MUST(write(go[1], "", 1));
    int status;
    waitpid(child, &status, 0);
    printf("status %x\n", status);
}

static int pair[2];

static int credentials_inside(void *unused) {
    (void)unused;
    char byte, control[CMSG_SPACE(sizeof(struct ucred))];
    struct iovec vector = {&byte, 1};
    struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    MUST(recvmsg(pair[1], &message, 0));
    struct ucred *passed = (struct ucred *)CMSG_DATA(CMSG_FIRSTHDR(&message));
    printf("passed %u %u\n", passed->uid, passed->gid);
    socklen_t size = sizeof *passed;
    MUST(getsockopt(pair[1], SOL_SOCKET, SO_PEERCRED, passed, &size));
    printf("peer %u %u\n", passed->uid, passed->gid);
    siginfo_t info;
    sigset_t set;
    sigemptyset(&set), sigaddset(&set, SIGUSR1);
    MUST(write(pair[1], "", 1)), MUST(sigwaitinfo(&set, &info));
    printf("signal from %d\n", info.si_uid);
    struct ucred forged = {getpid(), 0, 0};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    memcpy(CMSG_DATA(header), &forged, sizeof forged);
    SHOW(sendmsg(pair[1], &message, 0));
    SHOW(kill(getppid(), 0)), SHOW(setpriority(PRIO_PROCESS, getppid(), 0));
    return 0;
}

static void across(void) {
    int status, on = 1;
    char byte;
    sigset_t set;
    sigemptyset(&set), sigaddset(&set, SIGUSR1), sigprocmask(SIG_BLOCK, &set, NULL);
    MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair)), MUST(setsockopt(pair[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on));
    become(1000);
    static char stack[65536];
    fflush(stdout);
    pid_t child = MUST(clone(credentials_inside, stack + sizeof stack, CLONE_NEWUSER | SIGCHLD, NULL));
    char file[64];
    struct stat st;
    sprintf(file, "/proc/%d/ns/user", child), MUST(stat(file, &st));
    ino_t theirs = st.st_ino;
    MUST(stat("/proc/self/ns/user", &st));
    printf("another namespace: %d\n", st.st_ino != theirs);
    int ns = MUST(open(file, O_RDONLY));
    unsigned uid;
    SHOW(ioctl(ns, 0xb703) == CLONE_NEWUSER), SHOW(ioctl(ns, 0xb704, &uid)), printf("owned by %u\n", uid);
    int parent = MUST(ioctl(ns, 0xb702));
    SHOW(ioctl(parent, 0xb702)), SHOW(ioctl(parent, 0xb701)), SHOW(ioctl(ns, 0xb7ff)), SHOW(ioctl(MUST(open("/proc/self/ns/uts", O_RDONLY)), 0xb702));
    SHOW(setns(parent, CLONE_NEWUSER)), SHOW(setns(ns, CLONE_NEWUTS));
    MUST(write(pair[0], "x", 1)), MUST(read(pair[0], &byte, 1)), MUST(kill(child, SIGUSR1));
    waitpid(child, &status, 0);
    printf("status %x\n", status), fflush(stdout);
    SHOW(setns(ns, 0)), ids("entered"), SHOW(setns(ns, 0)), SHOW(setns(parent, 0));
}

static void limits(void) {
    int depth = 0;
    while (unshare(CLONE_NEWUSER) == 0 && put("/proc/self/setgroups", "deny") > 0 && put("/proc/self/uid_map", "0 0 1") > 0 && put("/proc/self/gid_map", "0 0 1") > 0) depth++;
    printf("%d deep, then %s\n", depth, strerrorname_np(errno));
}

static void at_most(void) {
    MUST(unshare(CLONE_NEWUSER));
    tell("/proc/sys/user/max_user_namespaces");
    SHOW(unshare(CLONE_VM | CLONE_THREAD | CLONE_SIGHAND)), SHOW(unshare(1));
}

int main(void) {
    umask(0);
    in_child(by_a_user), in_child(owned_program), in_child(mapped_by_root), in_child(across), in_child(limits), in_child(at_most);
    tell("/proc/self/uid_map"), tell("/proc/self/projid_map"), tell("/proc/self/setgroups");
    SHOW(put("/proc/self/uid_map", "0 0 1")), SHOW(put("/proc/self/setgroups", "deny"));
}
