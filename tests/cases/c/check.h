// Shared by the programs here: results are printed, and compared with those of a native run.
#pragma once
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// Prints an expression's value, with errno if it is -1.
#define SHOW(expression) ({ errno = 0; show(#expression, (long)(expression)); })

// Ends the program if something fails that must not. Gives the value.
#define MUST(expression) ({ must(#expression, (long)(expression)); })

static inline void show(const char *text, long value) {
    if (value == -1)
        printf("%s = -1 %s\n", text, strerrorname_np(errno));
    else
        printf("%s = %ld\n", text, value);
    fflush(stdout);
}

static inline int must(const char *text, long value) {
    if (value != -1) return (int)value;
    printf("%s failed: %s\n", text, strerrorname_np(errno));
    exit(1);
}
