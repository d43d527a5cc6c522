/* tui/keymap, tui/theme: [keys] and [theme], what they may say and do. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/unit.h"
#include "tui/everywhere.h"
#include "tui/keymap.h"
#include "tui/settings.h"
#include "tui/sheet.h"
#include "tui/theme.h"
#include "tui/view.h"

/* The first mistake of a file, "" if it has none. */
static const char *
mistake(const char *text)
{
	struct config_mistakes ms = {0};
	static char why[1024];
	struct config *cfg;

	why[0] = '\0';
	config_load_string(text, strlen(text), "f", &cfg, &ms);
	if (ms.count > 0)
		config_mistake_format(&ms, 0, why, sizeof why);
	config_mistakes_clear(&ms);
	config_free(cfg);
	return why;
}

static void
use(const char *text)
{
	struct config_mistakes ms = {0};
	struct config *cfg;

	assert_int_equal(
	    config_load_string(text, strlen(text), "f", &cfg, &ms), 0);
	keymap_use(cfg);
	theme_use(cfg);
	config_free(cfg);
	config_mistakes_clear(&ms);
}

#define assert_says(text, part)                                                \
	do {                                                                   \
		if (strstr(mistake(text), part) == NULL)                       \
			fail_msg("\"%s\" is said of %s", mistake(text), text); \
	} while (0)

/* A key that nobody can choose another one for is one that was forgotten. */
static void
test_every_key_of_every_view_has_a_name(void **state)
{
	const struct keytable *t;
	const struct binding *b;
	size_t i;

	for (i = 0; views[i] != NULL; i++)
		for (t = views[i]->help; t->title != NULL; t++) {
			if (t->name == NULL)
				fail_msg("%s has no name", t->title);
			for (b = t->bindings; b->run != NULL; b++)
				if (b->name == NULL && b->word == NULL)
					fail_msg("%s: %s has no name", t->title,
					    b->help);
		}
}

static void
test_names_are_those_of_files_and_differ(void **state)
{
	const struct config_key *keys = config_keys(CONFIG_KEYS);
	size_t i, j;

	for (i = 0; keys[i].name != NULL; i++) {
		if (strspn(keys[i].name,
			"abcdefghijklmnopqrstuvwxyz-0123456789") !=
		    strlen(keys[i].name))
			fail_msg("%s is no name", keys[i].name);
		assert_non_null(keys[i].help);
		for (j = 0; j < i; j++)
			assert_string_not_equal(keys[i].name, keys[j].name);
	}
	assert_true(i > 150);
}

/* What a key is by itself may be written into a file, and changes nothing. */
static void
test_own_keys_can_be_written_and_are_no_mistake(void **state)
{
	const struct config_key *key = config_keys(CONFIG_KEYS);
	char text[256];

	for (; key->name != NULL; key++) {
		snprintf(text, sizeof text, "[keys]\n%s = %s\n", key->name,
		    key->fallback);
		/* Some are in two tables of which one hides the other. */
		if (strstr(mistake(text), "is no key") != NULL ||
		    strstr(mistake(text), "one types") != NULL)
			fail_msg("%s: %s", text, mistake(text));
	}
}

static void
test_unknown_names_are_told_with_the_nearest(void **state)
{
	assert_says("[keys]\n\nguests-strat = F5\n",
	    "f:3: [keys] has nothing called \"guests-strat\" (did you mean "
	    "\"guests-start\"?)");
	assert_says("[theme]\nruning = red\n", "did you mean \"running\"?");
	assert_says("[keys]\nzzzzzzzzzzzzzz = a\n", "vmtui.conf(5) has all");
}

