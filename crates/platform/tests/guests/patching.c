// Call sites of all forms, while they are patched. The first argument names what to do. Prints "ok" or what went wrong.
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT 1000
#define PARK 1001
#define UNPARK_ALL 1006
static char why[200];
#define FAIL(...) (snprintf(why, sizeof why, __VA_ARGS__), printf("failed at %d: %s", __LINE__, why), printf("\n"), fflush(stdout), _exit(1))
#define CHECK(x) do { if (!(x)) FAIL("%s (errno %d)", #x, errno); } while (0)

// Each in a page of its own, not at its start. long site(long a, long nr)
#define SITE(name, code) asm(".balign 4096\n.skip 128, 0x90\n.globl " #name "\n" #name ":\n" code "\n.balign 4096, 0xcc\n"); extern long name(long a, long nr);
SITE(numbered, "mov $1000,%eax\nsyscall\nret")
SITE(wrapper, "mov %rsi,%rax\n.globl wrapper_site\nwrapper_site: syscall\n.globl wrapper_after\nwrapper_after: cmp $-4095,%rax\njae 1f\nret\n1: mov $-1,%rax\nret")
SITE(cancellable, "mov %rsi,%rax\nsyscall\nret\n.balign 16")
SITE(go_like, "mov %rsi,%rax\nsyscall\ncmp $0xfffffffffffff001,%rax\njbe 1f\nneg %rax\nret\n1: ret")
SITE(branches, "mov %rsi,%rax\nsyscall\ntest %rax,%rax\njns 1f\nneg %rax\n1: ret")
SITE(data, "mov %rsi,%rax\nsyscall\nadd addend(%rip),%rax\nsub $5,%rax\nret")
SITE(moves, "push %rbp\nmov %rsi,%rax\nsyscall\nmov %rax,%rbp\nmov %rbp,%rax\npop %rbp\nret")
// Across the end of a page: the instruction itself, and what follows it.
#define ACROSS(name, before) asm(".balign 4096\n.skip " #before "-3, 0x90\n.globl " #name "\n" #name ": mov %rsi,%rax\nsyscall\ncmp $-4095,%rax\njae 1f\nret\n1: mov $-1,%rax\nret\n.balign 4096, 0xcc\n"); extern long name(long a, long nr);
ACROSS(split, 4095)
ACROSS(across, 4093)
long addend = 5;
extern char wrapper_site[], wrapper_after[];
typedef long site(long, long);
static site *const sites[] = { numbered, wrapper, cancellable, go_like, branches, data, moves, split, across };
#define SITES (sizeof sites / sizeof *sites)
static long generic(long a, long nr) { return syscall(nr, a); }

static int is_patched(void *site) { return *(volatile unsigned char *)site == 0xe9; }
static void heat(site *s) { for (int i = 0; i < 60; i++) { long r = s(i, COUNT); if (r != i * 3 + 1) FAIL("call %d gave %ld", i, r); } }
static void allow(long yes) { CHECK(syscall(SYS_remap_file_pages, yes) == 0); }

static int forms(void) {
  for (unsigned i = 0; i < SITES; i++) heat(sites[i]);
  heat(generic);
  CHECK(is_patched(numbered)); CHECK(is_patched(wrapper_site)); CHECK(is_patched((char *)cancellable + 3)); CHECK(is_patched((char *)go_like + 3));
  CHECK(is_patched((char *)branches + 3)); CHECK(is_patched((char *)data + 3)); CHECK(is_patched((char *)moves + 4));
  CHECK(is_patched((char *)split + 3)); CHECK(is_patched((char *)across + 3));
  for (int k = 0; k < 100; k++) for (unsigned i = 0; i < SITES; i++) heat(sites[i]);
  allow(0);
  CHECK(!is_patched(numbered)); CHECK(!is_patched(wrapper_site)); CHECK(!is_patched((char *)cancellable + 3)); CHECK(!is_patched((char *)split + 3));
  for (unsigned i = 0; i < SITES; i++) heat(sites[i]);
  CHECK(!is_patched(numbered));
  allow(1);
  CHECK(is_patched(numbered)); CHECK(is_patched(wrapper_site)); CHECK(is_patched((char *)cancellable + 3)); CHECK(is_patched((char *)split + 3));
  return 0;
}

// ---- threads

static volatile int stop_all; static volatile long made;
static void *runs(void *x) {
  long n = 0;
  while (!stop_all) for (unsigned i = 0; i < SITES; i++) {
    long a = n++ & 255, r = sites[i](a, COUNT);
    if (r != a * 3 + 1) FAIL("site %u gave %ld for %ld", i, r, a);
  }
  __atomic_add_fetch(&made, n, __ATOMIC_SEQ_CST);
  return x;
}
static int threads(long times) {
  pthread_t t[8]; for (int i = 0; i < 8; i++) CHECK(pthread_create(&t[i], 0, runs, 0) == 0);
  while (!is_patched(numbered) || !is_patched((char *)moves + 4) || !is_patched((char *)split + 3)) sched_yield();
  for (long i = 0; i < times; i++) { allow(i & 1); CHECK(is_patched(numbered) == (i & 1)); }
  stop_all = 1;
  for (int i = 0; i < 8; i++) CHECK(pthread_join(t[i], 0) == 0);
  printf("made %ld\n", made);
  return 0;
}

