/* vm.conf(5): the file as a whole, and what its global statements mean. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/import_read.h"
#include "config/mem.h"

void
import_drop(struct out *o, const struct lex_place *from, const char *what,
    const char *why)
{
	out_note(o, from, "vm.conf: %s: %s.", what, why);
}

static void
read_include(struct import *im, const struct lex_place *from)
{
	struct lex_token path;

	if (import_value(im, &path, "the path of a file"))
		lex_include(&im->lex, path.text, from);
}

static void
read_local(struct import *im, const struct lex_place *from)
{
	static const char why[] =
	    "each local interface gets a network of its own, none is chosen "
	    "here";
	struct lex_token word, prefix;
	char what[IMPORT_WORD_MAX + 64];

	if (!import_value(im, &word, "prefix, inet or inet6"))
		return;
	if (strcmp(word.text, "inet6") == 0) {
		if (import_optional(im, &prefix, NULL) &&
		    strcmp(prefix.text, "prefix") == 0)
			import_value(im, &prefix, "a network/length");
		import_drop(&im->global, from, "local inet6",
		    "local interfaces have IPv4 only here");
		return;
	}
	if (strcmp(word.text, "inet") == 0 &&
	    !import_keyword(im, "local inet", "prefix"))
		return;
	if (strcmp(word.text, "inet") != 0 &&
	    strcmp(word.text, "prefix") != 0) {
		lex_mistake(&im->lex, &word.place,
		    "behind local stands prefix, inet prefix or inet6, not "
		    "%.100s",
		    word.text);
		import_skip(im);
		return;
	}
	if (!import_value(im, &prefix, "a network/length"))
		return;
	snprintf(what, sizeof what, "local prefix %s", prefix.text);
	import_drop(&im->global, from, what, why);
}

static void
read_socket(struct import *im, const struct lex_place *from)
{
	struct lex_token owner;
	char *group;

	if (!import_keyword(im, "socket", "owner") ||
	    !import_value(im, &owner, "USER:GROUP"))
		return;
	if ((group = strchr(owner.text, ':')) != NULL)
		*group++ = '\0';
	if (owner.text[0] != '\0' && strcmp(owner.text, "root") != 0)
		out_note(&im->global, from,
		    "vm.conf: socket owner %s: here it is a group that may use "
		    "the socket; make the user a member of it.",
		    owner.text);
	if (group != NULL)
		out_line(&im->global, from, "group = %s", group);
}

static void
read_staggered(struct import *im, const struct lex_place *from)
{
	unsigned parallel, delay;

	if (!import_keyword(im, "staggered", "start") ||
	    !import_keyword(im, "staggered start", "parallel") ||
	    !import_number(im, "how many guests at once", 1024, &parallel) ||
	    !import_keyword(im, "parallel", "delay") ||
	    !import_number(im, "how many seconds", 3600, &delay))
		return;
	out_line(&im->global, from, "start-parallel = %u", parallel);
	out_line(&im->global, from, "start-delay = %u", delay);
}

static void
read_agentx(struct import *im, const struct lex_place *from)
{
	struct lex_token word;

	while (import_optional(im, &word, NULL))
		if (strcmp(word.text, "context") != 0 &&
		    strcmp(word.text, "path") != 0) {
			lex_mistake(&im->lex, &word.place,
			    "behind agentx stands context or path, not %.100s",
			    word.text);
			import_skip(im);
			return;
		} else if (!import_value(im, &word, "its value")) {
			return;
		}
	import_drop(
	    &im->global, from, "agentx", "figures are not exported by SNMP");
}

static const struct import_statement statements[] = {
    {"include", read_include},
    {"vm", import_vm},
    {"switch", import_switch},
    {"local", read_local},
    {"socket", read_socket},
    {"staggered", read_staggered},
    {"agentx", read_agentx},
    {0},
};

static bool
is_reserved(const char *word)
{
	static const char *const others[] = {"add", "allow", "boot", "cdrom",
	    "context", "delay", "device", "disable", "disk", "down", "enable",
	    "format", "group", "inet", "inet6", "instance", "interface",
	    "interfaces", "kernel", "lladdr", "locked", "memory", "net",
	    "owner", "parallel", "path", "prefix", "rdomain", "start", "up"};
	size_t i;

	for (i = 0; statements[i].word != NULL; i++)
		if (strcmp(statements[i].word, word) == 0)
			return true;
	for (i = 0; i < sizeof others / sizeof *others; i++)
		if (strcmp(others[i], word) == 0)
			return true;
	return false;
}

static bool
check_macro(struct import *im, const struct lex_token *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";

	if (name->text[strspn(name->text, allowed)] != '\0')
		lex_mistake(&im->lex, &name->place,
		    "%.100s cannot be the name of a macro: letters, digits and "
		    "_ can",
		    name->text);
	else if (is_reserved(name->text))
		lex_mistake(&im->lex, &name->place,
		    "%s is a word of the file itself: choose another name for "
		    "the macro",
		    name->text);
	else
		return true;
	return false;
}

/* NAME = VALUE, of which the "=" was read. */
static void
read_macro(struct import *im, const struct lex_token *name)
{
	struct lex_token value;

	if (!check_macro(im, name) ||
	    !import_value(im, &value, "the value of the macro")) {
		import_skip(im);
		return;
	}
	lex_define(&im->lex, name->text, value.text, &name->place);
}

