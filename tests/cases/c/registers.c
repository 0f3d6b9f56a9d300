// What a system call leaves in the registers, and what survives it.
#include "check.h"
#include <sys/syscall.h>

int main(void) {
    unsigned long rbx = 1, rbp_ok, r12 = 3, r13 = 4, r14 = 5, r15 = 6, rdi = 7, rsi = 8, rdx = 9, r8 = 10, r9 = 11, r10 = 12, rcx, r11, rax = SYS_getppid, before, after;
    register unsigned long x8 __asm__("r8") = r8, x9 __asm__("r9") = r9, x10 __asm__("r10") = r10, x12 __asm__("r12") = r12, x13 __asm__("r13") = r13, x14 __asm__("r14") = r14, x15 __asm__("r15") = r15;
    __asm__ volatile("pushfq; popq %[before]; lea 1f(%%rip), %%rcx; mov %%rcx, %[ok]; syscall; 1: sub %%rcx, %[ok]; pushfq; popq %[after]"
                     : "+a"(rax), "+b"(rbx), "+D"(rdi), "+S"(rsi), "+d"(rdx), "+r"(x8), "+r"(x9), "+r"(x10), "+r"(x12), "+r"(x13), "+r"(x14), "+r"(x15), "=&c"(rcx), [ok] "=m"(rbp_ok), [before] "=m"(before), [after] "=m"(after)::"r11", "memory", "cc");
    __asm__ volatile("mov %%r11, %0" : "=r"(r11));
    printf("%lu %lu %lu %lu %lu %lu %lu %lu %lu %lu %lu, rcx %s, flags %s\n", rbx, rdi, rsi, rdx, x8, x9, x10, x12, x13, x14, x15, rbp_ok == 0 ? "is the next instruction" : "is something else", ((before ^ after) & 0x400) == 0 ? "kept" : "changed");
    float v[8] = {1, 2, 3, 4, 5, 6, 7, 8}, w[8];
    __asm__ volatile("movups (%0), %%xmm3; movups 16(%0), %%xmm15; mov %2, %%eax; syscall; movups %%xmm3, (%1); movups %%xmm15, 16(%1)" ::"r"(v), "r"(w), "i"(SYS_getpid) : "rax", "rcx", "r11", "xmm3", "xmm15", "memory");
    SHOW(memcmp(v, w, sizeof v));
    SHOW(syscall(9999));
    SHOW(syscall(-1L));
    SHOW(syscall(SYS_getpid | 0x40000000));
    SHOW(syscall(SYS_getpid, 1, 2, 3, 4, 5, 6) == getpid());
}
