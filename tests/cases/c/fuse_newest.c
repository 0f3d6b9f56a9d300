/* What the newest kernels have: what INIT offers, copies of more than four gigabytes, all names outdated at once, inodes to be let go. */
#define _GNU_SOURCE
#include "fuse.h"

#define P AT "/"
/* Newer than some headers. */
#define NOTIFY_INC_EPOCH 8
#define NOTIFY_PRUNE 9
#define KNOWN_FLAGS 0x73fffffbu
#define KNOWN_MORE 0x4fdu

static void say(const char *what, long result)
{
	printf("%s: %ld%s%s\n", what, result < 0 ? -1 : result, result < 0 ? " " : "", result < 0 ? strerror(errno) : "");
	fflush(stdout);
	errno = 0;
}

static void offer(void)
{
	static char buffer[ROOM];
	struct fuse_in_header *in = (void *)buffer;
	struct fuse_init_in *offered = (void *)(in + 1);
	start("", 0);
	say("INIT", read(device, buffer, sizeof buffer));
	printf("%u.%s readahead %u flags %x %x\n", offered->major, offered->minor >= 45 ? "45 or more" : "less", offered->max_readahead,
		offered->flags & KNOWN_FLAGS, offered->flags2 & KNOWN_MORE);
	umount2(AT, MNT_DETACH);
	close(device);
}

static long notify(int code, const void *body, size_t length)
{
	char out[200];
	struct fuse_out_header header = { .len = sizeof header + length, .error = code };
	memcpy(out, &header, sizeof header);
	memcpy(out + sizeof header, body, length);
	return write(device, out, header.len);
}

static void epochs(void)
{
	struct stat st;
	int before = count("LOOKUP");
	stat(P "a", &st);
	stat(P "none", &st);
	stat(P "none", &st);
	printf("looked up %d\n", count("LOOKUP") - before);
	say("INC_EPOCH", notify(NOTIFY_INC_EPOCH, 0, 0));
	before = count("LOOKUP");
	stat(P "a", &st);
	stat(P "a", &st);
	stat(P "none", &st);
	printf("looked up %d\n", count("LOOKUP") - before);
	say("INC_EPOCH with more", notify(NOTIFY_INC_EPOCH, "more", 4));
}

static void prunes(void)
{
	struct stat st;
	stat(P "a", &st);
	struct {
		uint32_t count, padding;
		uint64_t spare, nodes[3];
	} told = { .count = 3, .nodes = { st.st_ino, 50, 51 } };
	int before = shared->forgotten;
	say("PRUNE", notify(NOTIFY_PRUNE, &told, sizeof told));
	while (shared->forgotten == before)
		usleep(1000);
	before = count("LOOKUP");
	stat(P "a", &st);
	printf("looked up %d\n", count("LOOKUP") - before);
	say("PRUNE of fewer than there are", notify(NOTIFY_PRUNE, &told, sizeof told - 8));
	say("PRUNE that is too short", notify(NOTIFY_PRUNE, &told, 8));
	told.count = 0;
	say("PRUNE of none", notify(NOTIFY_PRUNE, &told, 16));
}

static void copies(void)
{
	int from = open(P "a", O_RDWR), to = open(P "b", O_CREAT | O_RDWR, 0644);
	char text[20] = "";
	say("write", write(from, "0123456789", 10));
	shared->copies_much = 1;
	say("copy", copy_file_range(from, &(off_t){ 2 }, to, 0, 6, 0));
	printf("by the newer request %d\n", count("COPY_FILE_RANGE_64"));
	shared->copies_much = 0;
	say("copy", copy_file_range(from, &(off_t){ 0 }, to, 0, 4, 0));
	say("copy", copy_file_range(from, &(off_t){ 0 }, to, 0, 4, 0));
	printf("by the newer request %d, by the older %d\n", count("COPY_FILE_RANGE_64"), count("COPY_FILE_RANGE "));
	say("read", pread(to, text, sizeof text, 0));
	printf("%s\n", text);
	close(from);
	close(to);
}

int main(void)
{
	offer();
	keep_device = 1;
	pid_t pid = start_server("", 3600, FUSE_BIG_WRITES);
	close(open(P "a", O_CREAT | O_RDWR, 0644));
	epochs();
	prunes();
	copies();
	stop_server(pid);
	return 0;
}
