// Shared by the programs about seccomp(2): filters, put together from macros.
#pragma once
#include "check.h"
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define LOAD_ARG(n) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[n]))
#define IF(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, yes, no)
#define IF_BITS(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, value, yes, no)
#define RETURN(value) BPF_STMT(BPF_RET | BPF_K, value)
#define ALLOW RETURN(SECCOMP_RET_ALLOW)

#define INSTALL(flags, ...)                                                                      \
    ({                                                                                           \
        struct sock_filter code[] = {__VA_ARGS__};                                               \
        struct sock_fprog program = {.len = sizeof code / sizeof *code, .filter = code};         \
        syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);                          \
    })

// One result for one call.
#define ON(number, result) INSTALL(0, LOAD(nr), IF(number, 0, 1), RETURN(result), ALLOW)

static inline void no_new_privileges(void) { MUST(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)); }

static inline void show_status(const char *text, int status) {
    if (WIFSIGNALED(status)) printf("%s: signal %d\n", text, WTERMSIG(status));
    else printf("%s: exit %d\n", text, WEXITSTATUS(status));
    fflush(stdout);
}

// Runs the statements in a child and shows how it ended.
#define CHILD(text, ...)                                                                         \
    do {                                                                                         \
        fflush(stdout);                                                                          \
        pid_t child = fork();                                                                    \
        if (child == 0) {                                                                        \
            __VA_ARGS__;                                                                         \
            fflush(stdout);                                                                      \
            _exit(0);                                                                            \
        }                                                                                        \
        int status;                                                                              \
        MUST(waitpid(child, &status, 0));                                                        \
        show_status(text, status);                                                               \
    } while (0)
