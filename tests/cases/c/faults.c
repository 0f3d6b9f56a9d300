// Faults and what kills: signal, code and address of each.
#include "check.h"
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

static sigjmp_buf back;
static siginfo_t last;
static void caught(int number, siginfo_t *info, void *context) { last = *info, (void)context, siglongjmp(back, number); }
// In assembly: compilers find ways to divide 1 without a division.
static void divide_by_zero(void) { __asm__ volatile("xor %%edx, %%edx; mov $7, %%eax; xor %%ecx, %%ecx; div %%ecx" ::: "eax", "ecx", "edx"); }
#define TRY(what, statement) do { memset(&last, 0, sizeof last); if (!sigsetjmp(back, 1)) { statement; } printf("%s: signal %d code %d address %p\n", what, last.si_signo, last.si_code, last.si_signo == SIGSEGV || last.si_signo == SIGBUS ? (void *)((unsigned long)last.si_addr & 0xfff) : NULL); } while (0)

int main(void) {
    int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
    for (int i = 0; i < 5; i++) sigaction(signals[i], &(struct sigaction){.sa_sigaction = caught, .sa_flags = SA_SIGINFO}, NULL);
    char *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    TRY("null", *(volatile int *)8 = 1);
    TRY("read-only", page[16] = 1);
    TRY("not canonical", *(volatile int *)0x8000000000000000 = 1);
    TRY("jump", ((void (*)(void))0x10)());
    TRY("not executable", ((void (*)(void))(page + 32))());
    TRY("divide", divide_by_zero());
    TRY("undefined", __asm__ volatile("ud2"));
    TRY("breakpoint", __asm__ volatile("int3"));
    TRY("privileged", __asm__ volatile("hlt"));
    TRY("kernel", (void)*(volatile char *)0xffffffff81000000);
    int status;
    void (*defaults[])(void) = {(void (*)(void))abort};
    for (int i = 0; i < 6; i++) {
        fflush(stdout);
        if (fork() == 0) {
            for (int k = 0; k < 5; k++) signal(signals[k], SIG_DFL);
            if (i == 0) *(volatile int *)8 = 1;
            if (i == 1) __asm__ volatile("ud2");
            if (i == 2) divide_by_zero();
            if (i == 3) __asm__ volatile("int3");
            if (i == 4) defaults[0]();
            sigset_t all;
            sigfillset(&all), sigprocmask(SIG_BLOCK, &all, NULL);
            *(volatile int *)8 = 1;
        }
        wait(&status);
        printf("%d ", status & 0x7f);
    }
    puts("");
}
