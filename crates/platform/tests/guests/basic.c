// The first argument names what to do. Prints "ok" or what went wrong.
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char why[200];
#define FAIL(...) (snprintf(why, sizeof why, __VA_ARGS__), printf("failed at %d: %s", __LINE__, why), printf("\n"), fflush(stdout), _exit(1))
#define CHECK(x) do { if (!(x)) FAIL("%s (errno %d)", #x, errno); } while (0)

static int hello(void) { return 0; }

// ---- registers

struct vectors { unsigned char ymm[8][32]; uint32_t mxcsr; uint16_t fcw; };

static void set_vectors(unsigned seed) {
  struct vectors v;
  for (unsigned i = 0; i < sizeof v.ymm; i++) ((unsigned char *)v.ymm)[i] = seed * 7 + i * 13;
  v.mxcsr = 0x1f80 | (seed & 3) << 13; v.fcw = 0x037f ^ (seed & 3) << 10;
  asm volatile("vmovdqu (%0),%%ymm6\nvmovdqu 32(%0),%%ymm7\nvmovdqu 64(%0),%%ymm8\nvmovdqu 96(%0),%%ymm9\n"
               "vmovdqu 128(%0),%%ymm10\nvmovdqu 160(%0),%%ymm11\nvmovdqu 192(%0),%%ymm12\nvmovdqu 224(%0),%%ymm15\n"
               "ldmxcsr %1\nfldcw %2" :: "r"(v.ymm), "m"(v.mxcsr), "m"(v.fcw) : "memory");
}
static int vectors_are(unsigned seed) {
  struct vectors v;
  asm volatile("vmovdqu %%ymm6,(%0)\nvmovdqu %%ymm7,32(%0)\nvmovdqu %%ymm8,64(%0)\nvmovdqu %%ymm9,96(%0)\n"
               "vmovdqu %%ymm10,128(%0)\nvmovdqu %%ymm11,160(%0)\nvmovdqu %%ymm12,192(%0)\nvmovdqu %%ymm15,224(%0)\n"
               "stmxcsr %1\nfnstcw %2" :: "r"(v.ymm), "m"(v.mxcsr), "m"(v.fcw) : "memory");
  for (unsigned i = 0; i < sizeof v.ymm; i++) if (((unsigned char *)v.ymm)[i] != (unsigned char)(seed * 7 + i * 13)) return 0;
  return (v.mxcsr & 0xffc0) == (0x1f80u | (seed & 3) << 13) && v.fcw == (0x037f ^ (seed & 3) << 10);
}
// A system call between known registers: returns the first that changed, as a number, or 0.
static long with_registers(long number, long *result, unsigned seed) {
  long bad, r;
  static __thread long tls = 77;
  tls = seed;
  set_vectors(seed);
  asm volatile(
      "mov %2,%%rax\nmov $17,%%rdi\nmov $0,%%rsi\nmov $0,%%rdx\nmov $0,%%r10\nmov $0,%%r8\nmov $106,%%r9\n"
      "mov $112,%%r12\nmov $113,%%r13\nmov $114,%%r14\nmov $115,%%r15\n"
      "syscall\n"
      "mov %%rax,%1\nmov $0,%0\n"
      "cmp $106,%%r9\nje 1f\nmov $9,%0\n1: cmp $112,%%r12\nje 1f\nmov $12,%0\n1: cmp $113,%%r13\nje 1f\nmov $13,%0\n"
      "1: cmp $114,%%r14\nje 1f\nmov $14,%0\n1: cmp $115,%%r15\nje 1f\nmov $15,%0\n1: cmp $17,%%rdi\nje 1f\nmov $7,%0\n1:"
      : "=&b"(bad), "=m"(r) : "m"(number)
      : "rax", "rcx", "r11", "rdi", "rsi", "rdx", "r8", "r9", "r10", "r12", "r13", "r14", "r15", "memory", "cc");
  *result = r;
  if (!vectors_are(seed)) return 100;
  if (tls != (long)seed) return 101;
  return bad;
}
static int registers(void) {
  for (unsigned i = 0; i < 50; i++) {
    long r;
    CHECK(with_registers(SYS_getpid, &r, i) == 0);
    CHECK(with_registers(SYS_brk, &r, i) == 0);  // a trap
    long bad = with_registers(SYS_clone, &r, i);  // a fork
    if (r == 0) _exit(bad ? 50 + bad : 7);
    CHECK(bad == 0);
    int s; errno = 0; int w = wait4(-1, &s, 0, 0); if (w != r) FAIL("wait4 gave %d not %ld, errno %d", w, r, errno);
    if (!WIFEXITED(s) || WEXITSTATUS(s) != 7) FAIL("child %x", s);
  }
  return 0;
}

// ---- processes