static void
test_bad_values_are_told_with_good_ones(void **state)
{
	assert_says("[keys]\nquit = F33\n", "\"F33\" is no key");
	assert_says("[keys]\nquit = a b c\n", "\"a b c\" is no key");
	assert_says("[keys]\nedit-save = x\n", "what one types there");
	assert_says("[keys]\nprefix = x\n", "cannot be the prefix");
	assert_says("[keys]\nmouse = maybe\n", "mouse is yes or no");
	assert_says("[theme]\nrunning = greeen\n", "\"greeen\" is no colour");
	assert_says("[theme]\nrunning = red on\n", "is no colour");
	assert_says("[theme]\nrunning = 256\n", "\"256\" is no colour");
	assert_says("[theme]\nborders = thick\n", "borders is one of");
	assert_says("[theme]\ncolours = gray\n", "auto | dark | light | mono");
}

static void
test_conflicts_name_both(void **state)
{
	assert_says("[keys]\nguests-start = j\n",
	    "guests-start: j is the key of guests-down already");
	/* What works everywhere would no longer be reached. */
	assert_says("[keys]\nguests-start = q\n", "is the key of quit already");
	assert_says("[keys]\nquit = s\n", "is the key of guests-start already");
	assert_says("[keys]\nguests-new = F5\nguests-start = F5\n",
	    "f:3: guests-start: F5 is the key of guests-new already");
	/* Both moved: none. And behind the prefix other keys are in force. */
	assert_string_equal(
	    mistake("[keys]\nguests-start = j\nguests-down = s\n"), "");
	assert_string_equal(mistake("[keys]\npane-start = q\n"), "");
	assert_string_equal(
	    mistake("[keys]\nquit = none\nguests-start = q\n"), "");
}

/* The binding of a key in a table as it is now, by its help; "": none. */
static const char *
does(const struct binding *table, const char *key)
{
	struct key k;

	assert_true(key_parse(key, &k));
	for (; table->run != NULL; table++)
		if (key_same(keys_of(table).key, k) ||
		    key_same(keys_of(table).also, k))
			return table->help != NULL ? table->help : "";
	return "";
}

static void
test_chosen_keys_are_in_force_and_forgotten_again(void **state)
{
	const struct binding *list = views[0]->help[0].bindings;
	struct key key;
	char name[32];

	use("[keys]\nguests-start = F5 ctrl-s\nquit = none\n"
	    "view-log = alt-l\nprefix = ctrl-a\npane-last = semicolon\n");
	assert_string_equal(does(list, "F5"), "start the guest");
	assert_string_equal(does(list, "ctrl-s"), "start the guest");
	assert_string_equal(does(list, "s"), "");
	assert_string_equal(does(everywhere_bindings, "q"), "");
	assert_string_equal(keys_prefix_name(), "ctrl-a");
	assert_true(key_parse("alt-l", &key));
	assert_true(keymap_turns(key, &view_log));
	assert_string_equal(
	    keymap_turns_name(&view_log, name, sizeof name), "alt-l");
	/* What sentences say of keys is true of these. */
	assert_string_equal(keymap_key("guests-start"), "F5");
	assert_true(keymap_is("guests-start", (struct key){K_F(5), 0}));
	assert_false(keymap_is("guests-start", (struct key){'s', 0}));
	assert_string_equal(keymap_key("quit"), "(no key)");
	assert_string_equal(keymap_key("view-log"), "alt-l");
	use("");
	assert_string_equal(does(list, "F5"), "");
	assert_string_equal(does(list, "s"), "start the guest");
	assert_string_equal(keys_prefix_name(), "ctrl-]");
	assert_string_equal(
	    keymap_turns_name(&view_log, name, sizeof name), "6");
	assert_string_equal(keymap_key("guests-start"), "s");
	assert_string_equal(keymap_key("no-such-action"), "(no key)");
}

/* pause and unpause are one key that says what it does now. */
static void
test_bindings_of_one_name_move_together(void **state)
{
	const struct binding *b = views[0]->help[0].bindings;
	struct key key;
	int n = 0;

	use("[keys]\nguests-pause = F7\n");
	assert_true(key_parse("F7", &key));
	for (; b->run != NULL; b++)
		n += key_same(keys_of(b).key, key);
	assert_int_equal(n, 2);
	use("");
}

