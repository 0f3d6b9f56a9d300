// SIGCHLD, wait statuses, and stopping and continuing children.
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static sigset_t child_signal;

static pid_t sleeper(void) {
    fflush(stdout);
    pid_t pid = fork();
    // In a group of its own, which is not orphaned as long as this process lives.
    setpgid(pid, 0);
    if (pid == 0) {
        sigprocmask(SIG_UNBLOCK, &child_signal, NULL);
        for (;;) pause();
    }
    return pid;
}

static void expect(const char *what, pid_t pid) {
    siginfo_t info;
    struct timespec limit = {.tv_sec = 100};
    int n = sigtimedwait(&child_signal, &info, &limit);
    if (n < 0) printf("%s: no signal (%s)\n", what, strerror(errno));
    else printf("%s: code %d status %d pid %d uid %d\n", what, info.si_code, info.si_status, info.si_pid == pid, info.si_uid == getuid());
}

static void none(const char *what) {
    struct timespec shortly = {.tv_nsec = 60000000};
    printf("%s: %s\n", what, sigtimedwait(&child_signal, NULL, &shortly) < 0 ? "no signal" : "signal");
}

static void status(const char *what, pid_t pid, int options) {
    int s = 0;
    pid_t n = waitpid(pid, &s, options);
    printf("%s: %s status %#x stopped %d continued %d\n", what, n == pid ? "child" : n == 0 ? "nothing" : strerror(errno), s,
           n > 0 && WIFSTOPPED(s), n > 0 && WIFCONTINUED(s));
}

static volatile int ran;
static void note(int signal) { (void)signal; ran++; }

int main(void) {
    setvbuf(stdout, NULL, _IONBF, 0);
    sigemptyset(&child_signal);
    sigaddset(&child_signal, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child_signal, NULL);
    signal(SIGCHLD, note);

    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) _exit(42);
    expect("exit", pid);
    status("exit", pid, 0);
    pid = sleeper();
    kill(pid, SIGTERM);
    expect("killed", pid);
    status("killed", pid, 0);

    pid = sleeper();
    int stops[] = {SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU};
    for (int i = 0; i < 4; i++) {
        kill(pid, stops[i]);
        expect("stop", pid);
        status("not asked", pid, WNOHANG);
        status("stop", pid, WUNTRACED);
        status("again", pid, WUNTRACED | WNOHANG);
        kill(pid, SIGCONT);
        expect("continue", pid);
        status("continue", pid, WCONTINUED);
        status("again", pid, WCONTINUED | WNOHANG);
    }
    siginfo_t info = {0};
    kill(pid, SIGSTOP);
    waitid(P_PID, pid, &info, WSTOPPED | WNOWAIT);
    printf("waitid: code %d status %d\n", info.si_code, info.si_status);
    expect("stop", pid);
    // A stopped process does not take SIGTERM, but dies of SIGKILL.
    kill(pid, SIGTERM);
    none("term while stopped");
    kill(pid, SIGCONT);
    siginfo_t first;
    sigwaitinfo(&child_signal, &first);
    status("continued into term", pid, 0);
    // The end's own signal has come by now, or was one with the first.
    struct timespec at_once = {0};
    while (sigtimedwait(&child_signal, &first, &at_once) > 0) {}
    pid = sleeper();
    kill(pid, SIGSTOP);
    expect("stop", pid);
    kill(pid, SIGKILL);
    expect("kill while stopped", pid);
    status("kill while stopped", pid, WUNTRACED);

    struct sigaction action = {.sa_handler = note, .sa_flags = SA_NOCLDSTOP};
    sigaction(SIGCHLD, &action, NULL);
    pid = sleeper();
    kill(pid, SIGSTOP);
    status("nocldstop", pid, WUNTRACED);
    kill(pid, SIGCONT);
    none("nocldstop");
    kill(pid, SIGKILL);
    expect("nocldstop end", pid);
    status("nocldstop end", pid, 0);

    action.sa_flags = SA_NOCLDWAIT;
    sigaction(SIGCHLD, &action, NULL);
    pid = sleeper();
    kill(pid, SIGKILL);
    expect("nocldwait", pid);
    status("nocldwait", pid, 0);
    signal(SIGCHLD, SIG_IGN);
    sigprocmask(SIG_UNBLOCK, &child_signal, NULL);
    pid = sleeper();
    kill(pid, SIGKILL);
    status("ignored", pid, 0);

    // A handler runs for a child; SIGCHLD coalesces.
    signal(SIGCHLD, note);
    sigprocmask(SIG_BLOCK, &child_signal, NULL);
    ran = 0;
    for (int i = 0; i < 5; i++) {
        fflush(stdout);
        if (fork() == 0) _exit(i);
    }
    int sum = 0, s;
    for (int i = 0; i < 5; i++) { wait(&s); sum += WEXITSTATUS(s); }
    sigprocmask(SIG_UNBLOCK, &child_signal, NULL);
    printf("five children: sum %d, handler once %d\n", sum, ran == 1);

    // An orphaned process group is not stopped by the terminal's signals.
    fflush(stdout);
    pid = fork();
    if (pid == 0) {
        setsid();
        raise(SIGTSTP);
        raise(SIGTTIN);
        raise(SIGTTOU);
        _exit(5);
    }
    status("orphaned group", pid, WUNTRACED);
    return 0;
}
