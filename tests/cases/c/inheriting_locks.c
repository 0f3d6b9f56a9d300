// Locks with priority inheritance, as the C library has them and as futex(2) has them; waiting for several futexes.
#include "check.h"
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

static pthread_mutex_t mutex;
static long counter;

static void *count(void *unused) {
    for (int i = 0; i < 2000; i++) {
        pthread_mutex_lock(&mutex);
        counter++;
        if (i % 100 == 0) usleep(100);
        pthread_mutex_unlock(&mutex);
    }
    return unused;
}

static void mutexes(void) {
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    printf("protocol %d\n", pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT));
    printf("init %d\n", pthread_mutex_init(&mutex, &attributes));
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, count, NULL);
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    printf("counted %ld\n", counter);
    pthread_mutex_lock(&mutex);
    struct timespec past = {1, 0};
    printf("timed %d\n", pthread_mutex_timedlock(&mutex, &past));
    pthread_mutex_unlock(&mutex);
}

// A robust one in memory that two processes share, whose owner dies.
static void robust(void) {
    pthread_mutex_t *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setprotocol(&attributes, PTHREAD_PRIO_INHERIT);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(shared, &attributes);
    int ready[2];
    MUST(pipe(ready));
    pid_t pid = fork();
    if (pid == 0) {
        pthread_mutex_lock(shared);
        MUST(write(ready[1], "x", 1));
        usleep(50000);
        _exit(0);
    }
    char byte;
    MUST(read(ready[0], &byte, 1));
    printf("lock %s\n", strerrorname_np(pthread_mutex_lock(shared)));
    printf("consistent %d\n", pthread_mutex_consistent(shared));
    printf("unlock %d\n", pthread_mutex_unlock(shared));
    printf("lock %d\n", pthread_mutex_lock(shared));
    waitpid(pid, NULL, 0);
}

static _Atomic uint32_t word, other;

static long futex(_Atomic uint32_t *at, int operation, uint32_t value, void *timeout) {
    return syscall(SYS_futex, at, operation, value, timeout, NULL, 0);
}

static int is_mine(void) {
    return (word & FUTEX_TID_MASK) == (uint32_t)gettid();
}

static void *hold(void *flag) {
    SHOW(futex(&word, FUTEX_LOCK_PI_PRIVATE, 0, NULL));
    *(_Atomic int *)flag = 1;
    usleep(60000);
    // Without FUTEX_UNLOCK_PI the waiter gets it when the thread ends.
    return NULL;
}

static void nothing(int signal) {
    (void)signal;
}

static void calls(void) {
    SHOW(futex(&word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL));
    SHOW(futex(&word, FUTEX_LOCK_PI_PRIVATE, 0, NULL));
    SHOW(is_mine());
    SHOW(futex(&word, FUTEX_LOCK_PI_PRIVATE, 0, NULL));
    SHOW(futex(&word, FUTEX_TRYLOCK_PI_PRIVATE, 0, NULL));
    SHOW(futex(&word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL));
    SHOW(word);
    SHOW(futex(&word, FUTEX_TRYLOCK_PI_PRIVATE, 0, NULL));
    SHOW(futex(&word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL));
    SHOW(futex((void *)8, FUTEX_LOCK_PI_PRIVATE, 0, NULL));
    SHOW(futex((void *)((char *)&word + 1), FUTEX_LOCK_PI_PRIVATE, 0, NULL));
    SHOW(futex(&word, FUTEX_LOCK_PI_PRIVATE | FUTEX_CLOCK_REALTIME, 0, NULL));
    word = 0x3ffffff0;
    SHOW(futex(&word, FUTEX_LOCK_PI_PRIVATE, 0, NULL));
    word = 0;

    _Atomic int held = 0;
    pthread_t thread;
    pthread_create(&thread, NULL, hold, &held);
    while (!held) usleep(1000);
    SHOW(futex(&word, FUTEX_TRYLOCK_PI_PRIVATE, 0, NULL));
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    now.tv_nsec += 5000000;
    if (now.tv_nsec >= 1000000000) now.tv_sec++, now.tv_nsec -= 1000000000;
    SHOW(futex(&word, FUTEX_LOCK_PI2_PRIVATE, 0, &now));
    struct sigaction action = {.sa_handler = nothing};
    sigaction(SIGALRM, &action, NULL);
    struct itimerspec soon = {{0, 0}, {0, 5000000}};
    timer_t timer;
    MUST(timer_create(CLOCK_MONOTONIC, NULL, &timer));
    MUST(timer_settime(timer, 0, &soon, NULL));
    SHOW(futex(&word, FUTEX_LOCK_PI_PRIVATE, 0, NULL));
    SHOW(is_mine());
    SHOW((word & FUTEX_OWNER_DIED) != 0);
    SHOW(futex(&word, FUTEX_UNLOCK_PI_PRIVATE, 0, NULL));
    SHOW(word);
    pthread_join(thread, NULL);
}

static void *wake(void *unused) {
    usleep(20000);
    other = 1;
    if (futex(&other, FUTEX_WAKE_PRIVATE, 1, NULL) != 1) puts("nobody was woken");
    return unused;
}

static void several(void) {
    struct { uint64_t value, address; uint32_t flags, reserved; } list[2] = {
        {0, (uint64_t)(uintptr_t)&word, 2 | 128, 0}, {0, (uint64_t)(uintptr_t)&other, 2 | 128, 0}};
    word = other = 0;
    SHOW(syscall(449, list, 0, 0, NULL, 0));
    SHOW(syscall(449, list, 2, 1, NULL, 0));
    pthread_t thread;
    pthread_create(&thread, NULL, wake, NULL);
    SHOW(syscall(449, list, 2, 0, NULL, 0));
    pthread_join(thread, NULL);
    SHOW(syscall(449, list, 2, 0, NULL, 0));
    struct itimerspec soon = {{0, 0}, {0, 5000000}};
    timer_t timer;
    other = 0;
    MUST(timer_create(CLOCK_MONOTONIC, NULL, &timer));
    MUST(timer_settime(timer, 0, &soon, NULL));
    SHOW(syscall(449, list, 2, 0, NULL, 0));
}

int main(void) {
    calls();
    several();
    mutexes();
    robust();
}
