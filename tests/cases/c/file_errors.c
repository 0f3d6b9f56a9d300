// What the calls on files answer to nonsense.
#include "check.h"
#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>

static char buffer[4096];
// Volatile, so that the compiler does not object.
static char *volatile nowhere = (char *)16;
static volatile int minus = -1, too_many = 2000;

static void names(void) {
    static char long_name[300], long_path[5000];
    memset(long_name, 'n', 299);
    memset(long_path, '/', 4999);
    SHOW(open("", O_RDONLY));
    SHOW(open("missing", O_RDONLY));
    SHOW(open("missing/child", O_RDONLY | O_CREAT, 0600));
    SHOW(open(long_name, O_RDONLY));
    SHOW(open(long_path, O_RDONLY));
    SHOW(open(nowhere, O_RDONLY));
    SHOW(open("file/child", O_RDONLY));
    SHOW(open("file/", O_RDONLY));
    SHOW(open("file", O_RDONLY | O_DIRECTORY));
    SHOW(open("file", O_WRONLY | O_CREAT | O_EXCL, 0600));
    SHOW(open("dir", O_WRONLY));
    SHOW(open("dir", O_RDONLY | O_CREAT, 0600));
    SHOW(open("dir/new/", O_RDONLY | O_CREAT, 0600));
    SHOW(open("loop", O_RDONLY));
    SHOW(open("link", O_RDONLY | O_NOFOLLOW));
    SHOW(open(".", O_TMPFILE | O_RDONLY, 0600));
    SHOW(mkdir("dir", 0700));
    SHOW(mkdir("link", 0700));
    SHOW(mkdir("dir/.", 0700));
    SHOW(mkdir("/", 0700));
    SHOW(rmdir("dir/."));
    SHOW(rmdir("dir/.."));
    SHOW(rmdir("file"));
    SHOW(rmdir("full"));
    SHOW(rmdir("/"));
    SHOW(unlink("dir"));
    SHOW(unlink("missing"));
    SHOW(unlink("file/"));
    SHOW(link("dir", "dir2"));
    SHOW(link("file", "dir"));
    SHOW(link("missing", "x"));
    SHOW(symlink("", "x"));
    SHOW(symlink("x", "file"));
    SHOW(symlink("x", ""));
    SHOW(readlink("file", buffer, 10));
    SHOW(readlink("link", buffer, 0));
    SHOW(rename("dir", "dir/sub"));
    SHOW(rename("dir", "file"));
    SHOW(rename("file", "dir"));
    SHOW(rename("dir", "full"));
    SHOW(rename("missing", "x"));
    SHOW(rename("dir/.", "x"));
    SHOW(rename("file", "file"));
    SHOW(renameat2(AT_FDCWD, "file", AT_FDCWD, "dir", 1));
    SHOW(renameat2(AT_FDCWD, "file", AT_FDCWD, "missing", 2));
    SHOW(renameat2(AT_FDCWD, "file", AT_FDCWD, "dir", 3));
    SHOW(chdir("file"));
    SHOW(chdir("missing"));
    SHOW(chroot("file"));
    SHOW(truncate("dir", 0));
    SHOW(truncate("file", -1));
    SHOW(mknod("node", S_IFDIR | 0600, 0));
    SHOW(access("file", 9));
    SHOW(access("missing", F_OK));
    SHOW(syscall(SYS_getcwd, buffer, 1));
}

