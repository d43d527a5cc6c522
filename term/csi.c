/*
 * csi.c: control sequences (ECMA-48 5.4) on their way to libvterm: made
 * harmless, and mended where libvterm 0.1.4 takes them for something else.
 */
#include <stdio.h>
#include <string.h>

#include "internal.h"

#define ARGS_MAX 15 /* libvterm has room for 16 */
#define ARG_MAX  9999

/*
 * Takes the filter's seq apart. False if it is no control sequence that
 * anybody defined.
 */
static bool
parse(const struct filter *f, struct csi *csi)
{
	const char *p = f->seq + 2, *final = f->seq + f->len - 1;
	unsigned *arg;

	/* Not all of it: args and joined are long, and this is often. */
	csi->lead = csi->inter = 0;
	csi->final = *final;
	csi->plain = true;
	csi->parts = false;
	csi->n = 1;
	csi->args[0] = CSI_MISSING;
	csi->joined[0] = false;
	if (*p >= '<' && *p <= '?')
		csi->lead = *p++;
	for (; p < final && *p >= '0'; p++) {
		arg = &csi->args[csi->n - 1];
		if (*p <= '9') {
			if (*arg == CSI_MISSING)
				*arg = 0;
			*arg = *arg * 10 + (unsigned)(*p - '0');
			if (*arg > ARG_MAX) {
				*arg = ARG_MAX;
				csi->plain = false;
			}
		} else if (*p == ';' || *p == ':') {
			csi->joined[csi->n - 1] = *p == ':';
			if (*p == ':')
				csi->parts = true;
			if (csi->n == CSI_ARGS)
				return false;
			csi->joined[csi->n] = false;
			csi->args[csi->n++] = CSI_MISSING;
		} else
			return false;
	}
	if (csi->n > ARGS_MAX)
		csi->plain = false;
	if (p < final)
		csi->inter = *p++;
	return p == final;
}

unsigned
csi_arg(const struct csi *csi, unsigned i, unsigned otherwise)
{
	return i < csi->n && csi->args[i] != CSI_MISSING ? csi->args[i]
							 : otherwise;
}

void
csi_feed(struct term *t, const char *lead, const unsigned *args, unsigned n,
    const char *final)
{
	char seq[128];
	unsigned i;
	int len;

	len = snprintf(seq, sizeof(seq), "\033[%s", lead);
	for (i = 0; i < n && i < ARGS_MAX; i++) {
		if (i > 0)
			seq[len++] = ';';
		if (args[i] != CSI_MISSING)
			len += snprintf(seq + len, sizeof(seq) - (size_t)len,
			    "%u", args[i] > ARG_MAX ? ARG_MAX : args[i]);
	}
	len += snprintf(seq + len, sizeof(seq) - (size_t)len, "%s", final);
	state_feed(t, seq, (size_t)len);
}

/* Feeds the sequence as it came, or tidied. */
static void
pass(struct term *t, const struct csi *csi)
{
	char lead[2] = {csi->lead, 0};
	char final[3] = {csi->inter, csi->final, 0};

	if (csi->plain)
		state_feed(t, t->filter.seq, t->filter.len);
	else
		csi_feed(t, lead, csi->args, csi->n,
		    csi->inter != 0 ? final : final + 1);
}

void
csi_save(struct term *t)
{
	unsigned save = 1048;

	t->saved = t->pen;
	csi_feed(t, "?", &save, 1, "h");
}

/*
 * Feeds a mode that sets back the cursor. libvterm also sets back whether and
 * how it shows, which no terminal does.
 */
static void
restore(struct term *t, unsigned mode)
{
	struct term_cursor was = t->cursor;
	VTermValue visible = {.boolean = was.visible};
	VTermValue blink = {.boolean = was.blink};
	VTermValue shape = {.number = VTERM_PROP_CURSORSHAPE_BLOCK};

	if (was.shape == TERM_SHAPE_UNDERLINE)
		shape.number = VTERM_PROP_CURSORSHAPE_UNDERLINE;
	else if (was.shape == TERM_SHAPE_BAR)
		shape.number = VTERM_PROP_CURSORSHAPE_BAR_LEFT;
	csi_feed(t, "?", &mode, 1, "l");
	state_ask_cursor(t);
	t->pen = t->saved;
	vterm_state_set_termprop(t->state, VTERM_PROP_CURSORVISIBLE, &visible);
	vterm_state_set_termprop(t->state, VTERM_PROP_CURSORBLINK, &blink);
	vterm_state_set_termprop(t->state, VTERM_PROP_CURSORSHAPE, &shape);
}

void
csi_restore(struct term *t)
{
	restore(t, 1048);
}

static void
slow(struct term *t, unsigned bit, bool on)
{
	if (on)
		t->filter.slow |= bit;
	else
		t->filter.slow &= ~bit;
}

