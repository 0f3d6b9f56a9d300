/* How servers want files treated: what is cached and for how long, where files can be read, and what they are told of closing, mapping and ioctls. */
#define _GNU_SOURCE
#include "fuse.h"
#include <dirent.h>
#include <sys/ioctl.h>

#define P AT "/"
/* Newer than some headers. */
#define INIT_EXT (1 << 30)
#define DIRECT_IO_ALLOW_MMAP (1 << 4)
#define EXPIRE_ONLY 1

static void asked(const char *what, char *request, const char *before)
{
	(void)what;
	/* How far is read ahead is each kernel's own affair. */
	if (strncmp(request, "READ ", 5) || strncmp(before, "READ ", 5))
		printf("  %s\n", request);
}

static void show(const char *what, long result)
{
	show_by(asked, what, result);
}

static int opened(const char *name, int flags, int treated)
{
	shared->open_flags = treated;
	int fd = open(name, flags, 0644);
	show("open", fd);
	return fd;
}

static void tell(const void *told, size_t length, int code, const void *more, size_t rest)
{
	char out[200];
	struct fuse_out_header header = { .len = sizeof header + length + rest, .error = code };
	memcpy(out, &header, sizeof header);
	memcpy(out + sizeof header, told, length);
	memcpy(out + sizeof header + length, more, rest);
	show("told", write(device, out, header.len));
}

static void links(uint32_t flags)
{
	char text[16];
	printf("=== links %s\n", flags ? "that are remembered" : "");
	pid_t pid = start_server("", 3600, flags | FUSE_BIG_WRITES);
	symlink("target", P "l");
	show("symlink", 0);
	for (int i = 0; i < 3; i++)
		show("readlink", readlink(P "l", text, sizeof text));
	struct fuse_notify_inval_inode_out outdated = { .ino = 2 };
	tell(&outdated, sizeof outdated, FUSE_NOTIFY_INVAL_INODE, "", 0);
	show("readlink", readlink(P "l", text, sizeof text));
	stop_server(pid);
	close(device);
}

/* Changes at the server, and what a reader sees of them. */
static void changes(const char *title, uint32_t flags)
{
	char text[16] = "";
	struct stat st;
	printf("=== %s\n", title);
	pid_t pid = start_server("", 0, flags | FUSE_BIG_WRITES);
	int fd = opened(P "a", O_CREAT | O_RDWR, FOPEN_KEEP_CACHE);
	show("write", write(fd, "0123456789", 10));
	show("read", pread(fd, text, 4, 0));
	shared->letter = 'x';
	show("read of what has changed unseen", pread(fd, text, 4, 0));
	printf("%s\n", text);
	shared->later = 5;
	shared->letter = 'y';
	show("stat of a new time", stat(P "a", &st));
	show("read", pread(fd, text, 4, 0));
	printf("%s\n", text);
	shared->letter = 'z';
	shared->longer = 7;
	show("stat of a new size", stat(P "a", &st));
	show("read", pread(fd, text, 4, 0));
	printf("%s\n", text);
	int other = opened(P "a", O_RDONLY, 0);
	show("read", pread(other, text, 4, 0));
	close(other);
	close(fd);
	shared->letter = shared->later = shared->longer = 0;
	stop_server(pid);
	close(device);
}

static void places(void)
{
	char text[16];
	printf("=== places\n");
	pid_t pid = start_server("", 3600, FUSE_BIG_WRITES);
	int fd = opened(P "a", O_CREAT | O_RDWR, 0);
	show("write", write(fd, "0123456789", 10));
	close(fd);
	fd = opened(P "a", O_RDWR, FOPEN_NONSEEKABLE);
	show("lseek", lseek(fd, 2, SEEK_SET));
	show("pread", pread(fd, text, 4, 2));
	show("pwrite", pwrite(fd, "x", 1, 2));
	show("read", read(fd, text, 4));
	show("read", read(fd, text, 4));
	printf("%.4s\n", text);
	close(fd);
	fd = opened(P "a", O_RDWR, FOPEN_STREAM | FOPEN_DIRECT_IO);
	show("lseek", lseek(fd, 2, SEEK_SET));
	show("pread", pread(fd, text, 4, 2));
	show("read", read(fd, text, 4));
	show("read", read(fd, text, 4));
	printf("%.4s\n", text);
	close(fd);
	fd = opened(P "a", O_RDWR, FOPEN_NOFLUSH);
	show("write", write(fd, "x", 1));
	show("close", close(fd));
	stop_server(pid);
	close(device);
}

