// A FUSE server over the raw device: one file, whose content lies in a tmpfs.
#include <errno.h>
#include <linux/fuse.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/uio.h>

#define FUSE_AT "/tmp/fuse"
#define FUSE_FILE FUSE_AT "/file"

static struct fuse_attr fuse_attr_of(uint64_t node) {
  struct fuse_attr attr = {.ino = node, .mode = node == 1 ? S_IFDIR | 0755 : S_IFREG | 0644, .nlink = 1, .blksize = PAGE};
  attr.size = node == 1 ? 0 : MEGABYTE;
  return attr;
}

static void fuse_reply(int device, uint64_t unique, int error, const void *body, size_t length) {
  struct fuse_out_header header = {.len = (uint32_t)(sizeof header + length), .error = error, .unique = unique};
  struct iovec pieces[2] = {{&header, sizeof header}, {(void *)body, length}};
  if (writev(device, pieces, 2) < 0 && errno != ENOENT && errno != ENODEV) fail("reply");
}

// Answers one request. Nothing lasts, so that each operation asks; content is cached where `open_flags` say so.
static void fuse_answer(int device, int file, uint32_t open_flags, struct fuse_in_header *in, const char *body) {
  static char data[MEGABYTE];
  struct fuse_entry_out entry = {.nodeid = 2, .attr = fuse_attr_of(2)};
  struct fuse_attr_out attributes = {.attr = fuse_attr_of(in->nodeid)};
  struct fuse_open_out opened = {.fh = 1, .open_flags = open_flags};
  struct fuse_init_out init = {.major = 7, .minor = 31, .max_readahead = 131072, .max_write = 131072, .flags = FUSE_BIG_WRITES, .time_gran = 1};
  switch (in->opcode) {
  case FUSE_INIT: return fuse_reply(device, in->unique, 0, &init, sizeof init);
  case FUSE_LOOKUP: return fuse_reply(device, in->unique, 0, &entry, sizeof entry);
  case FUSE_GETATTR: return fuse_reply(device, in->unique, 0, &attributes, sizeof attributes);
  case FUSE_OPEN: return fuse_reply(device, in->unique, 0, &opened, sizeof opened);
  case FUSE_ACCESS:
  case FUSE_RELEASE:
  case FUSE_FLUSH: return fuse_reply(device, in->unique, 0, NULL, 0);
  case FUSE_READ: {
    const struct fuse_read_in *what = (const void *)body;
    ssize_t got = pread(file, data, what->size, (off_t)what->offset);
    return fuse_reply(device, in->unique, got < 0 ? -EIO : 0, data, got < 0 ? 0 : (size_t)got);
  }
  case FUSE_WRITE: {
    const struct fuse_write_in *what = (const void *)body;
    struct fuse_write_out written = {.size = (uint32_t)pwrite(file, what + 1, what->size, (off_t)what->offset)};
    return fuse_reply(device, in->unique, 0, &written, sizeof written);
  }
  case FUSE_FORGET:
  case FUSE_BATCH_FORGET: return;
  default: return fuse_reply(device, in->unique, -ENOSYS, NULL, 0);
  }
}

static void fuse_mount(uint32_t open_flags) {
  static char request[MEGABYTE + PAGE], options[80];
  mkdir(FUSE_AT, 0755);
  int device = (int)check(open("/dev/fuse", O_RDWR), "/dev/fuse");
  int file = (int)check(open("/tmp/fuse.data", O_RDWR | O_CREAT, 0600), "/tmp/fuse.data");
  check(ftruncate(file, MEGABYTE), "ftruncate");
  snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0", device);
  check(mount("bench", FUSE_AT, "fuse", 0, options), "mount");
  if (!check(fork(), "fork"))
    for (;;) {
      ssize_t got = read(device, request, sizeof request);
      if (got < 0) _exit(0);
      fuse_answer(device, file, open_flags, (void *)request, request + sizeof(struct fuse_in_header));
    }
  close(device);
  fds[0] = (int)check(open(FUSE_FILE, O_RDWR), FUSE_FILE);
}

static void fuse_setup(void) { fuse_mount(FOPEN_DIRECT_IO); }
static void fuse_cached_setup(void) { fuse_mount(FOPEN_KEEP_CACHE); }
static void fuse_stat_run(long n) { stat_of(FUSE_FILE, n); }
static void fuse_open_run(long n) {
  while (n--) close((int)check(open(FUSE_FILE, O_RDONLY), FUSE_FILE));
}
static void fuse_pread4k_run(long n) { pread_of(PAGE, n); }
static void fuse_pread64k_run(long n) { pread_of(65536, n); }
static void fuse_pwrite4k_run(long n) { pwrite_of(PAGE, n); }
static void fuse_pwrite64k_run(long n) { pwrite_of(65536, n); }
