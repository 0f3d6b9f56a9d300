/* The write-back cache: what is written stays in the kernel until it is asked for, with its size and times. */
#define _GNU_SOURCE
#include "fuse.h"
#include <time.h>

#define P AT "/"

static int shows_times;

static void nap(int milliseconds)
{
	struct timespec time = { milliseconds / 1000, milliseconds % 1000 * 1000000 };
	nanosleep(&time, 0);
}

static void asked(const char *what, char *request, const char *before)
{
	(void)what;
	/* What the times are is another thing each time, and whether they change at all if writes follow each other at once. */
	char *times = strstr(request, " mtime ");
	if (times)
		*times = 0;
	if (times && !shows_times && strstr(request, "valid 20"))
		return;
	/* How far is read ahead is each kernel's own affair. */
	if (strncmp(request, "READ ", 5))
		printf("  %s%s\n", request, times ? " mtime" : "");
	else if (strncmp(before, "READ ", 5))
		printf("  READ\n");
}

static void show(const char *what, long result)
{
	show_by(asked, what, result);
}

static void drop(uint64_t id)
{
	struct {
		struct fuse_out_header header;
		struct fuse_notify_inval_inode_out told;
	} out = { { sizeof out, FUSE_NOTIFY_INVAL_INODE, 0 }, { .ino = id } };
	if (write(device, &out, sizeof out) < 0)
		perror("INVAL_INODE");
}

static void times(const char *path)
{
	struct stat st;
	time_t now = time(0);
	stat(path, &st);
	printf("size %ld, modified %s\n", (long)st.st_size, st.st_mtime >= now - 100 && st.st_mtime <= now + 1 ? "now" : st.st_mtime == 5 ? "then" : "as the server says");
}

static void small(void)
{
	char text[16] = "";
	struct stat st;
	int fd = open(P "a", O_CREAT | O_RDWR, 0644);
	show("create", fd);
	shows_times = 1;
	nap(20);
	for (int i = 0; i < 10; i++)
		if (write(fd, "0123456789", 10) != 10)
			perror("write");
	show("ten writes", 0);
	fstat(fd, &st);
	printf("size %ld\n", (long)st.st_size);
	show("read", pread(fd, text, 10, 45));
	printf("%.10s\n", text);
	show("fsync", fsync(fd));
	show("fsync again", fsync(fd));
	nap(20);
	show("write", pwrite(fd, "X", 1, 3));
	show("fdatasync", fdatasync(fd));
	times(P "a");
	show("stat", 0);
	struct timespec then[2] = { { 4, 0 }, { 5, 0 } };
	show("utimensat", futimens(fd, then));
	times(P "a");
	nap(20);
	show("append", pwrite(fd, "end", 3, 100));
	times(P "a");
	show("close", close(fd));
	times(P "a");
	shows_times = 0;
}

static void parts(void)
{
	static char page[4096 * 4], back[4096 * 4];
	struct stat st;
	memset(page, 'p', sizeof page);
	int fd = open(P "b", O_CREAT | O_RDWR, 0644);
	show("create", fd);
	show("four pages", write(fd, page, sizeof page));
	show("fsync", fsync(fd));
	fstat(fd, &st);
	drop(st.st_ino);
	show("part of a page that is not cached", pwrite(fd, "part", 4, 5000));
	show("a whole page", pwrite(fd, page, 4096, 8192));
	show("fsync", fsync(fd));
	pwrite(fd, "gone", 4, 12300);
	show("shrink over what is not written", ftruncate(fd, 10000));
	show("grow", ftruncate(fd, 20000));
	show("far behind the end", pwrite(fd, "far", 3, 30000));
	fstat(fd, &st);
	printf("size %ld\n", (long)st.st_size);
	memset(back, 'x', sizeof back);
	show("read of the hole", pread(fd, back, 8192, 20000) == 8192 && !back[0] && !memcmp(back, back + 1, 8191) ? 0 : -1);
	show("fsync", fsync(fd));
	drop(st.st_ino);
	pread(fd, back, 4096, 4096);
	printf("%.6s %.4s\n", back + 903, back + 100);
	pread(fd, back, 3, 30000);
	printf("%.3s\n", back);
	close(fd);
	show("close", 0);
}

static void opens(void)
{
	int fd = open(P "a", O_WRONLY);
	show("open", fd);
	show("write", write(fd, "W", 1));
	int other = open(P "a", O_RDONLY);
	char one = 0;
	show("read by another", read(other, &one, 1));
	printf("%c\n", one);
	close(other);
	show("close of the other", 0);
	show("close", close(fd));
	fd = open(P "a", O_WRONLY | O_TRUNC);
	show("truncate", fd);
	show("append", write(fd, "abc", 3));
	show("rename", rename(P "a", P "c"));
	show("unlink", unlink(P "c"));
	show("write", write(fd, "def", 3));
	show("close", close(fd));
}

/* Much at once: no more requests are under way than the server takes. */
static void much(void)
{
	static char large[1 << 19];
	memset(large, 'm', sizeof large);
	int fd = open(P "m", O_CREAT | O_RDWR, 0644);
	shared->hold = FUSE_WRITE;
	shared->held = 0;
	if (write(fd, large, sizeof large) != sizeof large)
		perror("write");
	fflush(stdout);
	pid_t pid = fork();
	if (!pid) {
		int result = fsync(fd);
		_exit(result ? errno : 0);
	}
	while (shared->held < 2)
		nap(1);
	nap(100);
	printf("under way: %d\n", shared->held);
	shared->hold = 0;
	struct fuse_write_out written = { .size = 131072 };
	for (int i = 0; i < 2; i++)
		reply(shared->held_all[i], 0, &written, sizeof written);
	int status;
	waitpid(pid, &status, 0);
	printf("fsync: %s\n", strerror(WEXITSTATUS(status)));
	shared->hold = FUSE_WRITE;
	shared->held = 0;
	pwrite(fd, "e", 1, 0);
	pid = fork();
	if (!pid) {
		int result = fsync(fd);
		_exit(result ? errno : 0);
	}
	while (!shared->held)
		nap(1);
	shared->hold = 0;
	reply(shared->held_unique, -ENOSPC, 0, 0);
	waitpid(pid, &status, 0);
	printf("fsync: %s\n", strerror(WEXITSTATUS(status)));
	close(fd);
}

int main(void)
{
	keep_device = 1;
	background = 2;
	pid_t pid = start_server("", 3600, FUSE_BIG_WRITES | FUSE_WRITEBACK_CACHE | FUSE_ASYNC_READ | FUSE_ATOMIC_O_TRUNC);
	shared->open_flags = FOPEN_KEEP_CACHE;
	umask(022);
	small();
	parts();
	opens();
	much();
	stop_server(pid);
	return 0;
}
