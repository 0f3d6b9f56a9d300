/* A small FUSE server over the raw device, for tests: files in memory, and a record of what it is asked. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#define AT "/tmp/mnt"
#define NODES 64
#define ROOM (1 << 20)

struct node {
	int used, nlink;
	uint64_t parent;
	char name[64];
	uint32_t mode, uid, gid, rdev;
	uint64_t size;
	char *data;
	char target[64];
	char xname[64], xvalue[64];
	int xlength;
};

/* What server and tests share. */
struct shared {
	char log[1 << 18];
	volatile int length;
	volatile int hold, hold_too; /* opcodes whose requests are not answered */
	volatile int held; /* how many */
	volatile int unknown, unknown_too; /* opcodes that the server says it does not know */
	volatile int later, longer, letter; /* seconds and bytes that files have grown by, and what they hold then */
	uint64_t held_unique, held_all[64];
	volatile int timeout; /* seconds that entries and attributes last */
	volatile int open_flags, backing;
	volatile int polled, births, copies_much, forgotten, batches;
	volatile int notifies; /* POLL that wants to hear of a change */
	volatile uint64_t kh;
	volatile uint64_t last_unique;
	volatile int retrieved;
	volatile uint64_t retrieved_unique, retrieved_at;
	char retrieved_data[4096];
};

static struct shared *shared;
static struct node nodes[NODES];
static int device = -1;
static int keep_device;
/* How much it reads at once. */
static size_t reads = ROOM + 4096;
/* How much of the record show_by() has shown. */
static int shown;
/* What INIT is answered with besides. */
static uint32_t wanted_flags, wanted_more, stack_depth, background = 12, largest_write = 131072, pages, patience, minor_version = 38;

static void note(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	shared->length += vsnprintf(shared->log + shared->length, sizeof shared->log - shared->length, format, arguments);
	va_end(arguments);
}

/* How many requests of a kind there were, and the server has done with. */
static inline int count(const char *what)
{
	struct statvfs at;
	statvfs(AT, &at);
	int found = 0;
	for (const char *at = shared->log; (at = strstr(at, what)); at++)
		found++;
	return found;
}

static void reply(uint64_t unique, int error, const void *body, size_t length)
{
	static char out[ROOM + 4096];
	struct fuse_out_header header = { .len = sizeof header + length, .error = error, .unique = unique };
	memcpy(out, &header, sizeof header);
	if (length)
		memcpy(out + sizeof header, body, length);
	if (write(device, out, header.len) < 0 && errno != ENOENT && errno != ENODEV)
		note("REPLY REFUSED %s\n", strerror(errno));
}

static int find(uint64_t parent, const char *name)
{
	for (int i = 2; i < NODES; i++)
		if (nodes[i].used && nodes[i].parent == parent && !strcmp(nodes[i].name, name))
			return i;
	return 0;
}

static int make(uint64_t parent, const char *name, uint32_t mode)
{
	for (int i = 2; i < NODES; i++)
		if (!nodes[i].used) {
			memset(&nodes[i], 0, sizeof nodes[i]);
			nodes[i].used = nodes[i].nlink = 1;
			nodes[i].parent = parent;
			nodes[i].mode = mode;
			nodes[i].data = calloc(1, ROOM);
			snprintf(nodes[i].name, sizeof nodes[i].name, "%s", name);
			return i;
		}
	abort();
}

static struct fuse_attr attr(int id)
{
	struct node *n = &nodes[id];
	struct fuse_attr attr = { .ino = id, .size = n->size, .blocks = (n->size + 511) / 512, .mode = n->mode, .nlink = n->nlink,
		.uid = n->uid, .gid = n->gid, .rdev = n->rdev, .blksize = 4096, .mtime = 1000 + shared->later, .atime = 1000, .ctime = 1000 };
	if ((n->mode & S_IFMT) == S_IFREG)
		attr.size += shared->longer;
	if ((n->mode & S_IFMT) == S_IFLNK)
		attr.size = strlen(n->target);
	return attr;
}

static struct fuse_entry_out entry(int id)
{
	struct fuse_entry_out out = { .nodeid = id, .entry_valid = shared->timeout, .attr_valid = shared->timeout };
	if (id)
		out.attr = attr(id);
	return out;
}

static void reply_entry(uint64_t unique, int id)
{
	struct fuse_entry_out out = entry(id);
	reply(unique, 0, &out, sizeof out);
}

