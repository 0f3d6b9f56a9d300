/* Servers that hang or lie harm those who use their mounts and nobody else: another mount with a good server, other files and processes. */
#define _GNU_SOURCE
#include "fuse.h"
#include <dirent.h>
#include <pthread.h>
#include <sys/xattr.h>
#include <time.h>

#define BAD "/tmp/bad"
#define CALLERS 6

enum kind { SILENT, LATE, TWICE, LIES, CYCLES };

static int bad_device;

static void nap(int milliseconds)
{
	struct timespec time = { milliseconds / 1000, milliseconds % 1000 * 1000000 };
	nanosleep(&time, 0);
}

static void tell(uint64_t unique, int error, const void *body, size_t length)
{
	char out[70000];
	struct fuse_out_header header = { .len = sizeof header + length, .error = error, .unique = unique };
	memcpy(out, &header, sizeof header);
	if (length)
		memcpy(out + sizeof header, body, length);
	if (write(bad_device, out, header.len) < 0)
		errno = 0;
}

/* An answer that no filesystem gives. */
static void lie(struct fuse_in_header *in)
{
	static char names[65536];
	struct fuse_entry_out entry = { .nodeid = in->nodeid + 1, .entry_valid = -1, .attr_valid = -1,
		.attr = { .ino = 1, .mode = in->unique & 4 ? S_IFREG | 0777 : S_IFDIR | 0777, .size = -1, .nlink = -1 } };
	struct fuse_attr_out attr = { .attr_valid = -1, .attr = entry.attr };
	struct fuse_open_out opened = { .open_flags = -1 };
	struct fuse_write_out written = { .size = -1 };
	switch (in->opcode) {
	case FUSE_LOOKUP:
		return tell(in->unique, 0, &entry, sizeof entry);
	case FUSE_GETATTR:
		return tell(in->unique, 0, &attr, sizeof attr);
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		return tell(in->unique, 0, &opened, sizeof opened);
	case FUSE_WRITE:
		return tell(in->unique, 0, &written, sizeof written);
	default:
		memset(names, 0x41, sizeof names);
		return tell(in->unique, 0, names, sizeof names);
	}
}

/* A directory that is in itself. */
static void circle(struct fuse_in_header *in)
{
	struct fuse_entry_out entry = { .nodeid = 2, .entry_valid = 3600, .attr_valid = 3600, .attr = { .ino = 2, .mode = S_IFDIR | 0755, .nlink = 2 } };
	struct fuse_attr_out attr = { .attr_valid = 3600, .attr = entry.attr };
	struct fuse_open_out opened = { 0 };
	if (in->opcode == FUSE_LOOKUP)
		return tell(in->unique, 0, &entry, sizeof entry);
	if (in->opcode == FUSE_GETATTR)
		return tell(in->unique, 0, &attr, sizeof attr);
	if (in->opcode == FUSE_OPENDIR)
		return tell(in->unique, 0, &opened, sizeof opened);
	if (in->opcode == FUSE_READDIR) {
		/* Always the same entry, which always says that others follow. */
		struct {
			struct fuse_dirent dirent;
			char name[8];
		} one = { { .ino = 2, .off = 1, .namelen = 1, .type = 4 }, "a" };
		return tell(in->unique, 0, &one, sizeof one);
	}
	tell(in->unique, -ENOSYS, 0, 0);
}

