// FIFOs: opening waits for the other end; end of file, hang-up, and reopening.
#include "asleep.h"
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>

static void nothing(int signal) { (void)signal; }

static void events(const char *text, int fd) {
    struct pollfd p = {fd, POLLIN | POLLOUT, 0};
    MUST(poll(&p, 1, 0));
    printf("%s: %#x\n", text, p.revents);
    fflush(stdout);
}

int main(void) {
    char buffer[100];
    struct stat st;
    MUST(chdir("/work"));
    MUST(mkfifo("fifo", 0640));
    MUST(stat("fifo", &st));
    SHOW(S_ISFIFO(st.st_mode));
    SHOW(mkfifo("fifo", 0640));
    SHOW(open("fifo", O_WRONLY | O_NONBLOCK));
    // A writer comes while a reader waits.
    pid_t writer = fork();
    if (writer == 0) {
        until_asleep(getppid());
        int fd = MUST(open("fifo", O_WRONLY));
        MUST(write(fd, "hello", 5));
        exit(0);
    }
    int fd = MUST(open("fifo", O_RDONLY));
    SHOW(read(fd, buffer, 100));
    waitpid(writer, NULL, 0);
    SHOW(read(fd, buffer, 100));
    events("after the writer", fd);
    MUST(close(fd));
    // A reader that does not wait sees no hang-up before the first writer.
    int reading = MUST(open("fifo", O_RDONLY | O_NONBLOCK));
    events("before any writer", reading);
    SHOW(read(reading, buffer, 100));
    int writing = MUST(open("fifo", O_WRONLY | O_NONBLOCK));
    events("with a writer", reading);
    SHOW(read(reading, buffer, 100));
    SHOW(write(writing, "abc", 3));
    events("with data", reading);
    MUST(close(writing));
    events("data and no writer", reading);
    SHOW(read(reading, buffer, 2));
    SHOW(read(reading, buffer, 100));
    events("hung up", reading);
    MUST(close(reading));
    // Both in one.
    fd = MUST(open("fifo", O_RDWR));
    SHOW(write(fd, "xyz", 3));
    SHOW(read(fd, buffer, 100));
    events("both ends", fd);
    SHOW(lseek(fd, 0, SEEK_SET));
    // Data does not outlive the last end.
    MUST(write(fd, "lost", 4));
    MUST(close(fd));
    reading = MUST(open("fifo", O_RDONLY | O_NONBLOCK));
    SHOW(read(reading, buffer, 100));
    MUST(close(reading));
    // A signal ends the wait.
    struct sigaction action = {.sa_handler = nothing};
    MUST(sigaction(SIGALRM, &action, NULL));
    pid_t other = signal_when_asleep(SIGALRM);
    SHOW(open("fifo", O_WRONLY));
    reap(other);
    SHOW(unlink("fifo"));
    // Through /proc, a pipe can be opened anew.
    int p[2];
    MUST(pipe(p));
    snprintf(buffer, sizeof buffer, "/proc/self/fd/%d", p[1]);
    fd = MUST(open(buffer, O_WRONLY));
    SHOW(write(fd, "again", 5));
    SHOW(read(p[0], buffer, 100));
    // There opening waits for nobody, even when the other end is gone.
    MUST(write(p[1], "rest", 4));
    MUST(close(p[1]));
    MUST(close(fd));
    snprintf(buffer, sizeof buffer, "/proc/self/fd/%d", p[0]);
    fd = MUST(open(buffer, O_RDONLY));
    SHOW(read(fd, buffer, 100));
    SHOW(read(fd, buffer, 100));
    events("pipe opened anew without a writer", fd);
}