static void reply_attr(uint64_t unique, int id)
{
	struct fuse_attr_out out = { .attr_valid = shared->timeout, .attr = attr(id) };
	reply(unique, 0, &out, sizeof out);
}

static size_t list(int id, uint64_t offset, char *out, size_t room, int plus)
{
	size_t done = 0;
	for (int i = offset; i < NODES + 2; i++) {
		const char *name = i == 0 ? "." : i == 1 ? ".." : nodes[i - 2].name;
		int node = i < 2 ? 0 : i - 2;
		if (i >= 2 && (!nodes[node].used || nodes[node].parent != (uint64_t)id || !*nodes[node].name))
			continue;
		size_t head = plus ? sizeof(struct fuse_entry_out) : 0;
		size_t length = FUSE_REC_ALIGN(head + sizeof(struct fuse_dirent) + strlen(name));
		if (done + length > room)
			break;
		memset(out + done, 0, length);
		if (plus) {
			struct fuse_entry_out one = entry(node);
			memcpy(out + done, &one, sizeof one);
		}
		struct fuse_dirent *dirent = (void *)(out + done + head);
		dirent->ino = i < 2 ? 1 : node;
		dirent->off = i + 1;
		dirent->namelen = strlen(name);
		dirent->type = i < 2 ? 4 : nodes[node].mode >> 12;
		memcpy(dirent->name, name, dirent->namelen);
		done += length;
	}
	return done;
}

/* Flags of open(2) that matter. */
static int flags_of(uint32_t flags)
{
	return flags & (O_ACCMODE | O_CREAT | O_EXCL | O_TRUNC | O_APPEND | O_NONBLOCK | O_DIRECTORY | O_CLOEXEC | O_DIRECT);
}

/* What a request that makes something says of it besides: group and labels. Returns the end of what it says before. */
static const char *besides(const struct fuse_in_header *in)
{
	static char text[100];
	const uint32_t *word = (const void *)((const char *)in + in->len - in->total_extlen * 8), *end = word + in->total_extlen * 2;
	*text = 0;
	for (; word < end; word += word[0] / 4)
		if (word[1] == 32)
			sprintf(text + strlen(text), " groups %u of %u bytes: %u", word[2], word[0], word[3]);
		else
			sprintf(text + strlen(text), " labels %u of %u bytes", word[1], word[0]);
	return text;
}

