// Buffers that lie partly or wholly where nothing may be touched, arrays of buffers, and offsets at the end of what can be counted.
#include "check.h"
// The compiler knows that these calls must fail.
#pragma GCC diagnostic ignored "-Wnonnull"
#pragma GCC diagnostic ignored "-Wstringop-overflow"
#pragma GCC diagnostic ignored "-Wstringop-overread"
#include <fcntl.h>
#include <limits.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#define KERNEL ((void *)0xffff800000000000)

// A page that can be read and written, and the end of it, behind which nobody may touch anything.
static char *page, *end;

static long waiting(int fd) {
    int count = 0;
    MUST(ioctl(fd, FIONREAD, &count));
    return count;
}

static void files(int file) {
    char *fixed = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct stat status;
    SHOW(write(file, end - 10, 20));
    SHOW(lseek(file, 0, SEEK_CUR));
    SHOW(write(file, end, 20));
    SHOW(pwrite(file, end - 5, 20, 100));
    MUST(fstat(file, &status));
    SHOW(status.st_size);
    MUST(ftruncate(file, 100));
    MUST(lseek(file, 0, SEEK_SET));
    SHOW(read(file, end - 10, 20));
    SHOW(lseek(file, 0, SEEK_CUR));
    SHOW(read(file, end, 20));
    SHOW(pread(file, end - 7, 20, 0));
    SHOW(read(file, fixed, 4));
    SHOW(read(file, NULL, 0));
    SHOW(read(file, (void *)-1, 0));
    SHOW(write(file, NULL, 0));
    SHOW(write(file, KERNEL, 0));
    SHOW(write(file, KERNEL, 1));
    SHOW(read(file, page, (size_t)-1));
    SHOW(read(file, page, SSIZE_MAX));
    SHOW(write(file, page, SSIZE_MAX));
}

static void arrays(int file) {
    struct iovec broken[3] = {{end - 4, 4}, {end, 4}, {end - 4, 4}}, sparse[3] = {{NULL, 0}, {end, 0}, {page, 3}};
    struct iovec large[2] = {{page, SSIZE_MAX}, {page, 1}}, negative[2] = {{page, -1}, {page, 1}};
    struct iovec foreign = {KERNEL, 1}, nothing = {KERNEL, 0}, many[1024];
    MUST(lseek(file, 0, SEEK_SET));
    SHOW(writev(file, broken, 3));
    SHOW(readv(file, broken, 3));
    SHOW(writev(file, sparse, 3));
    SHOW(writev(file, sparse, 0));
    SHOW(writev(file, NULL, 0));
    SHOW(writev(file, NULL, 1));
    SHOW(writev(file, sparse, -1));
    SHOW(writev(file, sparse, 1025));
    SHOW(writev(file, (void *)end, 1));
    SHOW(writev(file, large, 2));
    SHOW(writev(file, negative, 2));
    SHOW(readv(file, negative, 2));
    SHOW(writev(file, &foreign, 1));
    SHOW(writev(file, &nothing, 1));
    for (int i = 0; i < 1024; i++) many[i] = (struct iovec){page, 1};
    SHOW(pwritev(file, many, 1024, 0));
    SHOW(preadv(file, sparse, 3, -1));
    SHOW(preadv2(file, sparse, 3, -2, 0));
    SHOW(preadv2(file, sparse, 3, 0, 0x4000));
    MUST(ftruncate(file, 10));
    MUST(lseek(file, 2, SEEK_SET));
    SHOW(pwritev2(file, sparse, 3, 0, RWF_APPEND));
    SHOW(lseek(file, 0, SEEK_CUR));
    SHOW(pwritev2(file, sparse, 3, -1, RWF_APPEND));
    SHOW(lseek(file, 0, SEEK_CUR));
    SHOW(pwritev2(file, sparse, 3, 0, RWF_SYNC | RWF_DSYNC));
    SHOW(lseek(file, 0, SEEK_END));
}

