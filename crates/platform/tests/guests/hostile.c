// Attacks on the stub from within. The first argument names one. "ok" means that it was fended off.
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define BASE 0x7ff000000000ul
#define RING 0x20000000l
static char why[200];
#define FAIL(...) (snprintf(why, sizeof why, __VA_ARGS__), printf("failed at %d: %s", __LINE__, why), printf("\n"), fflush(stdout), _exit(1))

static jmp_buf back;
static volatile long answer;
static void after(int signal, unsigned long rip, long rax) { (void)rip; answer = signal == 4 ? rax : -9999; longjmp(back, 1); }

// A `syscall` in the stub's text with an invalid instruction behind it, at which the kernel gives control back.
static unsigned char *gadget(void) {
  for (unsigned char *p = (unsigned char *)BASE; p < (unsigned char *)BASE + 4090; p++)
    if (p[0] == 0x0f && p[1] == 0x05 && p[2] == 0x0f && p[3] == 0x0b) return p;
  FAIL("no gadget"); return 0;
}
static long from_stub(long nr, long a, long b, long c, long d, long e, long f) {
  static unsigned char *at; if (!at) at = gadget();
  answer = -8888;
  if (!setjmp(back)) {
    register long r10 asm("r10") = d, r8 asm("r8") = e, r9 asm("r9") = f;
    asm volatile("jmp *%6" :: "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(at), "r"(r9) : "memory", "rcx", "r11");
  }
  return answer;
}

static int calls(void) {
  static const long list[] = {SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_kill, SYS_tkill, SYS_tgkill, SYS_socket, SYS_bpf,
    SYS_io_uring_setup, SYS_seccomp, SYS_prctl, SYS_pidfd_open, SYS_pidfd_getfd, SYS_setns, SYS_unshare, SYS_clone3, SYS_fork, SYS_vfork, SYS_execve, SYS_execveat,
    SYS_open, SYS_openat, SYS_read, SYS_write, SYS_dup, SYS_fcntl, SYS_ioctl, SYS_sendmsg, SYS_recvmsg, SYS_recvfrom, SYS_memfd_create, SYS_userfaultfd,
    SYS_perf_event_open, SYS_mount, SYS_chroot, SYS_keyctl, SYS_mlock, SYS_mlockall, SYS_shmat, SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_sigaltstack, SYS_exit, SYS_exit_group, SYS_getpid};
  for (unsigned i = 0; i < sizeof list / sizeof *list; i++) {
    long r = from_stub(list[i], 0, 0, 0, 0, 0, 0);
    if (r != -EPERM) FAIL("call %ld gave %ld", list[i], r);
  }
  char *page = mmap(0, 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  long r;
  if ((r = from_stub(SYS_madvise, (long)page, 4096, 100, 0, 0, 0)) != -EPERM) FAIL("poison %ld", r);
  if ((r = from_stub(SYS_madvise, (long)page, 4096, 101, 0, 0, 0)) != -EPERM) FAIL("offline %ld", r);
  if ((r = from_stub(SYS_mmap, 0, 4096, 3, 0x40022, -1, 0)) != -EPERM) FAIL("huge pages %ld", r);
  if ((r = from_stub(SYS_arch_prctl, 0x4001, 0, 0, 0, 0, 0)) != -EPERM) FAIL("arch_prctl %ld", r);
  return 0;
}
static int clones(void) {
  static const long flags[] = {0, 17, 0x8011, 0x8111, 0x50f00, 0x7d0f00, 0x10000000 | 17, 0x20000 | 17, 0x4000000 | 17, 0x8000000 | 17, 0x40000000 | 17,
    0x80000000l | 17, 0x2000000 | 17, 0x2000 | 17, 0x400 | 17, 0x8000 | 0x400 | 17, 0x100 | 17, 0x800000 | 17, 0x1000 | 17};
  for (unsigned i = 0; i < sizeof flags / sizeof *flags; i++) for (long token = 0; token < 3; token++) {
    long r = from_stub(SYS_clone, flags[i], 0, 0, 0, 0, token);
    if (r != -EPERM) FAIL("clone %lx gave %ld", flags[i], r);
  }
  return 0;
}
static int descriptors(void) {
  for (long fd = 0; fd < 1024; fd++) {
    long r = from_stub(SYS_mmap, 0, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
    if (r != -EBADF) FAIL("descriptor %ld gave %ld", fd, r);
  }
  return 0;
}
static int own_code(void) {
  unsigned char *at = (unsigned char *)BASE + 0x8000;
  long r = from_stub(SYS_mmap, (long)at, 4096, 7, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
  if (r != (long)at) FAIL("mmap %ld", r);
  static const unsigned char code[] = {0x48, 0x89, 0xf8, 0x48, 0x89, 0xf7, 0x48, 0x89, 0xd6, 0x0f, 0x05, 0xc3}; // mov rax,rdi; rdi,rsi; rsi,rdx; syscall; ret
  memcpy(at, code, sizeof code);
  long (*call)(long, long, long) = (void *)at;
  if ((r = call(SYS_getpid, 0, 0)) != -EPERM) FAIL("getpid %ld", r);
  if ((r = call(SYS_kill, -1, 0)) != -EPERM) FAIL("kill %ld", r);
  if ((r = call(SYS_clone, 17, 0)) != -EPERM) FAIL("clone %ld", r);
  return 0;
}
// The ring for a request, the one for a window, and a request that is rung for or posted.
enum { CALL = 8, WINDOW = 9, POSTED = 1, RUNG = 2, RESULT = 17, POLLER = 32 };
static volatile unsigned long *own_window(void) {
  long fd = from_stub(RING | WINDOW, 0, 0, 0, 0, 0, 0);
  if (fd < 0) FAIL("no window: %ld", fd);
  volatile unsigned long *window = (void *)from_stub(SYS_mmap, 0, 0x11000, 3, MAP_SHARED, fd, 0);
  if ((long)window < 0 || from_stub(SYS_close, fd, 0, 0, 0, 0, 0)) FAIL("mapping the window: %ld", (long)window);
  return window;
}
static int rings(void) {
  for (long ring = 0; ring < 12; ring++) {
    if (ring == 4 || ring == 5) continue; // those that stop the thread need a frame
    if (ring == WINDOW) continue; // gives the one window
    for (long token = 0; token < 3; token++) {
      long r = from_stub(RING | ring, BASE + 0x10000100, token, 0, 0, 0, 0);
      if (r != -EPERM) FAIL("ring %ld gave %ld", ring, r);
    }
  }
  // A window of one's own, and requests that no stub would make.
  volatile unsigned long *window = own_window();
  unsigned long serial = 0;
  static const long plain[] = {SYS_execve, SYS_clone, SYS_exit, SYS_exit_group, SYS_mmap, SYS_rt_sigreturn, SYS_brk, SYS_futex};
  for (unsigned i = 0; i < sizeof plain / sizeof *plain; i++) {
    window[RESULT] = 0; window[0] = RUNG | ++serial << 8 | plain[i] << 32;
    long r = from_stub(RING | CALL, 0, 0, 0, 0, 0, 0);
    if (r || (long)window[RESULT] != -EPERM) FAIL("call %ld through the window gave %ld, %ld", plain[i], r, (long)window[RESULT]);
  }
  static long target[4];
  for (unsigned long seed = 0; seed < 200; seed++) { // extents from nowhere to nowhere
    for (int i = 1; i < 40; i++) window[i] = seed * i * 0x9e3779b97f4a7c15ul >> (seed % 50);
    window[1] = 1; window[2] = seed % 2 ? (long)&target : -8; window[3] = 8; window[0] = RUNG | ++serial << 8 | 15 << 28 | (unsigned long)SYS_read << 32;
    long r = from_stub(RING | CALL, 0, 0, 0, 0, 0, 0);
    if (r) FAIL("forged extents: %ld", r);
  }
  // What has been answered is not answered again.
  window[RESULT] = 5;
  if (from_stub(RING | CALL, 0, 0, 0, 0, 0, 0) || window[RESULT] != 5) FAIL("the same request again");
  for (long n = WINDOW; n < 12; n++) if (from_stub(RING | n, 0, 0, 0, 0, 0, 0) != -EPERM) FAIL("ring %ld", n);
  if (from_stub(RING | 0x7f, 0, 0, 0, 0, 0, 0) != -EPERM) FAIL("ring");
  // What a trap would have asked, it may ask.
  long at = from_stub(RING | 3 | SYS_brk << 8, 0, 0, 0, 0, 0, 0);
  if (at != syscall(SYS_brk, 0)) FAIL("brk %lx", at);
  // From guest code it is a system call that nobody has.
  if (syscall(RING | 3, 0, 0) != -1 || errno != ENOSYS) FAIL("a ring from guest code");
  return 0;
}
// Posts in a thread's window what that thread knows nothing of, while it makes calls of its own. What is read goes to a place of its own, whichever of
// these words are found together: a program that has spoilt its own stack may well run for ever.
static volatile int over;
static char spoilt[(1 << 20) + 4096];
static void *scribble(void *at) {
  volatile unsigned long *window = at;
  for (unsigned long serial = 1; !over; serial++) {
    for (int i = 1; i < 40; i++) {
      unsigned long word = serial * i * 0x9e3779b97f4a7c15ul >> (serial % 50);
      int address = i == 2 || (i >= 8 && i < 16 && i % 2 == 0); // the buffer's, and those of the extents
      window[i] = address ? (unsigned long)spoilt + word % 4096 : word;
    }
    window[0] = (serial % 8 ? POSTED : RUNG) | (serial & 0xfffff) << 8 | (serial % 5) << 28 | (serial % 3 ? 1000ul : SYS_read) << 32;
    for (int i = 0; i < (serial & 0xff); i++) asm volatile("pause");
  }
  return 0;
}
static int scribbles(void) {
  volatile unsigned long *window = own_window();
  pthread_t other;
  if (pthread_create(&other, 0, scribble, (void *)window)) FAIL("no thread");
  for (long i = 0; i < 20000; i++) {
    from_stub(RING | CALL, 0, 0, 0, 0, 0, 0);
    if (i % 7 == 0 && syscall(SYS_getpid) <= 0) FAIL("getpid");
    if (i % 1000 == 0) { pid_t child = fork(); if (!child) _exit(0); if (child > 0) waitpid(child, 0, 0); }
  }
  over = 1;
  pthread_join(other, 0);
  return 0;
}
static int abis(void) {
  long r;
  asm volatile("int $0x80" : "=a"(r) : "a"(20) : "memory"); if ((int)r != -ENOSYS) FAIL("int 0x80 %ld", r);
  if (syscall(0x40000000 | SYS_getpid) != -1 || errno != ENOSYS) FAIL("x32");
  if (syscall(-1) != -1 || errno != ENOSYS) FAIL("minus one");
  if ((r = from_stub(0x40000027, 0, 0, 0, 0, 0, 0)) != -ENOSYS) FAIL("x32 from the stub %ld", r);
  return 0;
}
static int block_signals(void) {
  // A frame of our own, with all signals blocked, then a call that traps.
  static struct { long restorer; ucontext_t uc; char rest[4096]; } frame __attribute__((aligned(64)));
  static char stack[65536];
  memset(&frame, 0, sizeof frame);
  greg_t *g = frame.uc.uc_mcontext.gregs;
  extern char trapping[];
  g[REG_RIP] = (long)trapping; g[REG_RSP] = (long)(stack + 60000); g[REG_EFL] = 0x202; g[REG_CSGSFS] = 0x33 | 0x2bl << 48;
  memset(&frame.uc.uc_sigmask, 0xff, 8);
  frame.uc.uc_stack.ss_flags = SS_DISABLE;
  asm volatile("mov %0,%%rsp\nmov $15,%%eax\njmp *%1\n.globl trapping\ntrapping: mov $12,%%eax\nxor %%edi,%%edi\nsyscall\nud2" :: "r"(&frame.uc), "r"(gadget()) : "memory");
  return 0;
}

int main(int c, char **v) {
  const char *what = c > 1 ? v[1] : "nothing"; int r = 99;
  syscall(1005, after);
  if (!strcmp(what, "nothing")) r = 0;
  if (!strcmp(what, "calls")) r = calls();
  if (!strcmp(what, "clones")) r = clones();
  if (!strcmp(what, "descriptors")) r = descriptors();
  if (!strcmp(what, "own_code")) r = own_code();
  if (!strcmp(what, "rings")) r = rings();
  if (!strcmp(what, "scribbles")) r = scribbles();
  if (!strcmp(what, "abis")) r = abis();
  if (!strcmp(what, "unmap_text")) { from_stub(SYS_munmap, BASE, 4096, 0, 0, 0, 0); FAIL("still alive"); }
  if (!strcmp(what, "unmap_slots")) { from_stub(SYS_munmap, BASE + 0x10000000, 1 << 20, 0, 0, 0, 0); FAIL("still alive"); }
  if (!strcmp(what, "block_signals")) r = block_signals();
  if (r == 0) { printf("ok\n"); fflush(stdout); }
  return r;
}