static void
read_all(struct import *im)
{
	const struct lex_token *t;
	struct lex_token word;

	while ((t = lex_next_over(&im->lex))->kind != LEX_END) {
		if (t->kind == LEX_CLOSE) {
			lex_mistake(
			    &im->lex, &t->place, "there is a } without its {");
			continue;
		}
		word = *t;
		if (word.kind == LEX_WORD &&
		    lex_next(&im->lex)->kind == LEX_EQUALS) {
			read_macro(im, &word);
			continue;
		}
		if (word.kind == LEX_WORD)
			lex_back(&im->lex);
		import_statement(im, &word, statements, "a vm.conf");
	}
}

static void
check_plugged(struct import *im)
{
	const struct import_name *p;
	const char **names, *near;
	size_t i, j;

	names = mem_zeroed((im->switches.count + 1) * sizeof *names);
	for (i = 0; i < im->switches.count; i++)
		names[i] = im->switches.list[i].name;
	for (i = 0; i < im->plugged.count; i++) {
		p = &im->plugged.list[i];
		for (j = 0; j < im->switches.count; j++)
			if (strcmp(names[j], p->name) == 0)
				break;
		if (j < im->switches.count)
			continue;
		near = config_nearest(p->name, names);
		lex_mistake(&im->lex, &p->place,
		    "no switch is called %s%s%s%s: vmd would plug the "
		    "interface into nothing",
		    p->name, near != NULL ? " (did you mean \"" : "",
		    near != NULL ? near : "", near != NULL ? "\"?)" : "");
	}
	free(names);
}

/* Adds the mistakes' own line numbers to text: those of vm.conf. */
static char *
translate(const struct import *im, const struct out *o, const char *text)
{
	const char *p = strstr(text, "line ");
	const struct lex_place *place;
	unsigned long n;
	char *end;

	if (p == NULL)
		return mem_dup(text);
	p += strlen("line ");
	n = strtoul(p, &end, 10);
	if (end == p || n == 0 || n > o->lines)
		return mem_dup(text);
	place = &o->from[n - 1];
	return mem_printf("%.*s%d%s", (int)(p - text), text, place->line, end);
}

/* The result has to pass vmtui check. What does not is vm.conf's mistake. */
static void
check_result(struct import *im, const struct out *o, const char *to)
{
	struct config_mistakes ms = {0};
	const struct config_mistake *m;
	struct config *cfg;
	size_t i;
	char *text;

	if (config_load_string(o->text, o->len, to == NULL ? "vmtui.conf" : to,
		&cfg, &ms) == 0)
		config_free(cfg);
	for (i = 0; i < ms.count; i++) {
		m = &ms.list[i];
		text = translate(im, o, m->text);
		lex_mistake(&im->lex,
		    &o->from[m->line < 1 || (size_t)m->line > o->lines
			    ? 0
			    : (size_t)m->line - 1],
		    "%s", text);
		free(text);
	}
	im->lex.im->dropped += ms.dropped;
	config_mistakes_clear(&ms);
}

static void
put_head(struct out *o, const char *path)
{
	static const struct lex_place top = {0, 1};
	const char *p;

	for (p = path; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			break;
	out_note(o, &top, "Made by vmtui import from %s.",
	    *p == '\0' ? path : "a vm.conf");
	out_note(o, &top,
	    "vmd starts every guest with itself unless vm.conf says disable; "
	    "here it takes enable = yes.");
}

static void
free_names(struct import_names *names)
{
	size_t i;

	for (i = 0; i < names->count; i++)
		free(names->list[i].name);
	free(names->list);
}

/* Reads what lex has open, if it has, and fills lex's result. */
static int
finish(struct import *im, const char *path, const char *to)
{
	static const struct lex_place top = {0, 1};
	struct config_import *result = im->lex.im;
	struct out o = {0};

	if (im->lex.depth > 0) {
		read_all(im);
		check_plugged(im);
	}
	put_head(&o, path);
	if (im->global.lines > 0) {
		out_line(&o, &top, "%s", "");
		out_line(&o, &top, "[vmtui]");
	}
	out_join(&o, &im->global);
	out_join(&o, &im->body);
	if (result->nmistakes == 0)
		check_result(im, &o, to);
	if (result->nmistakes == 0) {
		result->text = o.text;
		result->len = o.len;
		o.text = NULL;
	}
	out_free(&o);
	free_names(&im->vms);
	free_names(&im->switches);
	free_names(&im->plugged);
	lex_close(&im->lex);
	free(im);
	return result->text != NULL ? 0 : -1;
}

int
config_import(const char *path, const char *to, struct config_import *result)
{
	struct import *im = mem_zeroed(sizeof *im);

	*result = (struct config_import){0};
	im->lex.im = result;
	im->lex.includes = true;
	lex_open(&im->lex, path);
	return finish(im, path, to);
}

int
config_import_string(const char *text, size_t len, const char *path,
    const char *to, struct config_import *result)
{
	struct import *im = mem_zeroed(sizeof *im);

	*result = (struct config_import){0};
	im->lex.im = result;
	lex_open_string(&im->lex, text, len, path);
	return finish(im, path, to);
}

void
config_import_clear(struct config_import *result)
{
	size_t i;

	for (i = 0; i < result->nmistakes; i++)
		free(result->mistakes[i]);
	free(result->mistakes);
	free(result->text);
	*result = (struct config_import){0};
}
