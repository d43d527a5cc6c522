/*
 * screen.h: the screen: a person's view of all guests, in their terminal.
 *
 * `vmtui` without a command ends here. One thread, one libevent loop; guests
 * and the backend go on without it.
 */
#ifndef TUI_SCREEN_H
#define TUI_SCREEN_H

struct screen_options {
	const char
	    *config; /* -f, for a backend that has to be started; or NULL */
};

/*
 * Runs the screen until the person quits, the terminal goes away or SIGTERM.
 * Returns the exit status: 0, or 1 if it could not begin (no terminal, no
 * backend), after printing why on standard error. The terminal is always left
 * as it was found.
 */
int screen_main(const struct screen_options *options);

#endif
