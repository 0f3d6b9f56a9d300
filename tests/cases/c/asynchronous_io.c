// Native asynchronous I/O: what is submitted, what comes of it, and what is refused.
#include "asleep.h"
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>

static aio_context_t context;

static struct iocb block(int opcode, int fd, void *buffer, size_t count, long offset) {
    static uint64_t next = 100;
    struct iocb it = {.aio_data = next++, .aio_lio_opcode = (uint16_t)opcode, .aio_fildes = (uint32_t)fd,
                      .aio_buf = (uint64_t)(uintptr_t)buffer, .aio_nbytes = count, .aio_offset = offset};
    return it;
}

static long submit(struct iocb *it) {
    return syscall(SYS_io_submit, context, 1, &it);
}

static void events(long least, long most, struct timespec *timeout) {
    struct io_event got[64];
    errno = 0;
    long n = syscall(SYS_io_getevents, context, least, most, got, timeout);
    printf("%ld events %s\n", n, n < 0 ? strerrorname_np(errno) : "");
    for (long i = 0; i < n; i++) printf("  data %llu result %lld %lld\n", got[i].data, got[i].res, got[i].res2);
}

static struct timespec none = {0, 0}, moment = {0, 20 * 1000 * 1000};

static void setup(void) {
    aio_context_t other = 1;
    SHOW(syscall(SYS_io_setup, 8, &other));
    other = 0;
    SHOW(syscall(SYS_io_setup, 0, &other));
    SHOW(syscall(SYS_io_setup, 0x20000000, &other));
    SHOW(syscall(SYS_io_setup, 8, NULL));
    SHOW(syscall(SYS_io_destroy, 0));
    SHOW(syscall(SYS_io_destroy, 4096));
    SHOW(syscall(SYS_io_setup, 1 << 20, &other));
    SHOW(syscall(SYS_io_setup, 8, &other));
    SHOW(other != 0);
    // Programs look at the page themselves.
    SHOW(*(volatile unsigned *)other == 0x12345678);
    SHOW(syscall(SYS_io_destroy, other));
    SHOW(syscall(SYS_io_destroy, other));
    SHOW(syscall(SYS_io_setup, 8, &context));
}

static void files(void) {
    char text[100] = "some text to be written", back[100] = "";
    int fd = MUST(open("/tmp/aio-file", O_RDWR | O_CREAT | O_TRUNC, 0600));
    struct iocb write_it = block(IOCB_CMD_PWRITE, fd, text, 23, 100), read_it = block(IOCB_CMD_PREAD, fd, back, 50, 105);
    struct iocb *both[] = {&write_it, &read_it};
    SHOW(syscall(SYS_io_submit, context, 2, both));
    events(2, 10, NULL);
    puts(back);
    SHOW(lseek(fd, 0, SEEK_CUR));
    struct iovec parts[2] = {{back, 4}, {back + 10, 5}};
    struct iocb vector = block(IOCB_CMD_PREADV, fd, parts, 2, 100);
    SHOW(submit(&vector));
    events(0, 10, &none);
    struct iocb sync = block(IOCB_CMD_FSYNC, fd, NULL, 0, 0), data = block(IOCB_CMD_FDSYNC, fd, NULL, 0, 0);
    SHOW(submit(&sync));
    SHOW(submit(&data));
    events(2, 2, NULL);
    sync.aio_nbytes = 1;
    SHOW(submit(&sync));

    struct iocb bad = block(IOCB_CMD_PREAD, fd, (void *)8, 10, 100);
    SHOW(submit(&bad));
    events(1, 1, NULL);
    bad = block(IOCB_CMD_PREAD, -1, back, 10, 0);
    SHOW(submit(&bad));
    bad = block(99, fd, back, 10, 0);
    SHOW(submit(&bad));
    bad = block(IOCB_CMD_PREAD, fd, back, 10, -5);
    SHOW(submit(&bad));
    events(0, 9, &none);
    bad = block(IOCB_CMD_PREAD, fd, back, 10, 0);
    bad.aio_rw_flags = 0x4000;
    SHOW(submit(&bad));
    bad.aio_rw_flags = 0;
    bad.aio_reserved2 = 1;
    SHOW(submit(&bad));
    bad.aio_reserved2 = 0;
    bad.aio_flags = IOCB_FLAG_RESFD;
    bad.aio_resfd = (uint32_t)fd;
    SHOW(submit(&bad));
    bad.aio_resfd = 999;
    SHOW(submit(&bad));
    int only = MUST(open("/tmp/aio-file", O_RDONLY));
    bad = block(IOCB_CMD_PWRITE, only, text, 3, 0);
    SHOW(submit(&bad));
    struct iocb *list[] = {&read_it, NULL, &read_it};
    SHOW(syscall(SYS_io_submit, context, 3, list));
    SHOW(syscall(SYS_io_submit, context, 0, list));
    SHOW(syscall(SYS_io_submit, context, -1, list));
    SHOW(syscall(SYS_io_submit, 4096, 1, list));
    SHOW(syscall(SYS_io_getevents, context, 3, 2, NULL, NULL));
    SHOW(syscall(SYS_io_getevents, context, -1, 2, NULL, NULL));
    SHOW(syscall(SYS_io_getevents, context, 1, 1, (void *)8, NULL));
    events(1, 9, &none);
    events(1, 9, &moment);
    unlink("/tmp/aio-file");
}

