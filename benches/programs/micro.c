// Small operations of a system, one after the other: micro [-j CALLERS] [-t MILLISECONDS] NAME...
//
// Prints "NAME NANOSECONDS" for each: the time of one operation, repeated for as long as -t says (100). With -j several processes do the
// same at once, and the time is that of one operation of one of them. Needs itself at /bin/micro, a writable /tmp, and the files that
// benches/src/plain_root.rs makes.
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/futex.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, MEGABYTE = 1 << 20 };

static char buffer[MEGABYTE] __attribute__((aligned(PAGE)));
static int fds[4]; // what a benchmark has open

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static long check(long result, const char *what) {
  if (result < 0) fail(what);
  return result;
}

static double now(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return (double)at.tv_sec * 1e9 + (double)at.tv_nsec;
}

// Calls

static void getppid_run(long n) {
  while (n--) syscall(SYS_getppid);
}
static void clock_run(long n) {
  struct timespec at;
  while (n--) clock_gettime(CLOCK_REALTIME, &at);
}
static void mask_run(long n) {
  sigset_t none;
  sigemptyset(&none);
  while (n--) sigprocmask(SIG_BLOCK, &none, NULL);
}
static void zero_setup(void) { fds[0] = (int)check(open("/dev/zero", O_RDONLY), "/dev/zero"); }
static void read1_run(long n) {
  while (n--) check(read(fds[0], buffer, 1), "read");
}
static volatile sig_atomic_t caught;
static void catch(int signal) {
  (void)signal;
  caught++;
}
static void signal_setup(void) { signal(SIGUSR1, catch); }
static void signal_run(long n) {
  pid_t self = getpid();
  while (n--) kill(self, SIGUSR1);
}

// Files

static void stat_of(const char *path, long n) {
  struct stat status;
  while (n--) stat(path, &status);
}
static void stat_run(long n) { stat_of("/bin/micro", n); }
static void stat_deep_run(long n) { stat_of("/deep/er/and/deeper/file", n); }
static void stat_missing_run(long n) { stat_of("/bin/missing", n); }
static void open_run(long n) {
  while (n--) close((int)check(open("/bin/micro", O_RDONLY), "open"));
}
static void creat_in(const char *directory, long n) {
  char path[64];
  snprintf(path, sizeof path, "%s/new-%d", directory, getpid());
  while (n--) {
    close((int)check(open(path, O_RDWR | O_CREAT, 0644), "creat"));
    unlink(path);
  }
}
static void creat_run(long n) { creat_in("/tmp", n); }
static void root_creat_run(long n) { creat_in("/deep", n); }
// To another name, and back every second time.
static void root_rename_run(long n) {
  char paths[2][64];
  for (int i = 0; i < 2; i++) snprintf(paths[i], sizeof paths[i], "/deep/name%d-%d", i, getpid());
  close((int)check(open(paths[0], O_RDWR | O_CREAT, 0644), "creat"));
  for (long i = 0; i < n; i++) check(rename(paths[i % 2], paths[(i + 1) % 2]), "rename");
  unlink(paths[n % 2]);
}
static void scratch_on(const char *directory) {
  char path[64];
  snprintf(path, sizeof path, "%s/data-%d", directory, getpid());
  fds[0] = (int)check(open(path, O_RDWR | O_CREAT, 0644), path);
  unlink(path);
  check(pwrite(fds[0], buffer, MEGABYTE, 0), "pwrite");
}
static void root_setup(void) { fds[0] = (int)check(open("/data", O_RDONLY), "/data"); }
static void tmp_setup(void) { scratch_on("/tmp"); }
static void root_write_setup(void) { scratch_on("/deep"); }
static void pread_of(size_t size, long n) {
  off_t at = 0;
  while (n--) {
    check(pread(fds[0], buffer, size, at), "pread");
    at = (at + (off_t)size) % MEGABYTE;
  }
}
static void pwrite_of(size_t size, long n) {
  off_t at = 0;
  while (n--) {
    check(pwrite(fds[0], buffer, size, at), "pwrite");
    at = (at + (off_t)size) % MEGABYTE;
  }
}
static void pread4k_run(long n) { pread_of(PAGE, n); }
static void pread64k_run(long n) { pread_of(65536, n); }
static void pread1m_run(long n) { pread_of(MEGABYTE, n); }
static void pwrite4k_run(long n) { pwrite_of(PAGE, n); }
static void pwrite64k_run(long n) { pwrite_of(65536, n); }
static void list(const char *path, long n) {
  while (n--) {
    int fd = (int)check(open(path, O_RDONLY | O_DIRECTORY), path);
    while (check(syscall(SYS_getdents64, fd, buffer, 32768), "getdents64") > 0) {}
    close(fd);
  }
}
static void many_setup(void) {
  mkdir("/tmp/many", 0755);
  for (int i = 0; i < 500; i++) {
    char path[64];
    snprintf(path, sizeof path, "/tmp/many/%d", i);
    close((int)check(open(path, O_CREAT | O_WRONLY, 0644), path));
  }
}
static void tmp_readdir_run(long n) { list("/tmp/many", n); }
static void readdir_run(long n) { list("/many", n); }

