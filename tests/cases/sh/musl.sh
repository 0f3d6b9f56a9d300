# A program on another C library, static and dynamic.
cd /work; cat >m.c <<'C'
#include <pthread.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>
static void *run(void *p) { return p; }
int main(void) {
    pthread_t t; void *r; int status;
    if (pthread_create(&t, 0, run, "thread") || pthread_join(t, &r)) return 1;
    if (fork() == 0) _exit(7);
    wait(&status);
    printf("musl %s %d\n", (char *)r, WEXITSTATUS(status));
    return 0;
}
C
musl-gcc -static -o static m.c && ./static; musl-gcc -o dynamic m.c && ./dynamic; echo $?
musl-gcc -O1 -pthread -o cancel /cases/c/patched_cancel.c && ./cancel; echo $?
