// execve: arguments, environment, limits, auxiliary vector, and descriptors that close.
#include "check.h"
#include <fcntl.h>
#include <sys/auxv.h>
#include <sys/wait.h>

static int run(char *const argv[], char *const envp[]) {
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        execve(argv[0], argv, envp);
        _exit(errno);
    }
    int status;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

int main(int argc, char **argv) {
    if (argc > 1) {
        printf("argc %d, %s %zu, %s, fd 50 %d, fd 51 %d\n", argc, argv[1], strlen(argv[argc - 1]),
               getenv("A") ? getenv("A") : "none", fcntl(50, F_GETFD), fcntl(51, F_GETFD));
        printf("%s %d %d %d\n", (char *)getauxval(AT_EXECFN), getauxval(AT_PAGESZ) == 4096,
               getauxval(AT_RANDOM) != 0, getauxval(AT_SECURE) == 0);
        return 0;
    }
    MUST(dup2(open("/dev/null", O_RDONLY), 50));
    MUST(dup3(50, 51, O_CLOEXEC));
    char *self = "/cases/bin/exec_arguments";
    SHOW(run((char *[]){self, "one", "two", NULL}, (char *[]){"A=b", NULL}));
    char *long_one = malloc(200000);
    memset(long_one, 'x', 199999), long_one[199999] = 0;
    SHOW(run((char *[]){self, "long", long_one, NULL}, (char *[]){NULL}));
    long_one[131071] = 0;
    SHOW(run((char *[]){self, "fits", long_one, NULL}, (char *[]){NULL}));
    char **many = calloc(3002, sizeof *many);
    many[0] = self;
    for (int i = 1; i < 3001; i++) many[i] = "1234567890123456789012345678901234567890";
    SHOW(run(many, (char *[]){NULL}));
    for (int i = 1; i < 3001; i++) many[i] = long_one;
    SHOW(run(many, (char *[]){NULL}));
    SHOW(run((char *[]){"/etc/passwd", NULL}, (char *[]){NULL}));
    SHOW(run((char *[]){"/etc", NULL}, (char *[]){NULL}));
    SHOW(run((char *[]){"/nowhere/x", NULL}, (char *[]){NULL}));
    SHOW(run((char *[]){"/etc/hostname/x", NULL}, (char *[]){NULL}));
    int script = open("/work/script", O_CREAT | O_WRONLY, 0755);
    dprintf(script, "#! /bin/echo  an argument \nrest\n");
    close(script);
    SHOW(run((char *[]){"/work/script", "a", "b", NULL}, (char *[]){NULL}));
    int fd = open("/cases/bin/hello", O_PATH | O_CLOEXEC);
    fflush(stdout);
    if (fork() == 0) {
        execveat(fd, "", (char *[]){"by fd", "arg", NULL}, environ, AT_EMPTY_PATH);
        _exit(99);
    }
    int status;
    wait(&status);
    SHOW(WEXITSTATUS(status));
}