// Events

static void ready_setup(void) {
  check(pipe(fds), "pipe");
  check(write(fds[1], "x", 1), "write");
  fds[2] = (int)check(epoll_create1(0), "epoll");
  struct epoll_event event = {.events = EPOLLIN};
  check(epoll_ctl(fds[2], EPOLL_CTL_ADD, fds[0], &event), "epoll_ctl");
}
static void epoll_run(long n) {
  struct epoll_event event;
  while (n--) check(epoll_wait(fds[2], &event, 1, -1), "epoll_wait");
}
static void poll_run(long n) {
  struct pollfd entry = {.fd = fds[0], .events = POLLIN};
  while (n--) check(poll(&entry, 1, -1), "poll");
}
static void eventfd_setup(void) { fds[0] = (int)check(eventfd(0, 0), "eventfd"); }
static void eventfd_run(long n) {
  unsigned long long one = 1;
  while (n--) {
    check(write(fds[0], &one, 8), "write");
    check(read(fds[0], &one, 8), "read");
  }
}

// From one to another: there and back

static void answer(int from, int to) {
  char byte;
  while (read(from, &byte, 1) == 1 && write(to, &byte, 1) == 1) {}
  _exit(0);
}
static void bounce(int to, int from, long n) {
  char byte = 0;
  while (n--) {
    check(write(to, &byte, 1), "write");
    if (check(read(from, &byte, 1), "read") != 1) fail("peer");
  }
}
static void pipe_setup(void) {
  int there[2], back[2];
  check(pipe(there), "pipe");
  check(pipe(back), "pipe");
  if (!check(fork(), "fork")) {
    close(there[1]);
    close(back[0]);
    answer(there[0], back[1]);
  }
  close(there[0]);
  close(back[1]);
  fds[0] = there[1];
  fds[1] = back[0];
}
static void pipe_run(long n) { bounce(fds[0], fds[1], n); }
static void sockets_setup(int ours, int theirs) {
  if (!check(fork(), "fork")) {
    close(ours);
    answer(theirs, theirs);
  }
  close(theirs);
  fds[0] = fds[1] = ours;
}
static void unix_setup(void) {
  int pair[2];
  check(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), "socketpair");
  sockets_setup(pair[0], pair[1]);
}
static void tcp_pair(int pair[2]) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  int on = 1, listener = (int)check(socket(AF_INET, SOCK_STREAM, 0), "socket");
  check(bind(listener, (void *)&address, size), "bind");
  check(listen(listener, 1), "listen");
  check(getsockname(listener, (void *)&address, &size), "getsockname");
  pair[0] = (int)check(socket(AF_INET, SOCK_STREAM, 0), "socket");
  check(connect(pair[0], (void *)&address, size), "connect");
  pair[1] = (int)check(accept(listener, NULL, NULL), "accept");
  close(listener);
  for (int i = 0; i < 2; i++) setsockopt(pair[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}
static void tcp_setup(void) {
  int pair[2];
  tcp_pair(pair);
  sockets_setup(pair[0], pair[1]);
}
static void bulk_setup(void) {
  int pair[2];
  tcp_pair(pair);
  if (!check(fork(), "fork")) {
    close(pair[0]);
    while (read(pair[1], buffer, 65536) > 0) {}
    _exit(0);
  }
  close(pair[1]);
  fds[0] = pair[0];
}
static void bulk_run(long n) {
  while (n--)
    for (long done = 0; done < 65536;) done += check(write(fds[0], buffer, (size_t)(65536 - done)), "write");
}
static int *turn;
static void wait_for(int value) {
  while (__atomic_load_n(turn, __ATOMIC_ACQUIRE) != value) syscall(SYS_futex, turn, FUTEX_WAIT, 1 - value, NULL);
}
static void give(int value) {
  __atomic_store_n(turn, value, __ATOMIC_RELEASE);
  syscall(SYS_futex, turn, FUTEX_WAKE, 1);
}
static void *futex_peer(void *unused) {
  for (;;) {
    wait_for(1);
    give(0);
  }
  return unused;
}
static void futex_setup(void) {
  static int word;
  turn = &word;
  pthread_t peer;
  if (pthread_create(&peer, NULL, futex_peer, NULL)) fail("thread");
}
static void futex_run(long n) {
  while (n--) {
    give(1);
    wait_for(0);
  }
}

// Memory

static void mmap64_run(long n) {
  while (n--) {
    char *at = mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) fail("mmap");
    for (int i = 0; i < 64; i++) at[i * PAGE] = 1;
    munmap(at, 64 * PAGE);
  }
}
static void mprotect_run(long n) {
  while (n--) check(mprotect(buffer, (size_t)(PAGE * (1 + n % 16)), n & 1 ? PROT_READ : PROT_READ | PROT_WRITE), "mprotect");
  check(mprotect(buffer, MEGABYTE, PROT_READ | PROT_WRITE), "mprotect");
}
static void touch_run(long n) {
  enum { PIECE = 4096 };
  for (long left = n; left > 0; left -= PIECE) {
    long pages = left < PIECE ? left : PIECE;
    char *at = mmap(NULL, (size_t)pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) fail("mmap");
    for (long i = 0; i < pages; i++) at[i * PAGE] = 1;
    munmap(at, (size_t)pages * PAGE);
  }
}

