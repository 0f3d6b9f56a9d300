// memfd_create(2): seals, and what they forbid.
#include "check.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>

int main(void) {
    int fd = memfd_create("m", MFD_ALLOW_SEALING);
    MUST(ftruncate(fd, 4096));
    char *m = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    strcpy(m, "text");
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
    munmap(m, 4096);
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK));
    SHOW(write(fd, "x", 1));
    SHOW(ftruncate(fd, 0));
    SHOW(fcntl(fd, F_GET_SEALS));

    // A child that has ended does not keep a file busy.
    int busy = 0;
    for (int round = 0; round < 50; round++) {
        int shared = MUST(memfd_create("shared", MFD_ALLOW_SEALING));
        MUST(ftruncate(shared, 4096 * 16));
        if (fork() == 0) {
            memset(mmap(NULL, 4096 * 16, PROT_READ | PROT_WRITE, MAP_SHARED, shared, 0), 1, 4096 * 16);
            _exit(0);
        }
        wait(NULL);
        busy += fcntl(shared, F_ADD_SEALS, F_SEAL_WRITE) != 0;
        close(shared);
    }
    printf("busy after the end: %d\n", busy);
}
