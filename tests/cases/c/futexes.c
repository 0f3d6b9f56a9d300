// futex(2): values, timeouts, requeue, bitsets, robust mutexes and shared ones.
#include "check.h"
#include <linux/futex.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

static long futex(int *word, int op, int value, void *timeout, int *other, int last) { return syscall(SYS_futex, word, op, value, timeout, other, last); }
static int word, other_word;
static void *waiter(void *p) {
    return (void *)(futex(&word, FUTEX_WAIT_PRIVATE, 0, p, NULL, 0) == 0 ? 0L : (long)errno);
}
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static int turn;
static void *player(void *p) {
    long me = (long)p;
    for (int i = 0; i < 2000; i++) {
        pthread_mutex_lock(&mutex);
        while (turn % 2 != me) pthread_cond_wait(&condition, &mutex);
        turn++;
        pthread_cond_broadcast(&condition);
        pthread_mutex_unlock(&mutex);
    }
    return NULL;
}
static void *dies_with_lock(void *p) { pthread_mutex_lock(p); return NULL; }

int main(void) {
    SHOW(futex(&word, FUTEX_WAIT, 1, NULL, NULL, 0));
    SHOW(futex(&word, FUTEX_WAIT, 0, &(struct timespec){.tv_nsec = 20000000}, NULL, 0));
    SHOW(futex(&word, FUTEX_WAKE, 1, NULL, NULL, 0));
    SHOW(futex(&word, FUTEX_WAIT_BITSET, 0, NULL, NULL, 0));
    SHOW(futex((int *)1, FUTEX_WAKE, 1, NULL, NULL, 0));
    SHOW(futex(&word, 99, 0, NULL, NULL, 0));
    pthread_t t[4];
    void *result;
    for (int i = 0; i < 4; i++) pthread_create(&t[i], NULL, waiter, NULL);
    usleep(100000);
    SHOW(futex(&word, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)3, &other_word, 0));
    usleep(50000);
    SHOW(futex(&other_word, FUTEX_WAKE_PRIVATE, 100, NULL, NULL, 0));
    for (int i = 0; i < 4; i++) pthread_join(t[i], &result), printf("%ld ", (long)result);
    puts("");
    for (long i = 0; i < 2; i++) pthread_create(&t[i], NULL, player, (void *)i);
    for (int i = 0; i < 2; i++) pthread_join(t[i], NULL);
    SHOW(turn);
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes), pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST), pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutex_t *robust = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pthread_mutex_init(robust, &attributes);
    pthread_create(&t[0], NULL, dies_with_lock, robust), pthread_join(t[0], NULL);
    SHOW(pthread_mutex_lock(robust) == EOWNERDEAD);
    pthread_mutex_consistent(robust), pthread_mutex_unlock(robust);
    fflush(stdout);
    if (fork() == 0) {
        pthread_mutex_lock(robust);
        _exit(0);
    }
    wait(NULL);
    SHOW(pthread_mutex_lock(robust) == EOWNERDEAD);
}