static void descriptors(int fd, int dir) {
    struct stat st;
    struct statfs fs;
    struct iovec many[2] = {{buffer, 1}, {buffer, (size_t)-1}};
    SHOW(read(99, buffer, 1));
    SHOW(read(dir, buffer, 1));
    SHOW(read(fd, nowhere, 1));
    SHOW(read(fd, buffer, (size_t)minus));
    SHOW(write(dir, buffer, 1));
    SHOW(write(fd, nowhere, 1));
    SHOW(pread(fd, buffer, 1, -1));
    SHOW(pwrite(fd, buffer, 1, -1));
    SHOW(readv(fd, many, 2));
    SHOW(readv(fd, many, minus));
    SHOW(readv(fd, many, too_many));
    SHOW(writev(fd, many, 0));
    SHOW(lseek(fd, -1, SEEK_SET));
    SHOW(lseek(fd, 0, 17));
    SHOW(lseek(fd, 1 << 20, SEEK_DATA));
    SHOW(lseek(99, 0, SEEK_SET));
    SHOW(ftruncate(fd, -1));
    SHOW(ftruncate(dir, 0));
    SHOW(fallocate(fd, 0, 0, 0));
    SHOW(fallocate(fd, 0, -1, 1));
    SHOW(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 1));
    SHOW(fallocate(dir, 0, 0, 1));
    SHOW(dup(99));
    SHOW(dup2(fd, -1));
    SHOW(dup2(fd, 1 << 30));
    SHOW(dup3(fd, fd, 0));
    SHOW(fcntl(fd, F_DUPFD, -1));
    SHOW(fcntl(fd, 4242, 0));
    SHOW(fcntl(fd, F_SETPIPE_SZ, 4096));
    SHOW(fcntl(fd, F_SETOWN, 999999));
    SHOW(fcntl(fd, F_SETSIG, 65));
    SHOW(ioctl(fd, 0xdead, buffer));
    SHOW(ioctl(fd, FIONREAD, nowhere));
    SHOW(ioctl(dir, FIONREAD, buffer));
    SHOW(flock(fd, 0));
    SHOW(flock(fd, LOCK_SH | LOCK_EX));
    SHOW(fstat(99, &st));
    SHOW(fstat(fd, (struct stat *)nowhere));
    SHOW(fstatat(fd, "x", &st, 0));
    SHOW(fstatat(99, "x", &st, 0));
    SHOW(fstatat(99, "/", &st, 0));
    SHOW(fstatat(AT_FDCWD, "", &st, 0));
    SHOW(fstatat(AT_FDCWD, "", &st, AT_EMPTY_PATH));
    SHOW(fstatat(fd, "", &st, AT_EMPTY_PATH));
    SHOW(fstatat(fd, "", &st, 0x10000));
    SHOW(fstatfs(99, &fs));
    SHOW(fchdir(fd));
    SHOW(syscall(SYS_getdents64, fd, buffer, 100));
    SHOW(syscall(SYS_getdents64, dir, buffer, 10));
    SHOW(sendfile(fd, dir, NULL, 10));
    SHOW(copy_file_range(fd, NULL, dir, NULL, 10, 0));
    SHOW(copy_file_range(fd, NULL, fd, NULL, 10, 1));
    SHOW(splice(fd, NULL, fd, NULL, 10, 0));
    SHOW(tee(fd, fd, 10, 0));
    SHOW(fsync(99));
    SHOW(posix_fadvise(fd, 0, 0, 99));
    SHOW(close(99));
    SHOW(close(-1));
    SHOW(close_range(5, 4, 0));
}

static void path_only(void) {
    struct stat st;
    int fd = open("file", O_PATH);
    SHOW(read(fd, buffer, 1));
    SHOW(write(fd, buffer, 1));
    SHOW(lseek(fd, 0, SEEK_SET));
    SHOW(ftruncate(fd, 0));
    SHOW(fchmod(fd, 0600));
    SHOW(fstat(fd, &st));
    SHOW(fcntl(fd, F_GETFD));
    SHOW(fcntl(fd, F_GETFL) & O_PATH);
    SHOW(fcntl(fd, F_SETFL, 0));
    SHOW(ioctl(fd, FIONREAD, buffer));
    SHOW(fsync(fd));
    SHOW(close(dup(fd)));
    SHOW(close(fd));
    fd = open("link", O_PATH | O_NOFOLLOW);
    SHOW(readlinkat(fd, "", buffer, 10));
    SHOW(close(fd));
}

int main(void) {
    MUST(chdir("/work"));
    MUST(mkdir("errors", 0755));
    MUST(chdir("errors"));
    int fd = MUST(open("file", O_RDWR | O_CREAT, 0644)), dir;
    MUST(mkdir("dir", 0755));
    MUST(mkdir("full", 0755));
    MUST(close(MUST(open("full/file", O_WRONLY | O_CREAT, 0644))));
    MUST(symlink("file", "link"));
    MUST(symlink("loop", "loop"));
    dir = MUST(open(".", O_RDONLY | O_DIRECTORY));
    names();
    descriptors(fd, dir);
    path_only();
}
