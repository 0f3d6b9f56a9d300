// mmap, mprotect, mremap, munmap, brk, madvise: results and what is in the pages.
#include "check.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>

static char *map(size_t pages, int flags) { return mmap(NULL, pages * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0); }
static int ends(char *address, int write_it) {
    fflush(stdout);
    if (fork() == 0) {
        if (write_it) *(volatile char *)address = 1; else (void)*(volatile char *)address;
        _exit(0);
    }
    int status;
    wait(&status);
    return status & 0x7f;
}

int main(void) {
    char *a = map(16, 0);
    memset(a, 'a', 16 * 4096);
    SHOW(mprotect(a + 4096, 4096, PROT_READ));
    SHOW(ends(a + 4096, 0));
    SHOW(ends(a + 4096, 1));
    SHOW(mprotect(a + 8192, 4096, PROT_NONE));
    SHOW(ends(a + 8192, 0));
    SHOW(munmap(a + 12288, 4096));
    SHOW(ends(a + 12288, 0));
    SHOW(mprotect(a, 16 * 4096, PROT_READ));
    SHOW(madvise(a, 4096, MADV_DONTNEED));
    SHOW(a[0]);
    SHOW(mmap(a + 12288, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == a + 12288);
    SHOW(mmap(a, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0));
    char *b = map(4, 0);
    strcpy(b, "moved");
    char *c = mremap(b, 4 * 4096, 64 * 4096, MREMAP_MAYMOVE);
    printf("%s %d\n", c, c[63 * 4096]);
    SHOW(mremap(c, 64 * 4096, 4096, 0) == c);
    SHOW(ends(c + 4096, 0));
    SHOW(munmap((void *)1, 4096));
    SHOW(mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    SHOW(mprotect((void *)4096, 4096, PROT_READ));
    SHOW(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 99, 0));
    SHOW(mmap(NULL, 1UL << 62, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    char *end = sbrk(0);
    SHOW(sbrk(100000) == end);
    SHOW(end[99999]);
    SHOW((long)sbrk(-100000) != -1);
    SHOW((char *)sbrk(0) == end);
    int fd = open("/work/f", O_RDWR | O_CREAT, 0600);
    MUST(ftruncate(fd, 8192));
    char *s = mmap(NULL, 12288, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), *p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    strcpy(s + 5000, "shared");
    char text[8] = "";
    SHOW(pread(fd, text, 7, 5000));
    puts(text);
    puts(p + 5000);
    strcpy(p + 5000, "own"), puts(s + 5000);
    SHOW(pwrite(fd, "wr", 2, 5000));
    puts(s + 5000);
    SHOW(msync(s, 8192, MS_SYNC));
    SHOW(ends(s + 8192, 0));
    int ro = open("/work/f", O_RDONLY);
    SHOW(mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, ro, 0));
    SHOW(mmap(NULL, 4096, PROT_WRITE, MAP_PRIVATE, ro, 0) != MAP_FAILED);
    SHOW(mmap(NULL, 4096, PROT_READ, MAP_SHARED, ro, 100));
    SHOW(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, open("/", O_RDONLY), 0));
    int (*code)(void) = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    memcpy((void *)code, "\xb8\x2a\0\0\0\xc3", 6);
    SHOW(code());
    char *g = map(4, MAP_GROWSDOWN | MAP_STACK);
    SHOW(g != MAP_FAILED);
    SHOW(mlock(g, 4096));
    SHOW(munlock(g, 4096));
    unsigned char resident[4];
    g[0] = 1;
    SHOW(mincore(g, 4096, resident));
    SHOW(resident[0] & 1);
}
