/* Servers of older versions: what they do not know they are not asked. */
#define _GNU_SOURCE
#include "fuse.h"
#include "asleep.h"
#include <sys/file.h>
#include <sys/ioctl.h>

#define P AT "/"
#define NAMES 5

static void asked(const char *what, char *request, const char *before)
{
	(void)what, (void)before;
	printf("  %s\n", request);
}

static void did(const char *what, long result)
{
	show_by(asked, what, result);
}

/* Several names are outdated while the server is stopped: it hears of all of them afterwards. */
static void forgets(pid_t server)
{
	char name[32];
	struct stat st;
	for (int i = 0; i < NAMES; i++) {
		snprintf(name, sizeof name, P "%d", i);
		close(open(name, O_CREAT | O_RDWR, 0644));
		stat(name, &st);
	}
	statvfs(AT, &(struct statvfs){ 0 });
	int forgotten = shared->forgotten, batches = shared->batches;
	kill(server, SIGSTOP);
	until_asleep(server);
	for (int i = 0; i < NAMES; i++) {
		struct {
			struct fuse_out_header header;
			struct fuse_notify_inval_entry_out told;
			char name[2];
		} __attribute__((packed)) out = { { sizeof out, FUSE_NOTIFY_INVAL_ENTRY, 0 }, { .parent = 1, .namelen = 1 }, { '0' + i } };
		if (write(device, &out, sizeof out) < 0)
			perror("INVAL_ENTRY");
	}
	kill(server, SIGCONT);
	for (int i = 0; i < 100000 && shared->forgotten - forgotten < (minor_version < 16 ? NAMES : 1); i++)
		usleep(1000);
	printf("forgotten %s\n", shared->batches > batches ? "together" : "one by one");
}

static void all(int minor)
{
	printf("=== 7.%d\n", minor);
	minor_version = minor;
	pid_t server = start_server("", 3600, FUSE_BIG_WRITES | FUSE_POSIX_LOCKS);
	int fd = open(P "a", O_CREAT | O_RDWR, 0644);
	did("create", fd);
	did("write", write(fd, "x", 1));
	did("flock", flock(fd, LOCK_EX | LOCK_NB));
	did("unlock", flock(fd, LOCK_UN));
	did("close", close(fd));
	did("mkdir", mkdir(P "d", 0755));
	did("mknod", mknod(P "f", S_IFIFO | 0644, 0));
	did("rename", rename(P "a", P "b"));
	did("rename to none", renameat2(AT_FDCWD, P "b", AT_FDCWD, P "c", RENAME_NOREPLACE));
	did("exchange", renameat2(AT_FDCWD, P "b", AT_FDCWD, P "f", RENAME_EXCHANGE));
	char text[8];
	fd = open(AT, O_RDONLY | O_DIRECTORY);
	did("ioctl of a directory", ioctl(fd, _IOR('x', 1, char[8]), text));
	did("close", close(fd));
	forgets(server);
	stop_server(server);
	close(device);
}

int main(void)
{
	static const int minors[] = { 12, 15, 16, 17, 18, 22, 23 };
	keep_device = 1;
	for (unsigned i = 0; i < sizeof minors / sizeof *minors; i++)
		all(minors[i]);
	return 0;
}
