/* Files that a server has read and written past it. */
#define _GNU_SOURCE
#include "fuse.h"
#include <sys/ioctl.h>

#define P AT "/"
#define BACKING_OPEN _IOW(229, 1, struct map)
#define BACKING_CLOSE _IOW(229, 2, uint32_t)
#define PASSTHROUGH (1 << 7)

struct map {
	int32_t fd;
	uint32_t flags;
	uint64_t padding;
};

static void say(const char *what, long result)
{
	printf("%s: %ld%s%s\n", what, result < 0 ? -1 : result, result < 0 ? " " : "", result < 0 ? strerror(errno) : "");
	fflush(stdout);
	errno = 0;
}

static long name(int fd, uint32_t flags)
{
	struct map map = { .fd = fd, .flags = flags };
	return ioctl(device, BACKING_OPEN, &map);
}

static long forget(uint32_t id)
{
	return ioctl(device, BACKING_CLOSE, &id);
}

static void names(void)
{
	int pipes[2];
	pipe(pipes);
	say("no descriptor", name(-1, 0));
	say("a pipe", name(pipes[0], 0) < 0 ? 0 : 1);
	say("unknown flags", name(0, 1));
	say("a number that there is not", forget(99));
	say("zero", forget(0));
	close(pipes[0]);
	close(pipes[1]);
}

int main(void)
{
	char text[64] = "";
	struct stat st;
	keep_device = 1;
	wanted_more = 1 << 5; /* FUSE_PASSTHROUGH, bit 37 */
	stack_depth = 1;
	pid_t pid = start_server(",allow_other", 3600, FUSE_BIG_WRITES | FUSE_INIT_EXT);
	stat(AT, &st);
	names();
	int backing = open("/tmp/backing", O_CREAT | O_RDWR | O_TRUNC, 0600);
	write(backing, "from the other file", 19);
	int id = name(backing, 0);
	say("a file", id);
	int second = name(backing, 0);
	say("the same again", second);
	int cached = open(P "cached", O_CREAT | O_RDWR, 0644);
	int fd = open(P "a", O_CREAT | O_RDWR, 0644);
	write(fd, "own", 3);
	shared->open_flags = PASSTHROUGH;
	shared->backing = id;
	say("open beside the cache", open(P "a", O_RDWR));
	close(fd);
	fd = open(P "a", O_RDWR);
	say("open", fd < 0 ? -1 : 0);
	int reads = count("READ "), writes = count("WRITE ");
	say("read", pread(fd, text, 60, 0));
	printf("%s\n", text);
	say("write", pwrite(fd, "FROM", 4, 0));
	say("write behind the end", pwrite(fd, "!", 1, 29));
	pread(backing, text, 30, 0);
	printf("%.19s %d\n", text, text[29]);
	char *map = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	printf("%.4s\n", map);
	memcpy(map + 5, "THE", 3);
	pread(backing, text, 30, 0);
	printf("%.19s\n", text);
	munmap(map, 4096);
	say("append", lseek(fd, 0, SEEK_END) > 0);
	printf("asked: %d, %d\n", count("READ ") - reads, count("WRITE ") - writes);
	shared->open_flags = 0;
	say("open to be cached beside it", open(P "a", O_RDONLY));
	shared->open_flags = PASSTHROUGH;
	shared->backing = second;
	say("open of another beside it", open(P "a", O_RDONLY));
	shared->backing = 55;
	say("open of a number that there is not", open(P "b", O_RDWR | O_CREAT, 0644));
	shared->backing = id;
	shared->open_flags = PASSTHROUGH | FOPEN_KEEP_CACHE;
	say("open with what does not go together", open(P "a", O_RDONLY));
	shared->open_flags = PASSTHROUGH | FOPEN_DIRECT_IO;
	int direct = open(P "a", O_RDONLY);
	reads = count("READ ");
	say("read with the server", pread(direct, text, 60, 0) >= 0);
	printf("asked: %d\n", count("READ ") - reads);
	close(direct);
	say("forget", forget(id));
	say("again", forget(id));
	say("read through what is open", pread(fd, text, 4, 0));
	shared->open_flags = PASSTHROUGH;
	say("open of what is forgotten", open(P "cached2", O_RDWR | O_CREAT, 0644));
	close(fd);
	close(cached);
	shared->backing = second;
	fd = open(P "a", O_RDONLY);
	say("open of the second", fd < 0 ? -1 : 0);
	say("write to what is open for reading", write(fd, "x", 1));
	setuid(1);
	say("without rights", name(backing, 0));
	say("read without rights", pread(fd, text, 4, 0));
	fflush(stdout);
	_exit(0 * pid);
}