static int depth(int n) {
  if (n == 0) return 0;
  pid_t k = fork(); CHECK(k >= 0);
  if (k == 0) _exit(depth(n - 1) + 1);
  int s; CHECK(waitpid(k, &s, 0) == k); CHECK(WIFEXITED(s));
  return WEXITSTATUS(s);
}
static int forks(void) {
  int r = depth(50); if (r != 50 && r != 1) FAIL("depth %d", r);
  static int cow = 1; cow = 2;
  for (int i = 0; i < 100; i++) {
    pid_t k = fork(); CHECK(k >= 0);
    if (!k) { CHECK(cow == 2); cow = 3; _exit(i); }
    int s; errno = 0; int w = waitpid(k, &s, 0); if (w != k) FAIL("waitpid gave %d not %d, errno %d", w, k, errno); CHECK(s == i << 8); CHECK(cow == 2);
  }
  CHECK(waitpid(-1, 0, 0) == -1 && errno == ECHILD);
  return 0;
}
static int vforks(void) {
  static volatile int shared; 
  for (int i = 0; i < 20; i++) {
    shared = 0;
    pid_t k = vfork(); CHECK(k >= 0);
    if (!k) { shared = 5; execl("/missing", "missing", NULL); shared = errno; _exit(3); }
    CHECK(shared == ENOENT);
    int s; CHECK(waitpid(k, &s, 0) == k); CHECK(s == 3 << 8);
  }
  for (int i = 0; i < 20; i++) {
    pid_t k = vfork(); CHECK(k >= 0);
    if (!k) { execl("/self", "guest", "code", "42", NULL); _exit(1); }
    int s; CHECK(waitpid(k, &s, 0) == k); CHECK(s == 42 << 8);
  }
  return 0;
}
static int execs(void) { execl("/self", "guest", "hello", NULL); FAIL("exec returned"); return 1; }

// ---- threads

static int counter; static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static void *adds(void *x) { for (int i = 0; i < 1000; i++) { pthread_mutex_lock(&mutex); counter++; pthread_mutex_unlock(&mutex); } return (char *)x + 1; }
static int threads(void) {
  for (int round = 0; round < 20; round++) {
    pthread_t t[8]; counter = 0;
    for (long i = 0; i < 8; i++) CHECK(pthread_create(&t[i], 0, adds, (void *)i) == 0);
    for (long i = 0; i < 8; i++) { void *r; CHECK(pthread_join(t[i], &r) == 0); CHECK(r == (char *)i + 1); }
    CHECK(counter == 8000);
  }
  return 0;
}
static volatile int stop_all;
static void *busy_thread(void *x) {
  while (!stop_all) { syscall(SYS_getpid); char *m = mmap(0, 8192, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); m[0] = 1; munmap(m, 8192); }
  return x;
}
static int threads_fork(void) {
  pthread_t t[3]; for (int i = 0; i < 3; i++) CHECK(pthread_create(&t[i], 0, busy_thread, 0) == 0);
  for (unsigned i = 0; i < 50; i++) {
    long r, bad = with_registers(SYS_clone, &r, i);
    if (r == 0) _exit(bad ? 50 : 9);
    CHECK(bad == 0); CHECK(r > 0);
    int s; CHECK(wait4(r, &s, 0, 0) == r); if (s != 9 << 8) FAIL("status %x", s);
  }
  stop_all = 1;
  for (int i = 0; i < 3; i++) CHECK(pthread_join(t[i], 0) == 0);
  return 0;
}
static pthread_t main_thread;
static void *joins_main(void *x) { CHECK(pthread_join(main_thread, 0) == 0); printf("ok\n"); fflush(stdout); _exit(0); return x; }
static int main_exits(void) {
  main_thread = pthread_self(); pthread_t t;
  CHECK(pthread_create(&t, 0, joins_main, 0) == 0);
  pthread_exit(0);
}
static void *sleeps(void *x) { syscall(1001); return x; }
static int many_threads(void) {
  for (int i = 0; i < 200; i++) { pthread_t t; pthread_attr_t a; pthread_attr_init(&a); pthread_attr_setstacksize(&a, 65536); CHECK(pthread_create(&t, &a, sleeps, 0) == 0); }
  return 0;
}

// ---- faults

static jmp_buf jump; static volatile int seen; static volatile unsigned long seen_rip;
static void on_fault(int signal, unsigned long rip) { seen = signal; seen_rip = rip; longjmp(jump, 1); }
static int faults(void) {
  syscall(1005, on_fault);
  if (!setjmp(jump)) *(volatile int *)16 = 1; CHECK(seen == 11); seen = 0;
  if (!setjmp(jump)) asm volatile("ud2"); CHECK(seen == 4); seen = 0;
  if (!setjmp(jump)) asm volatile("int3"); CHECK(seen == 5); seen = 0;
  volatile int zero = 0;
  if (!setjmp(jump)) zero = 10 / zero; CHECK(seen == 8); seen = 0;
  char *m = mmap(0, 8192, PROT_READ, MAP_SHARED, 3, 65536 - 4096); CHECK(m != MAP_FAILED);
  CHECK(m[0] == 0);
  if (!setjmp(jump)) CHECK(m[4096] == 0); CHECK(seen == 7);
  return 0;
}

// ---- memory

