// Calls that no stub answers by itself, from one site many times: `hot_calls FORM NUMBER`. The forms are a wrapper of the C library, its
// syscall(), and a wrapper in a program with threads, where it can be cancelled.
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static void *waits(void *end) {
    char byte;
    return read(*(int *)end, &byte, 1) == 0 ? NULL : end;
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    long number = atol(argv[2]), right = 0;
    pid_t parent = getppid();
    if (!strcmp(argv[1], "wrapper")) {
        for (long i = 0; i < number; i++) right += getppid() == parent;
    } else if (!strcmp(argv[1], "generic")) {
        for (long i = 0; i < number; i++) right += syscall(SYS_getppid) == parent;
    } else {
        int ends[2], zero = open("/dev/zero", O_RDONLY);
        pthread_t thread;
        char byte = 1;
        if (zero < 0 || pipe(ends) || pthread_create(&thread, NULL, waits, ends)) return 3;
        for (long i = 0; i < number; i++) right += read(zero, &byte, 1) == 1 && byte == 0;
        close(ends[1]);
        pthread_join(thread, NULL);
    }
    printf("%s %ld\n", argv[1], right);
    return right != number;
}