/* Answers one request. */
static void serve(struct fuse_in_header *in, char *body)
{
	static char out[ROOM + 4096];
	int id = in->nodeid, other;
	struct node *n = &nodes[id < NODES ? id : 0];
	uint64_t unique = in->unique;
	struct fuse_open_out opened = { .fh = id + 100, .open_flags = shared->open_flags };
	opened.padding = shared->backing;
	if (in->opcode == FUSE_LOOKUP)
		shared->last_unique = unique;
	if (in->opcode == (uint32_t)shared->hold || in->opcode == (uint32_t)shared->hold_too) {
		shared->held_unique = unique;
		shared->held_all[shared->held % 64] = unique;
		shared->held++;
		return;
	}
	if (in->opcode == (uint32_t)shared->unknown || in->opcode == (uint32_t)shared->unknown_too) {
		note("ASKED %u\n", in->opcode);
		return reply(unique, -ENOSYS, 0, 0);
	}
	switch (in->opcode) {
	case FUSE_LOOKUP:
		note("LOOKUP %d %s\n", id, body);
		other = !strcmp(body, ".") ? (n->used ? id : 0) : !strcmp(body, "..") ? (int)n->parent : find(id, body);
		if (!other && !shared->timeout)
			return reply(unique, -ENOENT, 0, 0);
		return reply_entry(unique, other);
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
		__atomic_add_fetch(&shared->forgotten, 1, __ATOMIC_SEQ_CST);
		if (in->opcode == FUSE_BATCH_FORGET)
			shared->batches++;
		return;
	case FUSE_GETATTR:
		note("GETATTR %d\n", id);
		return reply_attr(unique, id);
	case FUSE_SETATTR: {
		struct fuse_setattr_in *set = (void *)body;
		note("SETATTR %d valid %x", id, set->valid & ~(FATTR_FH | FATTR_CTIME));
		if (set->valid & FATTR_MODE)
			note(" mode %o", n->mode = set->mode);
		if (set->valid & FATTR_UID)
			note(" uid %u", n->uid = set->uid);
		if (set->valid & FATTR_GID)
			note(" gid %u", n->gid = set->gid);
		if (set->valid & FATTR_SIZE)
			note(" size %llu", (unsigned long long)(n->size = set->size));
		if (set->valid & FATTR_MTIME && !(set->valid & FATTR_MTIME_NOW))
			note(" mtime %llu.%u", (unsigned long long)set->mtime, set->mtimensec);
		note("\n");
		return reply_attr(unique, id);
	}
	case FUSE_READLINK:
		note("READLINK %d\n", id);
		return reply(unique, 0, n->target, strlen(n->target));
	case FUSE_SYMLINK:
		note("SYMLINK %d %s -> %s%s\n", id, body, body + strlen(body) + 1, besides(in));
		other = make(id, body, S_IFLNK | 0777);
		strcpy(nodes[other].target, body + strlen(body) + 1);
		return reply_entry(unique, other);
	case FUSE_MKNOD: {
		struct fuse_mknod_in *what = (void *)body;
		note("MKNOD %d %s mode %o rdev %x umask %o%s\n", id, body + sizeof *what, what->mode, what->rdev, what->umask, besides(in));
		other = make(id, body + sizeof *what, what->mode);
		nodes[other].rdev = what->rdev;
		return reply_entry(unique, other);
	}
	case FUSE_MKDIR: {
		struct fuse_mkdir_in *what = (void *)body;
		note("MKDIR %d %s mode %o umask %o%s\n", id, body + sizeof *what, what->mode, what->umask, besides(in));
		return reply_entry(unique, make(id, body + sizeof *what, S_IFDIR | what->mode));
	}
	case FUSE_UNLINK:
	case FUSE_RMDIR:
		note("%s %d %s\n", in->opcode == FUSE_RMDIR ? "RMDIR" : "UNLINK", id, body);
		other = find(id, body);
		nodes[other].name[0] = 0;
		nodes[other].nlink--;
		return reply(unique, 0, 0, 0);
	case FUSE_RENAME:
	case FUSE_RENAME2: {
		size_t head = in->opcode == FUSE_RENAME ? sizeof(struct fuse_rename_in) : sizeof(struct fuse_rename2_in);
		struct fuse_rename2_in *what = (void *)body;
		char *old = body + head, *new = old + strlen(old) + 1;
		uint32_t flags = in->opcode == FUSE_RENAME ? 0 : what->flags;
		note("RENAME %d %s -> %d %s flags %x\n", id, old, (int)what->newdir, new, flags);
		int from = find(id, old), to = find(what->newdir, new);
		if (flags & 1 && to)
			return reply(unique, -EEXIST, 0, 0);
		if (flags & 2) {
			strcpy(nodes[to].name, old);
			nodes[to].parent = id;
		} else if (to) {
			nodes[to].name[0] = 0;
		}
		strcpy(nodes[from].name, new);
		nodes[from].parent = what->newdir;
		return reply(unique, 0, 0, 0);
	}
	case FUSE_LINK: {
		struct fuse_link_in *what = (void *)body;
		note("LINK %d -> %d %s\n", (int)what->oldnodeid, id, body + sizeof *what);
		nodes[what->oldnodeid].nlink++;
		return reply_entry(unique, what->oldnodeid);
	}
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		note("%s %d flags %o", in->opcode == FUSE_OPEN ? "OPEN" : "OPENDIR", id, flags_of(((struct fuse_open_in *)body)->flags));
		note("%s\n", ((struct fuse_open_in *)body)->open_flags ? " without set-IDs" : "");
		return reply(unique, 0, &opened, sizeof opened);
	case FUSE_CREATE:
	case FUSE_TMPFILE: {
		struct fuse_create_in *what = (void *)body;
		int named = in->opcode == FUSE_CREATE;
		note("%s %d %s mode %o umask %o flags %o%s%s\n", named ? "CREATE" : "TMPFILE", id, named ? body + sizeof *what : "",
			what->mode, what->umask, flags_of(what->flags) & ~O_DIRECTORY, what->open_flags ? " without set-IDs" : "", besides(in));
		other = make(id, named ? body + sizeof *what : "", what->mode);
		struct fuse_entry_out made = entry(other);
		opened.fh = other + 100;
		memcpy(out, &made, sizeof made);
		memcpy(out + sizeof made, &opened, sizeof opened);
		return reply(unique, 0, out, sizeof made + sizeof opened);
	}
	case FUSE_READ: {
		struct fuse_read_in *what = (void *)body;
		uint64_t size = n->size + shared->longer, left = what->offset < size ? size - what->offset : 0;
		if (shared->letter)
			memset(n->data, shared->letter, size);
		note("READ %d fh %d at %llu\n", id, (int)what->fh, (unsigned long long)what->offset);
		return reply(unique, 0, n->data + what->offset, left < what->size ? left : what->size);
	}
	case FUSE_WRITE: {
		struct fuse_write_in *what = (void *)body;
		struct fuse_write_out written = { .size = what->size };
		note("WRITE %d fh %d %u at %llu%s\n", id, (int)what->fh, what->size, (unsigned long long)what->offset,
			what->write_flags & 4 ? " without set-IDs" : "");
		memcpy(n->data + what->offset, body + sizeof *what, what->size);
		if (what->offset + what->size > n->size)
			n->size = what->offset + what->size;
		return reply(unique, 0, &written, sizeof written);
	}
	case FUSE_STATFS: {
		struct fuse_statfs_out what = { .st = { .blocks = 1000, .bfree = 500, .bavail = 400, .files = 64, .ffree = 60, .bsize = 4096,
			.namelen = 63, .frsize = 4096 } };
		note("STATFS\n");
		return reply(unique, 0, &what, sizeof what);
	}
	case FUSE_RELEASE:
	case FUSE_RELEASEDIR: {
		struct fuse_release_in *what = (void *)body;
		note("%s %d fh %d\n", in->opcode == FUSE_RELEASE ? "RELEASE" : "RELEASEDIR", id, (int)what->fh);
		return reply(unique, 0, 0, 0);
	}
	case FUSE_FSYNC:
	case FUSE_FSYNCDIR:
		note("%s %d data %u\n", in->opcode == FUSE_FSYNC ? "FSYNC" : "FSYNCDIR", id, ((struct fuse_fsync_in *)body)->fsync_flags);
		return reply(unique, 0, 0, 0);
	case FUSE_SETXATTR: {
		uint32_t *what = (void *)body;
		int is_long = wanted_flags & FUSE_SETXATTR_EXT;
		char *name = body + (is_long ? sizeof(struct fuse_setxattr_in) : FUSE_COMPAT_SETXATTR_IN_SIZE);
		note("SETXATTR %d %s %u flags %u%s\n", id, name, what[0], what[1], is_long && what[2] ? " without set-group-ID" : "");
		strcpy(n->xname, name);
		memcpy(n->xvalue, name + strlen(name) + 1, n->xlength = what[0]);
		return reply(unique, 0, 0, 0);
	}
	case FUSE_GETXATTR: {
		struct fuse_getxattr_in *what = (void *)body;
		if (strcmp(body + sizeof *what, n->xname)) {
			if (!strncmp(body + sizeof *what, "system.", 7))
				note("GETXATTR %d %s\n", id, body + sizeof *what);
			return reply(unique, -ENODATA, 0, 0);
		}
		struct fuse_getxattr_out size = { .size = n->xlength };
		note("GETXATTR %d %s\n", id, body + sizeof *what);
		return what->size ? reply(unique, 0, n->xvalue, n->xlength) : reply(unique, 0, &size, sizeof size);
	}
	case FUSE_LISTXATTR: {
		struct fuse_getxattr_in *what = (void *)body;
		size_t length = *n->xname ? strlen(n->xname) + 1 : 0;
		struct fuse_getxattr_out size = { .size = length };
		note("LISTXATTR %d\n", id);
		return what->size ? reply(unique, 0, n->xname, length) : reply(unique, 0, &size, sizeof size);
	}
	case FUSE_REMOVEXATTR:
		if (strcmp(body, n->xname))
			return reply(unique, -ENODATA, 0, 0);
		note("REMOVEXATTR %d %s\n", id, body);
		n->xname[0] = 0;
		return reply(unique, 0, 0, 0);
	case FUSE_FLUSH:
		note("FLUSH %d fh %d\n", id, (int)((struct fuse_flush_in *)body)->fh);
		return reply(unique, 0, 0, 0);
	case FUSE_READDIR:
	case FUSE_READDIRPLUS: {
		struct fuse_read_in *what = (void *)body;
		int plus = in->opcode == FUSE_READDIRPLUS;
		note("READDIR%s %d at %llu\n", plus ? "PLUS" : "", id, (unsigned long long)what->offset);
		return reply(unique, 0, out, list(id, what->offset, out, what->size < ROOM ? what->size : ROOM, plus));
	}
	case FUSE_GETLK:
	case FUSE_SETLK:
	case FUSE_SETLKW: {
		struct fuse_lk_in *what = (void *)body;
		struct fuse_lk_out none = { .lk = { .type = F_UNLCK } };
		note("%s %d %llu-%lld type %u flags %u\n", in->opcode == FUSE_GETLK ? "GETLK" : in->opcode == FUSE_SETLK ? "SETLK" : "SETLKW", id,
			(unsigned long long)what->lk.start, (long long)what->lk.end, what->lk.type, what->lk_flags);
		return in->opcode == FUSE_GETLK ? reply(unique, 0, &none, sizeof none) : reply(unique, 0, 0, 0);
	}
	case FUSE_ACCESS:
		note("ACCESS %d %u\n", id, ((struct fuse_access_in *)body)->mask & 7);
		return reply(unique, 0, 0, 0);
	case FUSE_INTERRUPT:
		note("INTERRUPT\n");
		if (((struct fuse_interrupt_in *)body)->unique == shared->held_unique) {
			shared->held = 0;
			reply(shared->held_unique, -EINTR, 0, 0);
		}
		return;
	case FUSE_IOCTL: {
		struct fuse_ioctl_in *what = (void *)body;
		struct fuse_ioctl_out done = { .result = 7 };
		note("IOCTL %d cmd %x in %u out %u flags %u\n", id, what->cmd, what->in_size, what->out_size, what->flags);
		memcpy(out, &done, sizeof done);
		memset(out + sizeof done, 'o', what->out_size);
		return reply(unique, 0, out, sizeof done + what->out_size);
	}
	case FUSE_POLL: {
		struct fuse_poll_in *what = (void *)body;
		struct fuse_poll_out ready = { .revents = shared->polled };
		shared->kh = what->kh;
		if (what->flags & FUSE_POLL_SCHEDULE_NOTIFY)
			shared->notifies = 1;
		return reply(unique, 0, &ready, sizeof ready);
	}
	case FUSE_FALLOCATE: {
		struct fuse_fallocate_in *what = (void *)body;
		note("FALLOCATE %d %llu+%llu mode %u\n", id, (unsigned long long)what->offset, (unsigned long long)what->length, what->mode);
		if (!(what->mode & 1) && what->offset + what->length > n->size)
			n->size = what->offset + what->length;
		return reply(unique, 0, 0, 0);
	}
	case FUSE_LSEEK: {
		struct fuse_lseek_in *what = (void *)body;
		struct fuse_lseek_out found = { .offset = what->whence == 3 ? what->offset : n->size };
		note("LSEEK %d %llu whence %u\n", id, (unsigned long long)what->offset, what->whence);
		return reply(unique, 0, &found, sizeof found);
	}
	case 53: /* FUSE_COPY_FILE_RANGE_64, newer than some headers */
		if (!shared->copies_much)
			return reply(unique, -ENOSYS, 0, 0);
		/* fall through */
	case FUSE_COPY_FILE_RANGE: {
		struct fuse_copy_file_range_in *what = (void *)body;
		struct node *to = &nodes[what->nodeid_out];
		uint64_t left = what->off_in < n->size ? n->size - what->off_in : 0;
		struct fuse_write_out copied = { .size = left < what->len ? left : what->len };
		uint64_t much = copied.size;
		note("COPY_FILE_RANGE%s %d %llu -> %d %llu\n", in->opcode == 53 ? "_64" : "", id, (unsigned long long)what->off_in, (int)what->nodeid_out, (unsigned long long)what->off_out);
		memcpy(to->data + what->off_out, n->data + what->off_in, copied.size);
		if (what->off_out + copied.size > to->size)
			to->size = what->off_out + copied.size;
		return in->opcode == 53 ? reply(unique, 0, &much, sizeof much) : reply(unique, 0, &copied, sizeof copied);
	}
	case 52: { /* FUSE_STATX, newer than some headers */
		struct statx_out {
			uint64_t valid;
			uint32_t nanoseconds, flags;
			uint64_t spare[2];
			struct statx stat;
		} told = { .valid = shared->timeout };
		struct fuse_attr known = attr(id);
		note("STATX %d\n", id);
		if (!shared->births)
			return reply(unique, -ENOSYS, 0, 0);
		told.stat = (struct statx){ .stx_mask = STATX_BASIC_STATS | STATX_BTIME, .stx_blksize = 4096, .stx_nlink = known.nlink,
			.stx_mode = known.mode, .stx_ino = id, .stx_size = known.size, .stx_blocks = known.blocks, .stx_mtime.tv_sec = 1000,
			.stx_atime.tv_sec = 1000, .stx_ctime.tv_sec = 1000, .stx_btime.tv_sec = 500, .stx_btime.tv_nsec = 7 };
		return reply(unique, 0, &told, sizeof told);
	}
	case FUSE_NOTIFY_REPLY: {
		struct fuse_notify_retrieve_in *what = (void *)body;
		shared->retrieved_unique = unique;
		shared->retrieved_at = what->offset;
		memcpy(shared->retrieved_data, body + sizeof *what, what->size < 4096 ? what->size : 4096);
		shared->retrieved = what->size;
		return;
	}
	default:
		note("UNKNOWN %u\n", in->opcode);
		return reply(unique, -ENOSYS, 0, 0);
	}
}

