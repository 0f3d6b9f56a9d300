// Calls through the gate, with trampolines made by hand. The first argument names what to do. Prints "ok" or what went wrong.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define BASE 0x7ff000000000ul
#define COUNT 1000
static char why[200];
#define FAIL(...) (snprintf(why, sizeof why, __VA_ARGS__), printf("failed at %d: %s", __LINE__, why), printf("\n"), fflush(stdout), _exit(1))
#define CHECK(x) do { if (!(x)) FAIL("%s (errno %d)", #x, errno); } while (0)

// What the patcher makes of a call site: number in rax, where to go on in rcx, a syscall before that.
asm(".globl trampoline\ntrampoline: lea 1f(%rip),%rcx\njmp *where\nsyscall\n1: ret\n");
extern void trampoline(void);
unsigned long where = BASE;

static long gate(long nr, long a, long b, long c, long d, long e, long f) {
  long r;
  register long r10 asm("r10") = d, r8 asm("r8") = e, r9 asm("r9") = f;
  // The red zone is the caller's, and `call` writes to it.
  asm volatile("sub $128,%%rsp\ncall trampoline\nadd $128,%%rsp" : "=a"(r) : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory", "cc");
  return r;
}

// ---- the thread's page, which is the guest's to see and to spoil

struct page { uint64_t own, saved[16], result, target, phase, deferred, window, calls, local, attention, mask, robust[2], process, thread, user, euser, group, egroup; };
static unsigned long gs_base(void) { unsigned long b; asm volatile("rdgsbase %0" : "=r"(b)); return b; }
static void set_gs_base(unsigned long b) { asm volatile("wrgsbase %0" :: "r"(b)); }
static struct page *own_page(void) { return (struct page *)gs_base(); }

// ---- registers

static void set_vectors(unsigned seed) {
  unsigned char v[8][32];
  for (unsigned i = 0; i < sizeof v; i++) ((unsigned char *)v)[i] = seed * 7 + i * 13;
  asm volatile("vmovdqu (%0),%%ymm0\nvmovdqu 32(%0),%%ymm1\nvmovdqu 64(%0),%%ymm6\nvmovdqu 96(%0),%%ymm7\n"
               "vmovdqu 128(%0),%%ymm8\nvmovdqu 160(%0),%%ymm11\nvmovdqu 192(%0),%%ymm14\nvmovdqu 224(%0),%%ymm15\n" :: "r"(v) : "memory");
}
static int vectors_are(unsigned seed) {
  unsigned char v[8][32];
  asm volatile("vmovdqu %%ymm0,(%0)\nvmovdqu %%ymm1,32(%0)\nvmovdqu %%ymm6,64(%0)\nvmovdqu %%ymm7,96(%0)\n"
               "vmovdqu %%ymm8,128(%0)\nvmovdqu %%ymm11,160(%0)\nvmovdqu %%ymm14,192(%0)\nvmovdqu %%ymm15,224(%0)\n" :: "r"(v) : "memory");
  for (unsigned i = 0; i < sizeof v; i++) if (((unsigned char *)v)[i] != (unsigned char)(seed * 7 + i * 13)) return 0;
  return 1;
}
// A call between known registers and with a full red zone. Returns the first that changed, as a number, or 0.
static long with_registers(long number, long first, long *result, unsigned seed) {
  long bad, r;
  set_vectors(seed);
  asm volatile(
      "mov %3,%%rdi\nmov %2,%%rax\nmov $0x1111,%%rsi\nmov $0x1112,%%rdx\nmov $0x1113,%%r10\nmov $0x1114,%%r8\nmov $0x1115,%%r9\n"
      "mov $112,%%r12\nmov $113,%%r13\nmov $114,%%r14\nmov $115,%%r15\n"
      "mov %%rsp,%%rbx\nsub $256,%%rsp\nmovq $77,-8(%%rsp)\nmovq $78,-128(%%rsp)\n"
      "lea 8f(%%rip),%%rcx\njmp *where\nsyscall\n8:\n"
      "mov %%rax,%%r11\nmov $0,%%eax\n"
      "cmpq $77,-8(%%rsp)\nje 1f\nmov $200,%%eax\n1: cmpq $78,-128(%%rsp)\nje 1f\nmov $201,%%eax\n1: add $256,%%rsp\n"
      "cmp %%rsp,%%rbx\nje 1f\nmov $4,%%eax\n1: cmp $0x1111,%%rsi\nje 1f\nmov $6,%%eax\n1: cmp $0x1112,%%rdx\nje 1f\nmov $2,%%eax\n"
      "1: cmp $0x1113,%%r10\nje 1f\nmov $10,%%eax\n1: cmp $0x1114,%%r8\nje 1f\nmov $8,%%eax\n"
      "1: cmp $0x1115,%%r9\nje 1f\nmov $9,%%eax\n1: cmp $112,%%r12\nje 1f\nmov $12,%%eax\n1: cmp $113,%%r13\nje 1f\nmov $13,%%eax\n"
      "1: cmp $114,%%r14\nje 1f\nmov $14,%%eax\n1: cmp $115,%%r15\nje 1f\nmov $15,%%eax\n1: cmp %3,%%rdi\nje 1f\nmov $7,%%eax\n1: mov %%r11,%1"
      : "=&a"(bad), "=m"(r) : "m"(number), "m"(first)
      : "rbx", "rcx", "r11", "rdi", "rsi", "rdx", "r8", "r9", "r10", "r12", "r13", "r14", "r15", "memory", "cc");
  *result = r;
  return vectors_are(seed) ? bad : 100;
}
static int registers(long rounds) {
  for (long i = 0; i < rounds; i++) {
    long r, bad = with_registers(COUNT, i, &r, i);
    if (bad) FAIL("round %ld: register %ld", i, bad);
    if (r != i * 3 + 1) FAIL("round %ld: result %ld", i, r);
  }
  return 0;
}
// Answers that never leave the gate, so that interrupts find the thread there.
static int local(long rounds, long pid) {
  struct page *p = own_page();
  p->process = pid; p->local = 1;
  for (long i = 0; i < rounds; i++) {
    long r, bad = i % 64 ? with_registers(SYS_getpid, i, &r, i) : with_registers(COUNT, i, &r, i);
    if (bad) FAIL("round %ld: register %ld", i, bad);
    if (r != (i % 64 ? pid : i * 3 + 1)) FAIL("round %ld: result %ld", i, r);
  }
  return 0;
}

// ---- pages of threads and processes

static void *in_thread(void *parents) {
  struct page *p = own_page();
  if (p == parents || (unsigned long)p >> 32 != BASE >> 32 || p->own != (unsigned long)p) return "its page";
  if (p->local || p->window) return "what it inherits";
  if (p->mask != 0x5a5a) return "the mask";
  for (long i = 0; i < 100; i++) {
    long r = gate(COUNT, i, 0, 0, 0, 0, 0);
    if (r != i * 3 + 1) FAIL("call %ld gave %ld with window %lx", i, r, p->window);
  }
  return 0;
}
static int pages(void) {
  struct page *p = own_page();
  CHECK((unsigned long)p >> 32 == BASE >> 32 && p->own == (unsigned long)p && !p->local);
  unsigned long gs = 1; CHECK(!syscall(SYS_arch_prctl, 0x1004, &gs) && gs == 0);
  p->mask = 0x5a5a; p->local = 1; p->process = 4;
  CHECK(gate(SYS_getpid, 0, 0, 0, 0, 0, 0) == 4);
  for (int i = 0; i < 20; i++) {
    pthread_t t[3]; void *bad;
    for (int k = 0; k < 3; k++) CHECK(!pthread_create(&t[k], 0, in_thread, p));
    for (int k = 0; k < 3; k++) { pthread_join(t[k], &bad); if (bad) FAIL("%s", (char *)bad); }
    pid_t child = fork();
    if (!child) {
      if (own_page() != p || p->local || p->window || p->mask != 0x5a5a) _exit(2);
      _exit(gate(SYS_getpid, 0, 0, 0, 0, 0, 0) == syscall(SYS_getpid) ? 0 : 3);
    }
    CHECK(gate(COUNT, 7, 0, 0, 0, 0, 0) == 22);
    int status; CHECK(waitpid(child, &status, 0) == child); if (status) FAIL("child %x", status);
  }
  CHECK(p->local == 1);
  pid_t child = vfork();
  if (!child) { execl("/guest", "guest", "registers", "50", NULL); _exit(1); }
  int status; CHECK(waitpid(child, &status, 0) == child); if (status) FAIL("exec %x", status);
  return 0;
}

// ---- a guest that uses the register itself

static int own_gs(void) {
  static unsigned long mine[2] = {0, 99}; unsigned long gs, value;
  struct page *p = own_page();
  CHECK(!syscall(SYS_arch_prctl, 0x1001, mine));
  for (int i = 0; i < 200; i++) {
    CHECK(gate(COUNT, i, 0, 0, 0, 0, 0) == i * 3 + 1);
    asm volatile("mov %%gs:8,%0" : "=r"(value)); CHECK(value == 99);
    CHECK(syscall(SYS_brk, 0) > 0 && gs_base() == (unsigned long)mine);
  }
  CHECK(!syscall(SYS_arch_prctl, 0x1004, &gs) && gs == (unsigned long)mine);
  pid_t child = fork();
  if (!child) _exit(gs_base() == (unsigned long)mine && gate(COUNT, 5, 0, 0, 0, 0, 0) == 16 ? 0 : 1);
  int status; CHECK(waitpid(child, &status, 0) == child && !status);
  CHECK(!syscall(SYS_arch_prctl, 0x1001, 0) && own_page() == p);
  set_gs_base((unsigned long)mine);
  CHECK(gate(COUNT, 6, 0, 0, 0, 0, 0) == 19 && gs_base() == (unsigned long)mine);
  return registers(10);
}

// ---- faults in the gate, and jumps to wherever

static int faults(void) {
  struct page *p = own_page(); unsigned long right = p->own; long r, bad;
  for (unsigned long wrong = 0; wrong < 4; wrong++) {
    p->own = (unsigned long[]){0, 0x8000000000000000, BASE, BASE + 0x200000}[wrong];
    bad = with_registers(COUNT, wrong, &r, wrong); CHECK(bad == 0 && r == (long)wrong * 3 + 1);
  }
  p->own = right;
  for (unsigned long wrong = 0; wrong < 3; wrong++) {
    set_gs_base((unsigned long[]){BASE, BASE + 0x200000, BASE + 0xfffff000}[wrong]);
    bad = with_registers(COUNT, wrong, &r, wrong); CHECK(bad == 0 && r == (long)wrong * 3 + 1);
  }
  set_gs_base(right);
  // The direction flag.
  asm volatile("std"); r = gate(COUNT, 9, 0, 0, 0, 0, 0); unsigned long flags; asm volatile("sub $128,%%rsp\npushfq\npop %0\ncld\nadd $128,%%rsp" : "=r"(flags));
  CHECK(r == 28 && flags & 0x400);
  return registers(10);
}
static int after(void) { _exit(0); }
static void fault(int signal, unsigned long rip, long rax) { (void)signal; (void)rip; (void)rax; _exit(0); }
static int jumps(void) {
  syscall(1005, fault);
  for (unsigned long at = 0; at < 0x180; at++) for (int how = 0; how < 3; how++) {
    pid_t child = fork();
    if (!child) {
      static volatile int again;
      gate(COUNT, 1, 0, 0, 0, 0, 0);
      if (again++) _exit(0);
      if (how == 1) own_page()->phase = 2;
      if (how == 2) own_page()->phase = 3, own_page()->target = (unsigned long)after;
      asm volatile("sub $1024,%%rsp\nand $-16,%%rsp\njmp *%0" :: "r"(BASE + at), "c"(after), "a"(SYS_getppid), "D"(0), "S"(0), "d"(0) : "memory");
    }
    int status; CHECK(waitpid(child, &status, 0) == child);
  }
  return registers(10);
}

// ---- memory through the window

static int window(long rounds) {
  static char buffer[70000]; char path[300], *edge = mmap(0, 8192, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  struct page *p = own_page();
  mprotect(edge + 4096, 4096, PROT_NONE);
  for (long i = 0; i < 40; i++) CHECK(gate(COUNT, i, 0, 0, 0, 0, 0) == i * 3 + 1);
  CHECK(p->window > 1);
  for (long i = 0; i < rounds; i++) {
    long n = i * 37 % 5000, at = i * 13 % 3000;
    memset(buffer + at, 0xee, n + 64);
    CHECK(gate(SYS_read, i, (long)buffer + at, n, 0, 0, 0) == n);
    for (long k = 0; k < n; k++) if ((unsigned char)buffer[at + k] != (unsigned char)(i + k * 7)) FAIL("byte %ld of %ld", k, n);
    CHECK((unsigned char)buffer[at + n] == 0xee);
    n = i % 250; memset(path, 'x', n); path[n] = 0;
    CHECK(gate(SYS_access, (long)path, 0, 0, 0, 0, 0) == n);
  }
  // Large, too large for the window, none, and at the end of what is there.
  CHECK(gate(SYS_read, 3, (long)buffer, 60000, 0, 0, 0) == 60000 && (unsigned char)buffer[59999] == (unsigned char)(3 + 59999 * 7));
  CHECK(gate(SYS_read, 4, (long)buffer, 70000, 0, 0, 0) == 70000 && (unsigned char)buffer[69999] == (unsigned char)(4 + 69999 * 7));
  CHECK(gate(SYS_read, 4, (long)buffer, 0, 0, 0, 0) == 0);
  CHECK(gate(SYS_read, 5, (long)edge + 4000, 96, 0, 0, 0) == 96);
  CHECK(gate(SYS_read, 5, (long)edge + 4096, 96, 0, 0, 0) == -EFAULT);
  CHECK(gate(SYS_read, 5, 8, 96, 0, 0, 0) == -EFAULT);
  CHECK(gate(SYS_read, 5, -8, 96, 0, 0, 0) == -EFAULT);
  memset(edge + 4090, 'y', 6); CHECK(gate(SYS_access, (long)edge + 4090, 0, 0, 0, 0, 0) == 999);
  edge[4095] = 0; CHECK(gate(SYS_access, (long)edge + 4090, 0, 0, 0, 0, 0) == 5);
  CHECK(gate(SYS_access, (long)edge + 4096, 0, 0, 0, 0, 0) == -EFAULT);
  // A copy of this memory has no window, nor a hole where it was.
  unsigned long place = p->window;
  for (int i = 0; i < 3; i++) {
    pid_t child = fork();
    if (!child) {
      if (mmap((void *)place, 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != MAP_FAILED) _exit(1);
      if (own_page()->window) _exit(2);
      for (long i = 0; i < 100; i++) if (gate(COUNT, i, 0, 0, 0, 0, 0) != i * 3 + 1) _exit(3);
      _exit(own_page()->window == place ? 0 : 4);
    }
    CHECK(gate(COUNT, 4, 0, 0, 0, 0, 0) == 13);
    int status; CHECK(waitpid(child, &status, 0) == child); if (status) FAIL("child %x", status);
    CHECK(gate(COUNT, 5, 0, 0, 0, 0, 0) == 16);
  }
  // A spoilt window harms nobody else.
  for (unsigned long wrong = 2; wrong < 5; wrong++) {
    p->window = (unsigned long[]){8, BASE + 0x200000, 0x8000000000000000}[wrong - 2];
    CHECK(gate(COUNT, wrong, 0, 0, 0, 0, 0) == (long)wrong * 3 + 1);
  }
  p->window = place;
  for (int i = 0; i < 200; i++) { memset((void *)(place + 8), i * 77 + 1, 300); CHECK(gate(COUNT, i, 0, 0, 0, 0, 0) == i * 3 + 1); }
  return registers(100);
}

int main(int c, char **v) {
  const char *what = c > 1 ? v[1] : "registers"; int r = 99;
  long rounds = c > 2 ? atol(v[2]) : 1000;
  if (c > 3 && !strcmp(v[3], "quick")) syscall(1002, 1);
  if (!strcmp(what, "registers")) r = registers(rounds);
  if (!strcmp(what, "local")) r = local(rounds, 123456);
  // An interrupt may bring such a call to the kernel, which knows better.
  if (!strcmp(what, "identity")) r = local(rounds, syscall(SYS_getpid));
  if (!strcmp(what, "window")) r = window(rounds);
  if (!strcmp(what, "pages")) r = pages();
  if (!strcmp(what, "own_gs")) r = own_gs();
  if (!strcmp(what, "faults")) r = faults();
  if (!strcmp(what, "jumps")) r = jumps();
  if (r == 0) { printf("ok\n"); fflush(stdout); }
  return r;
}
