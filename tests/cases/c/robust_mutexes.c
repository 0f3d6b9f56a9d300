// pthread_mutexattr_setrobust(3): a thread and a process that die with a lock.
#include "check.h"
#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>

static void *dies_with_lock(void *p) { pthread_mutex_lock(p); return NULL; }

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
}
