#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config/import.h"
#include "tui/cli/cli.h"

/* A configuration that is there already is somebody's work. */
static int
write_new(const char *path, const struct config_import *im)
{
	FILE *f;
	int fd;
	bool good;

	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd == -1 && errno == EEXIST)
		return cli_fail("%s exists: remove it first, or give -o "
				"another name",
		    path);
	if (fd == -1 || (f = fdopen(fd, "w")) == NULL) {
		cli_fail("%s cannot be written: %s", path, strerror(errno));
		if (fd != -1)
			close(fd);
		return 1;
	}
	good = fwrite(im->text, 1, im->len, f) == im->len && fflush(f) == 0 &&
	    fsync(fd) == 0;
	if (fclose(f) == EOF || !good) {
		cli_fail("%s cannot be written: %s", path, strerror(errno));
		unlink(path);
		return 1;
	}
	return 0;
}

static int
run(struct cli *cli, int argc, char **argv)
{
	struct config_import im;
	const char *to = NULL;
	int opt, rc = 1;
	size_t i;

	while ((opt = getopt(argc, argv, "o:")) != -1) {
		if (opt != 'o')
			return cli_usage(cli);
		to = optarg;
	}
	if (argc - optind != 1)
		return cli_usage(cli);
	if (config_import(argv[optind], to, &im) == 0) {
		rc = 0;
		if (to != NULL)
			rc = write_new(to, &im);
		else
			fwrite(im.text, 1, im.len, stdout);
	}
	for (i = 0; i < im.nmistakes; i++)
		fprintf(stderr, "%s\n", im.mistakes[i]);
	if (im.dropped > 0)
		fprintf(stderr, "%s: and %zu more\n", argv[optind], im.dropped);
	config_import_clear(&im);
	return rc;
}

const struct command command_import = {
    .name = "import",
    .usage = "[-o FILE] VM.CONF",
    .help = "Turns an OpenBSD vm.conf(5) into a configuration",
    .run = run,
};
