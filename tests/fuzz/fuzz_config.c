/*
 * fuzz_config: libFuzzer on the configuration. The first byte chooses: a file
 * as a whole, or one value for a key of a guest made up on the spot.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
whole_file(const char *text, size_t len)
{
	struct config_mistakes ms = {0};
	struct config *cfg;
	struct error err;
	size_t i;
	int lines = 1;

	for (i = 0; i < len; i++)
		lines += text[i] == '\n';
	if ((config_load_string(text, len, "/f", &cfg, &ms) == 0) !=
	    (ms.count == 0))
		abort();
	for (i = 0; i < ms.count; i++)
		if (ms.list[i].line < 1 || ms.list[i].line > lines)
			abort();
	for (i = 0; cfg != NULL && i < cfg->nvms; i++) {
		config_vm_complete(cfg, &cfg->vms[i], &err);
		config_vm_free(config_vm_copy(&cfg->vms[i]));
	}
	config_mistakes_clear(&ms);
	config_free(cfg);
}

static void
one_value(const struct config_key *key, const char *text, size_t len)
{
	struct config_vm *vm = config_vm_new("a", NULL);
	char *value = strndup(text, len);
	struct error err;

	if (vm != NULL && value != NULL &&
	    config_vm_set(vm, key->name, value, "/f", &err) == -1 &&
	    err.text[0] == '\0')
		abort();
	free(value);
	config_vm_free(vm);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct config_key *keys = config_keys(CONFIG_VM);
	const char *text = (const char *)data + 1;
	size_t n = 0;

	if (size == 0)
		return 0;
	while (keys[n].name != NULL)
		n++;
	if (data[0] < n)
		one_value(&keys[data[0]], text, size - 1);
	else
		whole_file(text, size - 1);
	return 0;
}
