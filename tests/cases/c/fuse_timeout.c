/* Servers that want to be done with when they do not answer in time. Looked at every 15 seconds, and no limit is less than that. */
#define _GNU_SOURCE
#include "fuse.h"
#include <time.h>

#define LATE "/tmp/late"
#define CALLERS 3
/* Newer than some headers. */
#define INIT_EXT (1 << 30)
#define REQUEST_TIMEOUT (1 << 10)

static void say(const char *what, long result)
{
	printf("%s: %s\n", what, result < 0 ? strerror(errno) : "ok");
	fflush(stdout);
}

static pid_t impatient(void)
{
	wanted_more = REQUEST_TIMEOUT;
	patience = 1;
	return start_server("", 0, FUSE_BIG_WRITES | FUSE_PARALLEL_DIROPS | INIT_EXT);
}

int main(void)
{
	struct stat st;
	struct timespec before, after;
	pid_t callers[CALLERS];
	int status;
	pid_t late = impatient();
	struct shared *silent = shared;
	int fd = open(AT "/file", O_CREAT | O_RDWR, 0644);
	say("open", fd);
	mkdir(LATE, 0755);
	say("moved", mount(AT, LATE, 0, MS_MOVE, 0));
	pid_t good = impatient();
	silent->hold = FUSE_LOOKUP;
	fflush(stdout);
	clock_gettime(CLOCK_MONOTONIC, &before);
	for (int i = 0; i < CALLERS; i++)
		if (!(callers[i] = fork())) {
			char name[64];
			snprintf(name, sizeof name, LATE "/%d", i);
			_exit(stat(name, &st) ? errno : 0);
		}
	for (int i = 0; i < CALLERS; i++) {
		waitpid(callers[i], &status, 0);
		printf("a caller: %s\n", strerror(WEXITSTATUS(status)));
	}
	clock_gettime(CLOCK_MONOTONIC, &after);
	printf("at once: %d\n", after.tv_sec - before.tv_sec < 10);
	say("stat", stat(LATE, &st));
	say("read", read(fd, &st, 1));
	close(fd);
	say("unmount", umount2(LATE, MNT_DETACH));
	waitpid(late, &status, 0);
	printf("the server has ended: %d\n", WIFEXITED(status));
	fd = open(AT "/file", O_CREAT | O_RDWR, 0644);
	say("at the other server, open", fd);
	say("write", write(fd, "x", 1));
	say("stat", stat(AT "/file", &st));
	close(fd);
	stop_server(good);
	return 0;
}