/* Serves as badly as that, until the mount is gone. */
static pid_t serve_badly(enum kind kind)
{
	char options[100];
	mkdir(BAD, 0755);
	bad_device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0", bad_device);
	if (mount("bad", BAD, "fuse.bad", 0, options))
		perror("mount");
	fflush(stdout);
	pid_t pid = fork();
	if (pid) {
		close(bad_device);
		return pid;
	}
	static char buffer[ROOM];
	struct fuse_in_header *in = (void *)buffer;
	while (read(bad_device, buffer, sizeof buffer) > 0 || errno == EINTR) {
		if (in->opcode == FUSE_INIT) {
			struct fuse_init_out out = { .major = 7, .minor = 38, .max_write = 131072, .flags = FUSE_PARALLEL_DIROPS };
			tell(in->unique, 0, &out, sizeof out);
		} else if (in->opcode == FUSE_FORGET || in->opcode == FUSE_BATCH_FORGET) {
			continue;
		} else if (kind == LATE) {
			nap(50);
			tell(in->unique, -EIO, 0, 0);
		} else if (kind == TWICE) {
			tell(in->unique + 100, -ENOENT, 0, 0);
			tell(in->unique, -EIO, 0, 0);
			tell(in->unique, -ENOENT, 0, 0);
		} else if (kind == LIES) {
			lie(in);
		} else if (kind == CYCLES) {
			circle(in);
		}
	}
	_exit(0);
}

/* All that one can do with a mount. What becomes of it does not matter. */
static void use(int number)
{
	char path[5000], data[4096];
	struct stat st;
	struct dirent *one;
	snprintf(path, sizeof path, BAD "/%d", number);
	stat(path, &st);
	int fd = open(path, O_RDWR | O_CREAT, 0644);
	if (read(fd, data, sizeof data) >= 0 && write(fd, data, sizeof data) >= 0)
		fsync(fd);
	close(fd);
	DIR *dir = opendir(number & 1 ? BAD : path);
	for (int i = 0; dir && i < 1000 && (one = readdir(dir)); i++)
		;
	if (dir)
		closedir(dir);
	getxattr(path, "user.x", data, sizeof data);
	readlink(path, data, sizeof data);
	rename(path, BAD "/other");
	strcpy(path, BAD);
	for (int i = 0; i < 500; i++)
		strcat(path, "/a");
	stat(path, &st);
}

/* Whether everything else goes on: a file behind the good server, one in memory, another process. */
static int others_go_on(int round)
{
	char text[32], back[32] = "", name[64];
	int status, failed = 0;
	snprintf(text, sizeof text, "round %d", round);
	for (int i = 0; i < 2; i++) {
		snprintf(name, sizeof name, "%s/%d", i ? "/tmp" : AT, round % 10);
		int fd = open(name, O_CREAT | O_RDWR | O_TRUNC, 0644);
		failed |= write(fd, text, sizeof text) != sizeof text || pread(fd, back, sizeof back, 0) != sizeof back || strcmp(text, back);
		close(fd);
		if (i)
			failed |= unlink(name);
	}
	pid_t pid = fork();
	if (!pid)
		_exit(7);
	waitpid(pid, &status, 0);
	return !failed && WEXITSTATUS(status) == 7;
}

static void suffer(const char *what, enum kind kind)
{
	pid_t server = serve_badly(kind), callers[CALLERS];
	int status, good = 0, ended = 0;
	for (int i = 0; i < CALLERS; i++)
		if (!(callers[i] = fork())) {
			use(i);
			_exit(0);
		}
	for (int round = 0; round < 20; round++)
		good += others_go_on(round);
	if (kind == SILENT) {
		/* They wait for as long as it likes, and can be killed. */
		for (int i = 0; i < CALLERS / 2; i++)
			kill(callers[i], SIGKILL);
		kill(server, SIGKILL);
	}
	for (int i = 0; i < CALLERS; i++)
		ended += waitpid(callers[i], &status, 0) == callers[i];
	umount2(BAD, MNT_DETACH);
	waitpid(server, &status, 0);
	printf("%s: the others went on %d times of 20, its callers ended: %d of %d\n", what, good, ended, CALLERS);
}

int main(void)
{
	pid_t pid = start_server("", 3600, FUSE_BIG_WRITES);
	suffer("a server that answers nothing", SILENT);
	suffer("one that answers late", LATE);
	suffer("one that answers twice, and what was not asked", TWICE);
	suffer("one that lies", LIES);
	suffer("one whose directory is in itself", CYCLES);
	stop_server(pid);
	return 0;
}
