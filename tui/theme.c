#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "config/config.h"
#include "term/term.h"
#include "tui/colour.h"
#include "tui/theme.h"

#define BLACK   0
#define RED     1
#define GREEN   2
#define YELLOW  3
#define BLUE    4
#define MAGENTA 5
#define CYAN    6

static const struct look dark[STYLES] = {
    [STYLE_PLAIN] = {-1, -1, 0},
    [STYLE_FAINT] = {-1, -1, LOOK_DIM},
    [STYLE_LINE] = {-1, -1, LOOK_DIM},
    [STYLE_LINE_FOCUS] = {CYAN, -1, LOOK_BOLD},
    [STYLE_NAME] = {-1, -1, LOOK_BOLD},
    [STYLE_TITLE] = {-1, -1, 0},
    [STYLE_TITLE_FOCUS] = {CYAN, -1, LOOK_BOLD | LOOK_REVERSE},
    [STYLE_SELECTED] = {-1, -1, LOOK_BOLD},
    [STYLE_RUNNING] = {GREEN, -1, 0},
    [STYLE_PAUSED] = {YELLOW, -1, 0},
    [STYLE_STOPPED] = {-1, -1, LOOK_DIM},
    [STYLE_CRASHED] = {RED, -1, LOOK_BOLD},
    [STYLE_CHANGING] = {CYAN, -1, 0},
    [STYLE_SPARK] = {CYAN, -1, 0},
    [STYLE_BAR] = {BLUE, -1, 0},
    [STYLE_KEY] = {-1, -1, LOOK_BOLD},
    [STYLE_ERROR] = {RED, -1, LOOK_BOLD},
    [STYLE_NEWS] = {-1, -1, 0},
    [STYLE_QUESTION] = {YELLOW, -1, LOOK_BOLD},
    [STYLE_ALERT] = {YELLOW, -1, LOOK_BOLD},
    [STYLE_TOO] = {MAGENTA, -1, LOOK_BOLD},
    [STYLE_RECORD] = {RED, -1, LOOK_BOLD},
    [STYLE_CHOSEN] = {-1, -1, LOOK_REVERSE},
    [STYLE_MATCH] = {BLACK, YELLOW, 0},
    [STYLE_MATCH_HERE] = {BLACK, MAGENTA, LOOK_BOLD},
};

/* Yellow and cyan are hard to read on white. */
static const struct look light[STYLES] = {
    [STYLE_PLAIN] = {-1, -1, 0},
    [STYLE_FAINT] = {-1, -1, LOOK_DIM},
    [STYLE_LINE] = {-1, -1, LOOK_DIM},
    [STYLE_LINE_FOCUS] = {BLUE, -1, LOOK_BOLD},
    [STYLE_NAME] = {-1, -1, LOOK_BOLD},
    [STYLE_TITLE] = {-1, -1, 0},
    [STYLE_TITLE_FOCUS] = {BLUE, -1, LOOK_BOLD | LOOK_REVERSE},
    [STYLE_SELECTED] = {-1, -1, LOOK_BOLD},
    [STYLE_RUNNING] = {GREEN, -1, 0},
    [STYLE_PAUSED] = {MAGENTA, -1, 0},
    [STYLE_STOPPED] = {-1, -1, LOOK_DIM},
    [STYLE_CRASHED] = {RED, -1, LOOK_BOLD},
    [STYLE_CHANGING] = {BLUE, -1, 0},
    [STYLE_SPARK] = {BLUE, -1, 0},
    [STYLE_BAR] = {BLUE, -1, 0},
    [STYLE_KEY] = {-1, -1, LOOK_BOLD},
    [STYLE_ERROR] = {RED, -1, LOOK_BOLD},
    [STYLE_NEWS] = {-1, -1, 0},
    [STYLE_QUESTION] = {MAGENTA, -1, LOOK_BOLD},
    [STYLE_ALERT] = {RED, -1, LOOK_BOLD},
    [STYLE_TOO] = {MAGENTA, -1, LOOK_BOLD},
    [STYLE_RECORD] = {RED, -1, LOOK_BOLD},
    [STYLE_CHOSEN] = {-1, -1, LOOK_REVERSE},
    [STYLE_MATCH] = {BLACK, YELLOW, 0},
    [STYLE_MATCH_HERE] = {BLACK, CYAN, LOOK_BOLD},
};

