// Leases: F_SETLEASE, F_GETLEASE, and who has to wait for them.
#include "asleep.h"
#include <fcntl.h>

static volatile int told, code, from;
static void hear(int number, siginfo_t *info, void *context) {
    (void)context;
    told = number;
    code = info->si_code;
    from = info->si_fd;
}

// A child acts on the file; the parent hears of it, sees whether the child waits, does what `answer` says, and tells how the child fared.
static void against(const char *what, int fd, const char *path, int flags, int answer) {
    told = 0;
    pid_t child = fork();
    if (child == 0) {
        close(fd);
        int result = flags < 0 ? truncate(path, 3) : open(path, flags);
        _exit(result >= 0 ? 0 : errno);
    }
    // It waits for the answer, or has ended without one.
    int waits = until_asleep(child) != 'Z';
    int pending = fcntl(fd, F_GETLEASE);
    if (answer >= 0) SHOW(fcntl(fd, F_SETLEASE, answer));
    int status;
    MUST(waitpid(child, &status, 0));
    printf("%s: signal %d code %d fd %d pending %d; %s after a wait: %d\n", what, told == SIGIO ? 1 : told ? 2 : 0,
           told ? code : 0, told ? from == fd : 0, pending, WEXITSTATUS(status) ? strerrorname_np(WEXITSTATUS(status)) : "done",
           waits);
    fflush(stdout);
}

int main(void) {
    const char *path = "/work/leased";
    int writer = MUST(open(path, O_RDWR | O_CREAT, 0644));
    MUST(write(writer, "content", 7));
    SHOW(fcntl(writer, F_SETLEASE, F_RDLCK));
    SHOW(fcntl(writer, F_SETLEASE, F_UNLCK));
    SHOW(fcntl(writer, F_SETLEASE, 77));
    SHOW(fcntl(writer, F_GETLEASE));
    int reader = MUST(open(path, O_RDONLY));
    SHOW(fcntl(reader, F_SETLEASE, F_RDLCK));
    SHOW(fcntl(writer, F_SETLEASE, F_WRLCK));
    close(writer);
    SHOW(fcntl(reader, F_SETLEASE, F_RDLCK));
    SHOW(fcntl(reader, F_GETLEASE));
    int second = MUST(open(path, O_RDONLY));
    SHOW(fcntl(second, F_SETLEASE, F_RDLCK));
    SHOW(fcntl(second, F_SETLEASE, F_WRLCK));
    SHOW(fcntl(second, F_SETLEASE, F_UNLCK));
    SHOW(fcntl(second, F_GETLEASE));
    close(second);

    struct sigaction action = {.sa_sigaction = hear, .sa_flags = SA_SIGINFO | SA_RESTART};
    sigaction(SIGIO, &action, NULL);
    sigaction(SIGRTMIN, &action, NULL);
    against("read a read lease", reader, path, O_RDONLY, -1);
    against("write a read lease, nonblocking", reader, path, O_WRONLY | O_NONBLOCK, F_UNLCK);
    SHOW(fcntl(reader, F_SETSIG, SIGRTMIN));
    SHOW(fcntl(reader, F_SETLEASE, F_RDLCK));
    against("write a read lease", reader, path, O_WRONLY, F_UNLCK);
    SHOW(fcntl(reader, F_SETSIG, SIGRTMIN));
    SHOW(fcntl(reader, F_SETLEASE, F_RDLCK));
    against("cut under a read lease", reader, path, -1, F_UNLCK);
    SHOW(fcntl(reader, F_SETSIG, SIGRTMIN));
    SHOW(fcntl(reader, F_SETLEASE, F_WRLCK));
    against("read a write lease", reader, path, O_RDONLY, F_RDLCK);
    SHOW(fcntl(reader, F_GETLEASE));
    SHOW(fcntl(reader, F_SETLEASE, F_WRLCK));
    against("write a write lease", reader, path, O_RDWR, F_UNLCK);
    SHOW(fcntl(reader, F_SETLEASE, F_RDLCK));
    if (fork() == 0) {
        // The description is the parent's too: its end here gives nothing up.
        close(reader);
        _exit(0);
    }
    wait(NULL);
    SHOW(fcntl(reader, F_GETLEASE));
    close(reader);
    reader = MUST(open(path, O_RDONLY));
    SHOW(fcntl(reader, F_GETLEASE));
    int directory = MUST(open("/work", O_RDONLY | O_DIRECTORY));
    SHOW(fcntl(directory, F_SETLEASE, F_RDLCK));
    int pipes[2];
    MUST(pipe(pipes));
    SHOW(fcntl(pipes[0], F_SETLEASE, F_RDLCK));
    MUST(fchown(reader, 1000, 1000));
    if (fork() == 0) {
        MUST(setuid(1001));
        SHOW(fcntl(reader, F_SETLEASE, F_RDLCK));
        _exit(0);
    }
    wait(NULL);
    SHOW(unlink(path));
    return 0;
}
