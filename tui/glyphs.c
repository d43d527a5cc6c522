#include <langinfo.h>
#include <stdlib.h>
#include <string.h>

#include "tui/glyphs.h"

static const struct glyphs ascii = {
    .running = "*",
    .paused = "=",
    .stopped = "o",
    .crashed = "x",
    .starting = "+",
    .stopping = "-",
    .unknown = "?",
    .pointer = ">",
    .ellipsis = "~",
    .dot = "-",
    .arrow = ">",
    .below = "`",
    .hline = "-",
    .vline = "|",
    .tee_down = "+",
    .tee_up = "+",
    .tee_right = "+",
    .tee_left = "+",
    .cross = "+",
    .news = "!",
    .rang = "b",
    .too = "=>",
    .record = "@",
    .spark = {".", ":", "-", "=", "+", "*", "#", "#"},
    .bar_full = "#",
    .bar_empty = ".",
    .enter = "enter",
    .up = "up",
    .down = "down",
    .left = "left",
    .right = "right",
};

static const struct glyphs utf8 = {
    .utf8 = true,
    .running = "●",
    .paused = "◐",
    .stopped = "○",
    .crashed = "✗",
    .starting = "◔",
    .stopping = "◕",
    .unknown = "?",
    .pointer = "▸",
    .ellipsis = "…",
    .dot = "·",
    .arrow = "→",
    .below = "└",
    .hline = "─",
    .vline = "│",
    .tee_down = "┬",
    .tee_up = "┴",
    .tee_right = "├",
    .tee_left = "┤",
    .cross = "┼",
    .news = "!",
    .rang = "♪",
    .too = "⇶",
    .record = "◉",
    .spark = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"},
    .bar_full = "█",
    .bar_empty = "▁",
    .enter = "↵",
    .up = "↑",
    .down = "↓",
    .left = "←",
    .right = "→",
};

/* Lines of other kinds: like the first of enum theme_borders. */
static const struct {
	const char *hline, *vline;
	const char *tee_down, *tee_up, *tee_right, *tee_left, *cross;
} lines[] = {
    [BORDERS_LINE] = {"─", "│", "┬", "┴", "├", "┤", "┼"},
    [BORDERS_DOUBLE] = {"═", "║", "╦", "╩", "╠", "╣", "╬"},
    [BORDERS_ASCII] = {"-", "|", "+", "+", "+", "+", "+"},
    [BORDERS_NONE] = {" ", " ", " ", " ", " ", " ", " "},
};

/* The set that was chosen, with the lines that were. */
static struct glyphs chosen;

void
glyphs_choose(const char *term)
{
	static const char *const plain[] = {"linux", "vt", "dumb", "ansi"};
	const char *wish = getenv("VMTUI_ASCII");
	bool wide = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	size_t i;

	for (i = 0; i < sizeof plain / sizeof *plain; i++)
		if (term != NULL &&
		    strncmp(term, plain[i], strlen(plain[i])) == 0)
			wide = false;
	if (wish != NULL && *wish != '\0')
		wide = strcmp(wish, "0") == 0 &&
		    strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	chosen = wide ? utf8 : ascii;
}

void
glyphs_borders(enum theme_borders borders)
{
	glyphs();
	if (!chosen.utf8 && borders != BORDERS_NONE)
		borders = BORDERS_ASCII;
	chosen.hline = lines[borders].hline;
	chosen.vline = lines[borders].vline;
	chosen.tee_down = lines[borders].tee_down;
	chosen.tee_up = lines[borders].tee_up;
	chosen.tee_right = lines[borders].tee_right;
	chosen.tee_left = lines[borders].tee_left;
	chosen.cross = lines[borders].cross;
}

const struct glyphs *
glyphs(void)
{
	if (chosen.running == NULL)
		chosen = ascii;
	return &chosen;
}
