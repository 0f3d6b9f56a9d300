// RLIMIT_CPU and the timers that count processor time.
#include "check.h"
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t count[65];
static void note(int signal) { count[signal]++; }

static double used(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec + now.tv_nsec / 1e9;
}

static void burn(double seconds) {
    double end = used(CLOCK_THREAD_CPUTIME_ID) + seconds;
    while (used(CLOCK_THREAD_CPUTIME_ID) < end)
        for (volatile int i = 0; i < 100000; i++) {}
}

// A timer may be noticed late where the machine has much else to do.
static void until(int signal, int times) {
    double end = used(CLOCK_THREAD_CPUTIME_ID) + 10;
    while (count[signal] < times && used(CLOCK_THREAD_CPUTIME_ID) < end) burn(0.01);
}

static void *until_warned(void *unused) {
    while (!count[SIGXCPU]) burn(0.01);
    return unused;
}

int main(void) {
    setvbuf(stdout, NULL, _IONBF, 0);
    signal(SIGXCPU, note);
    signal(SIGVTALRM, note);
    signal(SIGPROF, note);

    // A limit that two threads use up together; the hard one kills. Linux counts ticks, so it is early or late, the more so the more others
    // run.
    if (fork() == 0) {
        struct rlimit limit = {1, 3};
        setrlimit(RLIMIT_CPU, &limit);
        pthread_t threads[2];
        for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, until_warned, NULL);
        for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
        double now = used(CLOCK_PROCESS_CPUTIME_ID);
        getrlimit(RLIMIT_CPU, &limit);
        printf("SIGXCPU after a second: %s, limits %ld %ld\n", now > 0.1 && now < 10 ? "yes" : "no", (long)limit.rlim_cur,
               (long)limit.rlim_max);
        count[SIGXCPU] = 0;
        until_warned(NULL);
        getrlimit(RLIMIT_CPU, &limit);
        printf("and again: limits %ld %ld\n", (long)limit.rlim_cur, (long)limit.rlim_max);
        for (;;) {}
    }
    int status;
    struct rusage usage;
    wait4(-1, &status, 0, &usage);
    double all = usage.ru_utime.tv_sec + usage.ru_stime.tv_sec + (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    printf("killed by %d in time: %s\n", WTERMSIG(status), all > 0.5 && all < 30 ? "yes" : "no");

    // The default of SIGXCPU, after exec; a parent's time is not the child's.
    if (fork() == 0) {
        struct rlimit limit = {1, 5};
        setrlimit(RLIMIT_CPU, &limit);
        signal(SIGXCPU, SIG_DFL);
        execl("/bin/sh", "sh", "-c", "while :; do :; done", NULL);
    }
    wait(&status);
    printf("a shell: signal %d\n", WTERMSIG(status));

    // Interval timers rest while nothing runs.
    struct itimerval interval = {{0, 50000}, {0, 50000}};
    setitimer(ITIMER_PROF, &interval, NULL);
    usleep(300000);
    printf("idle: SIGPROF %s\n", count[SIGPROF] == 0 ? "none" : "some");
    double start = used(CLOCK_PROCESS_CPUTIME_ID);
    burn(0.5);
    until(SIGPROF, 6);
    setitimer(ITIMER_PROF, &(struct itimerval){0}, &interval);
    // Ticks again: what others used of one counts in full.
    double most = 4 * (used(CLOCK_PROCESS_CPUTIME_ID) - start) / 0.05 + 4;
    printf("busy: SIGPROF %s, left %s\n", count[SIGPROF] >= 6 && count[SIGPROF] <= most ? "as often as it should" : "wrong",
           interval.it_value.tv_usec <= 50000 ? "less than a period" : "wrong");
    setitimer(ITIMER_VIRTUAL, &(struct itimerval){{0, 0}, {0, 100000}}, NULL);
    burn(0.3);
    until(SIGVTALRM, 1);
    printf("once: SIGVTALRM %d\n", count[SIGVTALRM]);

    // A POSIX timer of the process's time.
    signal(SIGRTMIN, note);
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};
    MUST(timer_create(CLOCK_PROCESS_CPUTIME_ID, &event, &timer));
    MUST(timer_settime(timer, 0, &(struct itimerspec){{0, 0}, {0, 200000000}}, NULL));
    burn(0.1);
    printf("too early: %d\n", count[SIGRTMIN]);
    burn(0.3);
    until(SIGRTMIN, 1);
    printf("by now: %d\n", count[SIGRTMIN]);
    return 0;
}
