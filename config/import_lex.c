#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "config/import_lex.h"

/*
 * --- Bytes ------------------------------------------------------------
 */

#define AT_END (-1)

/* How many bytes end the line here, if it ends: 1, with \r 2, else 0. */
static size_t
line_end(const struct lex_file *f)
{
	size_t left = f->len - f->at;

	if (left >= 1 && f->text[f->at] == '\n')
		return 1;
	return left >= 2 && f->text[f->at] == '\r' && f->text[f->at + 1] == '\n'
	    ? 2
	    : 0;
}

/*
 * The next byte, over "\" at the end of a line. A macro's value comes before
 * the file goes on, and ends like a word.
 */
static int
get(struct lex *lex)
{
	struct lex_file *f;
	size_t n;
	int c;

	if (lex->macro != NULL) {
		if (*lex->macro != '\0')
			return (unsigned char)*lex->macro++;
		lex->macro = NULL;
		return ' ';
	}
	f = lex_innermost(lex);
	while (f != NULL && f->at < f->len) {
		c = (unsigned char)f->text[f->at++];
		if (c == '\r' && f->at < f->len && f->text[f->at] == '\n')
			continue;
		if (c == '\\' && (n = line_end(f)) > 0) {
			f->at += n;
			f->line++;
			continue;
		}
		if (c == '\n')
			f->line++;
		return c;
	}
	return AT_END;
}

/* Takes back the last byte, which was no blank. */
static void
unget(struct lex *lex, int c)
{
	struct lex_file *f = lex_innermost(lex);

	if (c == AT_END)
		return;
	if (lex->macro != NULL) {
		lex->macro--;
		return;
	}
	f->at--;
	f->line -= c == '\n';
}

static int
peek(struct lex *lex)
{
	const struct lex_file *f = lex_innermost(lex);

	if (lex->macro != NULL)
		return (unsigned char)*lex->macro;
	return f != NULL && f->at < f->len ? (unsigned char)f->text[f->at]
					   : AT_END;
}

static bool
in_name(int c)
{
	return c != AT_END && c < 0x80 && (isalnum(c) || c == '_');
}

static bool
in_word(int c)
{
	return c > ' ' && c != 0x7f && strchr("(){}<>!=#,\"'$", c) == NULL;
}

/*
 * --- Tokens -----------------------------------------------------------
 */

/* Appends a byte; false when the word is full. */
static bool
append(struct lex_token *t, size_t *n, int c)
{
	if (*n == IMPORT_WORD_MAX)
		return false;
	t->text[(*n)++] = (char)c;
	t->text[*n] = '\0';
	return true;
}

static void
too_long(struct lex *lex, struct lex_token *t)
{
	lex_mistake(lex, &t->place,
	    "the word is too long: %d bytes are the most", IMPORT_WORD_MAX);
	t->kind = LEX_BAD;
}

static void
bad_byte(struct lex *lex, struct lex_token *t, int c)
{
	t->kind = LEX_BAD;
	if (c < ' ' || c == 0x7f)
		lex_mistake(lex, &t->place,
		    "there is a control character (0x%02x): remove it (is this "
		    "a text file?)",
		    (unsigned)c);
	else
		lex_mistake(lex, &t->place,
		    "\"%c\" has no meaning here: put what contains it in "
		    "quotes",
		    c);
}

static void
read_string(struct lex *lex, struct lex_token *t, int quote)
{
	bool fits = true;
	size_t n = 0;
	int c, next;

	t->kind = LEX_STRING;
	while ((c = get(lex)) != quote) {
		if (c == AT_END || c == '\n') {
			lex_mistake(lex, &t->place,
			    "the quote (%c) is not closed in its line", quote);
			t->kind = LEX_BAD;
			if (c == '\n')
				unget(lex, c);
			return;
		}
		if ((c < ' ' && c != '\t') || c == 0x7f) {
			bad_byte(lex, t, c);
			return;
		}
		next = peek(lex);
		if (c == '\\' && (next == quote || next == ' ' || next == '\t'))
			c = get(lex);
		fits = append(t, &n, c) && fits;
	}
	if (!fits)
		too_long(lex, t);
}

