/* Listings that are remembered, times of birth, and direct writes at once or one after the other. */
#define _GNU_SOURCE
#include "fuse.h"
#include <dirent.h>
#include <time.h>

#define P AT "/"

static void nap(int milliseconds)
{
	struct timespec time = { milliseconds / 1000, milliseconds % 1000 * 1000000 };
	nanosleep(&time, 0);
}

static void listed(const char *what)
{
	int before = count("READDIR"), names = 0;
	DIR *dir = opendir(AT);
	while (readdir(dir))
		names++;
	rewinddir(dir);
	while (readdir(dir))
		names++;
	closedir(dir);
	int asked = count("READDIR") - before;
	printf("%s: %d names, %s\n", what, names / 2, asked ? "asked" : "remembered");
}

static void listings(void)
{
	char name[300];
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof name, P "%d", i);
		close(open(name, O_CREAT | O_WRONLY, 0644));
	}
	listed("not to be remembered");
	listed("again");
	shared->open_flags = FOPEN_CACHE_DIR | FOPEN_KEEP_CACHE;
	listed("to be remembered");
	listed("again");
	unlink(P "7");
	listed("a name less");
	listed("again");
	close(open(P "new", O_CREAT | O_WRONLY, 0644));
	listed("a name more");
	rename(P "new", P "other");
	listed("another name");
	listed("again");
	struct {
		struct fuse_out_header header;
		struct fuse_notify_inval_inode_out told;
	} out = { { sizeof out, FUSE_NOTIFY_INVAL_INODE, 0 }, { .ino = 1 } };
	if (write(device, &out, sizeof out) < 0)
		perror("INVAL_INODE");
	listed("told that it is outdated");
	listed("again");
	shared->open_flags = FOPEN_CACHE_DIR;
	listed("to be forgotten when opened");
	/* From the middle, and in pieces. */
	shared->open_flags = FOPEN_CACHE_DIR | FOPEN_KEEP_CACHE;
	listed("to be remembered");
	DIR *dir = opendir(AT);
	for (int i = 0; i < 5; i++)
		readdir(dir);
	long place = telldir(dir);
	struct dirent *first = readdir(dir);
	snprintf(name, sizeof name, "%s", first->d_name);
	while (readdir(dir))
		;
	seekdir(dir, place);
	printf("the same behind a place: %d\n", !strcmp(readdir(dir)->d_name, name));
	closedir(dir);
	shared->open_flags = 0;
}

static void ask(const char *what, const char *path, unsigned mask, int flags)
{
	struct statx st;
	int births = count("STATX"), attributes = count("GETATTR");
	int result = statx(AT_FDCWD, path, flags, mask, &st);
	births = count("STATX") - births;
	attributes = count("GETATTR") - attributes;
	printf("%s: %d, STATX %d GETATTR %d", what, result, births, attributes);
	if (!result && st.stx_mask & STATX_BTIME)
		printf(", born %lld.%u", (long long)st.stx_btime.tv_sec, st.stx_btime.tv_nsec);
	printf("\n");
}

static void births(void)
{
	close(open(P "a", O_CREAT | O_WRONLY, 0644));
	shared->births = 1;
	ask("basic", P "a", STATX_BASIC_STATS, 0);
	ask("birth", P "a", STATX_BASIC_STATS | STATX_BTIME, 0);
	ask("birth again", P "a", STATX_BTIME, 0);
	ask("basic again", P "a", STATX_BASIC_STATS, 0);
	ask("anew", P "a", STATX_BASIC_STATS, AT_STATX_FORCE_SYNC);
	ask("birth anew", P "a", STATX_BTIME, AT_STATX_FORCE_SYNC);
	chmod(P "a", 0600);
	ask("what is known", P "a", STATX_BASIC_STATS, AT_STATX_DONT_SYNC);
	ask("birth after a change", P "a", STATX_BTIME, 0);
	ask("nothing", P "a", 0, AT_STATX_FORCE_SYNC);
	shared->births = 0;
	close(open(P "b", O_CREAT | O_WRONLY, 0644));
	ask("birth, which the server does not know", P "b", STATX_BTIME, 0);
	ask("again", P "b", STATX_BTIME, 0);
}

/* Two processes write at once. How many writes the server has at a time. */
static void writes(const char *what, int flags, int length)
{
	static char data[4096];
	shared->open_flags = flags;
	int fd = open(P "w", O_CREAT | O_RDWR, 0644);
	ftruncate(fd, 65536);
	shared->held = 0;
	shared->hold = FUSE_WRITE;
	fflush(stdout);
	pid_t pids[2];
	for (int i = 0; i < 2; i++)
		if (!(pids[i] = fork()))
			_exit(pwrite(fd, data, length, i * (65536 - length + length / 65536)) != length);
	/* Each is at the server, or waits for the other. */
	while (shared->held < (flags & 1 << 6 ? 2 : 1))
		nap(1);
	nap(200);
	printf("%s: %d at a time\n", what, shared->held);
	int answered = 0, status, failed = 0;
	struct fuse_write_out written = { .size = length };
	while (answered < 2) {
		while (shared->held <= answered)
			nap(1);
		reply(shared->held_all[answered++], 0, &written, sizeof written);
	}
	for (int i = 0; i < 2; i++) {
		waitpid(pids[i], &status, 0);
		failed |= status;
	}
	printf("failed: %d\n", failed);
	shared->hold = 0;
	close(fd);
	unlink(P "w");
	shared->open_flags = 0;
}

int main(void)
{
	keep_device = 1;
	pid_t pid = start_server("", 3600, FUSE_BIG_WRITES);
	listings();
	births();
	writes("direct", FOPEN_DIRECT_IO, 4096);
	writes("direct and parallel", FOPEN_DIRECT_IO | (1 << 6), 4096);
	stop_server(pid);
	return 0;
}
