// pthread_mutexattr_setrobust(3): a thread and a process that die with a lock.
#include "asleep.h"
#include <pthread.h>
#include <sys/syscall.h>

static void *dies_with_lock(void *p) { pthread_mutex_lock(p); return NULL; }
static volatile int locked;
static void *dies_with_lock_slowly(void *p) { pthread_mutex_lock(p); locked = 1; until_asleep(getppid()); return NULL; }

enum { EXITS, KILLED, EXECUTES, THREAD_EXITS, MAIN_THREAD_EXITS, WAYS };

static void *sleeps(void *p) { (void)p; sleep(1); _exit(0); return NULL; }

// Somebody sleeps on the lock when its owner ends, in each of the ways there are.
static void dies_while_others_wait(pthread_mutex_t *robust) {
    for (int way = 0; way < WAYS; way++) {
        int ready[2];
        if (pipe(ready)) return;
        fflush(stdout);
        pid_t owner = fork();
        if (owner == 0) {
            pthread_t t;
            pthread_mutex_lock(robust);
            if (way == THREAD_EXITS) {
                // The lock goes on to a thread of this process that dies alone.
                pthread_mutex_unlock(robust);
                pthread_create(&t, NULL, dies_with_lock_slowly, robust);
            }
            if (way == MAIN_THREAD_EXITS) pthread_create(&t, NULL, sleeps, NULL);
            while (way == THREAD_EXITS && !locked) usleep(1000);
            if (write(ready[1], "x", 1) != 1) _exit(1);
            if (way == KILLED) pause();
            until_asleep(getppid());
            if (way == EXECUTES) execl("/bin/true", "true", NULL);
            if (way == THREAD_EXITS) sleep(1);
            if (way == MAIN_THREAD_EXITS) pthread_exit(NULL);
            _exit(0);
        }
        char x;
        if (read(ready[0], &x, 1) != 1) return;
        if (way == KILLED && fork() == 0) { until_asleep(getppid()); kill(owner, SIGKILL); _exit(0); }
        printf("%d: ", way);
        SHOW(pthread_mutex_lock(robust) == EOWNERDEAD);
        pthread_mutex_consistent(robust), pthread_mutex_unlock(robust);
        while (wait(NULL) > 0) {}
        close(ready[0]), close(ready[1]);
    }
}

int main(void) {
    pthread_t t[1];
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
    pthread_mutex_consistent(robust), pthread_mutex_unlock(robust);
    dies_while_others_wait(robust);
    // A list that leads nowhere, and one that leads back: only its owner is to suffer.
    for (int i = 0; i < 3; i++) {
        static struct { void *next; long offset; void *pending; } head;
        if (fork() == 0) {
            head.next = i == 0 ? (void *)16 : i == 1 ? (void *)&head.offset : (void *)-8L, head.offset = i == 1 ? 8 : 0, head.pending = (void *)3;
            syscall(SYS_set_robust_list, &head, 24L);
            _exit(7);
        }
        int status;
        wait(&status);
        SHOW(WEXITSTATUS(status));
    }
}
