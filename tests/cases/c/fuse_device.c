/* fuse(4): what reads, writes and polls of the device give, well-formed or not, before, during and after a mount. */
#define _GNU_SOURCE
#include "fuse.h"
#include <sys/ioctl.h>

static char buffer[ROOM + 8192];
static struct fuse_in_header *in = (void *)buffer;

static void say(const char *what, long result)
{
	printf("%s: %ld%s%s\n", what, result < 0 ? -1 : result, result < 0 ? " " : "", result < 0 ? strerror(errno) : "");
	fflush(stdout);
}

static void ready(const char *what)
{
	struct pollfd polled = { .fd = device, .events = POLLIN | POLLOUT };
	poll(&polled, 1, 0);
	printf("%s: in %d out %d err %d\n", what, !!(polled.revents & POLLIN), !!(polled.revents & POLLOUT), !!(polled.revents & POLLERR));
}

static long answer(uint32_t length, int error, uint64_t unique, size_t written)
{
	static char out[4096];
	struct fuse_out_header header = { .len = length, .error = error, .unique = unique };
	memcpy(out, &header, sizeof header);
	return write(device, out, written);
}

/* A child that looks a name up, and tells how that went. */
static pid_t look(const char *name)
{
	fflush(stdout);
	pid_t pid = fork();
	if (!pid) {
		close(device);
		if (device != 3)
			close(3);
		struct stat st;
		char path[100];
		snprintf(path, sizeof path, AT "/%s", name);
		int result = stat(path, &st);
		_exit(result ? errno : 0);
	}
	return pid;
}

static void end(const char *what, pid_t pid)
{
	int status;
	waitpid(pid, &status, 0);
	printf("%s: %s\n", what, WIFEXITED(status) ? strerror(WEXITSTATUS(status)) : "killed");
}

/* The next request that is no FORGET. */
static long fetch(void)
{
	for (;;) {
		long got = read(device, buffer, sizeof buffer);
		if (got < 0 || (in->opcode != FUSE_FORGET && in->opcode != FUSE_BATCH_FORGET))
			return got;
	}
}

int main(void)
{
	device = open("/dev/fuse", O_RDWR);
	say("read before a mount", read(device, buffer, sizeof buffer));
	say("write before a mount", write(device, buffer, 16));
	ready("before a mount");
	say("seek", lseek(device, 0, SEEK_SET));
	say("unknown ioctl", ioctl(device, _IO(229, 77)));
	say("no other device", ioctl(device, FUSE_DEV_IOC_CLONE, &device));
	say("mount without its descriptor", mount("x", "/", "fuse", 0, "rootmode=40000,user_id=0,group_id=0"));
	say("mount with another descriptor", mount("x", "/", "fuse", 0, "fd=0,rootmode=40000,user_id=0,group_id=0"));
	say("mount of a block device", mount("x", "/", "fuse", 0, "fd=3,rootmode=40000,user_id=0,group_id=0,blksize=512"));
	say("mount with an unknown option", mount("x", "/", "fuse", 0, "fd=3,rootmode=40000,user_id=0,group_id=0,nonsense"));
	say("mount with an empty subtype", mount("x", "/", "fuse.", 0, "fd=3,rootmode=40000,user_id=0,group_id=0"));
	close(device);

	start("", 0);
	char line[512];
	FILE *mounts = fopen("/proc/mounts", "r");
	while (fgets(line, sizeof line, mounts))
		if (strstr(line, AT))
			printf("%s", line);
	fclose(mounts);
	mkdir(AT "2", 0755);
	char text[100];
	snprintf(text, sizeof text, "fd=%d,rootmode=40000,user_id=0,group_id=0", device);
	say("another mount of the same", mount("x", AT "2", "fuse", 0, text));
	say("its end", umount2(AT "2", 0));
	ready("after the mount");
	say("read with a small buffer", read(device, buffer, 8191));
	say("INIT", read(device, buffer, sizeof buffer) > 0 ? (long)in->opcode : -1);
	struct fuse_init_out ours = { .major = 7, .minor = 38, .max_write = 65536, .time_gran = 1, .flags = FUSE_BIG_WRITES };
	reply(in->unique, 0, &ours, sizeof ours);
	fcntl(device, F_SETFL, O_RDWR | O_NONBLOCK);
	say("nothing to read", read(device, buffer, sizeof buffer));
	fcntl(device, F_SETFL, O_RDWR);
	ready("idle");
	say("buffer for less than a write", read(device, buffer, 65536));

	pid_t pid = look("a");
	say("LOOKUP", fetch() > 0 ? (long)in->opcode : -1);
	uint64_t unique = in->unique;
	say("shorter than a header", write(device, buffer, 15));
	say("length too large", answer(200, 0, unique, 16));
	say("length too small", answer(15, 0, unique, 16));
	say("positive error", answer(16, 5, unique, 16));
	say("error too large", answer(16, -512, unique, 16));
	say("unknown request", answer(16, -5, unique + 1000, 16));
	say("unknown notification", answer(16, 99, 0, 16));
	say("error with a body", answer(20, -5, unique, 20));
	end("its caller", pid);
	say("answered twice", answer(16, -5, unique, 16));

	pid = look("b");
	fetch();
	say("body too short", answer(16 + 100, 0, in->unique, 16 + 100));
	end("its caller", pid);
	pid = look("c");
	fetch();
	say("body too long", answer(16 + 129, 0, in->unique, 16 + 129));
	end("its caller", pid);
	pid = look("d");
	fetch();
	struct fuse_entry_out bad = { .nodeid = 5, .attr = { .mode = 0 } };
	reply(in->unique, 0, &bad, sizeof bad);
	end("no type", pid);
	pid = look("e");
	fetch();
	bad.attr.mode = S_IFREG;
	bad.attr.size = 1ull << 63;
	reply(in->unique, 0, &bad, sizeof bad);
	end("a size that there is not", pid);
	pid = look("f");
	fetch();
	bad = (struct fuse_entry_out){ .nodeid = 1, .attr = { .mode = S_IFDIR } };
	reply(in->unique, 0, &bad, sizeof bad);
	end("the root below itself", pid);
	pid = look("g");
	fetch();
	reply(in->unique, -ENOANO, 0, 0);
	end("any error", pid);

	int clone = open("/dev/fuse", O_RDWR);
	say("clone", ioctl(clone, FUSE_DEV_IOC_CLONE, &device));
	say("clone again", ioctl(clone, FUSE_DEV_IOC_CLONE, &device));
	pid = look("h");
	int first = device;
	device = clone;
	fetch();
	unique = in->unique;
	device = first;
	say("answer through another device", answer(16, -5, unique, 16));
	device = clone;
	say("answer through the same", answer(16, -ENOANO, unique, 16));
	end("its caller", pid);
	pid = look("i");
	fetch();
	close(clone);
	device = first;
	end("what was read through a closed device", pid);

	pid = look("j");
	fetch();
	umount2(AT, MNT_DETACH);
	reply(in->unique, -EIO, 0, 0);
	end("unmounted", pid);
	say("read after the end", fetch());
	ready("after the end");
	say("write after the end", answer(16, -5, 2, 16));
	return 0;
}
