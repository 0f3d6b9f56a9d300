// Which of several errors a call reports, and who is woken by an exclusive watch.
#include "asleep.h"
#include <arpa/inet.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

int main(void) {
    setvbuf(stdout, NULL, _IONBF, 0);
    SHOW((long)mmap(NULL, 0, PROT_READ, MAP_SHARED, -1, 0));
    SHOW((long)mmap(NULL, 0, PROT_READ, MAP_SHARED, 0, 0));
    SHOW((long)mmap(NULL, 4096, PROT_READ, MAP_SHARED, -1, 1));
    unsigned char vector[4];
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    SHOW(mincore(page, (size_t)-1, vector));
    SHOW(mincore((char *)page + 1, 1, vector));
    int p[2];
    MUST(pipe(p));
    SHOW(pwrite(p[0], "x", 1, 0));
    SHOW(pread(p[1], vector, 1, 0));
    SHOW(pwrite(99, "x", 1, 0));
    struct timespec soon = {0, 1};
    SHOW(syscall(SYS_clock_nanosleep, CLOCK_THREAD_CPUTIME_ID, 0, &soon, NULL));

    int listener = MUST(socket(AF_INET, SOCK_STREAM, 0)), client = MUST(socket(AF_INET, SOCK_STREAM, 0));
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    MUST(bind(listener, (void *)&address, length));
    MUST(listen(listener, 1));
    MUST(getsockname(listener, (void *)&address, &length));
    MUST(connect(client, (void *)&address, length));
    int server = MUST(accept(listener, NULL, NULL));
    char text[8];
    SHOW(recv(client, text, sizeof text, MSG_ERRQUEUE));
    MUST(write(server, "hello", 5));
    SHOW(recv(client, text, sizeof text, MSG_ERRQUEUE));
    SHOW(recv(client, text, sizeof text, 0));

    int told[2];
    MUST(pipe(told));
    pid_t children[4];
    for (int child = 0; child < 4; child++)
        if ((children[child] = fork()) == 0) {
            int set = MUST(epoll_create1(0));
            struct epoll_event event = {.events = EPOLLIN | EPOLLET | EPOLLEXCLUSIVE};
            MUST(epoll_ctl(set, EPOLL_CTL_ADD, p[0], &event));
            MUST(write(told[1], "r", 1));
            MUST(epoll_wait(set, &event, 1, -1));
            MUST(write(told[1], "w", 1));
            _exit(0);
        }
    char c;
    for (int child = 0; child < 4; child++) MUST(read(told[0], &c, 1));
    for (int child = 0; child < 4; child++) until_asleep(children[child]);
    for (int round = 1; round <= 4; round++) {
        MUST(write(p[1], "x", 1));
        MUST(wait(NULL));
        int woken = 1;
        // Those who are still there wait.
        for (int child = 0; child < 4; child++) until_asleep(children[child]);
        while (waitpid(-1, NULL, WNOHANG) > 0) woken++;
        printf("write %d woke %d\n", round, woken);
        MUST(read(p[0], &c, 1));
    }
    return 0;
}
