/* What servers ask for in INIT, and what that does to the requests: umask, set-ID bits, access control lists, groups, sizes. */
#define _GNU_SOURCE
#include "fuse.h"
#include <grp.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>
#include <linux/fs.h>

#define P AT "/"
/* Newer than some headers. */
#define SECURITY_CTX (1 << 0)
#define CREATE_SUPP_GROUP (1 << 2)
#define KILLPRIV_V2 (1 << 28)
#define INIT_EXT (1 << 30)

static void asked(const char *what, char *request, const char *before)
{
	(void)before;
	/* Each kernel has its own way to ask for nothing to be changed, and how often it asks for lists on the way. */
	if (strstr(request, " valid 0") || (!strncmp(request, "GETXATTR", 8) && strcmp(what, "the list")))
		return;
	/* What the time is is another thing each time. */
	char *times = strstr(request, " mtime ");
	if (times)
		*times = 0;
	printf("  %s\n", request);
}

static void show(const char *what, long result)
{
	show_by(asked, what, result);
}

/* From here on somebody else: user 1000 of group 100, who is in group 7 too. And back. */
static void become(int uid)
{
	gid_t group = 7;
	if (!uid && (seteuid(0) || setegid(0)))
		perror("back");
	if (setgroups(!!uid, &group) || (uid && (setegid(100) || seteuid(uid))))
		perror("become");
}

/* user::rw- user:1000:r-- group::r-- mask::r-- other::--- */
static const uint32_t acl[] = { 2, 0x60001, -1, 0x40002, 1000, 0x40004, -1, 0x40010, -1, 0x00020, -1 };

static void open_and_close(const char *what, const char *path, int flags)
{
	int fd = open(path, flags, 0666);
	show(what, fd);
	if (fd >= 0)
		show("close", close(fd));
}

static void made(void)
{
	umask(027);
	show("mkdir", mkdir(P "d", 0777));
	show("chown", chown(P "d", 0, 7));
	show("chmod", chmod(P "d", 0777));
	become(1000);
	int fd = open(P "d/x", O_CREAT | O_RDWR, 0666);
	show("create", fd);
	close(fd);
	show("mkdir", mkdir(P "d/y", 0777));
	show("symlink", symlink("to", P "d/l"));
	show("mknod", mknod(P "d/f", S_IFIFO | 0666, 0));
	become(0);
	fd = open(P "d/root", O_CREAT | O_RDWR, 0666);
	show("create", fd);
	close(fd);
}

static void set_ids(void)
{
	char data[3000] = { 0 };
	umask(0);
	int fd = open(P "s", O_CREAT | O_RDWR, 04777);
	show("create", fd);
	show("chown", fchown(fd, 1000, 100));
	show("chmod", fchmod(fd, 04777));
	show("write", pwrite(fd, data, 1000, 0));
	show("truncate", ftruncate(fd, 500));
	close(fd);
	become(1000);
	show("chmod", chmod(P "s", 04777));
	fd = open(P "s", O_RDWR);
	show("open", fd);
	show("write", pwrite(fd, data, 1000, 0));
	show("truncate", ftruncate(fd, 500));
	close(fd);
	show("chmod", chmod(P "s", 06777));
	fd = open(P "s", O_RDWR | O_TRUNC);
	show("open and truncate", fd);
	close(fd);
	become(0);
	show("chmod", chmod(P "s", 06777));
	show("chown", chown(P "s", 1001, -1));
}

static void lists(void)
{
	char value[100];
	show("no list", getxattr(P "d/x", "system.posix_acl_access", value, sizeof value));
	show("a list", setxattr(P "d/x", "system.posix_acl_access", acl, sizeof acl, 0));
	show("the list", getxattr(P "d/x", "system.posix_acl_access", value, sizeof value));
	printf("the same: %d\n", !memcmp(value, acl, sizeof acl));
	show("no such list", setxattr(P "d/x", "system.posix_acl_access", "nonsense", 8, 0));
	show("chmod", chmod(P "d/x", 0640));
	show("chown", chown(P "d/x", 5, 5));
	become(1000);
	open_and_close("open", P "d/x", O_RDONLY);
	open_and_close("open to write", P "d/x", O_WRONLY);
	show("a list of somebody else's", setxattr(P "d/x", "system.posix_acl_access", acl, sizeof acl, 0));
	become(0);
	show("list taken away", removexattr(P "d/x", "system.posix_acl_access"));
	show("again", removexattr(P "d/x", "system.posix_acl_access"));
	become(1000);
	open_and_close("open", P "d/x", O_RDONLY);
	become(0);
	show("a list for new files", setxattr(P "d", "system.posix_acl_default", acl, sizeof acl, 0));
	open_and_close("a new file", P "d/new", O_CREAT | O_RDWR);
}

static void sizes(void)
{
	static char data[300000] __attribute__((aligned(4096)));
	memset(data, 'd', sizeof data);
	int fd = open(P "w", O_CREAT | O_RDWR, 0644);
	show("create", fd);
	show("write across pages", pwrite(fd, data, 10000, 100));
	show("write of pages", pwrite(fd, data, 8192, 4096));
	show("much", pwrite(fd, data, sizeof data, 100));
	show("syncfs", syncfs(fd));
	int block = 0;
	show("block of the device", ioctl(fd, FIBMAP, &block));
	printf("%d\n", block);
	show("close", close(fd));
	fd = open(P "w", O_RDWR | O_DIRECT);
	show("open past the cache", fd);
	show("much", pwrite(fd, data, sizeof data, 100));
	show("close", close(fd));
}

static void all(const char *title, const char *options, uint32_t flags, uint32_t more)
{
	char line[512];
	printf("=== %s\n", title);
	wanted_more = more;
	pid_t pid = start_server(options, 3600, flags);
	struct stat st;
	show("stat", stat(AT, &st));
	FILE *mounts = fopen("/proc/mounts", "r");
	while (fgets(line, sizeof line, mounts))
		if (strstr(line, AT))
			printf("%s", line);
	fclose(mounts);
	made();
	set_ids();
	lists();
	sizes();
	stop_server(pid);
}

int main(void)
{
	const char *checked = ",allow_other,default_permissions";
	all("nothing", checked, 0, 0);
	all("nothing, and nothing is checked", ",allow_other", 0, 0);
	all("umask", checked, FUSE_DONT_MASK | FUSE_BIG_WRITES, 0);
	all("set-ID bits", checked, FUSE_HANDLE_KILLPRIV | FUSE_BIG_WRITES, 0);
	all("set-ID bits when told", checked, KILLPRIV_V2 | FUSE_ATOMIC_O_TRUNC | FUSE_BIG_WRITES, 0);
	all("lists", ",allow_other", FUSE_POSIX_ACL | FUSE_SETXATTR_EXT | FUSE_BIG_WRITES, 0);
	all("groups and labels", checked, FUSE_BIG_WRITES | INIT_EXT, SECURITY_CTX | CREATE_SUPP_GROUP);
	return 0;
}