static const struct look plain[STYLES] = {
    [STYLE_PLAIN] = {-1, -1, 0},
    [STYLE_FAINT] = {-1, -1, 0},
    [STYLE_LINE] = {-1, -1, 0},
    [STYLE_LINE_FOCUS] = {-1, -1, LOOK_BOLD},
    [STYLE_NAME] = {-1, -1, LOOK_BOLD},
    [STYLE_TITLE] = {-1, -1, 0},
    [STYLE_TITLE_FOCUS] = {-1, -1, LOOK_REVERSE},
    [STYLE_SELECTED] = {-1, -1, LOOK_BOLD},
    [STYLE_RUNNING] = {-1, -1, 0},
    [STYLE_PAUSED] = {-1, -1, 0},
    [STYLE_STOPPED] = {-1, -1, 0},
    [STYLE_CRASHED] = {-1, -1, LOOK_BOLD},
    [STYLE_CHANGING] = {-1, -1, 0},
    [STYLE_SPARK] = {-1, -1, 0},
    [STYLE_BAR] = {-1, -1, 0},
    [STYLE_KEY] = {-1, -1, LOOK_BOLD},
    [STYLE_ERROR] = {-1, -1, LOOK_REVERSE},
    [STYLE_NEWS] = {-1, -1, 0},
    [STYLE_QUESTION] = {-1, -1, LOOK_BOLD},
    [STYLE_ALERT] = {-1, -1, LOOK_BOLD},
    [STYLE_TOO] = {-1, -1, LOOK_BOLD},
    [STYLE_RECORD] = {-1, -1, LOOK_BOLD},
    [STYLE_CHOSEN] = {-1, -1, LOOK_REVERSE},
    [STYLE_MATCH] = {-1, -1, LOOK_BOLD | LOOK_UNDERLINE},
    [STYLE_MATCH_HERE] = {-1, -1, LOOK_BOLD | LOOK_REVERSE},
};

enum colours { COLOURS_AUTO, COLOURS_DARK, COLOURS_LIGHT, COLOURS_MONO };

static const char *const colours_words[] = {
    "auto", "dark", "light", "mono", NULL};
/* In the order of enum theme_borders. */
static const char *const borders_words[] = {
    "line", "double", "ascii", "none", NULL};

#define STYLE(word, text)                                         \
	{                                                         \
		.name = (word), .kind = CONFIG_K_TEXT,            \
		.value = "[COLOUR] [on COLOUR] [bold] [dim] ...", \
		.help = (text)                                    \
	}

/* The styles in the order of enum style, then the others. */
static const struct config_key keys[] = {
    STYLE("text", "Plain text"),
    STYLE("faint", "Units, hints, what is off"),
    STYLE("line", "Lines between the parts of the screen"),
    STYLE("line-focus", "The line over the pane that has the keyboard"),
    STYLE("name", "Names: of the program, of a column"),
    STYLE("title", "Titles"),
    STYLE("title-focus", "The title of what has the keyboard"),
    STYLE("selected", "The row one is at"),
    STYLE("running", "Guests that run"),
    STYLE("paused", "Guests that are paused"),
    STYLE("stopped", "Guests that are stopped"),
    STYLE("crashed", "Guests that crashed"),
    STYLE("changing", "Guests that start or stop"),
    STYLE("spark", "Graphs over time"),
    STYLE("bar", "Bars"),
    STYLE("key", "Names of keys on the bottom line"),
    STYLE("error", "Errors"),
    STYLE("news", "Messages that are no errors"),
    STYLE("question", "Questions"),
    STYLE("alert", "Marks where something happened"),
    STYLE("typing-too", "Marks where typing goes too"),
    STYLE("recording", "Marks what is recorded"),
    STYLE("chosen", "Selected text"),
    STYLE("match", "What was searched for"),
    STYLE("match-here", "The match one is at"),
    {.name = "colours",
	.kind = CONFIG_K_CHOICE,
	.choices = colours_words,
	.value = "auto | dark | light | mono",
	.fallback = "auto",
	.help = "The colours of all that is not said here; auto is light "
		"where COLORFGBG says so, else dark"},
    {.name = "borders",
	.kind = CONFIG_K_CHOICE,
	.choices = borders_words,
	.value = "line | double | ascii | none",
	.fallback = "line",
	.help = "What lines are drawn with"},
    {0},
};
#define COLOURS (STYLES)
#define BORDERS (STYLES + 1)

_Static_assert(
    sizeof keys / sizeof *keys == STYLES + 3, "a style without a name");

/* What is in force. */
static struct {
	const struct look *base; /* NULL: not chosen yet */
	bool mono;
	enum theme_borders borders;
	bool own[STYLES];
	struct look look[STYLES];
} theme;

/*
 * --- Values ----------------------------------------------------------------
 */

static int
index_of(const char *const *words, const char *word)
{
	int i;

	for (i = 0; words[i] != NULL; i++)
		if (strcasecmp(words[i], word) == 0)
			return i;
	return -1;
}

static bool
parse_colour(const char *word, short *colour)
{
	static const char *const names[] = {"black", "red", "green", "yellow",
	    "blue", "magenta", "cyan", "white", NULL};
	bool bright = strncasecmp(word, "bright-", 7) == 0;
	unsigned long n;
	char *end;
	int i;

	if (strcasecmp(word, "default") == 0) {
		*colour = -1;
		return true;
	}
	if (word[0] == '#' && strlen(word) == 7) {
		n = strtoul(word + 1, &end, 16);
		if (*end != '\0')
			return false;
		*colour = (short)colour_number(
		    TERM_COLOUR_RGB | (uint32_t)n, 256, NULL);
		return true;
	}
	if (*word >= '0' && *word <= '9') {
		n = strtoul(word, &end, 10);
		*colour = (short)n;
		return *end == '\0' && n < 256;
	}
	i = index_of(names, word + (bright ? 7 : 0));
	*colour = (short)(i + (bright ? 8 : 0));
	return i != -1;
}