static void *later(void *fd) {
    usleep(20000);
    MUST(write((int)(intptr_t)fd, "x", 1));
    return NULL;
}

static void polls(void) {
    int fds[2], told = MUST(eventfd(0, EFD_NONBLOCK));
    MUST(pipe(fds));
    struct iocb wait_it = block(IOCB_CMD_POLL, fds[0], (void *)(POLLIN | POLLRDNORM), 0, 0);
    wait_it.aio_flags = IOCB_FLAG_RESFD;
    wait_it.aio_resfd = (uint32_t)told;
    SHOW(submit(&wait_it));
    events(0, 9, &none);
    uint64_t count = 0;
    SHOW(read(told, &count, 8));
    pthread_t thread;
    pthread_create(&thread, NULL, later, (void *)(intptr_t)fds[1]);
    events(1, 9, NULL);
    pthread_join(thread, NULL);
    SHOW(read(told, &count, 8));
    SHOW(count);
    // It is ready at once.
    SHOW(submit(&wait_it));
    events(1, 9, NULL);
    char byte;
    MUST(read(fds[0], &byte, 1));
    SHOW(submit(&wait_it));
    struct io_event unused;
    SHOW(syscall(SYS_io_cancel, context, &wait_it, &unused));
    SHOW(syscall(SYS_io_cancel, context, &wait_it, &unused));
    SHOW(syscall(SYS_io_cancel, 4096, &wait_it, &unused));
    SHOW(syscall(SYS_io_cancel, context, NULL, &unused));
    events(1, 9, &moment);
    wait_it.aio_nbytes = 1;
    SHOW(submit(&wait_it));
    struct iocb piped = block(IOCB_CMD_PWRITE, fds[1], "through", 7, 0);
    SHOW(submit(&piped));
    char back[16] = "";
    struct iocb out = block(IOCB_CMD_PREAD, fds[0], back, 16, 0);
    SHOW(submit(&out));
    events(2, 2, NULL);
    puts(back);
}

static void nothing(int signal) {
    (void)signal;
}

static void signals(void) {
    struct sigaction action = {.sa_handler = nothing};
    sigaction(SIGALRM, &action, NULL);
    struct itimerspec soon = {{0, 0}, {0, 20 * 1000 * 1000}};
    timer_t timer;
    MUST(timer_create(CLOCK_MONOTONIC, NULL, &timer));
    pid_t other = signal_when_asleep(SIGALRM);
    events(1, 1, NULL);
    reap(other);
    sigset_t blocked, set;
    sigemptyset(&set);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGALRM);
    sigprocmask(SIG_BLOCK, &blocked, NULL);
    MUST(timer_settime(timer, 0, &soon, NULL));
    struct { sigset_t *set; size_t size; } mask = {&set, 8};
    struct io_event got;
    SHOW(syscall(SYS_io_pgetevents, context, 1, 1, &got, NULL, &mask));
    SHOW(syscall(SYS_io_pgetevents, context, 1, 1, &got, &moment, NULL));
    mask.size = 4;
    SHOW(syscall(SYS_io_pgetevents, context, 1, 1, &got, &moment, &mask));
}

int main(void) {
    setup();
    files();
    polls();
    signals();
    fflush(stdout);
    if (fork() == 0) {
        events(0, 1, &none);
        _exit(0);
    }
    wait(NULL);
    SHOW(syscall(SYS_io_destroy, context));
}
