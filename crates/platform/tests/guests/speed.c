// What the platform itself costs: one line for each, name and nanoseconds.
#define _GNU_SOURCE
#include <linux/futex.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1e9 + t.tv_nsec; }
#define LOOP(name, n, code) do { double best = 1e18; for (int k = 0; k < 5; k++) { double s = now(); for (long i = 0; i < (n); i++) { code; } s = (now() - s) / (n); if (s < best) best = s; } printf("%s %.0f\n", name, best); fflush(stdout); } while (0)

static void *nothing(void *x) { return x; }
static int word;
static void fwait(int v) { while (__atomic_load_n(&word, __ATOMIC_ACQUIRE) != v) syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 1 - v, 0, 0, 0); }
static void fset(int v) { __atomic_store_n(&word, v, __ATOMIC_RELEASE); syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, 0, 0, 0); }
static void *answers(void *n) { for (long i = 0; i < (long)n; i++) { fwait(1); fset(0); } return 0; }

int main(int c, char **v) {
  if (c > 1 && !strcmp(v[1], "nothing")) return 0;
  if (c > 1 && !strcmp(v[1], "quick")) syscall(1002, 1);
  LOOP("getppid", 5000, syscall(SYS_getppid));
  LOOP("trap", 2000, syscall(SYS_brk, 0));
  LOOP("thread_create", 300, pthread_t t; pthread_create(&t, 0, nothing, 0); pthread_join(t, 0));
  LOOP("fork_wait", 200, pid_t k = fork(); if (!k) _exit(0); waitpid(k, 0, 0));
  LOOP("exec_wait", 100, pid_t k = vfork(); if (!k) { execl(v[0], v[0], "nothing", NULL); _exit(1); } waitpid(k, 0, 0));
  pthread_t t; pthread_create(&t, 0, answers, (void *)15000);
  LOOP("futex_pingpong", 3000, fset(1); fwait(0)); pthread_join(t, 0);
  char *m = mmap(0, 1 << 20, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  LOOP("mprotect", 2000, mprotect(m, 4096 * (1 + i % 16), i & 1 ? PROT_READ : PROT_READ | PROT_WRITE));
  LOOP("mmap_touch64", 500, char *p = mmap(0, 64 * 4096, 3, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); for (int j = 0; j < 64; j++) p[j * 4096] = 1; munmap(p, 64 * 4096));
  return 0;
}
