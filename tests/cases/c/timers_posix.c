// Clocks and timers.
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// A call, its value and its error.
#define TRY(name, call) \
    do { \
        errno = 0; \
        long value_ = (long)(call); \
        printf("%s: %ld %s\n", name, value_, value_ < 0 ? strerror(errno) : ""); \
    } while (0)

static volatile int fired, last_code, last_value, last_overrun;

static void note(int signal, siginfo_t *info, void *context) {
    (void)signal; (void)context;
    fired++;
    last_code = info->si_code;
    last_value = info->si_value.sival_int;
    last_overrun = info->si_overrun;
}

// The signal may come before anybody waits for it.
static void until_fired(void) { while (!fired) usleep(100); }

static double since(const struct timespec *start) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - start->tv_sec) + (double)(now.tv_nsec - start->tv_nsec) / 1e9;
}

static const char *yes(int b) { return b ? "yes" : "no"; }

static void burn(double seconds) {
    struct timespec start, now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start);
    do clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    while ((double)(now.tv_sec - start.tv_sec) + (double)(now.tv_nsec - start.tv_nsec) / 1e9 < seconds);
}

int main(void) {
    setvbuf(stdout, NULL, _IONBF, 0);
    struct timespec start, t, u;
    int clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID, CLOCK_MONOTONIC_RAW,
                    CLOCK_REALTIME_COARSE, CLOCK_MONOTONIC_COARSE, CLOCK_BOOTTIME, CLOCK_TAI, 10, 12, 99};
    for (unsigned i = 0; i < sizeof clocks / sizeof *clocks; i++) {
        int a = (int)syscall(SYS_clock_gettime, clocks[i], &t);
        int error = a ? errno : 0;
        usleep(1000);
        syscall(SYS_clock_gettime, clocks[i], &u);
        int forward = u.tv_sec > t.tv_sec || (u.tv_sec == t.tv_sec && u.tv_nsec >= t.tv_nsec);
        struct timespec res = {0};
        int b = (int)syscall(SYS_clock_getres, clocks[i], &res);
        printf("clock %d: %d %s forward %s res %d %ld\n", clocks[i], a, strerror(error), a ? "-" : yes(forward), b, b ? 0 : res.tv_nsec);
        int s = (int)syscall(SYS_clock_settime, clocks[i], &(struct timespec){.tv_sec = -1});
        printf("  settime refused %s\n", yes(s < 0));
    }
    clockid_t child_clock;
    printf("clock of nobody: %d\n", clock_getcpuclockid(4000000, &child_clock) != 0);
    printf("own clock: %d\n", clock_getcpuclockid(getpid(), &child_clock));
    burn(0.02);
    clock_gettime(child_clock, &t);
    printf("cpu time counted: %s\n", yes(t.tv_nsec >= 20000000 || t.tv_sec));

    clock_gettime(CLOCK_MONOTONIC, &start);
    t = (struct timespec){.tv_nsec = 30000000};
    printf("nanosleep %d\n", nanosleep(&t, NULL));
    printf("  took 30 ms: %s\n", yes(since(&start) >= 0.03 && since(&start) < 60));
    t = (struct timespec){.tv_nsec = 1000000000};
    TRY("bad", nanosleep(&t, NULL));
    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_nsec += 20000000;
    if (t.tv_nsec >= 1000000000) { t.tv_sec++; t.tv_nsec -= 1000000000; }
    clock_gettime(CLOCK_MONOTONIC, &start);
    printf("until: %d", clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &t, NULL));
    printf(" took 20 ms: %s\n", yes(since(&start) >= 0.015 && since(&start) < 60));
    t.tv_sec = 0;
    printf("in the past: %d\n", clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL));
    printf("thread clock: %s\n", strerror(clock_nanosleep(CLOCK_THREAD_CPUTIME_ID, 0, &t, NULL)));
    t = (struct timespec){.tv_nsec = 1};
    TRY("raw", syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC_RAW, 0, &t, NULL));

    struct sigaction action = {.sa_sigaction = note, .sa_flags = SA_SIGINFO};
    int used[] = {SIGALRM, SIGVTALRM, SIGPROF, SIGRTMIN};
    for (int i = 0; i < 4; i++) sigaction(used[i], &action, NULL);
    struct itimerval once = {.it_value = {0, 20000}}, later = {.it_value = {100, 0}}, old;
    setitimer(ITIMER_REAL, &later, NULL);
    getitimer(ITIMER_REAL, &old);
    printf("left: %s\n", yes(old.it_value.tv_sec > 0 && old.it_value.tv_sec <= 100));
    setitimer(ITIMER_REAL, &once, NULL);
    until_fired();
    printf("real: fired %d code %#x\n", fired, last_code);
    getitimer(ITIMER_REAL, &old);
    printf("off: %s\n", yes(old.it_value.tv_usec == 0 && old.it_value.tv_sec == 0));
    fired = 0;
    struct itimerval often = {{0, 10000}, {0, 10000}};
    clock_gettime(CLOCK_MONOTONIC, &start);
    setitimer(ITIMER_REAL, &often, NULL);
    while (fired < 10) pause();
    printf("ten periods took 100 ms: %s\n", yes(since(&start) >= 0.0999 && since(&start) < 60));
    setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL);
    fired = 0;
    setitimer(ITIMER_VIRTUAL, &once, NULL);
    while (!fired) {}
    printf("virtual: %d\n", fired);
    fired = 0;
    setitimer(ITIMER_PROF, &once, NULL);
    while (!fired) {}
    printf("prof: %d\n", fired);
    TRY("which", setitimer(7, &once, NULL));
    alarm(100);
    printf("alarm left: %u %u\n", alarm(3), alarm(0));

    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN, .sigev_value.sival_int = 31};
    printf("create: %d\n", timer_create(CLOCK_MONOTONIC, &event, &timer));
    fired = 0;
    struct itimerspec spec = {{0, 0}, {100, 0}}, left;
    timer_settime(timer, 0, &spec, NULL);
    timer_gettime(timer, &left);
    printf("left: %s\n", yes(left.it_value.tv_sec > 0 && left.it_value.tv_sec <= 100));
    spec.it_value = (struct timespec){.tv_nsec = 10000000};
    timer_settime(timer, 0, &spec, NULL);
    until_fired();
    printf("timer: fired %d code %d value %d overrun %d\n", fired, last_code, last_value, last_overrun);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    spec = (struct itimerspec){{0, 1000000}, {0, 1000000}};
    timer_settime(timer, 0, &spec, NULL);
    usleep(50000);
    fired = 0;
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    int overrun = timer_getoverrun(timer);
    printf("overruns: fired at least once %s, many %s\n", yes(fired >= 1), yes(overrun >= 30 || last_overrun >= 30 || fired > 1));
    spec = (struct itimerspec){0};
    timer_settime(timer, 0, &spec, &left);
    printf("period was %ld\n", left.it_interval.tv_nsec);
    clock_gettime(CLOCK_MONOTONIC, &t);
    fired = 0;
    spec.it_value = t;
    timer_settime(timer, TIMER_ABSTIME, &spec, NULL);
    until_fired();
    printf("absolute: %d\n", fired);
    TRY("delete", timer_delete(timer));
    TRY("delete again", syscall(SYS_timer_delete, 12345));
    event.sigev_notify = 77;
    TRY("notify", timer_create(CLOCK_MONOTONIC, &event, &timer));
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = 99;
    TRY("signo", timer_create(CLOCK_MONOTONIC, &event, &timer));
    TRY("clock", timer_create(55, NULL, &timer));
    event.sigev_signo = SIGRTMIN;
    timer_create(CLOCK_PROCESS_CPUTIME_ID, &event, &timer);
    fired = 0;
    spec.it_value = (struct timespec){.tv_nsec = 15000000};
    timer_settime(timer, 0, &spec, NULL);
    usleep(60000);
    printf("cpu timer idle: %d\n", fired);
    while (!fired) {}
    printf("cpu timer busy: %d\n", fired);
    timer_create(CLOCK_MONOTONIC, NULL, &timer);
    fired = 0;
    spec.it_value = (struct timespec){.tv_nsec = 1000000};
    timer_settime(timer, 0, &spec, NULL);
    until_fired();
    printf("default event: fired %d code %d\n", fired, last_code);

    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    uint64_t ticks = 0;
    TRY("timerfd off", read(fd, &ticks, 8));
    spec = (struct itimerspec){{0, 10000000}, {0, 10000000}};
    clock_gettime(CLOCK_MONOTONIC, &start);
    timerfd_settime(fd, 0, &spec, NULL);
    struct pollfd p = {.fd = fd, .events = POLLIN};
    printf("poll: %d", poll(&p, 1, 100000));
    ssize_t n = read(fd, &ticks, 8);
    printf(" read %zd ticks %s\n", n, yes(ticks >= 1));
    usleep(55000);
    n = read(fd, &ticks, 8);
    printf("later: ticks %s\n", yes(ticks >= 4 && (double)ticks <= since(&start) / 0.01));
    timerfd_gettime(fd, &left);
    printf("interval %ld left %s\n", left.it_interval.tv_nsec, yes(left.it_value.tv_nsec > 0 && left.it_value.tv_nsec <= 10000000));
    TRY("short read", read(fd, &ticks, 4));
    TRY("write", write(fd, &ticks, 8));
    TRY("flags", timerfd_settime(fd, 8, &spec, NULL));
    TRY("not a timer", timerfd_settime(1, 0, &spec, NULL));
    TRY("bad clock", timerfd_create(CLOCK_MONOTONIC_RAW, 0));
    // Timers are not inherited, and interval timers survive exec; tried with fork only.
    alarm(100);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) { getitimer(ITIMER_REAL, &old); _exit(old.it_value.tv_usec == 0 && old.it_value.tv_sec == 0 ? 0 : 1); }
    int status;
    waitpid(child, &status, 0);
    printf("child has no timer: %s\n", yes(status == 0));
    alarm(0);
    struct timeval tv;
    printf("gettimeofday: %ld\n", syscall(SYS_gettimeofday, &tv, NULL));
    printf("time agrees: %s\n", yes(labs((long)(syscall(SYS_time, NULL) - tv.tv_sec)) <= 1));
    return 0;
}
