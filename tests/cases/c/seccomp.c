// seccomp(2): what is taken for a filter, and what each action does.
#include "seccomp.h"
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <ucontext.h>

static void on_sigsys(int signal, siginfo_t *info, void *context) {
    ucontext_t *u = context;
    long rip = u->uc_mcontext.gregs[REG_RIP];
    printf("signal %d code %d errno %d call %d arch %#x at ip %d rax %lld\n", signal, info->si_code, info->si_errno,
           info->si_syscall, info->si_arch, info->si_call_addr == (void *)rip, u->uc_mcontext.gregs[REG_RAX]);
    u->uc_mcontext.gregs[REG_RAX] = 4711;
}

static void questions(void) {
    static const unsigned actions[] = {SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD, SECCOMP_RET_TRAP,
                                       SECCOMP_RET_ERRNO, SECCOMP_RET_TRACE, SECCOMP_RET_LOG, SECCOMP_RET_ALLOW};
    for (unsigned i = 0; i < sizeof actions / sizeof *actions; i++)
        SHOW(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &actions[i]));
    unsigned unknown = 0x12340000;
    SHOW(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &unknown));
    SHOW(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, NULL));
    SHOW(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 1, actions));
    SHOW(syscall(SYS_seccomp, 99, 0, NULL));
    SHOW(syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 1, NULL));
    SHOW(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, NULL));
    SHOW(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0x8000, NULL));
    SHOW(prctl(PR_SET_SECCOMP, 7, NULL));
    SHOW(prctl(PR_GET_SECCOMP));
}

static void bad_programs(void) {
    SHOW(INSTALL(0, LOAD(nr)));
    SHOW(INSTALL(0, BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 64), ALLOW));
    SHOW(INSTALL(0, BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 2), ALLOW));
    SHOW(INSTALL(0, BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 0), ALLOW));
    SHOW(INSTALL(0, BPF_STMT(BPF_JMP | BPF_JA, 1), ALLOW));
    SHOW(INSTALL(0, IF(1, 1, 0), ALLOW));
    SHOW(INSTALL(0, BPF_STMT(BPF_LD | BPF_MEM, 1), ALLOW));
    SHOW(INSTALL(0, BPF_STMT(BPF_ST, 16), ALLOW));
    SHOW(INSTALL(0, BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0), ALLOW));
    SHOW(INSTALL(0, BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, 3), ALLOW));
    SHOW(INSTALL(0, BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 32), ALLOW));
    struct sock_fprog none = {.len = 0}, bad = {.len = 1, .filter = (void *)8}, longer = {.len = 4097};
    SHOW(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &none));
    SHOW(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &bad));
    SHOW(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &longer));
}

static void status_lines(void) {
    char line[256];
    FILE *file = fopen("/proc/self/status", "r");
    while (fgets(line, sizeof line, file))
        if (!strncmp(line, "Seccomp:", 8) || !strncmp(line, "NoNewPrivs:", 11) || !strncmp(line, "Seccomp_filters:", 16)) fputs(line, stdout);
    fclose(file);
}

