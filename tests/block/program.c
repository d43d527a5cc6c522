#include <sys/stat.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/block/program.h"

extern char **environ;

int
run_program(const char *folder, const char *const argv[])
{
	posix_spawn_file_actions_t fa;
	int status = -1, rc;
	pid_t pid;

	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_addchdir_np(&fa, folder);
	posix_spawn_file_actions_addopen(
	    &fa, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	posix_spawn_file_actions_addopen(
	    &fa, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	rc = posix_spawnp(
	    &pid, argv[0], &fa, NULL, (char *const *)(uintptr_t)argv, environ);
	posix_spawn_file_actions_destroy(&fa);
	if (rc != 0)
		return -1;
	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void
copy_file(const char *from, const char *to)
{
	const char *const cp[] = {"cp", "--sparse=always", from, to, NULL};

	if (run_program("/", cp) != 0)
		exit(95);
}

const char *
temporary_folder(void)
{
	static char path[48];
	struct stat st;

	/* Memory, where there is: a state is written in no time there. */
	snprintf(path, sizeof path, "%s/vmtui-powercut.XXXXXX",
	    stat("/dev/shm", &st) == 0 && access("/dev/shm", W_OK) == 0
		? "/dev/shm"
		: "/tmp");
	return mkdtemp(path);
}
