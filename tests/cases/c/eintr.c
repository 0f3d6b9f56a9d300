// Calls that a signal interrupts: with SA_RESTART, without, and those that never restart.
#include "asleep.h"
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <time.h>

static volatile int *hits;
static void hit(int number) { *hits += number != 0; }

static int pipe_fds[2];

// A child that sends a signal once this process waits and, if it `writes`, ends what it waits for once it waits again.
static pid_t arm(int flags, int writes) {
    struct sigaction action = {.sa_handler = hit, .sa_flags = flags};
    sigaction(SIGALRM, &action, NULL);
    int before = *hits;
    pid_t victim = getpid();
    fflush(stdout);
    pid_t pid = MUST(fork());
    if (pid) return pid;
    until_asleep(victim);
    kill(victim, SIGALRM);
    while (writes && *hits == before) usleep(1000);
    if (writes) until_asleep(victim), MUST(write(pipe_fds[1], "x", 1));
    _exit(0);
}

// Shows what a call gives that is interrupted.
#define INTERRUPTED(flags, call)     \
    do {                             \
        pid_t other = arm(flags, 0); \
        SHOW(call);                  \
        reap(other);                 \
    } while (0)

int main(void) {
    char c;
    hits = shared_number();
    MUST(pipe(pipe_fds));
    INTERRUPTED(0, read(pipe_fds[0], &c, 1));
    pid_t other = arm(SA_RESTART, 1);
    SHOW(read(pipe_fds[0], &c, 1));
    reap(other);
    struct timespec long_time = {.tv_sec = 100}, left = {0};
    INTERRUPTED(SA_RESTART, nanosleep(&long_time, &left));
    SHOW(left.tv_sec > 0 && left.tv_sec < 100);
    INTERRUPTED(SA_RESTART, poll(&(struct pollfd){.fd = pipe_fds[0], .events = POLLIN}, 1, 100000));
    fd_set set;
    FD_ZERO(&set);
    FD_SET(pipe_fds[0], &set);
    INTERRUPTED(SA_RESTART, select(pipe_fds[0] + 1, &set, NULL, NULL, &(struct timeval){.tv_sec = 100}));
    int e = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN};
    INTERRUPTED(SA_RESTART, epoll_wait(e, &event, 1, 100000));
    int s[2];
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    INTERRUPTED(0, recv(s[0], &c, 1, 0));
    sem_t semaphore;
    sem_init(&semaphore, 0, 0);
    INTERRUPTED(0, sem_wait(&semaphore));
    pid_t pid = fork();
    if (pid == 0) pause();
    INTERRUPTED(0, waitpid(pid, NULL, 0));
    kill(pid, SIGKILL), waitpid(pid, NULL, 0);
    INTERRUPTED(SA_RESTART, pause());
    sigset_t none;
    sigemptyset(&none);
    INTERRUPTED(SA_RESTART, sigsuspend(&none));
    SHOW(fcntl(pipe_fds[1], F_SETPIPE_SZ, 4096) > 0);
    static char big[1 << 17];
    INTERRUPTED(0, write(pipe_fds[1], big, sizeof big) > 0);
    SHOW(*hits);
}