/* Reads the next request, and answers INIT itself. False at the end. */
static inline int next(char *buffer, uint32_t wanted)
{
	for (;;) {
		ssize_t got = read(device, buffer, reads);
		if (got < 0 && (errno == EINTR || errno == ENOENT))
			continue;
		if (got < 0)
			return 0;
		struct fuse_in_header *in = (void *)buffer;
		if (in->len != got)
			note("LENGTH %u of %zd\n", in->len, got);
		buffer[got] = 0;
		if (in->opcode != FUSE_INIT)
			return 1;
		struct fuse_init_in *theirs = (void *)(in + 1);
		wanted_flags = wanted;
		struct fuse_init_out ours = { .major = 7, .minor = minor_version, .max_readahead = 131072, .max_write = largest_write, .time_gran = 1, .max_pages = pages,
			.flags = wanted & theirs->flags, .flags2 = wanted_more, .max_background = background, .congestion_threshold = 9 };
		/* Newer than some headers: max_stack_depth and request_timeout. */
		memcpy((char *)&ours + 36, &stack_depth, sizeof stack_depth);
		memcpy((char *)&ours + 40, &patience, sizeof patience);
		reply(in->unique, 0, &ours, minor_version < 23 ? FUSE_COMPAT_22_INIT_OUT_SIZE : sizeof ours);
	}
}

