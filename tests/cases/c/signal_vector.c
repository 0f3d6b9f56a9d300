// Vector and floating-point state across handlers and forks.
#define _GNU_SOURCE
#include <fenv.h>
#include <immintrin.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

static volatile int runs;
static uint32_t entry_mxcsr;
static uint16_t entry_control;
static int zero_at_entry, xsave, xmm_seen;

__attribute__((target("avx"))) static int top_is_zero(void) {
    uint64_t lanes[4];
    __asm__ volatile("vmovdqu %%ymm7, %0" : "=m"(lanes));
    return !(lanes[0] | lanes[1] | lanes[2] | lanes[3]);
}

static void spoil(int signal, siginfo_t *info, void *context) {
    (void)signal; (void)info;
    ucontext_t *uc = context;
    runs++;
    if (__builtin_cpu_supports("avx")) zero_at_entry = top_is_zero();
    __asm__ volatile("stmxcsr %0" : "=m"(entry_mxcsr));
    __asm__ volatile("fnstcw %0" : "=m"(entry_control));
    xsave = (uc->uc_flags & 1) && uc->uc_mcontext.fpregs && *(uint32_t *)((char *)uc->uc_mcontext.fpregs + 464) == 0x46505853;
    xmm_seen = (int)uc->uc_mcontext.fpregs->_xmm[7].element[0];
    uint32_t odd = 0x1f80 | 0x6000;
    uint16_t control = 0x0c7f;
    __asm__ volatile("ldmxcsr %0; fldcw %1" ::"m"(odd), "m"(control));
    __asm__ volatile("fninit; fldpi; fldpi" ::: "st", "st(1)");
    if (__builtin_cpu_supports("avx"))
        __asm__ volatile("vcmptrueps %%ymm7,%%ymm7,%%ymm7; vmovaps %%ymm7,%%ymm0; vmovaps %%ymm7,%%ymm15; vmovaps %%ymm7,%%ymm8" ::: "xmm0", "xmm7", "xmm8", "xmm15");
}

__attribute__((target("avx"))) static int check(int (*disturb)(void)) {
    uint64_t in[16][4], out[16][4];
    for (int i = 0; i < 16; i++)
        for (int j = 0; j < 4; j++) in[i][j] = 0x0101010101010101ULL * (uint64_t)(i * 4 + j + 1);
    uint32_t mxcsr = 0x1f80 | 0x2000, mxcsr_after;
    uint16_t control = 0x0e7f, control_after;
    double top = 1.5, top_after;
    int result;
    __asm__ volatile(
        "ldmxcsr %[m]; fninit; fldcw %[c]; fldl %[t]\n"
        "vmovdqu (%[in]),%%ymm0; vmovdqu 32(%[in]),%%ymm1; vmovdqu 64(%[in]),%%ymm2; vmovdqu 96(%[in]),%%ymm3\n"
        "vmovdqu 128(%[in]),%%ymm4; vmovdqu 160(%[in]),%%ymm5; vmovdqu 192(%[in]),%%ymm6; vmovdqu 224(%[in]),%%ymm7\n"
        "vmovdqu 256(%[in]),%%ymm8; vmovdqu 288(%[in]),%%ymm9; vmovdqu 320(%[in]),%%ymm10; vmovdqu 352(%[in]),%%ymm11\n"
        "vmovdqu 384(%[in]),%%ymm12; vmovdqu 416(%[in]),%%ymm13; vmovdqu 448(%[in]),%%ymm14; vmovdqu 480(%[in]),%%ymm15\n"
        "mov %[out], %%rbx; mov %%rsp, %%r12; and $-64, %%rsp; sub $256, %%rsp; call *%[f]; mov %%r12, %%rsp\n"
        "vmovdqu %%ymm0,(%%rbx); vmovdqu %%ymm1,32(%%rbx); vmovdqu %%ymm2,64(%%rbx); vmovdqu %%ymm3,96(%%rbx)\n"
        "vmovdqu %%ymm4,128(%%rbx); vmovdqu %%ymm5,160(%%rbx); vmovdqu %%ymm6,192(%%rbx); vmovdqu %%ymm7,224(%%rbx)\n"
        "vmovdqu %%ymm8,256(%%rbx); vmovdqu %%ymm9,288(%%rbx); vmovdqu %%ymm10,320(%%rbx); vmovdqu %%ymm11,352(%%rbx)\n"
        "vmovdqu %%ymm12,384(%%rbx); vmovdqu %%ymm13,416(%%rbx); vmovdqu %%ymm14,448(%%rbx); vmovdqu %%ymm15,480(%%rbx)\n"
        "stmxcsr %[ma]; fnstcw %[ca]; fstpl %[ta]\n"
        : [ma] "=m"(mxcsr_after), [ca] "=m"(control_after), [ta] "=m"(top_after), "=a"(result)
        : [m] "m"(mxcsr), [c] "m"(control), [t] "m"(top), [in] "r"(in), [out] "r"(out), [f] "r"(disturb)
        : "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5",
          "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
    __asm__ volatile("fninit");
    uint32_t usual = 0x1f80;
    __asm__ volatile("ldmxcsr %0" ::"m"(usual));
    return memcmp(in, out, sizeof in) == 0 && mxcsr_after == mxcsr && control_after == control && top_after == top;
}

// These touch no vector registers themselves: system calls by hand.
static long bare(long nr, long a, long b, long c) {
    long r;
    __asm__ volatile("syscall" : "=a"(r) : "a"(nr), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
    return r;
}

static long self, own;
static int by_kill(void) { return (int)bare(234, self, own, SIGUSR1); }
static int by_timer(void) {
    int before = runs;
    while (runs < before + 3) __asm__ volatile("pause");
    return 0;
}

int main(void) {
    setvbuf(stdout, NULL, _IONBF, 0);
    struct sigaction action = {.sa_sigaction = spoil, .sa_flags = SA_SIGINFO};
    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGALRM, &action, NULL);
    self = getpid();
    own = gettid();
    if (!__builtin_cpu_supports("avx")) { printf("no avx\n"); return 0; }
    printf("kept over a handler in a call: %d\n", check(by_kill));
    printf("handler began with mxcsr %#x control %#x zero %d, frame has xsave %d xmm7 %#x\n", entry_mxcsr, entry_control, zero_at_entry, xsave, (unsigned)xmm_seen);
    struct itimerval often = {{0, 3000}, {0, 3000}};
    setitimer(ITIMER_REAL, &often, NULL);
    int good = 0;
    for (int i = 0; i < 20; i++) good += check(by_timer);
    setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL);
    printf("kept over handlers in a loop: %d of 20\n", good);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) { self = getpid(); own = gettid(); _exit(check(by_kill)); }
    int status;
    waitpid(child, &status, 0);
    printf("kept in a child: %d\n", WEXITSTATUS(status));
    return 0;
}
