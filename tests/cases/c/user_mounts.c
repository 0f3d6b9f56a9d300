// What root of a user namespace may mount, and what it may not change of the mounts that it found.
#include "namespaces.h"

static void with_namespaces(void) {
    become(1000);
    MUST(unshare(CLONE_NEWUSER | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNS));
    MUST(put("/proc/self/setgroups", "deny")), MUST(put("/proc/self/uid_map", "0 1000 1")), MUST(put("/proc/self/gid_map", "0 1000 1"));
    SHOW(sethostname("inside", 6));
    SHOW(umount2("/proc", MNT_DETACH)), SHOW(mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND, NULL));
    SHOW(mount("t", "/mnt", "tmpfs", 0, "mode=755,uid=0")), SHOW(mount("t", "/mnt", "tmpfs", 0, "uid=5"));
    owner("/mnt");
    MUST(close(MUST(creat("/mnt/file", 0600))));
    owner("/mnt/file");
    SHOW(mknod("/mnt/null", S_IFCHR | 0600, 0x103)), SHOW(mknod("/mnt/fifo", S_IFIFO | 0600, 0));
    SHOW(mkdir("/mnt/a", 0755)), SHOW(mount("/mnt/a", "/mnt/a", NULL, MS_BIND, NULL)), SHOW(mount(NULL, "/mnt/a", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL)), SHOW(creat("/mnt/a/b", 0600)), SHOW(mount(NULL, "/mnt/a", NULL, MS_REMOUNT | MS_BIND, NULL)), SHOW(umount("/mnt/a"));
    SHOW(mount("/", "/mnt/a", NULL, MS_BIND, NULL)), SHOW(mount("/", "/mnt/a", NULL, MS_BIND | MS_REC, NULL)), SHOW(umount2("/mnt/a/proc", MNT_DETACH)), SHOW(umount2("/mnt/a", MNT_DETACH));
    SHOW(mount(NULL, "/mnt", NULL, MS_SHARED, NULL));
    SHOW(open("/dev/null", O_RDWR) >= 0);
}

int main(void) {
    umask(0);
    in_child(with_namespaces);
}
