/* Nobody hangs: signals, the death of a server, aborts through fusectl. */
#define _GNU_SOURCE
#include "fuse.h"
#include <dirent.h>
#include <sys/sysmacros.h>
#include <time.h>

#define CONTROL "/tmp/ctl"

static void nap(int milliseconds)
{
	struct timespec time = { milliseconds / 1000, milliseconds % 1000 * 1000000 };
	nanosleep(&time, 0);
}

static void nothing(int signal)
{
	(void)signal;
}

/* A child whose stat waits until something happens. */
static pid_t wait_in_stat(void)
{
	shared->held = 0;
	shared->hold = FUSE_LOOKUP;
	fflush(stdout);
	pid_t pid = fork();
	if (!pid) {
		struct sigaction action = { .sa_handler = nothing };
		sigaction(SIGUSR1, &action, 0);
		struct stat st;
		int result = stat(AT "/held", &st);
		_exit(result ? errno : 0);
	}
	while (!shared->held)
		nap(1);
	nap(20);
	return pid;
}

static void end(const char *what, pid_t pid)
{
	int status;
	waitpid(pid, &status, 0);
	if (WIFEXITED(status))
		printf("%s: %s\n", what, strerror(WEXITSTATUS(status)));
	else
		printf("%s: signal %d\n", what, WTERMSIG(status));
}

static void say(const char *what, int result)
{
	printf("%s: %s\n", what, result < 0 ? strerror(errno) : "ok");
}

int main(void)
{
	struct stat st;
	pid_t server = start_server("", 0, FUSE_BIG_WRITES | FUSE_PARALLEL_DIROPS);
	pid_t waiting = wait_in_stat();
	kill(waiting, SIGUSR1);
	end("a handled signal, and a server that heeds it", waiting);
	waiting = wait_in_stat();
	kill(waiting, SIGKILL);
	end("killed", waiting);
	shared->hold = 0;
	int fd = open(AT "/file", O_CREAT | O_RDWR, 0644);
	say("open", fd);
	waiting = wait_in_stat();
	pid_t another = fork();
	if (!another) {
		int result = stat(AT "/another", &st);
		_exit(result ? errno : 0);
	}
	nap(500);
	kill(server, SIGKILL);
	waitpid(server, 0, 0);
	end("the server dies under a look-up", waiting);
	end("and under another", another);
	say("stat", stat(AT, &st));
	say("fstat", fstat(fd, &st));
	say("read", read(fd, &st, 1));
	say("write", write(fd, "x", 1));
	say("close", close(fd));
	say("open", open(AT "/file", O_RDONLY));
	say("opendir", opendir(AT) ? 0 : -1);
	say("unmount", umount2(AT, 0));

	server = start_server("", 0, FUSE_BIG_WRITES | FUSE_ABORT_ERROR);
	mkdir(CONTROL, 0755);
	say("fusectl", mount("none", CONTROL, "fusectl", 0, 0));
	stat(AT, &st);
	waiting = wait_in_stat();
	char path[100], text[16] = "";
	snprintf(path, sizeof path, CONTROL "/%u/waiting", minor(st.st_dev));
	fd = open(path, O_RDONLY);
	say("waiting", read(fd, text, sizeof text - 1));
	printf("%s", text);
	close(fd);
	snprintf(path, sizeof path, CONTROL "/%u/max_background", minor(st.st_dev));
	fd = open(path, O_RDONLY);
	memset(text, 0, sizeof text);
	say("max_background", read(fd, text, sizeof text - 1));
	printf("%s", text);
	close(fd);
	snprintf(path, sizeof path, CONTROL "/%u/abort", minor(st.st_dev));
	fd = open(path, O_WRONLY);
	say("abort", write(fd, "1", 1));
	close(fd);
	end("aborted", waiting);
	int status;
	waitpid(server, &status, 0);
	say("stat", stat(AT, &st));
	umount2(AT, 0);
	say("gone", access(path, F_OK));
	umount2(CONTROL, 0);
	return 0;
}