/* One mode of DECSET or DECRST; libvterm looks at the first only. */
static void
private_mode(struct term *t, unsigned mode, bool on)
{
	bool was = t->grid.on_alt;
	unsigned cols = t->grid.cols;

	switch (mode) {
	case 6:
		slow(t, SLOW_ORIGIN, on);
		break;
	case 47:
		mode = 1047;
		break;
	case 69:
		slow(t, SLOW_MARGINS, on);
		break;
	case 1048:
	case 1049:
		if (on)
			t->saved = t->pen;
		else {
			restore(t, mode);
			if (mode == 1048)
				return;
		}
		break;
	}
	if (on || mode != 1049)
		csi_feed(t, "?", &mode, 1, on ? "h" : "l");
	if (was && !t->grid.on_alt && t->main_moved)
		state_move(t, (unsigned)t->main_cursor.line,
		    t->main_cursor.col < cols ? t->main_cursor.col : cols - 1,
		    t->main_cursor.col >= cols);
}

static void
modes(struct term *t, const struct csi *csi)
{
	bool on = csi->final == 'h';
	unsigned i, mode;

	for (i = 0; i < csi->n; i++) {
		mode = csi_arg(csi, i, 0);
		if (csi->lead == '?')
			private_mode(t, mode, on);
		else {
			if (mode == 4)
				slow(t, SLOW_INSERT, on);
			csi_feed(t, "", &mode, 1, on ? "h" : "l");
		}
	}
}

/*
 * REP, ECMA-48 8.3.103: libvterm would never end where nothing was written
 * yet, so the character is simply written again, a row of them at most.
 */
static void
repeat(struct term *t, unsigned count)
{
	uint8_t text[4 * (1 + TERM_COMBINING)];
	unsigned len, i;

	if (t->last.cell.ch == 0)
		return;
	len = utf8_write(t->last.cell.ch, text);
	for (i = 0; i < t->last.cell.ncomb; i++)
		len += utf8_write(t->last.comb[i], text + len);
	if (count > t->grid.cols)
		count = t->grid.cols;
	while (count-- > 0)
		filter_text(t, (const char *)text, len);
}

/* Window reports of xterm: only the size in characters is told. */
static void
window(struct term *t, const struct csi *csi)
{
	char reply[32];
	int len;

	if (csi_arg(csi, 0, 0) != 18)
		return;
	len = snprintf(
	    reply, sizeof(reply), "\033[8;%u;%ut", t->grid.rows, t->grid.cols);
	term_send(t, reply, (size_t)len);
}

/* Sequences without leading or intermediate bytes. */
static void
standard(struct term *t, const struct csi *csi)
{
	switch (csi->final) {
	case 'm':
		sgr_apply(t, csi);
		break;
	case 'h':
	case 'l':
		modes(t, csi);
		break;
	case 'b':
		repeat(t, csi_arg(csi, 0, 1) == 0 ? 1 : csi_arg(csi, 0, 1));
		break;
	case 's':
		/* DECSLRM while DECLRMM is on, else the cursor is saved. */
		if (t->filter.slow & SLOW_MARGINS)
			pass(t, csi);
		else if (csi->n == 1 && csi->args[0] == CSI_MISSING)
			csi_save(t);
		break;
	case 'u':
		csi_restore(t);
		break;
	case 't':
		window(t, csi);
		break;
	case 'J':
		if (csi_arg(csi, 0, 0) == 3)
			term_clear_history(t);
		else
			pass(t, csi);
		break;
	default:
		pass(t, csi);
	}
}

void
csi_dispatch(struct term *t)
{
	struct csi csi;

	if (!parse(&t->filter, &csi))
		return;
	/* Only SGR has arguments of parts. */
	if (csi.parts && csi.final != 'm')
		return;
	if (csi.lead == 0 && csi.inter == 0)
		standard(t, &csi);
	else if (csi.lead == '?' && csi.inter == 0 &&
	    (csi.final == 'h' || csi.final == 'l'))
		modes(t, &csi);
	else if (csi.lead == 0 && csi.inter == '!' && csi.final == 'p')
		state_reset(t, false);
	else {
		if (csi.inter == '"' && csi.final == 'q')
			slow(t, SLOW_PROTECT, csi_arg(&csi, 0, 0) == 1);
		/* DECSCUSR: 0 and nothing mean the terminal's own. */
		if (csi.lead == 0 && csi.inter == ' ' && csi.final == 'q' &&
		    csi_arg(&csi, 0, 0) <= 6) {
			t->cursor.styled = csi_arg(&csi, 0, 0) != 0;
			t->cursor_dirty = true;
		}
		pass(t, &csi);
	}
}
