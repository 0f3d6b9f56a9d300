// Takes and touches memory until it is refused (exit code 3), or has far more than it was allowed (exit code 4).
#include <stdlib.h>
#include <string.h>

int main(void) {
    for (int mebibytes = 0; mebibytes < 1024; mebibytes++) {
        char *p = malloc(1 << 20);
        if (!p) return 3;
        memset(p, 1, 1 << 20);
    }
    return 4;
}
