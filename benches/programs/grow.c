// Makes more and more of what a kernel has to remember: grow COUNT.
//
// Prints "NAME HOW_MANY" when so many more of one sort are there, and waits for a line before it makes the next; first "idle 1", when there
// is nothing yet. Needs a directory /known with COUNT files, a file /data and a writable /tmp.
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static long check(long result, const char *what) {
  if (result < 0) {
    perror(what);
    exit(1);
  }
  return result;
}

static int new_file(const char *format, int number, int flags) {
  char path[64];
  snprintf(path, sizeof path, format, number);
  return (int)check(open(path, flags, 0644), path);
}

static void open_file(int number) {
  (void)number;
  check(open("/data", O_RDONLY), "/data");
}
static void known_file(int number) {
  char path[64];
  struct stat status;
  snprintf(path, sizeof path, "/known/%d", number);
  check(stat(path, &status), path);
}
static void tmp_file(int number) { close(new_file("/tmp/%d", number, O_CREAT | O_WRONLY)); }
static void tmp_filled(const char *format, int number, size_t size) {
  static const char data[4096];
  int fd = new_file(format, number, O_CREAT | O_WRONLY);
  check(write(fd, data, size), "write");
  close(fd);
}
static void tmp_small(int number) { tmp_filled("/tmp/small%d", number, 100); }
static void tmp_page(int number) { tmp_filled("/tmp/page%d", number, 4096); }
static void a_pipe(int number) {
  int ends[2];
  (void)number;
  check(pipe(ends), "pipe");
}
static void socket_pair(int number) {
  int ends[2];
  (void)number;
  check(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), "socketpair");
}
static void tcp_socket(int number) {
  (void)number;
  check(socket(AF_INET, SOCK_STREAM, 0), "socket");
}
static void *sleeper(void *unused) {
  for (;;) pause();
  return unused;
}
static void thread(int number) {
  pthread_t made;
  pthread_attr_t small;
  (void)number;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 65536);
  if (pthread_create(&made, &small, sleeper, NULL)) check(-1, "thread");
}
static void process(int number) {
  (void)number;
  if (!check(fork(), "fork"))
    for (;;) pause();
}

static void tell(const char *name, int count) {
  printf("%s %d\n", name, count);
  fflush(stdout);
  if (getchar() == EOF) exit(0);
}

int main(int arguments, char **values) {
  static const struct {
    const char *name;
    void (*make)(int number);
    int share; // one of so many: some things are dear
  } all[] = {
    // Processes first: each has a copy of the table of open files.
    {"process", process, 10}, {"thread", thread, 10}, {"open_file", open_file, 1}, {"known_file", known_file, 1},
    {"tmp_file", tmp_file, 1}, {"tmp_small", tmp_small, 1}, {"tmp_page", tmp_page, 1}, {"pipe", a_pipe, 1}, {"socket_pair", socket_pair, 1}, {"tcp_socket", tcp_socket, 1},
  };
  int count = arguments > 1 ? atoi(values[1]) : 1000;
  struct rlimit many = {16384, 16384};
  setrlimit(RLIMIT_NOFILE, &many);
  tell("idle", 1);
  for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
    int share = count / all[i].share;
    for (int k = 0; k < share; k++) all[i].make(k);
    tell(all[i].name, share);
  }
  return 0;
}