static void offsets(int file) {
    MUST(ftruncate(file, 100));
    SHOW(pread(file, page, 1, -1));
    SHOW(pwrite(file, page, 1, -1));
    SHOW(pread(file, page, 1, LLONG_MAX));
    SHOW(pwrite(file, page, 1, LLONG_MAX));
    SHOW(pwrite(file, page, 10, LLONG_MAX - 1));
    SHOW(pread(file, page, 100, LLONG_MAX - 1));
    SHOW(lseek(file, -1, SEEK_SET));
    SHOW(lseek(file, LLONG_MAX, SEEK_SET) == LLONG_MAX);
    SHOW(lseek(file, 1, SEEK_CUR));
    SHOW(read(file, page, 1));
    SHOW(write(file, page, 1));
    SHOW(lseek(file, LLONG_MAX, SEEK_END));
    SHOW(lseek(file, 0, 5));
    SHOW(lseek(file, 100000, SEEK_DATA));
    SHOW(lseek(file, -1, SEEK_HOLE));
    MUST(lseek(file, 0, SEEK_SET));
    SHOW(ftruncate(file, -1));
    SHOW(fallocate(file, 0, -1, 1));
    SHOW(fallocate(file, 0, 0, 0));
    SHOW(fallocate(file, 0, LLONG_MAX, 1));
    SHOW(readahead(file, 0, -1));
    SHOW(readahead(file, -1, 1));
    loff_t from = 0, to = 0, minus = -1;
    SHOW(copy_file_range(file, &from, file, &to, 1, 0));
    SHOW(copy_file_range(file, &minus, file, &to, 1, 0));
    SHOW(copy_file_range(file, NULL, file, NULL, 1, 1));
}

static void streams(void) {
    struct iovec broken[3] = {{end - 4, 4}, {end, 4}, {end - 4, 4}};
    int p[2], s[2];
    MUST(pipe(p));
    SHOW(write(p[1], end - 10, 20));
    SHOW(write(p[1], end, 1));
    MUST(write(p[1], page, 50));
    SHOW(read(p[0], end - 10, 20));
    SHOW(readv(p[0], broken, 3));
    SHOW(waiting(p[0]));
    SHOW(read(p[0], end, 20));
    SHOW(read(p[0], page, 100));
    SHOW(pread(p[0], page, 1, 0));
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    SHOW(write(s[0], end - 10, 20));
    MUST(write(s[0], page, 50));
    SHOW(read(s[1], end - 10, 20));
    SHOW(waiting(s[1]));
    SHOW(read(s[1], page, 100));
    SHOW(send(s[0], page, SSIZE_MAX, MSG_DONTWAIT) > 0);
    MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, s));
    SHOW(write(s[0], end - 10, 20));
    MUST(write(s[0], page, 50));
    SHOW(read(s[1], end - 10, 20));
    SHOW(recv(s[1], page, 20, MSG_DONTWAIT));
}

static void moved(int file) {
    int p[2], q[2];
    MUST(pipe(p));
    MUST(pipe(q));
    off_t offset = -1;
    SHOW(sendfile(p[1], file, &offset, 1));
    offset = LLONG_MAX;
    SHOW(sendfile(p[1], file, &offset, 1));
    SHOW(sendfile(p[1], file, NULL, 0));
    SHOW(sendfile(p[1], file, NULL, -1));
    SHOW(sendfile(p[1], file, (void *)end, 1));
    MUST(write(p[1], "abc", 3));
    SHOW(sendfile(file, p[0], NULL, 1));
    SHOW(sendfile(q[1], p[0], NULL, 1));
    loff_t minus = -1, zero = 0;
    SHOW(splice(file, &minus, p[1], NULL, 1, 0));
    SHOW(splice(p[0], &zero, file, NULL, 1, 0));
    SHOW(splice(file, NULL, file, NULL, 1, 0));
    SHOW(splice(p[0], NULL, p[1], NULL, 1, 0));
    SHOW(splice(file, NULL, p[1], NULL, 1, 0x100));
    SHOW(tee(p[0], p[1], 1, 0));
    SHOW(tee(file, p[1], 1, 0));
}

int main(void) {
    page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    end = page + 4096;
    MUST(mprotect(end, 4096, PROT_NONE));
    memset(page, 'a', 4096);
    int file = MUST(open("/tmp/buffers", O_RDWR | O_CREAT | O_TRUNC, 0600));
    files(file);
    arrays(file);
    offsets(file);
    streams();
    moved(file);
    return 0;
}
