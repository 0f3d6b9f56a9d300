// 500 threads at once, all of which do something that waits.
#include "check.h"
#include <pthread.h>

static pthread_barrier_t barrier;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static long total;
static void *run(void *p) {
    pthread_barrier_wait(&barrier);
    int fds[2];
    char c;
    MUST(pipe(fds));
    MUST(write(fds[1], "x", 1));
    MUST(read(fds[0], &c, 1));
    close(fds[0]);
    close(fds[1]);
    pthread_mutex_lock(&mutex), total += (long)p, pthread_mutex_unlock(&mutex);
    usleep(1000);
    return p;
}

int main(void) {
    pthread_t threads[500];
    pthread_attr_t attributes;
    pthread_attr_init(&attributes), pthread_attr_setstacksize(&attributes, 65536), pthread_barrier_init(&barrier, NULL, 501);
    for (int round = 0; round < 2; round++) {
        for (long i = 0; i < 500; i++)
            if (pthread_create(&threads[i], &attributes, run, (void *)i)) return printf("no thread %ld\n", i), 1;
        usleep(100000), pthread_barrier_wait(&barrier);
        long joined = 0;
        for (int i = 0; i < 500; i++) {
            void *result;
            pthread_join(threads[i], &result), joined += (long)result;
        }
        SHOW(joined);
        SHOW(total);
    }
}
