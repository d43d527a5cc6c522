/* vm.conf(5): `vm NAME { ... }` and `vm PARENT instance NAME { ... }`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/import_read.h"
#include "config/size.h"

#define MIB (UINT64_C(1) << 20)

/*
 * A size as scan_scaled(3) takes it, "1.5G", in whole megabytes as vmd rounds
 * it. Returns false if it is none.
 */
static bool
read_scaled(const char *text, uint64_t *bytes)
{
	static const char scale[] = "BKMGTPE";
	const char *unit;
	double n;
	char *end;
	int i;

	if (text[0] < '0' || text[0] > '9' || text[1] == 'x' || text[1] == 'X')
		return false;
	n = strtod(text, &end);
	if (strspn(text, "0123456789.") != (size_t)(end - text))
		return false;
	if (*end != '\0') {
		unit = strchr(scale, *end & ~0x20);
		if (unit == NULL || end[1] != '\0')
			return false;
		for (i = 0; i < unit - scale; i++)
			n *= 1024;
	}
	if (n >= 0x1p62)
		return false;
	*bytes = (uint64_t)n / MIB * MIB;
	return true;
}

static void
read_memory(struct import *im, const struct lex_place *from)
{
	struct lex_token value;
	uint64_t bytes;
	char size[32];

	if (!import_value(im, &value, "the size of the memory"))
		return;
	if (!read_scaled(value.text, &bytes))
		lex_mistake(&im->lex, &value.place,
		    "memory %.40s is no size: write it as 512M or 2G",
		    value.text);
	else if (bytes == 0)
		lex_mistake(&im->lex, &value.place,
		    "memory %.40s is less than a megabyte: did you mean %.40sM?",
		    value.text, value.text);
	else
		out_line(&im->body, from, "memory = %s",
		    size_exact(bytes, size, sizeof size));
}

static void
read_boot_device(struct import *im, const struct lex_place *from)
{
	static const char *const known[] = {"disk", "cdrom", "net", NULL};
	struct lex_token value;
	const char *near;

	if (!import_value(im, &value, "disk, cdrom or net"))
		return;
	if (strcmp(value.text, "disk") == 0 ||
	    strcmp(value.text, "cdrom") == 0 || strcmp(value.text, "net") == 0)
		out_line(&im->body, from, "boot = %s", value.text);
	else if ((near = config_nearest(value.text, known)) != NULL)
		lex_mistake(&im->lex, &value.place,
		    "\"%.40s\" is no device to boot from (did you mean "
		    "\"%s\"?)",
		    value.text, near);
	else
		lex_mistake(&im->lex, &value.place,
		    "\"%.40s\" is no device to boot from: disk, cdrom and net "
		    "are",
		    value.text);
}

static void
put_kernel(struct import *im, const struct lex_place *from,
    const struct lex_token *path)
{
	const char *base = strrchr(path->text, '/');

	base = base == NULL ? path->text : base + 1;
	if (strncmp(base, "vmm-bios", 8) == 0)
		out_note(&im->body, from,
		    "vm.conf: boot %s: without a kernel the guest boots by "
		    "SeaBIOS here.",
		    path->text);
	else
		import_put(im, from, "kernel", path);
}

static void
read_boot(struct import *im, const struct lex_place *from)
{
	struct lex_token path;

	if (!import_value(im, &path, "the path of a kernel"))
		return;
	if (path.kind == LEX_WORD && strcmp(path.text, "device") == 0)
		read_boot_device(im, from);
	else
		put_kernel(im, from, &path);
}

static void
read_kernel(struct import *im, const struct lex_place *from)
{
	struct lex_token path;

	if (import_value(im, &path, "the path of a kernel"))
		put_kernel(im, from, &path);
}

static void
read_cdrom(struct import *im, const struct lex_place *from)
{
	struct lex_token path;

	if (import_value(im, &path, "the path of an ISO image"))
		import_put(im, from, "cdrom", &path);
}

static void
read_disk(struct import *im, const struct lex_place *from)
{
	char text[IMPORT_WORD_MAX + 3];
	struct lex_token path, word;

	if (!import_value(im, &path, "the path of a disk image"))
		return;
	if (out_quote(&im->lex, &path, text, sizeof text) == NULL)
		return;
	if (!import_optional(im, &word, import_vm_words)) {
		/* Quotes around a whole value go before a comma is seen. */
		out_line(&im->body, from, "disk = %s%s", text,
		    strchr(path.text, ',') != NULL ? ", format=auto" : "");
		return;
	}
	lex_back(&im->lex);
	if (!import_keyword(im, "the path of a disk", "format") ||
	    !import_value(im, &word, "raw or qcow2"))
		return;
	if (strcmp(word.text, "raw") == 0 || strcmp(word.text, "qcow2") == 0)
		out_line(
		    &im->body, from, "disk = %s, format=%s", text, word.text);
	else
		lex_mistake(&im->lex, &word.place,
		    "\"%.40s\" is no format of a disk: raw and qcow2 are",
		    word.text);
}

