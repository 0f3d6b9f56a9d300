// vfork, posix_spawn and clone: what is shared, and when the parent goes on.
#include "check.h"
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/wait.h>

static volatile int shared;
static int child(void *p) { shared = 5, (void)p; return 7; }

int main(void) {
    int status, code;
    pid_t pid = vfork();
    if (pid == 0) {
        shared = 1;
        usleep(50000);
        shared = 2;
        _exit(3);
    }
    code = shared;
    SHOW(code);
    wait(&status);
    SHOW(WEXITSTATUS(status));
    pid = vfork();
    if (pid == 0) {
        execl("/no/such", "x", NULL);
        shared = errno;
        _exit(1);
    }
    SHOW(shared);
    wait(&status);
    fflush(stdout);
    pid = vfork();
    if (pid == 0) execl("/bin/echo", "echo", "from vfork", NULL), _exit(1);
    wait(&status);
    SHOW(status);
    char *argv[] = {"sh", "-c", "exit 4", NULL};
    SHOW(posix_spawn(&pid, "/bin/sh", NULL, NULL, argv, environ));
    waitpid(pid, &status, 0);
    SHOW(WEXITSTATUS(status));
    SHOW(posix_spawn(&pid, "/none", NULL, NULL, argv, environ));
    char *stack = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    shared = 0;
    pid = clone(child, stack + 65536, SIGCHLD, NULL);
    waitpid(pid, &status, 0);
    SHOW(shared);
    SHOW(WEXITSTATUS(status));
    pid = clone(child, stack + 65536, CLONE_VM | SIGCHLD, NULL);
    waitpid(pid, &status, 0);
    SHOW(shared);
    SHOW(WEXITSTATUS(status));
    SHOW(clone(child, stack + 65536, CLONE_THREAD | SIGCHLD, NULL));
    SHOW(clone(child, stack + 65536, CLONE_SIGHAND, NULL));
}
