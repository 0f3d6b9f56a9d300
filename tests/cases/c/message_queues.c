// POSIX message queues: mq_overview(7).
#include "asleep.h"
#include <dirent.h>
#include <fcntl.h>
#include <mqueue.h>
#include <poll.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

static volatile int told, code, value, from_child;
static pid_t child_pid;
static void hear(int number, siginfo_t *info, void *context) {
    (void)number, (void)context;
    told++;
    code = info->si_code;
    value = info->si_value.sival_int;
    from_child = info->si_pid == child_pid;
}

static void attributes(mqd_t queue) {
    struct mq_attr a;
    MUST(mq_getattr(queue, &a));
    printf("flags %ld maxmsg %ld msgsize %ld curmsgs %ld\n", a.mq_flags, a.mq_maxmsg, a.mq_msgsize, a.mq_curmsgs);
    fflush(stdout);
}

static void receive(mqd_t queue) {
    char text[8192];
    unsigned priority = 99;
    ssize_t n = mq_receive(queue, text, sizeof text, &priority);
    if (n < 0) printf("receive: %s\n", strerrorname_np(errno));
    else printf("receive: %.*s of priority %u\n", (int)n, text, priority);
    fflush(stdout);
}

static struct timespec soon(int ms) {
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_nsec += ms * 1000000L;
    t.tv_sec += t.tv_nsec / 1000000000;
    t.tv_nsec %= 1000000000;
    return t;
}