// Processes

static void *nothing(void *unused) { return unused; }
static void thread_run(long n) {
  while (n--) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, nothing, NULL)) fail("thread");
    pthread_join(thread, NULL);
  }
}
static void fork_run(long n) {
  while (n--) {
    pid_t child = (pid_t)check(fork(), "fork");
    if (!child) _exit(0);
    waitpid(child, NULL, 0);
  }
}
static void exec_run(long n) {
  while (n--) {
    pid_t child = (pid_t)check(vfork(), "vfork");
    if (!child) {
      execl("/bin/micro", "micro", NULL);
      _exit(1);
    }
    int status;
    waitpid(child, &status, 0);
    if (status) fail("exec");
  }
}

#include "fuse.c"

struct benchmark {
  const char *name;
  void (*setup)(void);
  void (*run)(long n);
};

static const struct benchmark all[] = {
  {"getppid", NULL, getppid_run}, {"clock_gettime", NULL, clock_run}, {"sigprocmask", NULL, mask_run},
  {"read1", zero_setup, read1_run}, {"signal_self", signal_setup, signal_run},
  {"stat", NULL, stat_run}, {"stat_deep", NULL, stat_deep_run}, {"stat_missing", NULL, stat_missing_run},
  {"open_close", NULL, open_run}, {"creat_unlink", NULL, creat_run}, {"root_creat_unlink", NULL, root_creat_run},
  {"root_rename", NULL, root_rename_run}, {"root_pwrite4k", root_write_setup, pwrite4k_run}, {"readdir500", NULL, readdir_run},
  {"pread4k", root_setup, pread4k_run}, {"pread64k", root_setup, pread64k_run}, {"pread1m", root_setup, pread1m_run},
  {"tmp_pread4k", tmp_setup, pread4k_run}, {"tmp_pread64k", tmp_setup, pread64k_run}, {"tmp_pread1m", tmp_setup, pread1m_run},
  {"tmp_pwrite4k", tmp_setup, pwrite4k_run}, {"tmp_pwrite64k", tmp_setup, pwrite64k_run},
  {"tmp_readdir500", many_setup, tmp_readdir_run},
  {"epoll_wait_ready", ready_setup, epoll_run}, {"poll_ready", ready_setup, poll_run}, {"eventfd", eventfd_setup, eventfd_run},
  {"pipe_pingpong", pipe_setup, pipe_run}, {"unix_pingpong", unix_setup, pipe_run}, {"tcp_pingpong", tcp_setup, pipe_run},
  {"tcp_bulk64k", bulk_setup, bulk_run}, {"futex_pingpong", futex_setup, futex_run},
  {"mmap_touch64", NULL, mmap64_run}, {"mprotect", NULL, mprotect_run}, {"touch_page", NULL, touch_run},
  {"fuse_stat", fuse_setup, fuse_stat_run}, {"fuse_open_close", fuse_setup, fuse_open_run},
  {"fuse_pread4k", fuse_setup, fuse_pread4k_run}, {"fuse_pread64k", fuse_setup, fuse_pread64k_run}, {"fuse_cached_pread4k", fuse_cached_setup, pread4k_run},
  {"fuse_pwrite4k", fuse_setup, fuse_pwrite4k_run}, {"fuse_pwrite64k", fuse_setup, fuse_pwrite64k_run},
  {"thread", NULL, thread_run}, {"fork_wait", NULL, fork_run}, {"exec_wait", NULL, exec_run},
};

