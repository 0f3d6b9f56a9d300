// Clocks and timers: sleeping, timerfd, POSIX timers, interval timers. Durations are checked, not printed.
#include "check.h"
#include <poll.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>

static long now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}
static volatile sig_atomic_t hits, value;
static void hit(int number, siginfo_t *info, void *context) { hits++, value = info->si_value.sival_int, (void)number, (void)context; }
#define TAKES(low, high, expression) ({ long start_ = now(); SHOW(expression); long took_ = now() - start_; printf(took_ >= (low) && took_ <= (high) ? "in time\n" : "took %ld ms\n", took_); })

int main(void) {
    struct timespec t = {.tv_nsec = 50000000}, bad = {.tv_nsec = 1000000000};
    TAKES(50, 60000, nanosleep(&t, NULL)), SHOW(nanosleep(&bad, NULL));
    clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_nsec += 50000000;
    if (t.tv_nsec >= 1000000000) t.tv_sec++, t.tv_nsec -= 1000000000;
    TAKES(45, 60000, clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL));
    int clocks[] = {0, 1, 2, 3, 4, 5, 6, 7, 11};
    for (unsigned i = 0; i < sizeof clocks / sizeof *clocks; i++) SHOW(clock_gettime(clocks[i], &t));
    SHOW(clock_gettime(99, &t));
    SHOW(clock_getres(CLOCK_MONOTONIC, &t));
    SHOW(t.tv_nsec);
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    unsigned long count;
    struct itimerspec every = {.it_value.tv_nsec = 20000000, .it_interval.tv_nsec = 20000000};
    SHOW(read(fd, &count, 8));
    long began = now();
    SHOW(timerfd_settime(fd, 0, &every, NULL));
    TAKES(15, 60000, poll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, 100000));
    usleep(100000);
    SHOW(read(fd, &count, 8));
    long most = (now() - began) / 20 + 1;
    printf("as often as it should: %d\n", count >= 4 && count <= (unsigned long)most);
    // The next time may have come.
    SHOW(read(fd, &count, 8) == 8 ? now() - began >= 140 : errno == EAGAIN);
    struct sigaction action = {.sa_sigaction = hit, .sa_flags = SA_SIGINFO | SA_RESTART};
    sigaction(SIGRTMIN, &action, NULL), sigaction(SIGALRM, &action, NULL), sigaction(SIGPROF, &action, NULL);
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN, .sigev_value.sival_int = 77};
    SHOW(timer_create(CLOCK_REALTIME, &event, &timer));
    SHOW(timer_settime(timer, 0, &every, NULL));
    for (long end = now() + 30000; now() < end && hits < 3;) usleep(10000);
    SHOW(hits >= 3);
    SHOW(value);
    SHOW(timer_delete(timer));
    SHOW(timer_delete(timer));
    struct itimerval old, set = {.it_value.tv_sec = 100};
    SHOW(setitimer(ITIMER_REAL, &set, NULL));
    SHOW(alarm(0));
    SHOW(getitimer(ITIMER_REAL, &old));
    SHOW(old.it_value.tv_sec);
    hits = 0;
    set.it_value = (struct timeval){.tv_usec = 50000};
    SHOW(setitimer(ITIMER_PROF, &set, NULL));
    for (long end = now() + 60000; now() < end && !hits;) {}
    SHOW(hits);
}