static int files(void) {
  char *p = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, 3, 0); CHECK(p != MAP_FAILED);
  char *s = mmap(0, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, 3, 0); CHECK(s != MAP_FAILED);
  char *t = mmap(0, 4096, PROT_READ, MAP_SHARED, 3, 4096); CHECK(t != MAP_FAILED);
  s[4096] = 1; CHECK(t[0] == 1 && p[4096] == 1);
  p[4096] = 2; CHECK(t[0] == 1); s[4096] = 3; CHECK(t[0] == 3 && p[4096] == 2);
  pid_t k = fork(); CHECK(k >= 0);
  if (!k) { s[0] = 9; p[0] = 8; _exit(0); }
  CHECK(waitpid(k, 0, 0) == k); CHECK(s[0] == 9 && p[0] == 9);
  char *n = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0); CHECK(n != MAP_FAILED);
  k = fork(); if (!k) { n[0] = 4; _exit(0); } CHECK(waitpid(k, 0, 0) == k); CHECK(n[0] == 4);
  for (int fd = 0; fd < 3; fd++) { /* the kernel's only descriptor is 3, whatever the number: nothing leaks */ }
  return 0;
}
static int memory(void) {
  char *m = mmap(0, 1 << 20, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); CHECK(m != MAP_FAILED);
  memset(m, 5, 1 << 20); CHECK(madvise(m, 4096, MADV_DONTNEED) == 0); CHECK(m[0] == 0 && m[4096] == 5);
  CHECK(mprotect(m, 4096, PROT_READ) == 0 && mprotect(m, 4096, PROT_READ | PROT_WRITE) == 0); m = mremap(m, 1 << 20, 2 << 20, MREMAP_MAYMOVE); CHECK(m != MAP_FAILED && m[4096] == 5);
  CHECK(munmap(m, 2 << 20) == 0);
  CHECK(mmap((void *)0x7ff000000000, 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED && errno == EINVAL);
  CHECK(munmap((void *)0x7ff000000000, 4096) == -1 && errno == EINVAL);
  CHECK(mprotect((void *)0x7fefffffe000, 1 << 20, 0) == -1 && errno == EINVAL);
  CHECK(sched_yield() == 0);
  return 0;
}

static int many_processes(void) {
  for (int i = 0; i < 200; i++) { pid_t k = fork(); CHECK(k >= 0); if (!k) { syscall(1001); _exit(0); } }
  while (syscall(1007) < 200);
  syscall(1006);
  for (int i = 0; i < 200; i++) CHECK(waitpid(-1, 0, 0) > 0);
  return 0;
}

// ---- for the tests that interrupt and kill

static int calls(long n) {
  for (long i = 0; i < n; i++) { long r = syscall(1000, i & 7); if (r != (i & 7) * 3 + 1) FAIL("call %ld gave %ld (errno %d)", i, r, errno); }
  return 0;
}
static int parks(long n) {
  for (long i = 0; i < n; i++) { long r = syscall(1001); if (r != -1 || errno != EINTR) FAIL("park gave %ld", r); }
  return 0;
}
static int word;
static int waits(long n) {
  for (long i = 0; i < n; i++) { long r = syscall(SYS_futex, &word, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0, 0, 0, 0); if (r != -1 || errno != EINTR) FAIL("wait gave %ld", r); syscall(1000, 0); }
  return 0;
}
static void *calls_thread(void *n) { calls((long)n); return 0; }
static int three(long n) {
  pthread_t t[3]; for (int i = 0; i < 3; i++) CHECK(pthread_create(&t[i], 0, calls_thread, (void *)n) == 0);
  for (int i = 0; i < 3; i++) CHECK(pthread_join(t[i], 0) == 0);
  return 0;
}
static int fork_loop(long n) {
  for (long i = 0; i < n; i++) {
    pid_t k = fork(); if (k < 0) FAIL("fork");
    if (!k) _exit(5);
    int s, w; while ((w = waitpid(-1, &s, 0)) < 0 && errno == EINTR) {}
    if (w != k || s != 5 << 8) FAIL("child %d gave %d %x", k, w, s);
    CHECK(waitpid(-1, 0, 0) == -1 && errno == ECHILD);
  }
  return 0;
}

int main(int c, char **v) {
  const char *what = c > 1 ? v[1] : "hello"; long n = c > 2 ? atol(v[2]) : 0;
  if (c > 3 && !strcmp(v[3], "quick")) syscall(1002, 1);
  int r = 99;
#define DO(name, call) if (!strcmp(what, name)) r = call;
  DO("hello", hello()) DO("code", (int)n) DO("registers", registers()) DO("forks", forks()) DO("vforks", vforks()) DO("execs", execs())
  DO("threads", threads()) DO("threads_fork", threads_fork()) DO("main_exits", main_exits()) DO("many_threads", many_threads())
  DO("faults", faults()) DO("files", files()) DO("memory", memory()) DO("many_processes", many_processes())
  DO("calls", calls(n)) DO("parks", parks(n)) DO("waits", waits(n)) DO("three", three(n)) DO("fork_loop", fork_loop(n))
  if (r == 0) printf("ok\n");
  fflush(stdout);
  return r;
}
