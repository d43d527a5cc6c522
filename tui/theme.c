#include "tui/theme.h"

#define BLACK   0
#define RED     1
#define GREEN   2
#define YELLOW  3
#define BLUE    4
#define MAGENTA 5
#define CYAN    6

static const struct look colour[STYLES] = {
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

const struct look *
theme_look(enum style style, bool colours)
{
	return colours ? &colour[style] : &plain[style];
}
