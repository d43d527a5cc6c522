/*
 * main.c: one program, five processes: the screen, a command, the backend, a
 * guest, a command on images. The only file of this folder that names the
 * latter three.
 */
#include <fcntl.h>
#include <locale.h>
#include <string.h>
#include <unistd.h>

#include "backend/guest/guest.h"
#include "backend/image/image.h"
#include "backend/supervisor/supervisor.h"
#include "tui/cli/cli.h"
#include "tui/screen.h"
#include "tui/settings.h"

static int
run_screen(const char *config)
{
	const struct screen_options options = {.config = config};

	return screen_main(&options);
}

static int
run_backend(const char *config, int ready_fd)
{
	const struct supervisor_options options = {
	    .config = config, .ready_fd = ready_fd};

	return supervisor_main(&options);
}

/* A descriptor that we open must never be taken for a standard one. */
static void
open_standard(void)
{
	int fd;

	while ((fd = open("/dev/null", O_RDWR)) != -1 && fd <= STDERR_FILENO)
		continue;
	if (fd != -1)
		close(fd);
}

int
main(int argc, char **argv)
{
	static const struct cli_hooks hooks = {
	    run_screen, run_backend, image_main};

	/* First of all: it has a guest to start and needs nothing of this. */
	if (argc == 3 && strcmp(argv[1], "guest") == 0)
		return guest_main(argv[2]);
	open_standard();
	setlocale(LC_ALL, "");
	settings_begin();
	return cli_main(argc, argv, &hooks);
}
