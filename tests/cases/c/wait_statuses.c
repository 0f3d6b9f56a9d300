// wait4 and waitid: every kind of status, options, groups, rusage, and who is waited for.
#include "check.h"
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

static pid_t child(int code, int signal_number) {
    fflush(stdout);
    pid_t pid = fork();
    if (pid) return pid;
    if (signal_number) {
        raise(signal_number);
        pause();
    }
    _exit(code);
}

static void show_wait(const char *what, pid_t pid, int options) {
    siginfo_t info = {0};
    int result = waitid(P_PID, (id_t)pid, &info, options);
    printf("%s: %d code %d status %d own %d signal %d\n", what, result, info.si_code, info.si_status, info.si_pid == pid, info.si_signo);
}

int main(void) {
    int status;
    for (int code = 0; code < 256; code += 51) {
        waitpid(child(code, 0), &status, 0);
        printf("%x ", (unsigned)status);
    }
    int signals[] = {SIGHUP, SIGINT, SIGKILL, SIGSEGV, SIGTERM, SIGUSR1, 34, 64};
    for (unsigned i = 0; i < sizeof signals / sizeof *signals; i++) {
        waitpid(child(0, signals[i]), &status, 0);
        printf("%x ", (unsigned)status & 0x7f);
    }
    puts("");
    SHOW(wait(&status));
    SHOW(waitpid(-1, &status, WNOHANG));
    SHOW(waitpid(1 << 22, &status, 0));
    SHOW(waitpid(-1, &status, 0x1000));
    show_wait("exited, left", 0, WEXITED);
    pid_t pid = child(9, 0);
    show_wait("no-reap", pid, WEXITED | WNOWAIT);
    show_wait("reap", pid, WEXITED);
    show_wait("gone", pid, WEXITED);
    pid = child(0, SIGSTOP);
    show_wait("stopped", pid, WSTOPPED);
    SHOW(waitpid(pid, &status, WNOHANG));
    kill(pid, SIGCONT);
    show_wait("continued", pid, WCONTINUED);
    kill(pid, SIGKILL);
    show_wait("killed", pid, WEXITED);
    pid = child(3, 0);
    setpgid(pid, pid);
    SHOW(waitpid(-pid, &status, 0) == pid || waitpid(pid, &status, 0) == pid);
    struct rusage usage;
    fflush(stdout);
    if ((pid = fork()) == 0) {
        for (clock_t end = clock() + CLOCKS_PER_SEC / 10; clock() < end;) {}
        _exit(0);
    }
    wait4(pid, &status, 0, &usage);
    long ms = usage.ru_utime.tv_sec * 1000 + usage.ru_utime.tv_usec / 1000 + usage.ru_stime.tv_sec * 1000 + usage.ru_stime.tv_usec / 1000;
    printf("used %s\n", ms >= 80 && ms < 2000 ? "about 100 ms" : "something else");
    signal(SIGCHLD, SIG_IGN);
    child(0, 0);
    SHOW(wait(&status));
}
