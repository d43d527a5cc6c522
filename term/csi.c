/*
 * csi.c: control sequences (ECMA-48 5.4) on their way to libvterm: made
 * harmless, and mended where libvterm 0.1.4 takes them for something else.
 */
#include <stdio.h>
#include <string.h>

#include "internal.h"

#define ARGS_MAX 15 /* libvterm has room for 16 */
#define ARG_MAX  9999
#define MISSING  (~0u)

struct csi {
	char lead; /* one of < = > ? or 0 */
	char inter; /* an intermediate byte or 0 */
	char final;
	unsigned args[64];
	bool joined[64]; /* a ':' came behind it, not a ';' */
	unsigned n; /* at least 1 */
	bool plain; /* may go to libvterm as it came */
};

/*
 * Takes the filter's seq apart. False if it is no control sequence that
 * anybody defined.
 */
static bool
parse(const struct filter *f, struct csi *csi)
{
	const char *p = f->seq + 2, *final = f->seq + f->len - 1;
	unsigned *arg;

	*csi = (struct csi){.final = *final, .n = 1, .plain = true};
	csi->args[0] = MISSING;
	if (*p >= '<' && *p <= '?')
		csi->lead = *p++;
	for (; p < final && *p >= '0'; p++) {
		arg = &csi->args[csi->n - 1];
		if (*p <= '9') {
			if (*arg == MISSING)
				*arg = 0;
			*arg = *arg * 10 + (unsigned)(*p - '0');
			if (*arg > ARG_MAX) {
				*arg = ARG_MAX;
				csi->plain = false;
			}
		} else if (*p == ';' || *p == ':') {
			csi->joined[csi->n - 1] = *p == ':';
			if (*p == ':')
				csi->plain = false;
			if (csi->n == 64)
				return false;
			csi->args[csi->n++] = MISSING;
		} else
			return false;
	}
	if (csi->n > ARGS_MAX)
		csi->plain = false;
	if (p < final)
		csi->inter = *p++;
	return p == final;
}

