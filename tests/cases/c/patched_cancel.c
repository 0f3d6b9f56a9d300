// Cancellation of threads that are blocked in, or on their way into, calls that have been made often before.
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int ends[2];
static volatile int cleaned, inside;

static void clean(void *unused) { (void)unused; cleaned++; }

static void *reads(void *unused) {
    char c;
    pthread_cleanup_push(clean, unused);
    inside = 1;
    for (;;) if (read(ends[0], &c, 1) < 0) break;
    pthread_cleanup_pop(0);
    return NULL;
}

static void *polls(void *unused) {
    pthread_cleanup_push(clean, unused);
    inside = 1;
    poll(NULL, 0, -1);
    pthread_cleanup_pop(0);
    return NULL;
}

static void *refuses(void *unused) {
    char c;
    long got = 0;
    (void)unused;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    inside = 1;
    got = read(ends[0], &c, 1);
    return (void *)got;
}

static int is_cancelled(void *(*start)(void *), int pause) {
    pthread_t thread;
    void *result;
    inside = 0;
    pthread_create(&thread, NULL, start, NULL);
    while (!inside) sched_yield();
    if (pause) usleep(pause);
    pthread_cancel(thread);
    pthread_join(thread, &result);
    return result == PTHREAD_CANCELED;
}

int main(void) {
    char c = 'x';
    if (pipe(ends)) return 1;
    for (int i = 0; i < 200; i++) if (write(ends[1], &c, 1) != 1 || read(ends[0], &c, 1) != 1) return 1;
    for (int i = 0; i < 20; i++) poll(NULL, 0, 0);
    int blocked = 0, early = 0, polled = 0;
    for (int i = 0; i < 30; i++) {
        blocked += is_cancelled(reads, 2000);
        early += is_cancelled(reads, 0);
        polled += is_cancelled(polls, 1000);
    }
    printf("blocked %d, early %d, polled %d, cleaned %d\n", blocked, early, polled, cleaned);
    // One that does not want to be cancelled reads on.
    pthread_t thread;
    void *result;
    inside = 0;
    pthread_create(&thread, NULL, refuses, NULL);
    while (!inside) sched_yield();
    usleep(2000);
    pthread_cancel(thread);
    usleep(2000);
    if (write(ends[1], &c, 1) != 1) return 1;
    pthread_join(thread, &result);
    printf("refused: read %ld\n", (long)result);
    return 0;
}
