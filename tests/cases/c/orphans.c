// Who adopts orphans and who hears of ends: subreapers, parent death signals, orphaned process groups, sessions.
#include "check.h"
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

static int pipes[2];

static pid_t child(void) {
    fflush(stdout);
    return MUST(fork());
}

static int wait_any(void) {
    int status;
    MUST(wait(&status));
    return status;
}

static void hung_up(int number) {
    char byte = (char)number;
    MUST(write(pipes[1], &byte, 1));
}

static int heard(void) {
    char byte = 0;
    MUST(read(pipes[0], &byte, 1));
    return byte;
}

int main(void) {
    MUST(pipe(pipes));
    MUST(prctl(PR_SET_CHILD_SUBREAPER, 1));
    if (child() == 0) {
        pid_t middle = getpid();
        if (child() == 0) {
            while (getppid() == middle) usleep(1000);
            _exit(44);
        }
        _exit(1);
    }
    SHOW(wait_any());
    SHOW(wait_any());

    // The parent's end is a signal for those who asked.
    if (child() == 0) {
        if (child() == 0) {
            prctl(PR_SET_PDEATHSIG, SIGTERM);
            hung_up('x');
            pause();
        }
        heard();
        _exit(2);
    }
    SHOW(wait_any());
    SHOW(wait_any() & 0x7f);

    // A stopped member of a group that becomes an orphan gets SIGHUP and SIGCONT.
    if (child() == 0) {
        setsid();
        pid_t inner = child();
        if (inner == 0) {
            setpgid(0, 0);
            signal(SIGHUP, hung_up);
            signal(SIGCONT, hung_up);
            raise(SIGSTOP);
            usleep(20000);
            _exit(3);
        }
        waitpid(inner, NULL, WUNTRACED);
        _exit(4);
    }
    int first = heard(), second = heard();
    printf("signals %d\n", first + second == SIGHUP + SIGCONT);
    int a = wait_any(), b = wait_any();
    printf("both ended %d\n", (a >> 8) + (b >> 8));

    // Sessions and process groups.
    pid_t pid = child();
    if (pid == 0) {
        SHOW(setsid() == getpid());
        SHOW(getsid(0) == getpid() && getpgrp() == getpid());
        SHOW(setsid());
        SHOW(setpgid(0, 0));
        pid_t other = child();
        if (other == 0) pause();
        SHOW(setpgid(other, other));
        SHOW(getpgid(other) == other);
        SHOW(setpgid(other, getpid()));
        SHOW(setpgid(other, 1));
        SHOW(setpgid(1, 0));
        SHOW(setpgid(other, -1));
        SHOW(kill(other, SIGKILL));
        SHOW(wait_any());
        SHOW(getpgid(1 << 22));
        fflush(stdout);
        _exit(0);
    }
    SHOW(wait_any());
}