/* Mounts. The device stays open in the caller. */
static inline void start(const char *options, int seconds)
{
	char text[256];
	shared = mmap(0, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	shared->timeout = seconds;
	shown = 0;
	mkdir(AT, 0755);
	device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (device < 0) {
		perror("/dev/fuse");
		exit(2);
	}
	snprintf(text, sizeof text, "fd=%d,rootmode=40000,user_id=0,group_id=0%s", device, options);
	if (mount("test", AT, "fuse.test", MS_NOSUID | MS_NODEV, text)) {
		perror("mount");
		exit(2);
	}
	memset(nodes, 0, sizeof nodes);
	nodes[1] = (struct node){ .used = 1, .nlink = 2, .mode = S_IFDIR | 0755 };
}

/* Mounts, with a server of its own. Returns its process id. */
static inline pid_t start_server(const char *options, int seconds, uint32_t wanted)
{
	start(options, seconds);
	fflush(stdout);
	pid_t pid = fork();
	if (pid) {
		if (keep_device)
			return pid;
		close(device);
		device = -1;
		return pid;
	}
	static char buffer[ROOM + 8192];
	while (next(buffer, wanted))
		serve((void *)buffer, buffer + sizeof(struct fuse_in_header));
	_exit(0);
}

static inline void stop_server(pid_t pid)
{
	if (umount2(AT, MNT_DETACH))
		perror("umount");
	waitpid(pid, 0, 0);
}

/* Shows a result, and by `line` each request that came meanwhile; it is told the one before too. STATFS tells where that ends: everything
 * before it has been read by then. */
static inline void show_by(void (*line)(const char *what, char *request, const char *before), const char *what, long result)
{
	struct statvfs at;
	int error = errno;
	printf("%s = %s\n", what, result < 0 ? strerror(error) : "ok");
	statvfs(AT, &at);
	char *text = shared->log + shown, *end = strstr(text, "STATFS\n"), *last = "";
	char *copy = strndup(text, end ? end - text : 0);
	for (char *request = strtok(copy, "\n"); request; request = strtok(0, "\n")) {
		line(what, request, last);
		last = request;
	}
	free(copy);
	shown = shared->length;
	errno = 0;
	fflush(stdout);
}
