// Memory shared between processes: anonymous, memfd, POSIX, and across exec.
#include "check.h"
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>

int main(int argc, char **argv) {
    if (argc > 1) {
        char *m = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, atoi(argv[1]), 0);
        printf("after exec: %s\n", m);
        strcpy(m, "answered");
        return 0;
    }
    atomic_int *n = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < 8; i++)
        if (fork() == 0) {
            for (int k = 0; k < 1000; k++) atomic_fetch_add(n, 1);
            _exit(0);
        }
    while (wait(NULL) > 0) {}
    SHOW(*n);
    int fd = memfd_create("m", MFD_ALLOW_SEALING);
    MUST(ftruncate(fd, 4096));
    char *m = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), number[16];
    strcpy(m, "before exec");
    snprintf(number, sizeof number, "%d", fd);
    fflush(stdout);
    if (fork() == 0) execl("/proc/self/exe", "x", number, NULL);
    wait(NULL);
    puts(m);
    int s = shm_open("/name", O_RDWR | O_CREAT | O_EXCL, 0600);
    SHOW(ftruncate(s, 100));
    SHOW(shm_open("/name", O_RDWR | O_CREAT | O_EXCL, 0600));
    SHOW(shm_unlink("/name"));
    SHOW(shm_open("/name", O_RDWR, 0));
}