static void maps(const char *title, uint32_t more, int treated)
{
	printf("=== mappings %s\n", title);
	wanted_more = more;
	pid_t pid = start_server("", 3600, FUSE_BIG_WRITES | INIT_EXT);
	wanted_more = 0;
	int fd = opened(P "a", O_CREAT | O_RDWR, 0);
	for (int i = 0; i < 3; i++)
		if (write(fd, "page", 4) + lseek(fd, 4092, SEEK_CUR) < 0)
			perror("write");
	show("ftruncate", ftruncate(fd, 10000));
	show("close", close(fd));
	fd = opened(P "a", O_RDWR, treated);
	char *private = mmap(0, 10000, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	if (private != MAP_FAILED)
		printf("%.4s %.4s\n", private, private + 8192);
	show("private", private == MAP_FAILED ? -1 : 0);
	if (private != MAP_FAILED)
		memcpy(private, "mine", 4);
	char *map = mmap(0, 10000, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED) {
		show("shared", -1);
	} else {
		printf("%.4s %d\n", map, map[9999]);
		show("shared", 0);
		memcpy(map + 4096, "PAGE", 4);
		show("msync", msync(map, 10000, MS_SYNC));
		show("msync of nothing new", msync(map, 10000, MS_SYNC));
		memcpy(map, "ours", 4);
		map[9999] = 'e';
		show("munmap and fsync", munmap(map, 10000) | fsync(fd));
		printf("%.4s\n", private);
	}
	show("close", close(fd));
	munmap(private, 10000);
	stop_server(pid);
	close(device);
}

static void directories(const char *title, uint32_t flags)
{
	char text[8];
	struct statvfs at;
	printf("=== %s\n", title);
	pid_t pid = start_server("", 3600, flags | FUSE_BIG_WRITES);
	int fd = opened(AT, O_RDONLY | O_DIRECTORY, 0);
	show("ioctl", ioctl(fd, _IOR('x', 1, char[8]), text));
	show("close", close(fd));
	for (int i = 0; i < 30; i++) {
		char name[32];
		snprintf(name, sizeof name, P "%d", i);
		close(open(name, O_CREAT | O_WRONLY, 0644));
	}
	statvfs(AT, &at);
	shown = shared->length;
	for (int i = 0; i < 3; i++) {
		DIR *dir = opendir(AT);
		struct stat st;
		while (readdir(dir))
			;
		closedir(dir);
		show("list", 0);
		if (i == 1)
			show("stat", stat(P "7", &st));
	}
	stop_server(pid);
	close(device);
}

static void expires(void)
{
	struct stat st;
	printf("=== names that expire\n");
	pid_t pid = start_server("", 3600, FUSE_BIG_WRITES);
	close(open(P "a", O_CREAT | O_RDWR, 0644));
	show("stat", stat(P "a", &st));
	int forgotten = shared->forgotten;
	struct fuse_notify_inval_entry_out name = { .parent = 1, .namelen = 1 };
	((uint32_t *)&name)[3] = EXPIRE_ONLY;
	tell(&name, sizeof name, FUSE_NOTIFY_INVAL_ENTRY, "a", 2);
	show("stat", stat(P "a", &st));
	show("stat", stat(P "a", &st));
	printf("forgotten %d\n", shared->forgotten - forgotten);
	stop_server(pid);
	close(device);
}

int main(void)
{
	keep_device = 1;
	links(0);
	links(FUSE_CACHE_SYMLINKS);
	changes("changes that nothing is said of", 0);
	changes("changes that show in the time", FUSE_AUTO_INVAL_DATA);
	changes("changes that the server tells", FUSE_EXPLICIT_INVAL_DATA);
	places();
	maps("cached", 0, FOPEN_KEEP_CACHE);
	maps("read anew", 0, 0);
	maps("past the cache", 0, FOPEN_DIRECT_IO);
	maps("past the cache, and allowed", DIRECT_IO_ALLOW_MMAP, FOPEN_DIRECT_IO);
	directories("directories", 0);
	directories("directories with ioctls, listed as needed", FUSE_HAS_IOCTL_DIR | FUSE_DO_READDIRPLUS | FUSE_READDIRPLUS_AUTO);
	expires();
	return 0;
}
