// sendfile, copy_file_range, splice, tee and vmsplice: counts, offsets and contents.
#include "check.h"
#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>

#define SIZE 300000
static char data[SIZE], seen[SIZE];

static int file(const char *name) { return MUST(open(name, O_RDWR | O_CREAT | O_TRUNC, 0600)); }

static unsigned sum(const char *bytes, long count) {
    unsigned all = 1;
    for (long i = 0; i < count; i++) all = all * 31 + (unsigned char)bytes[i];
    return all;
}

int main(void) {
    MUST(chdir("/work"));
    for (int i = 0; i < SIZE; i++) data[i] = (char)(i * 7 + i / 251);
    int from = file("from"), to = file("to"), p[2], q[2], s[2], n;
    MUST(write(from, data, SIZE));
    MUST(lseek(from, 0, SEEK_SET));
    // Between files.
    off_t in = 1000, out = 5;
    SHOW(sendfile(to, from, &in, 5000));
    SHOW(in);
    SHOW(lseek(from, 0, SEEK_CUR));
    SHOW(lseek(to, 0, SEEK_CUR));
    SHOW(sendfile(to, from, NULL, 2 * SIZE));
    SHOW(lseek(from, 0, SEEK_CUR));
    SHOW(sendfile(to, from, NULL, 1));
    in = 10;
    SHOW(copy_file_range(from, &in, to, &out, 100, 0));
    SHOW(in);
    SHOW(out);
    SHOW(pread(to, seen, 200, 0));
    SHOW(sum(seen, 200));
    in = SIZE - 10;
    SHOW(copy_file_range(from, &in, to, NULL, 100, 0));
    SHOW(copy_file_range(from, &in, to, NULL, 100, 0));
    // Through pipes.
    MUST(pipe(p));
    MUST(pipe(q));
    in = 0;
    SHOW(splice(from, &in, p[1], NULL, 10000, 0));
    SHOW(in);
    SHOW(tee(p[0], q[1], 4000, 0));
    SHOW(splice(p[0], NULL, q[1], NULL, 100, 0));
    SHOW(read(q[0], seen, SIZE));
    SHOW(sum(seen, 4100));
    out = 3;
    SHOW(splice(p[0], NULL, to, &out, 50000, 0));
    SHOW(out);
    SHOW(splice(p[0], NULL, to, NULL, 10, SPLICE_F_NONBLOCK));
    struct iovec pieces[2] = {{data, 1000}, {data + 5000, 2000}};
    SHOW(vmsplice(p[1], pieces, 2, 0));
    SHOW(read(p[0], seen, SIZE));
    SHOW(sum(seen, 3000));
    SHOW(splice(from, &in, p[0], NULL, 10, 0));
    SHOW(splice(p[0], &in, to, NULL, 10, 0));
    // To a process that reads slowly, by sendfile into a pipe and a socket.
    for (int kind = 0; kind < 2; kind++) {
        if (kind == 0)
            MUST(pipe(s));
        else
            MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
        pid_t reader = fork();
        if (reader == 0) {
            long total = 0;
            close(s[1]);
            while ((n = (int)read(s[0], seen + total, 7000)) > 0) {
                total += n;
                usleep(100);
            }
            SHOW(total);
            SHOW(sum(seen, total));
            exit(0);
        }
        close(s[0]);
        in = 0;
        long sent = 0;
        while (sent < SIZE && (n = (int)sendfile(s[1], from, &in, (size_t)(SIZE - sent))) > 0) sent += n;
        close(s[1]);
        waitpid(reader, NULL, 0);
        SHOW(sent);
    }
}