static void
read_enable(struct import *im, const struct lex_place *from)
{
	im->enable_said = true;
	out_line(&im->body, from, "enable = yes");
}

static void
read_disable(struct import *im, const struct lex_place *from)
{
	im->enable_said = true;
	out_line(&im->body, from, "enable = no");
}

static void
read_owner(struct import *im, const struct lex_place *from)
{
	struct lex_token owner;

	if (import_value(im, &owner, "USER, USER:GROUP or :GROUP"))
		import_put(im, from, "owner", &owner);
}

static void
read_interfaces(struct import *im, const struct lex_place *from)
{
	import_number(
	    im, "how many interfaces", CONFIG_NICS_MAX, &im->least_nics);
}

static void
read_local(struct import *im, const struct lex_place *from)
{
	if (import_keyword(im, "local", "interface"))
		import_local_nic(im, from);
}

/*
 * --- allow instance ---------------------------------------------------
 */

static void
read_permission(struct import *im, const struct lex_place *from)
{
	if (lex_next(&im->lex)->kind != LEX_COMMA)
		lex_back(&im->lex);
}

static void
read_instance_owner(struct import *im, const struct lex_place *from)
{
	struct lex_token owner;

	if (import_value(im, &owner, "USER, USER:GROUP or :GROUP"))
		read_permission(im, from);
}

static const struct import_statement permissions[] = {
    {"boot", read_permission},
    {"cdrom", read_permission},
    {"disk", read_permission},
    {"instance", read_permission},
    {"interface", read_permission},
    {"kernel", read_permission},
    {"memory", read_permission},
    {"owner", read_instance_owner},
    {0},
};

static void
read_allow(struct import *im, const struct lex_place *from)
{
	if (!import_keyword(im, "allow", "instance"))
		return;
	import_block(im, permissions, "allow instance");
	import_drop(&im->body, from, "allow instance",
	    "whoever may use the backend may start guests with this one as a "
	    "template (vmtui start -t), and nobody else");
}

static void
read_sev(struct import *im, const struct lex_place *from)
{
	import_drop(&im->body, from, "sev",
	    "the memory of guests is not encrypted here");
}

const struct import_statement import_vm_words[] = {
    {"memory", read_memory},
    {"boot", read_boot},
    {"kernel", read_kernel},
    {"disk", read_disk},
    {"cdrom", read_cdrom},
    {"interface", import_nic},
    {"interfaces", read_interfaces},
    {"local", read_local},
    {"enable", read_enable},
    {"disable", read_disable},
    {"owner", read_owner},
    {"allow", read_allow},
    {"sev", read_sev},
    {"seves", read_sev},
    {0},
};

static void
read_body(struct import *im, const struct lex_place *from,
    const struct lex_token *name, const struct lex_token *parent)
{
	import_name(im, &im->vms, name, "guest");
	out_line(&im->body, from, "%s", "");
	out_line(&im->body, from, "[vm %s]", name->text);
	if (parent != NULL) {
		import_put(im, from, "instance-of", parent);
		out_note(&im->body, from,
		    "vm.conf: an instance has no disk of its parent; here it "
		    "takes the parent's if it gives none itself.");
	}
	im->vm = name->text;
	im->nics = im->least_nics = 0;
	im->enable_said = false;
	import_block(im, import_vm_words, "a guest");
	import_bare_nics(im, from);
	if (!im->enable_said)
		out_line(&im->body, from, "#enable = yes");
	im->vm = NULL;
}

void
import_vm(struct import *im, const struct lex_place *from)
{
	struct lex_token name, instance, word;

	if (!import_value(im, &name, "the name of a guest"))
		return;
	word = *lex_next(&im->lex);
	if (word.kind != LEX_WORD) {
		lex_back(&im->lex);
		read_body(im, from, &name, NULL);
		return;
	}
	lex_back(&im->lex);
	if (import_keyword(im, "the name of a guest", "instance") &&
	    import_value(im, &instance, "the name of the instance"))
		read_body(im, from, &instance, &name);
}
