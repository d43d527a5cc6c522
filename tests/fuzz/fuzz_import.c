/*
 * fuzz_import: libFuzzer on vm.conf(5). Whatever the text, there is either a
 * result that passes our own check, or mistakes that are in the text.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "config/import.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config_mistakes ms = {0};
	struct config_import im;
	struct config *cfg;
	long line, lines = 1;
	size_t i;
	int rc;

	for (i = 0; i < size; i++)
		lines += data[i] == '\n';
	rc = config_import_string((const char *)data, size, "/f", "/g", &im);
	if ((rc == 0) != (im.text != NULL) || (rc == 0) != (im.nmistakes == 0))
		abort();
	for (i = 0; i < im.nmistakes; i++) {
		if (strncmp(im.mistakes[i], "/f:", 3) != 0)
			abort();
		line = strtol(im.mistakes[i] + 3, NULL, 10);
		if (line < 1 || line > lines)
			abort();
	}
	if (rc == 0) {
		if (config_load_string(im.text, im.len, "/g", &cfg, &ms) == -1)
			abort();
		config_free(cfg);
		config_mistakes_clear(&ms);
	}
	config_import_clear(&im);
	return 0;
}
