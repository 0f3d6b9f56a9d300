/* What servers tell unasked: invalidations, content for and from the cache, readiness, and requests that shall come again. */
#define _GNU_SOURCE
#include "fuse.h"
#include "asleep.h"
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <time.h>

#define P AT "/"
/* Newer than some headers. */
#define NOTIFY_RESEND 7

static void nap(int milliseconds)
{
	struct timespec time = { milliseconds / 1000, milliseconds % 1000 * 1000000 };
	nanosleep(&time, 0);
}

static void say(const char *what, long result)
{
	printf("%s: %ld%s%s\n", what, result < 0 ? -1 : result, result < 0 ? " " : "", result < 0 ? strerror(errno) : "");
	fflush(stdout);
	errno = 0;
}

static long notify(int code, const void *head, size_t length, const void *tail, size_t more)
{
	static char out[ROOM];
	struct fuse_out_header header = { .len = sizeof header + length + more, .error = code };
	memcpy(out, &header, sizeof header);
	memcpy(out + sizeof header, head, length);
	memcpy(out + sizeof header + length, tail, more);
	return write(device, out, header.len);
}

static long inval_inode(uint64_t ino, int64_t off, int64_t len)
{
	struct fuse_notify_inval_inode_out told = { .ino = ino, .off = off, .len = len };
	return notify(FUSE_NOTIFY_INVAL_INODE, &told, sizeof told, 0, 0);
}

static long inval_entry(uint64_t parent, const char *name, size_t more)
{
	struct fuse_notify_inval_entry_out told = { .parent = parent, .namelen = strlen(name) };
	return notify(FUSE_NOTIFY_INVAL_ENTRY, &told, sizeof told, name, strlen(name) + more);
}

static long gone(uint64_t parent, uint64_t child, const char *name)
{
	struct fuse_notify_delete_out told = { .parent = parent, .child = child, .namelen = strlen(name) };
	return notify(FUSE_NOTIFY_DELETE, &told, sizeof told, name, strlen(name) + 1);
}

static long store(uint64_t node, uint64_t offset, const void *data, uint32_t size, uint32_t said)
{
	struct fuse_notify_store_out told = { .nodeid = node, .offset = offset, .size = said };
	return notify(FUSE_NOTIFY_STORE, &told, sizeof told, data, size);
}

static long retrieve(uint64_t unique, uint64_t node, uint64_t offset, uint32_t size)
{
	struct fuse_notify_retrieve_out told = { .notify_unique = unique, .nodeid = node, .offset = offset, .size = size };
	return notify(FUSE_NOTIFY_RETRIEVE, &told, sizeof told, 0, 0);
}

static void invalidations(int fd, uint64_t id)
{
	struct stat st;
	char text[16] = "";
	say("read", pread(fd, text, 10, 0));
	int before = count("READ ");
	say("read again", pread(fd, text, 10, 0));
	printf("asked %d\n", count("READ ") - before);
	say("INVAL_INODE", inval_inode(id, 0, 0));
	say("read after it", pread(fd, text, 10, 0));
	printf("asked %d\n", count("READ ") - before);
	before = count("GETATTR");
	stat(P "a", &st);
	printf("attributes asked %d\n", count("GETATTR") - before);
	say("INVAL_INODE of the attributes alone", inval_inode(id, -1, 0));
	before = count("READ ");
	int attributes = count("GETATTR");
	stat(P "a", &st);
	pread(fd, text, 10, 0);
	printf("attributes asked %d, content %d\n", count("GETATTR") - attributes, count("READ ") - before);
	say("INVAL_INODE of one that is not known", inval_inode(50, 0, 0));
	before = count("LOOKUP 1 a");
	stat(P "a", &st);
	printf("looked up %d\n", count("LOOKUP 1 a") - before);
	say("INVAL_ENTRY", inval_entry(1, "a", 1));
	stat(P "a", &st);
	printf("looked up %d\n", count("LOOKUP 1 a") - before);
	say("INVAL_ENTRY of no name", inval_entry(1, "none", 1));
	say("INVAL_ENTRY in no directory", inval_entry(40, "a", 1));
	say("INVAL_ENTRY without its end", inval_entry(1, "a", 0));
	say("DELETE of another", gone(1, 60, "a"));
	say("DELETE of a name that is not known", gone(1, id, "none"));
	stat(P "d", &st);
	say("DELETE of a directory that is not empty", gone(1, st.st_ino, "d"));
}

