// Calls that a signal interrupts: with SA_RESTART, without, and those that never restart.
#include "check.h"
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

static volatile sig_atomic_t hits;
static void hit(int number) { hits += number != 0; }

static void arm(int flags) {
    struct sigaction action = {.sa_handler = hit, .sa_flags = flags};
    sigaction(SIGALRM, &action, NULL);
    struct itimerval once = {.it_value.tv_usec = 60000};
    setitimer(ITIMER_REAL, &once, NULL);
}

static int pipe_fds[2];
static pid_t writer(void) {
    fflush(stdout);
    pid_t pid = fork();
    if (pid) return pid;
    usleep(200000);
    MUST(write(pipe_fds[1], "x", 1));
    _exit(0);
}

int main(void) {
    char c;
    MUST(pipe(pipe_fds));
    arm(0);
    SHOW(read(pipe_fds[0], &c, 1));
    writer();
    arm(SA_RESTART);
    SHOW(read(pipe_fds[0], &c, 1));
    SHOW(wait(NULL) > 0);
    struct timespec second = {.tv_sec = 1}, left;
    arm(SA_RESTART);
    SHOW(nanosleep(&second, &left));
    SHOW(left.tv_nsec > 800000000);
    arm(SA_RESTART);
    SHOW(poll(&(struct pollfd){.fd = pipe_fds[0], .events = POLLIN}, 1, 1000));
    fd_set set;
    FD_ZERO(&set);
    FD_SET(pipe_fds[0], &set);
    arm(SA_RESTART);
    SHOW(select(pipe_fds[0] + 1, &set, NULL, NULL, &(struct timeval){.tv_sec = 1}));
    int e = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN};
    arm(SA_RESTART);
    SHOW(epoll_wait(e, &event, 1, 1000));
    int s[2];
    MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, s));
    arm(0);
    SHOW(recv(s[0], &c, 1, 0));
    sem_t semaphore;
    sem_init(&semaphore, 0, 0);
    arm(0);
    SHOW(sem_wait(&semaphore));
    pid_t pid = fork();
    if (pid == 0) pause();
    arm(0);
    SHOW(waitpid(pid, NULL, 0));
    kill(pid, SIGKILL), waitpid(pid, NULL, 0);
    arm(SA_RESTART);
    SHOW(pause());
    sigset_t none;
    sigemptyset(&none);
    arm(SA_RESTART);
    SHOW(sigsuspend(&none));
    SHOW(fcntl(pipe_fds[1], F_SETPIPE_SZ, 4096) > 0);
    static char big[1 << 17];
    arm(0);
    SHOW(write(pipe_fds[1], big, sizeof big) > 0);
    SHOW(hits);
}
