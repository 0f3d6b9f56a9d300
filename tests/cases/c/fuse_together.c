/* Look-ups and listings of one directory: one after the other, or at once if the server has asked for that. And how its callers are seen to wait. */
#define _GNU_SOURCE
#include "fuse.h"
#include "asleep.h"
#include <dirent.h>
#include <sys/statvfs.h>

#define P AT "/"

static void look(const char *path)
{
	struct stat st;
	_exit(stat(path, &st) ? errno : 0);
}

static void names_of(const char *path)
{
	DIR *dir = opendir(path);
	errno = 0;
	while (dir && readdir(dir))
		;
	_exit(dir ? errno : 100);
}

static void nothing(int signal)
{
	(void)signal;
}

static pid_t start_caller(void (*what)(const char *), const char *path)
{
	fflush(stdout);
	pid_t pid = fork();
	if (!pid) {
		struct sigaction action = { .sa_handler = nothing };
		sigaction(SIGUSR1, &action, 0);
		what(path);
	}
	until_asleep(pid);
	return pid;
}

/* How many requests the server has under way. */
static int under_way(void)
{
	struct statvfs at;
	statvfs(AT, &at);
	return shared->held;
}

/* Two callers at the same time. What the server is asked is answered with nothing, for ever. */
static void both(const char *title, void (*one)(const char *), const char *path, void (*other)(const char *), const char *second)
{
	struct fuse_entry_out none = { .entry_valid = 3600 };
	shared->held = 0;
	shared->hold = FUSE_LOOKUP;
	shared->hold_too = FUSE_READDIR;
	pid_t pids[2];
	pids[0] = start_caller(one, path);
	while (!shared->held)
		usleep(1000);
	pids[1] = start_caller(other, second);
	printf("%s: %d under way,", title, under_way());
	int answered = 0, status, ended = 0;
	shared->hold = shared->hold_too = 0;
	while (answered < shared->held) {
		/* A listing that is answered with a name that is none would be refused: it gets its end. */
		int listing = answered ? other == names_of : one == names_of;
		reply(shared->held_all[answered++], 0, &none, listing ? 0 : sizeof none);
	}
	for (int i = 0; i < 2; i++) {
		waitpid(pids[i], &status, 0);
		printf(" %s,", strerror(WEXITSTATUS(status)));
		ended++;
	}
	printf(" asked %d\n", count("LOOKUP") + answered);
}

static void all(const char *title, uint32_t flags)
{
	printf("=== %s\n", title);
	pid_t pid = start_server("", 3600, flags | FUSE_BIG_WRITES);
	mkdir(P "d", 0755);
	mkdir(P "e", 0755);
	both("two names", look, P "d/a", look, P "d/b");
	both("one name", look, P "d/c", look, P "d/c");
	both("two directories", look, P "d/d", look, P "e/d");
	both("a name and a listing", look, P "d/e", names_of, P "d");
	both("two listings", names_of, P "d", names_of, P "d");
	stop_server(pid);
	close(device);
}

static char state_of(pid_t pid)
{
	return until_asleep(pid);
}

static void states(void)
{
	pid_t pid = start_server("", 0, FUSE_BIG_WRITES);
	int status;
	shared->hold = FUSE_LOOKUP;
	pid_t first = start_caller(look, P "a");
	while (!shared->held)
		usleep(1000);
	pid_t second = start_caller(look, P "b");
	printf("waits for the server: %c, for its turn: %c", state_of(first), state_of(second));
	shared->held_unique = 0;
	kill(first, SIGUSR1);
	while (!strstr(shared->log, "INTERRUPT"))
		usleep(1000);
	printf(", for the server after a signal: %c\n", state_of(first));
	shared->hold = 0;
	reply(shared->held_all[0], -EINTR, 0, 0);
	waitpid(first, &status, 0);
	printf("%s\n", strerror(WEXITSTATUS(status)));
	waitpid(second, &status, 0);
	printf("%s\n", strerror(WEXITSTATUS(status)));
	stop_server(pid);
}

int main(void)
{
	keep_device = 1;
	all("one after the other", 0);
	all("at once", FUSE_PARALLEL_DIROPS);
	states();
	return 0;
}
