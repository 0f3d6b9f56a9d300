/* What a server is asked for each operation: the same, in the same order, as by the host's kernel. */
#define _GNU_SOURCE
#include "fuse.h"
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>
#include <dirent.h>

#define P AT "/"

static void asked(const char *what, char *request, const char *before)
{
	/* Whether what is known of a name is trusted where it is about to go is each kernel's own affair. */
	if (*what == '~' && !strncmp(request, "LOOKUP", 6))
		return;
	/* How far is read ahead is each kernel's own affair. */
	if (strncmp(request, "READ ", 5) || strncmp(before, "READ ", 5))
		printf("  %s\n", request);
}

static void show(const char *what, long result)
{
	show_by(asked, what, result);
}

static void files(void)
{
	char buffer[8192];
	struct stat st;
	show("stat of the root", stat(AT, &st));
	show("stat of nothing", stat(P "none", &st));
	show("stat of nothing again", stat(P "none", &st));
	int fd = open(P "a", O_CREAT | O_RDWR | O_EXCL, 0666);
	show("create", fd);
	show("write", write(fd, "hello", 5));
	show("pread", pread(fd, buffer, 100, 0));
	show("fstat", fstat(fd, &st));
	printf("size %ld mode %o\n", (long)st.st_size, st.st_mode);
	show("ftruncate", ftruncate(fd, 3));
	show("fsync", fsync(fd));
	show("fdatasync", fdatasync(fd));
	show("fallocate", fallocate(fd, 0, 0, 10));
	show("punch", fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 2));
	show("collapse", fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 0, 4096));
	show("seek data", lseek(fd, 1, SEEK_DATA));
	show("seek hole", lseek(fd, 1, SEEK_HOLE));
	show("seek end", lseek(fd, 0, SEEK_END));
	show("close", close(fd));
	show("stat", stat(P "a", &st));
	fd = open(P "a", O_RDONLY | O_CLOEXEC);
	show("open", fd);
	show("read", read(fd, buffer, sizeof buffer));
	show("read at the end", read(fd, buffer, sizeof buffer));
	int copy = dup(fd);
	show("dup and close", close(copy));
	show("close", close(fd));
	fd = open(P "a", O_WRONLY | O_TRUNC);
	show("open and truncate", fd);
	close(fd);
	fd = open(P "a", O_WRONLY | O_APPEND);
	show("open to append", fd);
	show("append", write(fd, "0123456789", 10));
	show("close", close(fd));
	fd = open(P "a", O_RDWR);
	int to = open(P "b", O_RDWR | O_CREAT, 0600);
	show("two files", to);
	show("copy", copy_file_range(fd, 0, to, 0, 10, 0));
	show("ioctl", ioctl(fd, _IOWR('x', 1, char[8]), buffer));
	printf("%.8s\n", buffer);
	show("close", close(fd) | close(to));
	fd = open(AT, O_TMPFILE | O_RDWR, 0640);
	if (fd >= 0 || errno != EOPNOTSUPP)
		show("file without a name", fd);
	close(fd);
	show("close", 0);
	char *large = aligned_alloc(4096, 303104);
	memset(large, 'l', 303104);
	fd = open(P "large", O_CREAT | O_RDWR, 0644);
	show("create", fd);
	show("write much", write(fd, large, 300000));
	show("close", close(fd));
	fd = open(P "large", O_RDONLY);
	show("read much", read(fd, large, 300000));
	close(fd);
	show("close", 0);
}

static void names(void)
{
	struct stat st;
	char buffer[100];
	show("mkdir", mkdir(P "d", 0777));
	show("mkdir below", mkdir(P "d/e", 01755));
	show("rmdir", rmdir(P "d/e"));
	show("symlink", symlink("a", P "link"));
	show("readlink", readlink(P "link", buffer, sizeof buffer));
	show("stat through it", stat(P "link", &st));
	show("lstat", lstat(P "link", &st));
	show("link", link(P "b", P "hard"));
	show("mknod", mknod(P "fifo", S_IFIFO | 0644, 0));
	show("~rename", rename(P "fifo", P "d/moved"));
	show("~rename over", rename(P "large", P "b"));
	show("~rename to none", renameat2(AT_FDCWD, P "a", AT_FDCWD, P "b", RENAME_NOREPLACE));
	show("~exchange", renameat2(AT_FDCWD, P "a", AT_FDCWD, P "b", RENAME_EXCHANGE));
	show("chmod", chmod(P "a", 0640));
	show("chown", chown(P "a", 5, 6));
	struct timespec times[2] = { { 7, 8 }, { 9, 10 } };
	show("utimensat", utimensat(AT_FDCWD, P "a", times, 0));
	show("utimensat now", utimensat(AT_FDCWD, P "a", 0, 0));
	show("truncate", truncate(P "a", 5));
	show("unlink", unlink(P "d/moved"));
	show("access", access(P "a", R_OK));
	show("access write", access(P "a", W_OK));
	show("setxattr", setxattr(P "a", "user.x", "value", 5, 0));
	show("getxattr", getxattr(P "a", "user.x", buffer, sizeof buffer));
	show("listxattr", listxattr(P "a", buffer, sizeof buffer));
	show("removexattr", removexattr(P "a", "user.x"));
	show("chdir", chdir(P "d"));
	show("relative", stat("gone", &st));
	show("up", stat("../a", &st));
	chdir("/");
}

static void lists(void)
{
	DIR *dir = opendir(AT);
	show("opendir", dir ? 0 : -1);
	struct dirent *one;
	while ((one = readdir(dir)))
		printf("%s %d\n", one->d_name, one->d_type);
	show("readdir", 0);
	struct stat st;
	show("stat of a listed name", stat(P "b", &st));
	show("fsync", fsync(dirfd(dir)));
	show("closedir", closedir(dir));
}

static void locks(void)
{
	int fd = open(P "a", O_RDWR);
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 5, .l_len = 10 };
	show("open", fd);
	show("getlk", fcntl(fd, F_GETLK, &lock));
	printf("type %d\n", lock.l_type);
	lock.l_type = F_RDLCK;
	show("setlk", fcntl(fd, F_SETLK, &lock));
	lock.l_len = 0;
	show("setlkw to the end", fcntl(fd, F_SETLKW, &lock));
	lock.l_type = F_UNLCK;
	show("unlock", fcntl(fd, F_SETLK, &lock));
	show("flock", flock(fd, LOCK_EX));
	show("unlock", flock(fd, LOCK_UN));
	show("close", close(fd));
}

static void all(const char *title, const char *options, int seconds, uint32_t wanted)
{
	printf("=== %s\n", title);
	pid_t pid = start_server(options, seconds, wanted);
	umask(022);
	files();
	names();
	lists();
	locks();
	stop_server(pid);
}

int main(void)
{
	all("nothing lasts", ",allow_other", 0, FUSE_ASYNC_READ | FUSE_BIG_WRITES);
	all("everything lasts", ",default_permissions", 3600, FUSE_BIG_WRITES | FUSE_ATOMIC_O_TRUNC | FUSE_POSIX_LOCKS | FUSE_FLOCK_LOCKS);
	all("listings look up", "", 3600, FUSE_BIG_WRITES | FUSE_DO_READDIRPLUS | FUSE_PARALLEL_DIROPS | FUSE_AUTO_INVAL_DATA);
	return 0;
}
