/* What a server says it does not know it is not asked again, and whoever wanted it is told what Linux tells. */
#define _GNU_SOURCE
#include "fuse.h"
#include <dirent.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>

#define P AT "/"

static void asked(const char *what, char *request, const char *before)
{
	(void)what, (void)before;
	printf("  %s\n", request);
}

static void show(const char *what, long result)
{
	show_by(asked, what, result);
}

/* Does something twice with a server that does not know a request. */
#define TWICE(opcode, call) \
	do { \
		printf("--- %s\n", #opcode); \
		shared->unknown = opcode; \
		for (int i = 0; i < 2; i++) \
			show(#call, (long)(call)); \
		shared->unknown = 0; \
	} while (0)

static int made(int number)
{
	char name[32];
	snprintf(name, sizeof name, P "made%d", number);
	int fd = open(name, O_CREAT | O_RDWR | O_EXCL, 0644);
	return fd < 0 ? fd : close(fd);
}

static int listed(void)
{
	int names = 0;
	DIR *dir = opendir(AT);
	if (!dir)
		return -1;
	while (readdir(dir))
		names++;
	closedir(dir);
	return names ? 0 : -1;
}

static void files(void)
{
	char text[100];
	int number = 0;
	int fd = open(P "a", O_CREAT | O_RDWR, 0644), to = open(P "b", O_CREAT | O_RDWR, 0644);
	int dir = open(AT, O_RDONLY | O_DIRECTORY);
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 5, .l_len = 10 };
	struct pollfd polled = { .fd = fd, .events = POLLIN | POLLOUT };
	show("open", fd | to | dir);
	show("write", write(fd, "0123456789", 10));
	TWICE(FUSE_FSYNC, fsync(fd));
	TWICE(FUSE_FSYNCDIR, fsync(dir));
	TWICE(FUSE_FLUSH, close(dup(fd)));
	TWICE(FUSE_LSEEK, lseek(fd, 2, SEEK_DATA));
	show("seek hole", lseek(fd, 2, SEEK_HOLE));
	TWICE(FUSE_FALLOCATE, fallocate(fd, 0, 0, 20));
	TWICE(FUSE_COPY_FILE_RANGE, copy_file_range(fd, &(off_t){ 0 }, to, &(off_t){ 0 }, 5, 0));
	show("read of the copy", pread(to, text, 100, 0));
	TWICE(FUSE_IOCTL, ioctl(fd, _IOR('x', 1, char[8]), text));
	TWICE(FUSE_POLL, poll(&polled, 1, 0));
	printf("ready %x\n", polled.revents);
	TWICE(FUSE_GETLK, fcntl(fd, F_GETLK, &lock));
	lock.l_type = F_RDLCK;
	TWICE(FUSE_SETLK, fcntl(fd, F_SETLK, &lock));
	TWICE(FUSE_SETLK, flock(fd, LOCK_EX | LOCK_NB));
	close(fd);
	close(to);
	close(dir);
	show("close", 0);
	TWICE(FUSE_CREATE, made(number++));
	TWICE(FUSE_TMPFILE, open(AT, O_TMPFILE | O_RDWR, 0600));
}

static void names(void)
{
	char text[100];
	struct stat st;
	TWICE(FUSE_ACCESS, access(P "a", R_OK));
	TWICE(FUSE_SETXATTR, setxattr(P "a", "user.x", "value", 5, 0));
	TWICE(FUSE_GETXATTR, getxattr(P "a", "user.x", text, 100));
	TWICE(FUSE_LISTXATTR, listxattr(P "a", text, 100));
	TWICE(FUSE_REMOVEXATTR, removexattr(P "a", "user.x"));
	TWICE(FUSE_RENAME2, renameat2(AT_FDCWD, P "a", AT_FDCWD, P "b", RENAME_EXCHANGE));
	TWICE(FUSE_LINK, link(P "a", P "l"));
	TWICE(FUSE_SYMLINK, symlink("a", P "s"));
	TWICE(FUSE_MKNOD, mknod(P "f", S_IFIFO | 0644, 0));
	TWICE(FUSE_MKDIR, mkdir(P "d", 0755));
	TWICE(FUSE_RENAME, rename(P "a", P "r"));
	TWICE(FUSE_UNLINK, unlink(P "a"));
	TWICE(FUSE_SETATTR, chmod(P "a", 0600));
	TWICE(FUSE_GETATTR, stat(P "a", &st));
	TWICE(FUSE_OPEN, close(open(P "a", O_RDONLY)));
	TWICE(FUSE_OPENDIR, listed());
	TWICE(FUSE_READDIR, listed());
	TWICE(FUSE_LOOKUP, stat(P "none", &st));
	TWICE(FUSE_READLINK, readlink(P "a", text, 100));
}

int main(void)
{
	pid_t pid = start_server("", 0, FUSE_BIG_WRITES | FUSE_POSIX_LOCKS | FUSE_FLOCK_LOCKS);
	files();
	names();
	stop_server(pid);
	printf("=== which may be unknown\n");
	pid = start_server("", 3600, FUSE_BIG_WRITES | FUSE_NO_OPEN_SUPPORT | FUSE_NO_OPENDIR_SUPPORT);
	mkdir(P "d", 0755);
	close(open(P "a", O_CREAT | O_RDWR, 0644));
	char text[16];
	for (int i = 0; i < 2; i++) {
		shared->unknown = FUSE_OPEN;
		int fd = open(P "a", O_RDWR);
		show("open", fd);
		show("write", write(fd, "text", 4));
		show("read", pread(fd, text, 4, 0));
		show("close", close(fd));
		shared->unknown = FUSE_OPENDIR;
		show("list", listed());
	}
	shared->unknown = 0;
	show("truncate", truncate(P "a", 2));
	show("make", made(100));
	show("open to truncate", close(open(P "a", O_WRONLY | O_TRUNC)));
	stop_server(pid);
	return 0;
}
