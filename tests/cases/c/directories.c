// Listing directories that change, the working directory, and names removed while open.
#include "check.h"
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

static int compare(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void list(const char *path) {
    char *names[2000];
    int count = 0;
    DIR *dir = opendir(path);
    for (struct dirent *e; dir && (e = readdir(dir)) && count < 2000;) names[count++] = strdup(e->d_name);
    qsort(names, (size_t)count, sizeof *names, compare);
    printf("%s: %d", path, count);
    for (int i = 0; i < count && i < 12; i++) printf(" %s", names[i]);
    printf("\n");
    if (dir) closedir(dir);
}

int main(void) {
    char name[300], where[200];
    struct stat st, other;
    MUST(chdir("/work"));
    MUST(mkdir("many", 0755));
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "many/file-%d", i);
        MUST(close(MUST(open(name, O_WRONLY | O_CREAT, 0600))));
    }
    list("many");
    // Every name is seen once although those seen are removed on the way.
    DIR *dir = opendir("many");
    int seen = 0;
    for (struct dirent *e; (e = readdir(dir));) {
        if (e->d_name[0] == '.') continue;
        seen++;
        MUST(unlinkat(dirfd(dir), e->d_name, 0));
    }
    SHOW(seen);
    rewinddir(dir);
    seen = 0;
    while (readdir(dir)) seen++;
    SHOW(seen);
    closedir(dir);
    // Positions can be gone back to.
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof name, "many/%d", i);
        MUST(mkdir(name, 0700));
    }
    dir = opendir("many");
    for (int i = 0; i < 10; i++) readdir(dir);
    long position = telldir(dir);
    snprintf(name, sizeof name, "%s", readdir(dir)->d_name);
    while (readdir(dir)) {}
    seekdir(dir, position);
    SHOW(strcmp(name, readdir(dir)->d_name));
    closedir(dir);
    MUST(stat("many", &st));
    SHOW(st.st_nlink);
    // A working directory that is removed.
    MUST(mkdir("gone", 0755));
    MUST(chdir("gone"));
    MUST(stat(".", &st));
    MUST(stat("..", &other));
    SHOW(st.st_ino != other.st_ino);
    SHOW(getcwd(where, sizeof where) == where);
    printf("%s\n", where);
    MUST(rmdir("../gone"));
    SHOW(getcwd(where, sizeof where) == NULL);
    SHOW(open("file", O_WRONLY | O_CREAT, 0600));
    SHOW(mkdir("sub", 0700));
    SHOW(chdir(".."));
    SHOW(chdir("gone"));
    list("missing");
    // A file that is removed while open.
    int fd = MUST(open("removed", O_RDWR | O_CREAT, 0600));
    MUST(write(fd, "still here", 10));
    MUST(unlink("removed"));
    SHOW(pread(fd, where, 200, 6));
    MUST(fstat(fd, &st));
    SHOW(st.st_nlink);
    SHOW(st.st_size);
    SHOW(fchmod(fd, 0640));
    SHOW(ftruncate(fd, 4));
    SHOW(lseek(fd, 0, SEEK_END));
}