// ---- inside a call, and jumps

static void *parks(void *s) { return (void *)((site *)s)(7, PARK); }
static int inside(void) {
  site *const parked[] = { wrapper, cancellable, go_like, branches, data, moves };
  pthread_t t[6];
  for (int i = 0; i < 6; i++) CHECK(pthread_create(&t[i], 0, parks, parked[i]) == 0);
  for (int k = 0; k < 50; k++) for (unsigned i = 0; i < SITES; i++) heat(sites[i]);
  CHECK(is_patched(wrapper_site));
  long want[] = { -1, -EINTR, EINTR, EINTR, -EINTR, -EINTR };
  for (int i = 0; i < 6; i++) { void *r; generic(0, UNPARK_ALL); CHECK(pthread_join(t[i], &r) == 0); if ((long)r != want[i]) FAIL("parked call %d gave %ld", i, (long)r); }
  return 0;
}
static long jump_behind(long rax) {
  long r;
  asm volatile("call wrapper_after" : "=a"(r) : "a"(rax) : "rcx", "r11", "memory", "cc");
  return r;
}
static int boundary(void) {
  for (int i = 0; i < 100; i++) { CHECK(jump_behind(i) == i); CHECK(jump_behind(-5) == -1); heat(wrapper); }
  CHECK(is_patched(wrapper_site));
  return 0;
}

// ---- text that the guest changes

// mov $11,%eax; ret, in the page of a site.
SITE(changed, "mov $1000,%eax\nsyscall\nret\n.balign 16\n.globl constant\nconstant: mov $11,%eax\nret")
extern int constant(void);
static void set_constant(int value) {
  CHECK(mprotect((void *)((uintptr_t)changed & -4096), 4096, PROT_READ | PROT_WRITE | PROT_EXEC) == 0);
  memcpy((char *)constant + 1, &value, 4);
  CHECK(mprotect((void *)((uintptr_t)changed & -4096), 4096, PROT_READ | PROT_EXEC) == 0);
}
static int own_text_before(void) {
  set_constant(22);
  for (int i = 0; i < 20; i++) heat(changed);
  CHECK(constant() == 22); CHECK(!is_patched(changed));
  return 0;
}
static int own_text_after(void) {
  heat(changed); CHECK(is_patched(changed)); CHECK(constant() == 11);
  set_constant(33);
  for (int i = 0; i < 20; i++) heat(changed);
  CHECK(constant() == 33);
  allow(0); CHECK(constant() == 33); heat(changed);
  allow(1); CHECK(constant() == 33); heat(changed);
  return 0;
}
static int breakpoints(void) {
  heat(wrapper); CHECK(is_patched(wrapper_site));
  char *page = (char *)((uintptr_t)wrapper & -4096);
  CHECK(mprotect(page, 4096, PROT_READ | PROT_WRITE | PROT_EXEC) == 0);
  char old = *wrapper_site; *wrapper_site = 0xcc;
  pid_t k = fork(); CHECK(k >= 0);
  if (!k) { wrapper(0, COUNT); _exit(1); }
  int s; CHECK(waitpid(k, &s, 0) == k); CHECK(WIFSIGNALED(s) && WTERMSIG(s) == 5);
  *wrapper_site = old; heat(wrapper);
  return 0;
}

// ---- processes

static int processes(int again) {
  for (unsigned i = 0; i < SITES; i++) heat(sites[i]);
  CHECK(is_patched(numbered));
  for (int n = 0; n < 20; n++) {
    pid_t k = fork(); CHECK(k >= 0);
    if (!k) { CHECK(is_patched(numbered)); for (unsigned i = 0; i < SITES; i++) heat(sites[i]); allow(0); CHECK(!is_patched(numbered)); _exit(3); }
    int s; CHECK(waitpid(k, &s, 0) == k); CHECK(s == 3 << 8); CHECK(is_patched(numbered));
  }
  if (again) execl("/self", "guest", "mapped_patched", NULL);
  return 0;
}
static int mapped_patched(void) {
  CHECK(is_patched(numbered)); CHECK(is_patched(wrapper_site));
  for (unsigned i = 0; i < SITES; i++) heat(sites[i]);
  return processes(0);
}
static int loop(long n) {
  for (long k = 0; k < n; k++) for (unsigned i = 0; i < SITES; i++) heat(sites[i]);
  return 0;
}

int main(int c, char **v) {
  const char *what = c > 1 ? v[1] : ""; long n = c > 2 ? atol(v[2]) : 0;
  int r = 99;
#define DO(name, call) if (!strcmp(what, name)) r = call;
  DO("forms", forms()) DO("threads", threads(n)) DO("inside", inside()) DO("boundary", boundary()) DO("own_text_before", own_text_before())
  DO("own_text_after", own_text_after()) DO("breakpoints", breakpoints()) DO("processes", processes(1)) DO("mapped_patched", mapped_patched()) DO("loop", loop(n))
  if (r == 0) printf("ok\n");
  fflush(stdout);
  return r;
}