static void contents(int fd, uint64_t id)
{
	char page[4096], text[32] = "";
	memset(page, 'S', sizeof page);
	struct stat st;
	ftruncate(fd, 8192);
	fstat(fd, &st);
	say("STORE", store(id, 0, page, sizeof page, sizeof page));
	int before = count("READ ");
	say("read of it", pread(fd, text, 10, 0));
	printf("%.10s asked %d\n", text, count("READ ") - before);
	say("STORE with a length that is not so", store(id, 0, page, 10, 11));
	say("STORE into one that is not known", store(50, 0, page, 10, 10));
	say("STORE behind what is there", store(id, 4096, page, 100, 100));
	shared->retrieved = -1;
	say("RETRIEVE", retrieve(77, id, 100, 4096));
	while (shared->retrieved < 0)
		nap(1);
	printf("got %d of unique %d at %d: %.4s\n", shared->retrieved, (int)shared->retrieved_unique, (int)shared->retrieved_at, (char *)shared->retrieved_data);
	say("INVAL_INODE", inval_inode(id, 0, 0));
	shared->retrieved = -1;
	say("RETRIEVE of what is not cached", retrieve(78, id, 0, 4096));
	while (shared->retrieved < 0)
		nap(1);
	printf("got %d of unique %d\n", shared->retrieved, (int)shared->retrieved_unique);
	say("RETRIEVE from one that is not known", retrieve(79, 50, 0, 4096));
}

static void readiness(int fd)
{
	struct fuse_notify_poll_wakeup_out told;
	shared->polled = 0;
	struct pollfd polled = { .fd = fd, .events = POLLIN };
	say("nothing", poll(&polled, 1, 20));
	fflush(stdout);
	pid_t pid = fork();
	if (!pid) {
		int result = poll(&polled, 1, 200000);
		_exit(result == 1 && polled.revents == POLLIN ? 0 : 1);
	}
	while (!shared->notifies)
		nap(1);
	until_asleep(pid);
	shared->polled = POLLIN;
	told.kh = shared->kh;
	say("POLL", notify(FUSE_NOTIFY_POLL, &told, sizeof told, 0, 0));
	int status;
	waitpid(pid, &status, 0);
	printf("woken: %d\n", WEXITSTATUS(status));
	told.kh = 12345;
	say("POLL of no handle", notify(FUSE_NOTIFY_POLL, &told, sizeof told, 0, 0));
	say("POLL that is too short", notify(FUSE_NOTIFY_POLL, &told, 4, 0, 0));
	shared->polled = 0;
	int epoll = epoll_create1(0);
	struct epoll_event event = { .events = EPOLLIN };
	epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
	say("epoll, nothing", epoll_wait(epoll, &event, 1, 20));
	shared->polled = POLLIN;
	told.kh = shared->kh;
	notify(FUSE_NOTIFY_POLL, &told, sizeof told, 0, 0);
	say("epoll", epoll_wait(epoll, &event, 1, 200000));
	close(epoll);
}

static void again(void)
{
	shared->held = 0;
	shared->hold = FUSE_LOOKUP;
	fflush(stdout);
	pid_t pid = fork();
	if (!pid) {
		struct stat st;
		int result = stat(P "again", &st);
		_exit(result ? errno : 0);
	}
	while (!shared->held)
		nap(1);
	uint64_t first = shared->held_unique;
	shared->hold = 0;
	say("RESEND", notify(NOTIFY_RESEND, 0, 0, 0, 0));
	int status;
	waitpid(pid, &status, 0);
	printf("asked again: %s, with the mark %d, the same %d\n", strerror(WEXITSTATUS(status)), (int)(shared->last_unique >> 63),
		(shared->last_unique & ~(1ull << 63)) == first);
	say("RESEND of nothing", notify(NOTIFY_RESEND, 0, 0, 0, 0));
}

int main(void)
{
	struct stat st;
	keep_device = 1;
	pid_t pid = start_server("", 3600, FUSE_BIG_WRITES);
	shared->open_flags = FOPEN_KEEP_CACHE;
	int fd = open(P "a", O_CREAT | O_RDWR, 0644);
	say("write", write(fd, "0123456789", 10));
	mkdir(P "d", 0755);
	close(open(P "d/e", O_CREAT | O_RDWR, 0644));
	stat(P "a", &st);
	invalidations(fd, st.st_ino);
	contents(fd, st.st_ino);
	readiness(fd);
	again();
	stat(P "d/e", &st);
	say("DELETE", gone(st.st_ino - 1, st.st_ino, "e"));
	close(fd);
	stop_server(pid);
	return 0;
}
