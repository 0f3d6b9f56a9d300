// The first process: runs a program and ends as it ended, the way a shell tells it.
#include <sys/wait.h>
#include <unistd.h>

int main(int count, char **arguments) {
    (void)count;
    pid_t pid = fork();
    if (pid == 0) {
        execv(arguments[1], arguments + 1);
        _exit(127);
    }
    int status;
    for (;;) {
        pid_t ended = wait(&status);
        if (ended == pid) return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
}
