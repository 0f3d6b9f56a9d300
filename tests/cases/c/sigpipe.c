// Writing to what nobody reads: SIGPIPE, EPIPE, MSG_NOSIGNAL.
#include "check.h"
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

int main(void) {
    int p[2], s[2], status;
    MUST(pipe(p));
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    close(p[0]), close(s[0]);
    for (int which = 0; which < 3; which++) {
        fflush(stdout);
        if (fork() == 0) {
            if (which == 2) {
                send(s[1], "x", 1, MSG_NOSIGNAL);
                _exit(errno);
            }
            long n = write(which ? s[1] : p[1], "x", 1);
            _exit((int)n);
        }
        wait(&status);
        printf("%x\n", (unsigned)status);
    }
    signal(SIGPIPE, SIG_IGN);
    SHOW(write(p[1], "x", 1));
    SHOW(write(s[1], "x", 1));
    SHOW(send(s[1], "x", 1, 0));
}