// Nanoseconds for one operation, after as many unmeasured ones as take a quarter of the time.
static double measure(const struct benchmark *benchmark, double wanted) {
  if (benchmark->setup) benchmark->setup();
  long n = 1;
  double took;
  for (;; n *= 2) {
    double start = now();
    benchmark->run(n);
    took = now() - start;
    if (took >= wanted / 4) break;
  }
  long count = (long)((double)n * wanted / took) + 1;
  double start = now();
  benchmark->run(count);
  return (now() - start) / (double)count;
}

// In processes of their own, so that none leaves anything to the next; each sends its result through a pipe.
static double with_callers(const struct benchmark *benchmark, int callers, double wanted) {
  int results[2];
  check(pipe(results), "pipe");
  for (int i = 0; i < callers; i++) {
    if (!check(fork(), "fork")) {
      setpgid(0, 0);
      double result = measure(benchmark, wanted);
      check(write(results[1], &result, sizeof result), "write");
      // Peers that wait for more end with the group.
      signal(SIGTERM, SIG_DFL);
      kill(0, SIGKILL);
      _exit(0);
    }
  }
  close(results[1]);
  double sum = 0, result;
  int count = 0;
  while (read(results[0], &result, sizeof result) == sizeof result) {
    sum += result;
    count++;
  }
  close(results[0]);
  while (wait(NULL) > 0) {}
  return count == callers ? sum / count : -1;
}

int main(int count, char **arguments) {
  int callers = 1, option;
  double milliseconds = 100;
  signal(SIGPIPE, SIG_IGN);
  while ((option = getopt(count, arguments, "j:t:s:")) != -1) {
    switch (option) {
    case 'j': callers = atoi(optarg); break;
    case 't': milliseconds = atof(optarg); break;
    case 's': sleep((unsigned)atoi(optarg)); return 0;
    default: return 2;
    }
  }
  for (int i = optind; i < count; i++) {
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
      if (strcmp(arguments[i], all[k].name)) continue;
      double result = with_callers(&all[k], callers, milliseconds * 1e6);
      if (result >= 0) printf("%s %.1f\n", all[k].name, result);
      fflush(stdout);
    }
  }
  return 0;
}
