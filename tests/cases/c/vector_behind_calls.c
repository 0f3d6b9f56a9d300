// The widest vector registers that the processor has, over handlers that start behind a call which has been made often.
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define OFTEN 200
#define WIDEST 2048

static int wide;
static volatile int handled, dirty;

// All 32 registers of 64 bytes, or the 16 of 32 bytes, from and to `at`.
static void load(const void *at) {
    if (wide)
        __asm__ volatile(".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
                         "vmovdqu64 64*\\n(%0),%%zmm\\n\n.endr\n kmovw (%0),%%k1\n kmovw 2(%0),%%k7" ::"r"(at)
                         : "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12",
                           "xmm13", "xmm14", "xmm15");
    else
        __asm__ volatile(".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n vmovdqu 32*\\n(%0),%%ymm\\n\n.endr" ::"r"(at)
                         : "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12",
                           "xmm13", "xmm14", "xmm15");
}

static void store(void *at) {
    if (wide)
        __asm__ volatile(".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31\n"
                         "vmovdqu64 %%zmm\\n,64*\\n(%0)\n.endr" ::"r"(at) : "memory");
    else
        __asm__ volatile(".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n vmovdqu %%ymm\\n,32*\\n(%0)\n.endr" ::"r"(at) : "memory");
}

// Looks at the upper ends, which this program's own code does not touch, and spoils everything.
static void handler(int signal) {
    (void)signal;
    static unsigned char here[WIDEST], all[WIDEST];
    unsigned width = wide ? 64 : 32, count = wide ? 32 : 16;
    store(here);
    for (unsigned n = 0; n < count; n++)
        for (unsigned byte = n < 16 ? 16 : 0; byte < width; byte++) dirty += here[n * width + byte] != 0;
    memset(all, 0xa5, sizeof all);
    load(all);
    handled++;
}

// Registers, the call, registers: nothing of the compiler's comes between.
static int kept(const unsigned char *in, unsigned char *out) {
    unsigned short masks[2] = {0, 0};
    long self = getpid(), result;
    load(in);
    __asm__ volatile("call signal_itself" : "=a"(result) : "D"(self), "S"((long)SIGUSR1) : "rcx", "r11", "memory");
    store(out);
    if (wide) __asm__ volatile("kmovw %%k1,%0\n kmovw %%k7,%1" : "=m"(masks[0]), "=m"(masks[1]));
    return result == 0 && !memcmp(in, out, wide ? WIDEST : 512) && (!wide || !memcmp(in, masks, 4));
}

__asm__(".globl signal_itself\nsignal_itself:\n mov $62,%eax\n syscall\n ret");

int main(void) {
    static unsigned char in[WIDEST], out[WIDEST];
    if (!__builtin_cpu_supports("avx")) return puts("no such registers"), 0;
    wide = __builtin_cpu_supports("avx512f");
    struct sigaction action = {.sa_handler = handler};
    sigaction(SIGUSR1, &action, NULL);
    int good = 0;
    for (int round = 0; round < OFTEN; round++) {
        for (int at = 0; at < WIDEST; at++) in[at] = (unsigned char)(at * 7 + round);
        good += kept(in, out);
    }
    printf("handled %d, kept %d of %d, found in a handler %d\n", handled, good, OFTEN, dirty);
    return 0;
}
