// futex(2): values, timeouts, requeue and bitsets.
#include "asleep.h"
#include <linux/futex.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <time.h>

static long futex(int *word, int op, int value, void *timeout, int *other, int last) { return syscall(SYS_futex, word, op, value, timeout, other, last); }
static int word, other_word;
static volatile pid_t tids[4];
static void *waiter(void *p) {
    tids[(long)p] = gettid();
    return (void *)(futex(&word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0) == 0 ? 0L : (long)errno);
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

int main(void) {
    SHOW(futex(&word, FUTEX_WAIT, 1, NULL, NULL, 0));
    SHOW(futex(&word, FUTEX_WAIT, 0, &(struct timespec){.tv_nsec = 20000000}, NULL, 0));
    SHOW(futex(&word, FUTEX_WAKE, 1, NULL, NULL, 0));
    SHOW(futex(&word, FUTEX_WAIT_BITSET, 0, NULL, NULL, 0));
    SHOW(futex((int *)1, FUTEX_WAKE, 1, NULL, NULL, 0));
    SHOW(futex(&word, 99, 0, NULL, NULL, 0));
    pthread_t t[4];
    void *result;
    for (int i = 0; i < 4; i++) pthread_create(&t[i], NULL, waiter, (void *)(long)i);
    for (int i = 0; i < 4; i++) {
        while (!tids[i]) usleep(1000);
        until_thread_sleeps(tids[i]);
    }
    SHOW(futex(&word, FUTEX_CMP_REQUEUE_PRIVATE, 1, (void *)3, &other_word, 0));
    SHOW(futex(&other_word, FUTEX_WAKE_PRIVATE, 100, NULL, NULL, 0));
    for (int i = 0; i < 4; i++) pthread_join(t[i], &result), printf("%ld ", (long)result);
    puts("");
    for (long i = 0; i < 2; i++) pthread_create(&t[i], NULL, player, (void *)i);
    for (int i = 0; i < 2; i++) pthread_join(t[i], NULL);
    SHOW(turn);
}
