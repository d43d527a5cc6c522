/* Paths that come from outside: the environment, the person's home. */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/config.h"
#include "config/mem.h"
#include "config/path.h"

/* The person's home, absolute; NULL if there is none. buf holds it. */
static const char *
home(char *buf, size_t len)
{
	const char *env = getenv("HOME");
	struct passwd pw, *found = NULL;

	/* systemd starts system services without HOME. */
	if (env == NULL || *env != '/') {
		if (getpwuid_r(getuid(), &pw, buf, len, &found) != 0 ||
		    found == NULL || *pw.pw_dir != '/')
			return NULL;
		return pw.pw_dir;
	}
	return env;
}

static int
fits(int n, size_t len, struct error *err)
{
	if (n < 0 || (size_t)n >= len)
		return error_set(err,
		    "the path of the configuration is too long: name a file "
		    "with -f");
	return 0;
}

int
config_default_path(char *buf, size_t len, struct error *err)
{
	const char *env = getenv("VMTUI_CONFIG"), *dir;
	char store[4096];

	if (env != NULL && *env != '\0')
		return fits(snprintf(buf, len, "%s", env), len, err);
	if (geteuid() == 0)
		return fits(snprintf(buf, len, "/etc/vmtui.conf"), len, err);
	/* The base directory specification: what is relative is ignored. */
	env = getenv("XDG_CONFIG_HOME");
	if (env != NULL && *env == '/')
		return fits(
		    snprintf(buf, len, "%s/vmtui/vmtui.conf", env), len, err);
	dir = home(store, sizeof store);
	if (dir == NULL)
		return error_set(err,
		    "HOME is not set, so there is no place to look for a "
		    "configuration: name a file with -f");
	return fits(
	    snprintf(buf, len, "%s/.config/vmtui/vmtui.conf", dir), len, err);
}

/* Joins the two with one slash between them. */
static char *
join(const char *folder, const char *path)
{
	size_t n = strlen(folder);

	while (n > 0 && folder[n - 1] == '/')
		n--;
	while (path[0] == '.' && path[1] == '/')
		for (path += 2; *path == '/'; path++)
			;
	return mem_printf("%.*s/%s", (int)n, folder, path);
}

char *
config_path_expand(const char *path, const char *folder, struct error *err)
{
	char store[4096];
	const char *dir = folder;

	if (*path == '\0') {
		error_set(err, "a path is needed");
		return NULL;
	}
	if (*path == '"') {
		error_set(err, "the path has a quote too many");
		return NULL;
	}
	if (strlen(path) + strlen(folder) >= sizeof store) {
		error_set(err, "the path is too long: give a shorter one");
		return NULL;
	}
	if (*path == '~' && path[1] != '/') {
		error_set(err,
		    "only ~/ (your own home) is known here, write the whole "
		    "path (./~... for a file of that name)");
		return NULL;
	}
	if (*path == '~') {
		dir = home(store, sizeof store);
		if (dir == NULL) {
			error_set(err,
			    "HOME is not set, so ~/ leads nowhere: write the "
			    "whole path");
			return NULL;
		}
		for (path++; *path == '/'; path++)
			;
		return join(dir, path);
	}
	return *path == '/' ? mem_dup(path) : join(dir, path);
}

char *
path_folder(const char *path)
{
	const char *slash = path == NULL ? NULL : strrchr(path, '/');
	char *cwd, *part, *folder;

	part = slash == NULL ? mem_dup(".")
	    : slash == path  ? mem_dup("/")
			     : mem_dup_n(path, (size_t)(slash - path));
	if (*part == '/')
		return part;
	/* A folder that was removed under us: what is relative is at fault. */
	cwd = getcwd(NULL, 0);
	if (strcmp(part, ".") == 0)
		folder = mem_dup(cwd == NULL ? "/" : cwd);
	else
		folder = join(cwd == NULL ? "/" : cwd, part);
	free(cwd);
	free(part);
	return folder;
}

const char *
config_host_id(char *buf, size_t len)
{
	FILE *f = fopen("/etc/machine-id", "re");

	buf[0] = '\0';
	if (f != NULL) {
		if (fgets(buf, (int)len, f) == NULL)
			buf[0] = '\0';
		fclose(f);
		buf[strcspn(buf, "\n")] = '\0';
	}
	if (buf[0] == '\0' && gethostname(buf, len) == -1)
		snprintf(buf, len, "localhost");
	buf[len - 1] = '\0';
	return buf;
}

/* FNV-1a, 64 bits: spreads well and is the same everywhere, for ever. */
static uint64_t
hash(uint64_t h, const char *s)
{
	for (; *s != '\0'; s++)
		h = (h ^ (unsigned char)*s) * UINT64_C(0x100000001b3);
	return h;
}

void
config_vm_uuid(const char *host, const char *name, uint8_t uuid[16])
{
	uint64_t h[2];
	unsigned i;

	h[0] = hash(UINT64_C(0xcbf29ce484222325), host == NULL ? "" : host);
	h[0] = hash(hash(h[0], "/"), name);
	h[1] = hash(h[0], "/uuid");
	h[0] ^= h[0] >> 29;
	h[1] ^= h[1] >> 29;
	for (i = 0; i < 16; i++)
		uuid[i] = (uint8_t)(h[i / 8] >> 8 * (i % 8));
	uuid[6] = (uint8_t)((uuid[6] & 0x0f) | 0x80);
	uuid[8] = (uint8_t)((uuid[8] & 0x3f) | 0x80);
}

void
config_vm_lladdr(
    const char *host, const char *name, unsigned index, uint8_t lladdr[6])
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);
	char number[16];
	size_t i;

	snprintf(number, sizeof number, "/%u", index);
	h = hash(h, host == NULL ? "" : host);
	h = hash(h, "/");
	h = hash(h, name);
	h = hash(h, number);
	h ^= h >> 40;
	/* 02: "locally administered" and not multicast (IEEE 802, 8.2). */
	lladdr[0] = 0x02;
	for (i = 1; i < 6; i++)
		lladdr[i] = (uint8_t)(h >> 8 * (i - 1));
}