static void
read_word(struct lex *lex, struct lex_token *t, int c)
{
	bool fits = true;
	size_t n = 0;

	t->kind = LEX_WORD;
	for (; in_word(c); c = get(lex))
		fits = append(t, &n, c) && fits;
	/* The end of a macro is a blank that is not there to be taken back. */
	if (c != ' ' && c != '\t')
		unget(lex, c);
	if (!fits)
		too_long(lex, t);
}

/* "$name": its value is read from now on. Returns whether it is there. */
static bool
expand(struct lex *lex, struct lex_token *t)
{
	const char *value;
	bool fits = true;
	size_t n = 0;

	t->kind = LEX_BAD;
	t->text[0] = '\0';
	if (lex->macro != NULL) {
		lex_mistake(lex, &t->place,
		    "a macro is not expanded inside another one's value");
		return false;
	}
	while (in_name(peek(lex)))
		fits = append(t, &n, get(lex)) && fits;
	if (n == 0) {
		lex_mistake(lex, &t->place,
		    "\"$\" needs the name of a macro behind it");
		return false;
	}
	if (!fits) {
		too_long(lex, t);
		return false;
	}
	if ((value = lex_macro(lex, t->text, &t->place)) == NULL)
		return false;
	if (lex->expanded++ == IMPORT_EXPAND_MAX) {
		lex_mistake(lex, &t->place,
		    "macros are used more than %d times", IMPORT_EXPAND_MAX);
		lex_stop(lex);
		return false;
	}
	lex->macro = value;
	return true;
}

/* Where a file ends a line ends; behind the outermost there is nothing. */
static void
end_file(struct lex *lex, struct lex_token *t)
{
	if (lex->depth <= 1) {
		t->kind = LEX_END;
		return;
	}
	lex_leave(lex);
	t->kind = LEX_NEWLINE;
}

/* The first byte of a token; t gets its place. */
static int
first_byte(struct lex *lex, struct lex_token *t)
{
	int c;

	t->text[0] = '\0';
	do {
		if (lex->depth > 0) {
			t->place.file = lex->open[lex->depth - 1];
			t->place.line = lex_innermost(lex)->line;
		}
		c = get(lex);
	} while (c == ' ' || c == '\t');
	if (c == '#')
		while (c != '\n' && c != AT_END)
			c = get(lex);
	return c;
}

static void
read_token(struct lex *lex, struct lex_token *t)
{
	int c;

	while ((c = first_byte(lex, t)) == '$')
		if (!expand(lex, t))
			return;
	switch (c) {
	case AT_END:
		end_file(lex, t);
		return;
	case '\n':
		t->kind = LEX_NEWLINE;
		return;
	case '{':
		t->kind = LEX_OPEN;
		return;
	case '}':
		t->kind = LEX_CLOSE;
		return;
	case '=':
		t->kind = LEX_EQUALS;
		return;
	case ',':
		t->kind = LEX_COMMA;
		return;
	case '"':
	case '\'':
		read_string(lex, t, c);
		return;
	}
	if (in_word(c))
		read_word(lex, t, c);
	else
		bad_byte(lex, t, c);
}

const struct lex_token *
lex_next(struct lex *lex)
{
	if (lex->peeked)
		lex->peeked = false;
	else
		read_token(lex, &lex->token);
	return &lex->token;
}

const struct lex_token *
lex_next_over(struct lex *lex)
{
	const struct lex_token *t;

	do
		t = lex_next(lex);
	while (t->kind == LEX_NEWLINE);
	return t;
}

void
lex_back(struct lex *lex)
{
	lex->peeked = true;
}