int main(void) {
    questions();
    CHILD("privileges", {
        MUST(setresuid(1000, 1000, 1000));
        SHOW(ON(SYS_getppid, SECCOMP_RET_ERRNO | 1));
        no_new_privileges();
        SHOW(ON(SYS_getppid, SECCOMP_RET_ERRNO | 1));
        SHOW(getppid());
    });
    no_new_privileges();
    bad_programs();

    CHILD("errors", {
        MUST(ON(SYS_mkdir, SECCOMP_RET_ERRNO | EXDEV));
        MUST(ON(SYS_rmdir, SECCOMP_RET_ERRNO | 0));
        MUST(ON(SYS_chdir, SECCOMP_RET_ERRNO | 0xffff));
        MUST(ON(SYS_pipe, SECCOMP_RET_ERRNO | 512));
        SHOW(mkdir("/tmp/x", 0777));
        SHOW(rmdir("/nowhere"));
        SHOW(syscall(SYS_chdir, "/"));
        SHOW(errno);
        long raw;
        __asm__ volatile("syscall" : "=a"(raw) : "0"(SYS_pipe), "D"(0) : "rcx", "r11", "memory");
        SHOW(raw);
        SHOW(getppid() > 0);
        status_lines();
        SHOW(prctl(PR_GET_SECCOMP));
    });
    CHILD("trap", {
        struct sigaction action = {.sa_sigaction = on_sigsys, .sa_flags = SA_SIGINFO};
        MUST(sigaction(SIGSYS, &action, NULL));
        MUST(ON(SYS_getppid, SECCOMP_RET_TRAP | 42));
        MUST(ON(SYS_getuid, SECCOMP_RET_TRAP | 7));
        SHOW(getppid());
        SHOW(syscall(SYS_getuid));
        SHOW(syscall(SYS_getppid));
    });
    CHILD("trap without handler", { MUST(ON(SYS_getppid, SECCOMP_RET_TRAP)); getppid(); puts("still here"); });
    CHILD("trap while blocked", {
        struct sigaction action = {.sa_sigaction = on_sigsys, .sa_flags = SA_SIGINFO};
        MUST(sigaction(SIGSYS, &action, NULL));
        sigset_t all;
        sigfillset(&all);
        sigprocmask(SIG_BLOCK, &all, NULL);
        MUST(ON(SYS_getppid, SECCOMP_RET_TRAP));
        getppid();
    });
    CHILD("kill process", { MUST(ON(SYS_getppid, SECCOMP_RET_KILL_PROCESS)); getppid(); });
    CHILD("kill thread", { MUST(ON(SYS_getppid, SECCOMP_RET_KILL_THREAD)); getppid(); });
    CHILD("no action", { MUST(ON(SYS_getppid, 0x12340000)); getppid(); });
    CHILD("trace", { MUST(ON(SYS_getppid, SECCOMP_RET_TRACE | 1)); SHOW(syscall(SYS_getppid)); });
    CHILD("notification without listener", { MUST(ON(SYS_getppid, SECCOMP_RET_USER_NOTIF)); SHOW(syscall(SYS_getppid)); });
    CHILD("log", { MUST(ON(SYS_getppid, SECCOMP_RET_LOG)); SHOW(getppid() > 0); });
    CHILD("division by nothing", {
        MUST(INSTALL(0, LOAD(nr), IF(SYS_getppid, 0, 3), BPF_STMT(BPF_LDX | BPF_IMM, 0), BPF_STMT(BPF_ALU | BPF_DIV | BPF_X, 0), ALLOW, ALLOW));
        getppid();
    });
    CHILD("strictest of several", {
        MUST(ON(SYS_getppid, SECCOMP_RET_ERRNO | 1));
        MUST(ON(SYS_getppid, SECCOMP_RET_ERRNO | 2));
        MUST(ON(SYS_getppid, SECCOMP_RET_TRACE));
        SHOW(syscall(SYS_getppid));
        status_lines();
        MUST(ON(SYS_getppid, SECCOMP_RET_KILL_PROCESS));
        getppid();
    });
    CHILD("strict mode", { MUST(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT)); write(1, "written\n", 8); syscall(SYS_exit, 3); });
    CHILD("strict mode, another call", { MUST(syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, NULL)); syscall(SYS_getppid); });
    CHILD("strict mode, memory", { MUST(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT)); syscall(SYS_mmap, 0, 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); });
    CHILD("too long", {
        static struct sock_filter code[4096];
        for (int i = 0; i < 4096; i++) code[i] = (struct sock_filter)ALLOW;
        struct sock_fprog program = {.len = 4096, .filter = code};
        int count = 0;
        while (count < 100 && syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program) == 0) count++;
        SHOW(count > 1 && count < 10);
        SHOW(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program));
    });

    // Calls that are usually made without the kernel's noticing.
    CHILD("memory", {
        MUST(INSTALL(0, LOAD(nr), IF(SYS_mmap, 1, 0), IF(SYS_mprotect, 0, 3), LOAD_ARG(2), IF_BITS(PROT_EXEC, 0, 1), RETURN(SECCOMP_RET_ERRNO | EACCES), ALLOW));
        char *page = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        SHOW(page != MAP_FAILED);
        page[0] = 1;
        SHOW(mprotect(page, 4096, PROT_READ | PROT_EXEC));
        SHOW(mprotect(page, 4096, PROT_READ));
        SHOW((long)mmap(0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
        SHOW(munmap(page, 4096));
        SHOW(page[4096]);
        CHILD("its child", { SHOW(mprotect(page + 4096, 4096, PROT_READ | PROT_EXEC)); });
        CHILD("its program", { execl("/bin/true", "true", NULL); });
    });
    CHILD("other memory calls", {
        char *page = mmap(0, 4 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        MUST(ON(SYS_munmap, SECCOMP_RET_ERRNO | EPERM));
        MUST(ON(SYS_madvise, SECCOMP_RET_ERRNO | EPERM));
        MUST(ON(SYS_mremap, SECCOMP_RET_ERRNO | EPERM));
        MUST(ON(SYS_msync, SECCOMP_RET_ERRNO | EPERM));
        MUST(ON(SYS_sched_yield, SECCOMP_RET_ERRNO | EPERM));
        MUST(ON(SYS_brk, SECCOMP_RET_ERRNO | EPERM));
        SHOW(munmap(page, 4096));
        SHOW(madvise(page, 4096, MADV_DONTNEED));
        SHOW((long)mremap(page, 4096, 8192, MREMAP_MAYMOVE));
        SHOW(msync(page, 4096, MS_SYNC));
        SHOW(sched_yield());
        SHOW(syscall(SYS_brk, 0));
    });
    CHILD("hot calls", {
        long sum = 0;
        for (int i = 0; i < 20000; i++) sum += syscall(SYS_getpid) > 0;
        MUST(ON(SYS_getpid, SECCOMP_RET_ERRNO | EPERM));
        MUST(ON(SYS_rt_sigprocmask, SECCOMP_RET_ERRNO | ENOANO));
        for (int i = 0; i < 20000; i++) sum += syscall(SYS_getpid) > 0;
        SHOW(sum);
        SHOW(syscall(SYS_getpid));
        SHOW(sigprocmask(SIG_BLOCK, NULL, NULL));
        CHILD("its child", {
            sum = 0;
            for (int i = 0; i < 20000; i++) sum += syscall(SYS_getpid) > 0;
            SHOW(sum);
            SHOW(syscall(SYS_getppid) > 0);
        });
    });
    CHILD("hot calls after a filter", {
        MUST(ON(SYS_getppid, SECCOMP_RET_ERRNO | EPERM));
        long sum = 0;
        for (int i = 0; i < 20000; i++) sum += (syscall(SYS_getpid) > 0) + (syscall(SYS_getppid) == -1);
        SHOW(sum);
    });
    CHILD("a program's", {
        MUST(ON(SYS_uname, SECCOMP_RET_ERRNO | EPERM));
        MUST(ON(SYS_munmap, SECCOMP_RET_ERRNO | EPERM));
        execlp("uname", "uname", NULL);
    });
    CHILD("vfork", {
        MUST(ON(SYS_getppid, SECCOMP_RET_ERRNO | EPERM));
        int status;
        pid_t child = vfork();
        if (child == 0) _exit(syscall(SYS_getppid) == -1 ? 5 : 6);
        waitpid(child, &status, 0);
        show_status("its child", status);
    });
    CHILD("arguments and addresses", {
        MUST(INSTALL(0, LOAD(arch), IF(AUDIT_ARCH_X86_64, 1, 0), RETURN(SECCOMP_RET_KILL_PROCESS), LOAD(nr), IF(SYS_dup2, 0, 5), LOAD_ARG(0),
                     IF(1, 0, 3), BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1]) + 4), IF(0, 1, 0),
                     RETURN(SECCOMP_RET_ERRNO | ERANGE), ALLOW));
        SHOW(syscall(SYS_dup2, 1L, 20L));
        SHOW(syscall(SYS_dup2, 1L, 20L | 1L << 40));
        SHOW(syscall(SYS_dup2, 2L, 20L | 1L << 40));
        MUST(INSTALL(0, LOAD(nr), IF(SYS_getppid, 0, 4), BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, instruction_pointer) + 4),
                     BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 4), IF(0x7f, 0, 1), RETURN(SECCOMP_RET_ERRNO | EMLINK), ALLOW));
        // From a library, or from the program itself.
        long from_library = 0, here = 0;
        for (int i = 0; i < 1000; i++) {
            long result;
            from_library += getppid() == -1;
            __asm__ volatile("syscall" : "=a"(result) : "0"(SYS_getppid) : "rcx", "r11", "memory");
            here += result < 0;
        }
        SHOW(from_library);
        SHOW(here);
    });
    status_lines();
    return 0;
}
