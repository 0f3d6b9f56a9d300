/* How much at once: requests that nobody waits for, sizes of reads and writes. */
#define _GNU_SOURCE
#include "fuse.h"
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <time.h>

#define P AT "/"
#define CONTROL "/tmp/ctl"
#define FILES 8

static void nap(int milliseconds)
{
	struct timespec time = { milliseconds / 1000, milliseconds % 1000 * 1000000 };
	nanosleep(&time, 0);
}

static void reach(int count)
{
	while (shared->held < count)
		nap(1);
}

static void set(const char *name, const char *value)
{
	char path[100];
	struct stat st;
	stat(AT, &st);
	snprintf(path, sizeof path, CONTROL "/%u/%s", minor(st.st_dev), name);
	int fd = open(path, O_WRONLY);
	if (write(fd, value, strlen(value)) < 0)
		printf("%s %s: %s\n", name, value, strerror(errno));
	close(fd);
}

/* Closed files are told of by requests that nobody waits for: no more than so many are under way. */
static void closes(void)
{
	int fds[FILES];
	for (int i = 0; i < FILES; i++) {
		char name[32];
		snprintf(name, sizeof name, P "%d", i);
		fds[i] = open(name, O_CREAT | O_RDWR, 0644);
	}
	shared->held = 0;
	shared->hold = FUSE_RELEASE;
	for (int i = 0; i < FILES; i++)
		close(fds[i]);
	reach(2);
	struct statvfs at;
	statvfs(AT, &at);
	printf("under way: %d\n", shared->held);
	reply(shared->held_all[0], 0, 0, 0);
	reach(3);
	statvfs(AT, &at);
	printf("one answered, under way: %d\n", shared->held - 1);
	set("max_background", "4");
	reply(shared->held_all[1], 0, 0, 0);
	reach(6);
	statvfs(AT, &at);
	printf("more at a time, under way: %d\n", shared->held - 2);
	set("max_background", "70000");
	set("congestion_threshold", "nonsense");
	set("congestion_threshold", "1");
	for (int i = 2; i < FILES; i++) {
		reach(i + 1);
		reply(shared->held_all[i], 0, 0, 0);
	}
	shared->hold = 0;
}

static void lengths(const char *what)
{
	static char data[100000] __attribute__((aligned(4096)));
	memset(data, 'd', sizeof data);
	shared->open_flags = FOPEN_DIRECT_IO;
	int fd = open(P "w", O_CREAT | O_RDWR, 0644), start = shared->length;
	if (write(fd, data, sizeof data) != sizeof data || pread(fd, data, sizeof data, 0) != sizeof data)
		perror(what);
	close(fd);
	struct statvfs at;
	statvfs(AT, &at);
	printf("%s\n", what);
	char *copy = strdup(shared->log + start);
	for (char *line = strtok(copy, "\n"); line; line = strtok(0, "\n"))
		if (strstr(line, "WRITE") || strstr(line, "READ"))
			printf("  %s\n", line);
	free(copy);
	shared->open_flags = 0;
}

static void say(const char *what, long result)
{
	printf("%s: %s\n", what, result < 0 ? strerror(errno) : "ok");
}

/* Requests that the server has no room for fail, and others go on. */
static void large(void)
{
	static char data[60000];
	struct stat st;
	int fd = open(P "l", O_CREAT | O_RDWR, 0644);
	say("setxattr of much", setxattr(P "l", "user.x", data, sizeof data, 0));
	say("setxattr of little", setxattr(P "l", "user.x", data, 10, 0));
	say("ioctl with much", ioctl(fd, _IOW('x', 1, char[16000]), data));
	say("ioctl with little", ioctl(fd, _IOW('x', 1, char[10]), data));
	say("stat", stat(P "l", &st));
	close(fd);
}

int main(void)
{
	keep_device = 1;
	background = 2;
	mkdir(CONTROL, 0755);
	if (mount("none", CONTROL, "fusectl", 0, 0))
		perror("fusectl");
	pid_t pid = start_server("", 0, FUSE_BIG_WRITES);
	closes();
	lengths("as much as a request may have");
	stop_server(pid);
	close(device);
	largest_write = 20000;
	pid = start_server(",max_read=30000", 0, FUSE_BIG_WRITES);
	lengths("less");
	stop_server(pid);
	close(device);
	largest_write = 1 << 20;
	pages = 20;
	pid = start_server("", 0, FUSE_BIG_WRITES | FUSE_MAX_PAGES);
	lengths("by pages");
	stop_server(pid);
	close(device);
	largest_write = 4096;
	pages = 0;
	reads = 8192;
	pid = start_server("", 0, FUSE_BIG_WRITES);
	large();
	stop_server(pid);
	umount2(CONTROL, 0);
	return 0;
}
