// Opening, linking, renaming and looking at files: results and errors of the calls themselves.
#include "check.h"
#include <dirent.h>
#include <fcntl.h>
#include <linux/stat.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

// Addresses and sizes that the compiler would warn about.
static void *volatile nowhere = (void *)1;
static char *volatile null = NULL;
static volatile size_t too_much = -1UL;

int main(void) {
    struct stat s;
    char b[5000];
    MUST(chdir("/work"));
    int fd = open("f", O_RDWR | O_CREAT | O_APPEND, 0644), d = open(".", O_DIRECTORY), p = open("f", O_PATH);
    SHOW(write(fd, "abc", 3));
    SHOW(lseek(fd, 0, SEEK_SET));
    SHOW(write(fd, "def", 3));
    SHOW(pwrite(fd, "x", 1, 0));
    SHOW(pread(fd, b, 9, 0));
    SHOW(read(p, b, 1));
    SHOW(fstat(p, &s));
    SHOW(s.st_size);
    SHOW(fcntl(fd, F_GETFL) & ~O_LARGEFILE & ~0100000);
    SHOW(renameat2(d, "f", d, "none/x", 0));
    SHOW(link("f", "g"));
    SHOW(renameat2(d, "f", d, "g", 1));
    SHOW(renameat2(d, "f", d, "h", 2));
    SHOW(symlink("f", "l"));
    SHOW(renameat2(d, "f", d, "l", 2));
    SHOW(lstat("l", &s));
    SHOW(s.st_mode);
    SHOW(lstat("f", &s));
    SHOW(s.st_mode);
    SHOW(mkdir("d", 01777));
    SHOW(rmdir("d/."));
    SHOW(rmdir("d/.."));
    SHOW(open("d", O_RDWR));
    SHOW(open("d/x", O_RDONLY));
    SHOW(open("l/x", O_RDONLY));
    SHOW(unlink("d"));
    SHOW(rename("d", "d/e"));
    SHOW(rename("l", "d"));
    SHOW(open("", O_RDONLY));
    SHOW(open(null, O_RDONLY));
    SHOW(open("l", O_CREAT | O_EXCL, 0600));
    SHOW(open("d", O_TMPFILE | O_RDWR, 0600) >= 0);
    memset(b, 'x', 4999);
    b[4999] = 0;
    SHOW(open(b, O_RDONLY));
    b[256] = 0;
    SHOW(open(b, O_CREAT, 0600));
    b[255] = 0;
    SHOW(open(b, O_CREAT, 0600) >= 0);
    SHOW(faccessat(d, "l", X_OK, 0));
    SHOW(faccessat(d, "none", F_OK, 0));
    SHOW(fchmodat(d, "l", 0700, 0));
    SHOW(access("l", X_OK));
    SHOW(utimensat(d, "l", (struct timespec[]){{5, 6}, {7, 8}}, 0));
    SHOW(stat("l", &s));
    SHOW(s.st_mtim.tv_nsec);
    SHOW(utimensat(d, "l", (struct timespec[]){{0, UTIME_OMIT}, {9, 10}}, 0));
    SHOW(stat("l", &s));
    SHOW(s.st_atim.tv_sec);
    SHOW(s.st_mtim.tv_sec);
    struct statx x;
    SHOW(syscall(SYS_statx, d, "l", 0, 0x7ff, &x));
    SHOW(x.stx_size);
    SHOW(x.stx_nlink);
    SHOW((x.stx_mask & 0x7ff) == 0x7ff);
    SHOW(writev(fd, (struct iovec[]){{"12", 2}, {"345", 3}}, 2));
    SHOW(preadv(fd, (struct iovec[]){{b, 4}, {b + 10, 100}}, 2, 1));
    SHOW(read(fd, nowhere, 10));
    SHOW(write(fd, nowhere, 10));
    SHOW(read(fd, b, too_much));
    SHOW(ftruncate(fd, -1));
    SHOW(ftruncate(fd, 100));
    SHOW(lseek(fd, 0, SEEK_END));
    SHOW(lseek(fd, 5, 99));
    SHOW(fallocate(fd, 0, 0, 10000));
    SHOW(fstat(fd, &s));
    SHOW(s.st_size);
    DIR *dir = opendir("/");
    int names = 0, dots = 0;
    for (struct dirent *e; (e = readdir(dir));) names++, dots += e->d_name[0] == '.' && e->d_type == DT_DIR;
    SHOW(dots);
    SHOW(names > 10);
    rewinddir(dir);
    SHOW(readdir(dir) != NULL);
    SHOW(getcwd(b, 3) == NULL && errno == ERANGE);
    SHOW(readlink("d", b, 10));
    SHOW(readlink("/proc/self/exe", b, 10));
    struct flock lock = {.l_type = F_WRLCK, .l_len = 10};
    SHOW(fcntl(fd, F_SETLK, &lock));
    SHOW(fcntl(fd, F_GETLK, &lock));
    SHOW(lock.l_type);
    SHOW(fcntl(fd, F_OFD_SETLK, &lock));
    struct { unsigned long flags, mode, resolve; } how = {.flags = O_RDONLY, .resolve = 8};
    SHOW(syscall(SYS_openat2, d, "../etc/hostname", &how, sizeof how));
    how.resolve = 4;
    SHOW(syscall(SYS_openat2, d, "l", &how, sizeof how) >= 0);
    how.resolve = 1UL << 40;
    SHOW(syscall(SYS_openat2, d, "l", &how, sizeof how));
}
