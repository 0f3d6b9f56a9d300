# Libraries whose calls are made often: two of one name, one that changes on disk, one that comes and goes.
set -e
mkdir -p /work/lib/a /work/lib/b && cd /work/lib
library() { # library OUTPUT VALUE
    printf '%s\n' '#include <unistd.h>' '#include <sys/syscall.h>' \
        'asm(".balign 64\n.skip 64, 0x90\nown: mov $110,%eax\nsyscall\nret\n.skip 64, 0x90\nother: mov %rdi,%rax\nsyscall\ntest %rax,%rax\njns 1f\nneg %rax\n1: ret\n.balign 64");' \
        'extern long own(void) __attribute__((visibility("hidden"))), other(long) __attribute__((visibility("hidden")));' \
        "int value(void) { return $2; }" \
        'long run(int n) { long right = 0; for (int i = 0; i < n; i++) right += own() == getppid() && other(SYS_getppid) == getppid() && syscall(SYS_getppid) == getppid(); return right; }' \
        | gcc -O1 -shared -fPIC -x c -o "$1" -
}
library a/lib.so 1
library b/lib.so 2
cat > main.c <<'END'
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
static void use(const char *name, int n) {
    void *library = dlopen(name, RTLD_NOW);
    if (!library) { puts(dlerror()); exit(1); }
    long (*run)(int) = (long (*)(int))dlsym(library, "run");
    int (*value)(void) = (int (*)(void))dlsym(library, "value");
    printf("%s: value %d, right %ld\n", name, value(), run(n));
    dlclose(library);
}
int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) use(argv[i], 50);
    for (int i = 0; i < 50; i++) {
        void *x = dlopen("/work/lib/a/lib.so", RTLD_NOW), *y = dlopen("/work/lib/b/lib.so", RTLD_NOW);
        long (*run)(int) = (long (*)(int))dlsym(i & 1 ? x : y, "run");
        if (run(3) != 3) { puts("wrong"); return 1; }
        dlclose(i & 2 ? x : y);
        // What is mapped where the library was is not the library.
        if (i % 10 == 0) { pid_t child = fork(); if (!child) { execl("/work/lib/main", "main", (char *)0); _exit(1); } int s; waitpid(child, &s, 0); if (s) { puts("child"); return 1; } if (argc == 1) break; }
        dlclose(i & 2 ? y : x);
    }
    return 0;
}
END
sed -i 's/if (i % 10 == 0) {/if (argc > 1 \&\& i % 10 == 0) {/; s/ if (argc == 1) break;//' main.c
gcc -O1 -o main main.c
./main /work/lib/a/lib.so /work/lib/b/lib.so /work/lib/a/lib.so
# The same name, the same inode, other content.
library new.so 3
cat new.so > a/lib.so
./main /work/lib/a/lib.so /work/lib/b/lib.so
# The same name, another inode.
library new.so 4
mv new.so a/lib.so
./main /work/lib/a/lib.so /work/lib/b/lib.so
# A program that is made anew while its predecessor was hot.
for value in 1 2 3; do
    printf '%s\n' '#include <stdio.h>' '#include <unistd.h>' '#include <sys/syscall.h>' \
        "int main(void) { long r = 0; for (int i = 0; i < 100; i++) r += syscall(SYS_getppid) == getppid(); printf(\"program $value %ld\\n\", r); }" > p.c
    for static in "" -static; do gcc -O1 $static -o p p.c; ./p; ./p; done
done