/* The argument, or what it is by default. */
static unsigned
arg(const struct csi *csi, unsigned i, unsigned otherwise)
{
	return i < csi->n && csi->args[i] != MISSING ? csi->args[i] : otherwise;
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
		if (args[i] != MISSING)
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

/*
 * A colour from argument i (38, 48 or 58) on: fills out with the 3 or 5
 * arguments libvterm knows (none for what it does not) and returns how many
 * those are; *used is how many were read.
 */
static unsigned
colour(const struct csi *csi, unsigned i, unsigned *out, unsigned *used)
{
	unsigned end = i, n, k, first;

	/* 38:2::R:G:B and 38:5:N are one argument with parts (T.416). */
	while (csi->joined[end] && end + 1 < csi->n)
		end++;
	if (end > i) {
		n = end - i + 1;
		*used = n;
		first = arg(csi, i + 1, 0) == 2 && n >= 6 ? i + 3 : i + 2;
	} else {
		n = csi->n - i;
		first = i + 2;
		*used = arg(csi, i + 1, 0) == 2 ? 5
		    : arg(csi, i + 1, 0) == 5   ? 3
						: 2;
		if (*used > n)
			*used = n;
		end = i + *used - 1;
	}
	out[0] = arg(csi, i, 0);
	out[1] = arg(csi, i + 1, 0);
	n = out[1] == 2 ? 3 : 1;
	if (out[0] == 58 || (out[1] != 2 && out[1] != 5) || first + n - 1 > end)
		return 0;
	for (k = 0; k < n; k++) {
		out[2 + k] = arg(csi, first + k, 0);
		if (out[2 + k] > 255)
			return 0;
	}
	return 2 + n;
}

/* The attributes libvterm does not report are kept here. */
static void
own_attribute(struct term *t, unsigned sgr)
{
	switch (sgr) {
	case 0:
		t->pen.attrs &= ~(TERM_DIM | TERM_CONCEAL);
		break;
	case 2:
		t->pen.attrs |= TERM_DIM;
		break;
	case 8:
		t->pen.attrs |= TERM_CONCEAL;
		break;
	case 22:
		t->pen.attrs &= ~TERM_DIM;
		break;
	case 28:
		t->pen.attrs &= ~TERM_CONCEAL;
		break;
	}
}

/* What SGR with joined or many arguments comes down to, argument by argument. */
static void
sgr_tidy(struct term *t, const struct csi *csi)
{
	static const char *const underline[] = {"24", "4", "21", "4:3"};
	unsigned out[5], i, n, used, style;

	for (i = 0; i < csi->n; i += used) {
		used = 1;
		switch (arg(csi, i, 0)) {
		case 38:
		case 48:
		case 58:
			n = colour(csi, i, out, &used);
			if (n != 0)
				csi_feed(t, "", out, n, "m");
			break;
		case 4:
			style = csi->joined[i] ? arg(csi, i + 1, 1) : 1;
			if (style > 3)
				style = 1;
			csi_feed(t, underline[style], NULL, 0, "m");
			while (csi->joined[i + used - 1])
				used++;
			break;
		default:
			out[0] = arg(csi, i, 0);
			csi_feed(t, "", out, 1, "m");
			while (csi->joined[i + used - 1])
				used++;
		}
	}
}

/* SGR, ECMA-48 8.3.117. */
static void
sgr(struct term *t, const struct csi *csi)
{
	unsigned out[5], i, used;
	bool plain = csi->plain;

	for (i = 0; i < csi->n; i += used) {
		used = 1;
		switch (arg(csi, i, 0)) {
		case 38:
		case 48:
		case 58:
			if (colour(csi, i, out, &used) == 0)
				plain = false;
			break;
		case 0:
		case 2:
		case 8:
		case 22:
		case 28:
			own_attribute(t, arg(csi, i, 0));
			/* FALLTHROUGH */
		default:
			while (csi->joined[i + used - 1])
				used++;
		}
	}
	if (plain)
		pass(t, csi);
	else
		sgr_tidy(t, csi);
}

void
csi_restored(struct term *t)
{
	t->pen.attrs &= ~(TERM_DIM | TERM_CONCEAL);
	t->pen.attrs |= t->saved_own & (TERM_DIM | TERM_CONCEAL);
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
	const char *final = on ? "h" : "l";
	bool back;

	switch (mode) {
	case 47:
		mode = 1047;
		break;
	case 6:
		slow(t, SLOW_ORIGIN, on);
		break;
	case 69:
		slow(t, SLOW_MARGINS, on);
		break;
	}
	back = !on && (mode == 1047 || mode == 1049) && t->grid.on_alt &&
	    t->main_moved;
	if (on && (mode == 1048 || mode == 1049))
		t->saved_own = t->pen.attrs;
	csi_feed(t, "?", &mode, 1, final);
	if (!on && (mode == 1048 || mode == 1049))
		csi_restored(t);
	if (back)
		state_move(t, (unsigned)t->main_cursor.line, t->main_cursor.col,
		    false);
}

static void
modes(struct term *t, const struct csi *csi)
{
	bool on = csi->final == 'h';
	unsigned i, mode;

	for (i = 0; i < csi->n; i++) {
		mode = arg(csi, i, 0);
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

	if (arg(csi, 0, 0) != 18)
		return;
	len = snprintf(
	    reply, sizeof(reply), "\033[8;%u;%ut", t->grid.rows, t->grid.cols);
	term_send(t, reply, (size_t)len);
}

/* Sequences without leading or intermediate bytes. */
static void
standard(struct term *t, const struct csi *csi)
{
	unsigned save = 1048;

	switch (csi->final) {
	case 'm':
		sgr(t, csi);
		break;
	case 'h':
	case 'l':
		modes(t, csi);
		break;
	case 'b':
		repeat(t, arg(csi, 0, 1) == 0 ? 1 : arg(csi, 0, 1));
		break;
	case 's':
		/* DECSLRM while DECLRMM is on, else the cursor is saved. */
		if (t->filter.slow & SLOW_MARGINS)
			pass(t, csi);
		else if (csi->n == 1 && csi->args[0] == MISSING) {
			t->saved_own = t->pen.attrs;
			csi_feed(t, "?", &save, 1, "h");
		}
		break;
	case 'u':
		csi_feed(t, "?", &save, 1, "l");
		csi_restored(t);
		break;
	case 't':
		window(t, csi);
		break;
	case 'J':
		if (arg(csi, 0, 0) == 3)
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
	if (csi.lead == 0 && csi.inter == 0)
		standard(t, &csi);
	else if (csi.lead == '?' && csi.inter == 0 &&
	    (csi.final == 'h' || csi.final == 'l'))
		modes(t, &csi);
	else if (csi.lead == 0 && csi.inter == '!' && csi.final == 'p')
		state_reset(t, false);
	else {
		if (csi.inter == '"' && csi.final == 'q')
			slow(t, SLOW_PROTECT, arg(&csi, 0, 0) == 1);
		pass(t, &csi);
	}
}
