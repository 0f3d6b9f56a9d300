// A chain of 50 processes, each the child of the last, all there at once; each changes memory that it got from its parent.
#include "check.h"
#include <sys/wait.h>

static int depth_of(int depth) {
    static int path[64];
    path[depth] = depth * depth;
    if (depth == 50) {
        int sum = 0;
        for (int i = 0; i <= 50; i++) sum += path[i];
        return sum == 42925 ? 50 : 0;
    }
    pid_t parent = getpid(), pid = fork();
    MUST(pid);
    if (pid == 0) _exit(getppid() == parent ? depth_of(depth + 1) : 0);
    int status;
    MUST(waitpid(pid, &status, 0));
    return path[depth] == depth * depth ? WEXITSTATUS(status) : 0;
}

int main(void) { SHOW(depth_of(0)); }
