// Pipes: capacity, atomicity, non-blocking, sizes, splice and tee, end of file.
#include "check.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

int main(void) {
    int p[2], q[2], n;
    static char buffer[70000];
    MUST(pipe2(p, O_NONBLOCK));
    MUST(pipe(q));
    SHOW(read(p[0], buffer, 1));
    SHOW(write(p[1], buffer, 70000));
    SHOW(write(p[1], buffer, 1));
    SHOW(ioctl(p[0], FIONREAD, &n));
    SHOW(n);
    SHOW(read(p[0], buffer, 4095));
    SHOW(write(p[1], buffer, 4096));
    SHOW(read(p[0], buffer, 70000));
    SHOW(fcntl(p[0], F_GETPIPE_SZ));
    SHOW(fcntl(p[0], F_SETPIPE_SZ, 5000));
    SHOW(write(p[1], buffer, 8193));
    SHOW(tee(p[0], q[1], 100, 0));
    SHOW(splice(p[0], NULL, q[1], NULL, 200, 0));
    SHOW(read(q[0], buffer, 1000));
    SHOW(lseek(p[0], 0, SEEK_CUR));
    SHOW(pread(p[0], buffer, 1, 0));
    SHOW(write(p[0], buffer, 1));
    SHOW(read(p[1], buffer, 1));
    for (int i = 0; i < 4; i++)
        if (fork() == 0) {
            memset(buffer, 'a' + i, 512);
            for (int k = 0; k < 200; k++) MUST(write(q[1], buffer, 512));
            _exit(0);
        }
    close(q[1]);
    long total = 0, mixed = 0;
    while ((n = (int)read(q[0], buffer, 512)) > 0) {
        total += n;
        for (int i = 1; n == 512 && i < n; i++) mixed += buffer[i] != buffer[0];
    }
    SHOW(total);
    SHOW(mixed);
    SHOW(n);
    while (wait(NULL) > 0) {}
    MUST(mkfifo("/work/fifo", 0600));
    SHOW(open("/work/fifo", O_WRONLY | O_NONBLOCK));
    int r = open("/work/fifo", O_RDONLY | O_NONBLOCK);
    SHOW(read(r, buffer, 1));
    SHOW(close(open("/work/fifo", O_WRONLY | O_NONBLOCK)));
}
