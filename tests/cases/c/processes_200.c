// 200 processes at once, released together, each with a status of its own.
#include "check.h"
#include <sys/wait.h>

int main(void) {
    int gate[2], report[2];
    MUST(pipe(gate));
    MUST(pipe(report));
    for (int i = 0; i < 200; i++) {
        pid_t pid = fork();
        MUST(pid);
        if (pid == 0) {
            char c;
            close(gate[1]);
            MUST(write(report[1], "r", 1));
            _exit(read(gate[0], &c, 1) == 0 ? i : 255);
        }
    }
    char c;
    for (int i = 0; i < 200; i++) MUST(read(report[0], &c, 1));
    close(gate[1]);
    long sum = 0, n = 0;
    int status;
    while (wait(&status) > 0) sum += WEXITSTATUS(status), n++;
    SHOW(n);
    SHOW(sum);
}