static void
test_theme_styles_are_what_a_file_says(void **state)
{
	struct look look;

	use("[theme]\ncolours = light\nrunning = 208 on bright-blue bold "
	    "italic\nborders = double\npaused = bold\nerror = #ff0000\n");
	look = theme_look(STYLE_RUNNING, true);
	assert_int_equal(look.fg, 208);
	assert_int_equal(look.bg, 12);
	assert_int_equal(look.attrs, LOOK_BOLD | LOOK_ITALIC);
	assert_int_equal(theme_look(STYLE_PAUSED, true).fg, -1);
	assert_int_equal(theme_look(STYLE_ERROR, true).fg, 196);
	assert_int_equal(theme_borders(), BORDERS_DOUBLE);
	/* Without colours nothing but the rest is left of it. */
	look = theme_look(STYLE_RUNNING, false);
	assert_int_equal(look.fg, -1);
	assert_int_equal(look.bg, -1);
	assert_int_equal(look.attrs, LOOK_BOLD | LOOK_ITALIC);
	use("");
	assert_int_equal(theme_look(STYLE_RUNNING, true).fg, 2);
	assert_int_equal(theme_borders(), BORDERS_LINE);
}

static void
test_theme_mono_has_no_colour_and_differs_all_the_same(void **state)
{
	struct look look;
	int i;

	use("[theme]\ncolours = mono\n");
	for (i = 0; i < STYLES; i++) {
		look = theme_look((enum style)i, true);
		assert_int_equal(look.fg, -1);
		assert_int_equal(look.bg, -1);
	}
	assert_true(theme_look(STYLE_ERROR, true).attrs != 0);
	assert_true(theme_look(STYLE_TITLE_FOCUS, true).attrs !=
	    theme_look(STYLE_TITLE, true).attrs);
	use("");
}

/* On white nothing is yellow or cyan, which is not to be read there. */
static void
test_theme_light_can_be_read_on_white(void **state)
{
	struct look look;
	int i;

	use("[theme]\ncolours = light\n");
	for (i = 0; i < STYLES; i++) {
		look = theme_look((enum style)i, true);
		assert_true(look.fg != 3 && look.fg != 6 && look.fg != 7);
	}
	use("");
}

/* A guest's mistake is no reason to lose one's keys. */
static void
test_keys_are_read_whatever_is_wrong_elsewhere(void **state)
{
	static const char text[] = "[vm a]\nmemroy = 1G\n[keys]\n"
				   "quit = F10\nguests-strat = x\n";
	char path[] = "/tmp/vmtui-keys.XXXXXX";
	struct config_mistakes ms = {0};
	struct config *cfg = NULL;
	int fd = mkstemp(path);

	assert_true(fd != -1);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	assert_int_equal(config_load(path, CONFIG_SCREEN, &cfg, &ms), 0);
	unlink(path);
	assert_int_equal(ms.count, 1);
	assert_int_equal(ms.list[0].line, 5);
	keymap_use(cfg);
	assert_string_equal(does(everywhere_bindings, "F10"),
	    "leave the screen; guests run on");
	config_free(cfg);
	config_mistakes_clear(&ms);
	use("");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_key_of_every_view_has_a_name),
	    cmocka_unit_test(test_names_are_those_of_files_and_differ),
	    cmocka_unit_test(test_own_keys_can_be_written_and_are_no_mistake),
	    cmocka_unit_test(test_unknown_names_are_told_with_the_nearest),
	    cmocka_unit_test(test_bad_values_are_told_with_good_ones),
	    cmocka_unit_test(test_conflicts_name_both),
	    cmocka_unit_test(test_chosen_keys_are_in_force_and_forgotten_again),
	    cmocka_unit_test(test_bindings_of_one_name_move_together),
	    cmocka_unit_test(test_theme_styles_are_what_a_file_says),
	    cmocka_unit_test(
		test_theme_mono_has_no_colour_and_differs_all_the_same),
	    cmocka_unit_test(test_theme_light_can_be_read_on_white),
	    cmocka_unit_test(test_keys_are_read_whatever_is_wrong_elsewhere),
	};

	settings_begin();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
