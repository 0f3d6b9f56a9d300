// F_NOTIFY, F_CREATED_QUERY, directories that are gone, and files that do not share blocks.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef F_CREATED_QUERY
#define F_CREATED_QUERY 1028
#endif

static volatile sig_atomic_t heard, code, descriptor;

static void handler(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)context;
  heard++;
  code = info->si_code;
  descriptor = info->si_fd;
}

static void told(const char *what, int fd) {
  printf("%s: %d%s\n", what, heard, heard && descriptor == fd && code == POLL_MSG ? " by its number" : "");
  heard = 0;
}

static void result(const char *what, long value) { printf("%s: %s\n", what, value < 0 ? strerrorname_np(errno) : value ? "yes" : "no"); }

static void write_to(const char *name) {
  int fd = open(name, O_WRONLY | O_CREAT, 0644);
  if (write(fd, "x", 1) != 1) perror("write");
  close(fd);
}

static void notices(void) {
  struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO};
  sigaction(SIGRTMIN, &action, NULL);
  mkdir("watched", 0755), mkdir("elsewhere", 0755);
  write_to("watched/old");
  int fd = open("watched", O_RDONLY);
  fcntl(fd, F_SETSIG, SIGRTMIN);
  printf("asked %d\n", fcntl(fd, F_NOTIFY, DN_CREATE));
  write_to("watched/one");
  told("made", fd);
  write_to("watched/two");
  told("made again, asked once", fd);
  fcntl(fd, F_NOTIFY, DN_CREATE | DN_DELETE | DN_RENAME | DN_MULTISHOT);
  unlink("watched/two");
  told("removed", fd);
  rename("watched/one", "watched/other");
  told("renamed", fd);
  rename("watched/other", "elsewhere/other");
  told("moved away", fd);
  rename("elsewhere/other", "watched/back");
  told("moved here", fd);
  write_to("watched/old");
  told("written, not asked for", fd);
  fcntl(fd, F_NOTIFY, DN_MODIFY | DN_ATTRIB | DN_MULTISHOT);
  write_to("watched/old");
  told("written", fd);
  chmod("watched/old", 0600);
  told("chmod", fd);
  mkdir("watched/inner", 0700);
  told("directory", fd);
  write_to("watched/inner/deep");
  told("deeper", fd);
  fcntl(fd, F_NOTIFY, 0);
  write_to("watched/more");
  told("nothing asked", fd);
  fcntl(fd, F_NOTIFY, DN_CREATE | DN_MULTISHOT);
  close(fd);
  write_to("watched/most");
  told("closed", fd);
  fd = open("watched/old", O_RDONLY);
  result("of a file", fcntl(fd, F_NOTIFY, DN_CREATE));
  close(fd);
}

static void created(void) {
  int made = open("made", O_RDWR | O_CREAT, 0600), again = open("made", O_RDWR | O_CREAT, 0600);
  result("this open made it", fcntl(made, F_CREATED_QUERY));
  result("this one did not", fcntl(again, F_CREATED_QUERY));
  result("a copy of the first", fcntl(dup(made), F_CREATED_QUERY));
}

static void gone(void) {
  char buffer[512];
  mkdir("gone", 0755);
  int fd = open("gone", O_RDONLY | O_DIRECTORY);
  result("entries", getdents64(fd, buffer, sizeof buffer));
  rmdir("gone");
  lseek(fd, 0, SEEK_SET);
  result("entries of nothing", getdents64(fd, buffer, sizeof buffer));
  struct stat status;
  result("stat", fstat(fd, &status));
}

static void shared_blocks(void) {
  int one = open("made", O_RDWR), two = open("two", O_RDWR | O_CREAT, 0600), reader = open("made", O_RDONLY);
  int directory = open(".", O_RDONLY), null = open("/dev/null", O_RDWR), ends[2];
  struct file_clone_range range = {.src_fd = one};
  if (pipe(ends)) perror("pipe");
  result("clone", ioctl(two, FICLONE, one));
  result("clone a range", ioctl(two, FICLONERANGE, &range));
  result("into a reader", ioctl(reader, FICLONE, two));
  result("from a directory", ioctl(two, FICLONE, directory));
  result("from elsewhere", ioctl(two, FICLONE, null));
  result("from a pipe", ioctl(two, FICLONE, ends[0]));
  result("from nothing", ioctl(two, FICLONE, 999));
  result("from no memory", ioctl(two, FICLONERANGE, NULL));
}

int main(void) {
  notices();
  created();
  gone();
  shared_blocks();
}
