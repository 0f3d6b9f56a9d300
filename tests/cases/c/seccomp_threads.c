// seccomp(2) with threads: whose filters they are, SECCOMP_FILTER_FLAG_TSYNC, threads that are ended, futexes that are not allowed.
#include "seccomp.h"
#include <linux/futex.h>
#include <pthread.h>
#include <time.h>

static pthread_barrier_t barrier;
static int others = 3;
static void meet(void) { pthread_barrier_wait(&barrier); }

static void *asks(void *unused) {
    (void)unused;
    meet();
    meet();
    return (void *)(syscall(SYS_getppid) == -1 ? (long)errno : 0L);
}

static void with_threads(const char *text, void *(*body)(void *), void (*act)(void)) {
    pthread_t threads[3];
    pthread_barrier_init(&barrier, NULL, 4);
    for (int i = 0; i < others; i++) pthread_create(&threads[i], NULL, body, NULL);
    meet();
    act();
    meet();
    for (int i = 0; i < others; i++) {
        void *result;
        pthread_join(threads[i], &result);
        printf("%s: %ld\n", text, (long)result);
    }
}

static void alone(void) { SHOW(ON(SYS_getppid, SECCOMP_RET_ERRNO | EXDEV)); }
static void for_all(void) { SHOW(INSTALL(SECCOMP_FILTER_FLAG_TSYNC, LOAD(nr), IF(SYS_getppid, 0, 1), RETURN(SECCOMP_RET_ERRNO | EXDEV), ALLOW)); }

static void *asks_hotly(void *unused) {
    (void)unused;
    for (int i = 0; i < 5000; i++) syscall(SYS_gettid);
    meet();
    meet();
    long failures = 0;
    for (int i = 0; i < 5000; i++) failures += syscall(SYS_gettid) == -1;
    return (void *)failures;
}
static void no_gettid(void) { SHOW(INSTALL(SECCOMP_FILTER_FLAG_TSYNC, LOAD(nr), IF(SYS_gettid, 0, 1), RETURN(SECCOMP_RET_ERRNO | EXDEV), ALLOW)); }

static int own_tid;
static void *has_its_own(void *unused) {
    (void)unused;
    own_tid = (int)syscall(SYS_gettid);
    ON(SYS_getppid, SECCOMP_RET_ERRNO | 1);
    meet();
    meet();
    return NULL;
}

static void *killed(void *unused) {
    (void)unused;
    ON(SYS_getppid, SECCOMP_RET_KILL_THREAD);
    syscall(SYS_getppid);
    return (void *)1;
}
static void *kills(void *unused) {
    (void)unused;
    ON(SYS_getppid, SECCOMP_RET_KILL_PROCESS);
    syscall(SYS_getppid);
    return NULL;
}
static void *strict(void *unused) {
    (void)unused;
    prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
    syscall(SYS_getppid);
    return NULL;
}

// A filter that looks at where a futex is: those of the kernel that is asked.
static int word;
static void *waits(void *unused) {
    (void)unused;
    while (__atomic_load_n(&word, __ATOMIC_SEQ_CST) == 0) syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
    return (void *)7;
}

int main(void) {
    no_new_privileges();
    CHILD("one thread's filter", with_threads("the others", asks, alone));
    CHILD("all threads' filter", with_threads("the others", asks, for_all));
    CHILD("all threads' filter, hot calls", with_threads("the others", asks_hotly, no_gettid));
    CHILD("a thread with another filter", {
        others = 1;
        pthread_t thread;
        pthread_barrier_init(&barrier, NULL, 2);
        pthread_create(&thread, NULL, has_its_own, NULL);
        meet();
        long result = INSTALL(SECCOMP_FILTER_FLAG_TSYNC, ALLOW);
        SHOW(result == own_tid);
        SHOW(INSTALL(SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_TSYNC_ESRCH, ALLOW));
        meet();
        pthread_join(thread, NULL);
    });
    CHILD("a thread is ended", {
        pthread_t thread;
        pthread_create(&thread, NULL, killed, NULL);
        usleep(200000);
        puts("the process lives");
    });
    CHILD("a thread ends all", {
        pthread_t thread;
        pthread_create(&thread, NULL, kills, NULL);
        sleep(10);
    });
    CHILD("a strict thread is ended", {
        pthread_t thread;
        pthread_create(&thread, NULL, strict, NULL);
        usleep(200000);
        puts("the process lives");
        pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
        pthread_mutex_lock(&mutex);
        struct timespec soon;
        clock_gettime(CLOCK_REALTIME, &soon);
        soon.tv_nsec += 20000000;
        if (soon.tv_nsec >= 1000000000) soon.tv_sec++, soon.tv_nsec -= 1000000000;
        SHOW(pthread_mutex_timedlock(&mutex, &soon) == ETIMEDOUT);
    });
    CHILD("futex operations", {
        MUST(INSTALL(0, LOAD(nr), IF(SYS_futex, 0, 4), LOAD_ARG(1), IF(FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, 0, 1), RETURN(SECCOMP_RET_ERRNO | EPERM),
                     IF(FUTEX_WAKE_OP_PRIVATE, 0, 0), ALLOW));
        SHOW(syscall(SYS_futex, &word, FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG, 1, NULL, NULL, -1));
        SHOW(syscall(SYS_futex, &word, FUTEX_WAIT_BITSET, 1, NULL, NULL, -1));
        SHOW(syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0));
        SHOW(syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
    });
    CHILD("futexes by their place", {
        MUST(INSTALL(0, LOAD(nr), IF(SYS_futex, 0, 3), LOAD_ARG(0), IF(8, 0, 1), RETURN(SECCOMP_RET_ERRNO | EPERM), ALLOW));
        SHOW(syscall(SYS_futex, 8L, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0));
        SHOW(syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 1, NULL, NULL, 0));
        struct timespec little = {.tv_nsec = 20000000};
        long result;
        // A wait may end for nothing.
        while ((result = syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, &little, NULL, 0)) == 0) little.tv_nsec /= 2;
        SHOW(result);
        pthread_t thread;
        pthread_create(&thread, NULL, waits, NULL);
        usleep(20000);
        __atomic_store_n(&word, 1, __ATOMIC_SEQ_CST);
        syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
        void *end;
        pthread_join(thread, &end);
        SHOW((long)end);
    });
    return 0;
}
