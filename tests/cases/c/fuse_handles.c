/* Handles of files: found again while they are known, and afterwards if the server can do that. */
#define _GNU_SOURCE
#include "fuse.h"
#include <sys/ioctl.h>

#define P AT "/"
/* Newer than some headers. */
#define INIT_EXT (1 << 30)
#define NO_EXPORT_SUPPORT (1 << 6)

struct handle {
	struct file_handle head;
	unsigned char bytes[128];
};

static void say(const char *what, long result)
{
	printf("%s: %s\n", what, result < 0 ? strerror(errno) : "ok");
	fflush(stdout);
	errno = 0;
}

static long name_of(const char *path, struct handle *handle)
{
	int mount;
	handle->head.handle_bytes = sizeof handle->bytes;
	return name_to_handle_at(AT_FDCWD, path, &handle->head, &mount, 0);
}

static void tell(const char *what, const struct handle *handle)
{
	printf("%s: type %x,", what, handle->head.handle_type);
	for (unsigned i = 0; i < handle->head.handle_bytes; i++)
		printf(" %02x", handle->head.f_handle[i]);
	printf("\n");
}

/* Opens by a handle, and tells whether the server was asked for the file. */
static void by(const char *what, int mount, struct handle *handle, int flags)
{
	char text[16] = "";
	int before = count("LOOKUP");
	int fd = open_by_handle_at(mount, &handle->head, flags);
	say(what, fd);
	if (fd >= 0 && !(flags & O_DIRECTORY)) {
		say("read", pread(fd, text, 10, 0));
		printf("%s\n", text);
	}
	printf("asked: %d\n", count("LOOKUP") - before);
	close(fd);
}

/* Has the name forgotten, and waits until its file is, too. */
static void forget(const char *name)
{
	struct {
		struct fuse_out_header header;
		struct fuse_notify_inval_entry_out told;
		char name[16];
	} out = { { 0, FUSE_NOTIFY_INVAL_ENTRY, 0 }, { .parent = 1, .namelen = strlen(name) }, "" };
	strcpy(out.name, name);
	out.header.len = sizeof out.header + sizeof out.told + strlen(name) + 1;
	int before = shared->forgotten;
	say("forget", write(device, &out, out.header.len));
	for (int i = 0; i < 20000 && shared->forgotten == before; i++)
		usleep(1000);
	printf("forgotten: %d\n", shared->forgotten > before);
}

static void with(const char *title, uint32_t flags, uint32_t more)
{
	struct handle file, directory, other;
	printf("=== %s\n", title);
	wanted_more = more;
	pid_t pid = start_server("", 3600, flags | FUSE_BIG_WRITES);
	int root = open(AT, O_RDONLY | O_DIRECTORY);
	int fd = open(P "a", O_CREAT | O_RDWR, 0644);
	say("write", write(fd, "content", 7));
	close(fd);
	mkdir(P "d", 0755);
	file.head.handle_bytes = 4;
	int mount;
	say("too small", name_to_handle_at(AT_FDCWD, P "a", &file.head, &mount, 0));
	printf("%u\n", file.head.handle_bytes);
	say("a file", name_of(P "a", &file));
	say("a directory", name_of(P "d", &directory));
	if (more) {
		close(root);
		stop_server(pid);
		return;
	}
	tell("a file", &file);
	tell("a directory", &directory);
	say("the root", name_of(AT, &other));
	tell("the root", &other);
	by("the root by its handle", root, &other, O_RDONLY | O_DIRECTORY);
	by("known", root, &file, O_RDONLY);
	by("known directory", root, &directory, O_RDONLY | O_DIRECTORY);
	by("to write", root, &file, O_RDWR);
	other = file;
	other.head.f_handle[8]++;
	by("another generation", root, &other, O_RDONLY);
	other = file;
	other.head.handle_type = 1;
	by("another type", root, &other, O_RDONLY);
	other = file;
	other.head.handle_bytes = 8;
	by("shorter", root, &other, O_RDONLY);
	other = file;
	other.head.f_handle[4] = 60;
	by("a number that the server does not know", root, &other, O_RDONLY);
	forget("a");
	by("forgotten", root, &file, O_RDONLY);
	close(root);
	stop_server(pid);
	close(device);
}

int main(void)
{
	keep_device = 1;
	with("a server that finds files again", FUSE_EXPORT_SUPPORT, 0);
	with("one that does not", 0, 0);
	with("one that wants no handles", INIT_EXT, NO_EXPORT_SUPPORT);
	return 0;
}