static unsigned
attribute(const char *word)
{
	static const char *const names[] = {
	    "bold", "dim", "underline", "reverse", "italic", NULL};
	int i = index_of(names, word);

	/* In the order of LOOK_... */
	return i == -1 ? 0 : 1u << i;
}

/* "green", "black on yellow bold", "bold". On failure *bad is the word. */
static bool
parse(const char *text, struct look *look, char bad[32])
{
	bool behind_on = false, some = false;
	int len;

	*look = (struct look){-1, -1, 0};
	while (sscanf(text, " %31s%n", bad, &len) == 1) {
		text += len;
		some = true;
		if (behind_on) {
			if (!parse_colour(bad, &look->bg))
				return false;
			behind_on = false;
		} else if (strcasecmp(bad, "on") == 0)
			behind_on = true;
		else if (attribute(bad) != 0)
			look->attrs |= attribute(bad);
		else if (!parse_colour(bad, &look->fg))
			return false;
	}
	return some && !behind_on;
}

static size_t
find(const char *name)
{
	size_t i;

	for (i = 0; keys[i].name != NULL; i++)
		if (strcasecmp(keys[i].name, name) == 0)
			break;
	return i;
}

/*
 * --- The section -------------------------------------------------------------
 */

const struct config_key *
theme_keys(void)
{
	return keys;
}

static const char *
unknown(const char *name, char *buf, size_t len)
{
	const char *names[STYLES + 3], *near;
	size_t i;

	for (i = 0; i < sizeof keys / sizeof *keys; i++)
		names[i] = keys[i].name;
	near = config_nearest(name, names);
	if (near != NULL)
		snprintf(buf, len,
		    "[theme] has nothing called \"%.100s\" (did you mean "
		    "\"%s\"?)",
		    name, near);
	else
		snprintf(buf, len,
		    "[theme] has nothing called \"%.100s\": it may have "
		    "colours, borders and the styles of vmtui.conf(5)",
		    name);
	return buf;
}

/* What is wrong with a value, or NULL. */
static const char *
wrong(const struct config_pair *p, char *buf, size_t len)
{
	size_t at = find(p->name);
	char bad[32] = "";
	struct look look;

	if (keys[at].name == NULL)
		return unknown(p->name, buf, len);
	if (at >= STYLES && index_of(keys[at].choices, p->value) == -1) {
		snprintf(buf, len, "%s is one of %s, not \"%.100s\"",
		    keys[at].name, keys[at].value, p->value);
		return buf;
	}
	if (at < STYLES && !parse(p->value, &look, bad)) {
		snprintf(buf, len,
		    "%s: \"%s\" is no colour: write one like green, "
		    "bright-red, 208 or default, \"on\" and one, and any of "
		    "bold dim underline reverse italic",
		    keys[at].name, bad);
		return buf;
	}
	return NULL;
}

void
theme_judge(const struct config *cfg,
    void (*say)(void *arg, int line, const char *text), void *arg)
{
	const char *why;
	char text[512];
	size_t i;

	for (i = 0; i < cfg->ntheme; i++)
		if ((why = wrong(&cfg->theme[i], text, sizeof text)) != NULL)
			say(arg, cfg->theme[i].line, why);
}

/* rxvt and its relatives say "15;0" or "0;default;15": the last is behind. */
static bool
terminal_is_light(void)
{
	const char *text = getenv("COLORFGBG");
	const char *last = text != NULL ? strrchr(text, ';') : NULL;

	return last != NULL &&
	    (strcmp(last, ";7") == 0 || strcmp(last, ";15") == 0);
}

static void
choose(enum colours colours)
{
	theme.mono = colours == COLOURS_MONO;
	theme.base = colours == COLOURS_LIGHT ||
		(colours == COLOURS_AUTO && terminal_is_light())
	    ? light
	    : dark;
}

void
theme_use(const struct config *cfg)
{
	const struct config_pair *p;
	char bad[32];
	size_t i, at;

	memset(theme.own, 0, sizeof theme.own);
	theme.borders = BORDERS_LINE;
	choose(COLOURS_AUTO);
	for (i = 0; i < cfg->ntheme; i++) {
		p = &cfg->theme[i];
		at = find(p->name);
		if (at < STYLES)
			theme.own[at] = parse(p->value, &theme.look[at], bad);
		else if (at == COLOURS)
			choose((enum colours)index_of(colours_words, p->value));
		else if (at == BORDERS)
			theme.borders = (enum theme_borders)index_of(
			    borders_words, p->value);
	}
}

enum theme_borders
theme_borders(void)
{
	return theme.borders;
}

struct look
theme_look(enum style style, bool colours)
{
	struct look look;

	if (theme.base == NULL)
		choose(COLOURS_AUTO);
	if (colours && !theme.mono)
		return theme.own[style] ? theme.look[style] : theme.base[style];
	look = plain[style];
	/* Without its colour the style is known by the rest. */
	if (theme.own[style] && theme.look[style].attrs != 0)
		look.attrs = theme.look[style].attrs;
	return look;
}