int main(void) {
    struct mq_attr small = {.mq_maxmsg = 3, .mq_msgsize = 16};
    SHOW(mq_open("/none", O_RDWR));
    SHOW(mq_open("/a/b", O_RDWR | O_CREAT, 0600, NULL));
    SHOW(syscall(SYS_mq_open, "", O_RDWR | O_CREAT, 0600, NULL));
    SHOW(syscall(SYS_mq_open, "..", O_RDWR | O_CREAT, 0600, NULL));
    char longest[300];
    memset(longest, 'x', 299);
    longest[299] = 0;
    SHOW(syscall(SYS_mq_open, longest, O_RDWR | O_CREAT, 0600, NULL));
    mqd_t queue = MUST(mq_open("/q", O_RDWR | O_CREAT | O_EXCL, 0640, &small));
    SHOW(mq_open("/q", O_RDWR | O_CREAT | O_EXCL, 0640, &small));
    printf("close on exec %d\n", fcntl(queue, F_GETFD));
    attributes(queue);
    mqd_t defaults = MUST(mq_open("/defaults", O_RDONLY | O_CREAT, 0, NULL));
    attributes(defaults);
    SHOW(mq_send(defaults, "x", 1, 0));
    struct mq_attr wrong[] = {{.mq_maxmsg = 0, .mq_msgsize = 1}, {.mq_maxmsg = 1, .mq_msgsize = -1}, {.mq_maxmsg = 65537, .mq_msgsize = 1}};
    for (int i = 0; i < 3; i++) SHOW(mq_open("/wrong", O_RDWR | O_CREAT, 0600, &wrong[i]));
    struct rlimit few = {1000, 1000}, before;
    MUST(getrlimit(RLIMIT_MSGQUEUE, &before));
    few.rlim_max = before.rlim_max;
    MUST(setrlimit(RLIMIT_MSGQUEUE, &few));
    SHOW(mq_open("/huge", O_RDWR | O_CREAT, 0600, NULL));
    MUST(setrlimit(RLIMIT_MSGQUEUE, &before));

    SHOW(mq_send(queue, "low", 3, 1));
    SHOW(mq_send(queue, "high", 4, 32767));
    SHOW(mq_send(queue, "low too", 7, 1));
    SHOW(mq_send(queue, "x", 1, 32768));
    SHOW(mq_send(queue, "seventeen letters", 17, 1));
    struct timespec t = soon(50), bad = {.tv_nsec = 1000000000};
    SHOW(mq_timedsend(queue, "full", 4, 0, &t));
    SHOW(mq_timedsend(queue, "full", 4, 0, &bad));
    struct pollfd poller = {.fd = queue, .events = POLLIN | POLLOUT};
    poll(&poller, 1, 0);
    printf("full: %x\n", poller.revents);
    char line[100] = "";
    SHOW(pread(queue, line, 99, 0));
    printf("%s", line);
    SHOW(write(queue, "x", 1));
    struct stat status;
    fstat(queue, &status);
    printf("mode %o size %ld links %ld\n", status.st_mode, (long)status.st_size, (long)status.st_nlink);
    char tiny[4];
    SHOW(mq_receive(queue, tiny, 4, NULL));
    receive(queue);
    receive(queue);
    receive(queue);
    t = soon(50);
    char room[16];
    SHOW(mq_timedreceive(queue, room, 16, NULL, &t));
    struct mq_attr flags = {.mq_flags = O_NONBLOCK}, old;
    SHOW(mq_setattr(queue, &flags, &old));
    attributes(queue);
    receive(queue);
    flags.mq_flags = O_APPEND;
    SHOW(mq_setattr(queue, &flags, NULL));
    flags.mq_flags = 0;
    SHOW(mq_setattr(queue, &flags, NULL));

    // A waiting receiver gets what comes; nobody else is told of it.
    struct sigaction action = {.sa_sigaction = hear, .sa_flags = SA_SIGINFO | SA_RESTART};
    sigaction(SIGUSR1, &action, NULL);
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 77};
    SHOW(mq_notify(queue, &event));
    SHOW(mq_notify(queue, &event));
    int received[2];
    MUST(pipe(received));
    child_pid = fork();
    if (child_pid == 0) {
        SHOW(mq_notify(queue, &event));
        SHOW(mq_notify(queue, NULL));
        until_asleep(getppid());
        mq_send(queue, "woken", 5, 2);
        MUST(read(received[0], &(char){0}, 1));
        mq_send(queue, "told", 4, 3);
        _exit(0);
    }
    receive(queue);
    printf("told %d\n", told);
    MUST(write(received[1], "", 1));
    waitpid(child_pid, NULL, 0);
    for (int i = 0; i < 3000 && !told; i++) usleep(10000);
    printf("told %d code %d value %d by the child %d\n", told, code, value, from_child);
    receive(queue);
    mq_send(queue, "again", 5, 0);
    receive(queue);
    printf("told %d\n", told);
    SHOW(mq_notify(queue, &event));
    SHOW(mq_notify(queue, NULL));
    event.sigev_notify = 99;
    SHOW(mq_notify(queue, &event));
    SHOW(mq_notify(0, NULL));
    SHOW(mq_getattr(0, &old));

    // A signal interrupts a wait.
    struct sigaction plain = {.sa_sigaction = hear, .sa_flags = SA_SIGINFO};
    sigaction(SIGALRM, &plain, NULL);
    struct itimerspec once = {.it_value.tv_nsec = 50000000};
    timer_t timer;
    struct sigevent alarm = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM};
    MUST(timer_create(CLOCK_MONOTONIC, &alarm, &timer));
    timer_settime(timer, 0, &once, NULL);
    receive(queue);

    // As files.
    mkdir("/work/mq", 0755);
    SHOW(mount("none", "/work/mq", "mqueue", 0, NULL));
    int count = 0;
    DIR *directory = opendir("/work/mq");
    for (struct dirent *entry; (entry = readdir(directory));)
        if (strcmp(entry->d_name, "q") == 0 || strcmp(entry->d_name, "defaults") == 0) count++;
    closedir(directory);
    printf("entries %d\n", count);
    stat("/work/mq", &status);
    printf("root %o\n", status.st_mode);
    MUST(open("/work/mq/made", O_RDWR | O_CREAT, 0600));
    mqd_t by_name = MUST(mq_open("/made", O_RDWR));
    attributes(by_name);
    SHOW(mkdir("/work/mq/directory", 0700));
    SHOW(chmod("/work/mq/q", 0604));
    SHOW(link("/work/mq/q", "/work/mq/r"));
    SHOW(rename("/work/mq/q", "/work/mq/r"));
    SHOW(unlink("/work/mq/made"));
    SHOW(mq_open("/made", O_RDWR));
    if (fork() == 0) {
        MUST(setgid(1000));
        MUST(setuid(1000));
        SHOW(mq_open("/q", O_RDWR));
        int fd = mq_open("/q", O_RDONLY);
        printf("readable %d\n", fd >= 0);
        SHOW(mq_unlink("/q"));
        struct mq_attr more = {.mq_maxmsg = 11, .mq_msgsize = 8};
        SHOW(mq_open("/more", O_RDWR | O_CREAT, 0600, &more));
        fflush(stdout);
        _exit(0);
    }
    wait(NULL);
    SHOW(mq_unlink("/q"));
    SHOW(mq_unlink("/q"));
    SHOW(mq_unlink("/defaults"));
    SHOW(mq_send(queue, "still", 5, 0));
    receive(queue);
    SHOW(umount("/work/mq"));
    return 0;
}
