/*
 * prompt.h: the bottom line asks: a question to be answered y or n, or a line
 * of text. It has the keyboard while it is open; esc closes it. Main thread.
 */
#ifndef TUI_PROMPT_H
#define TUI_PROMPT_H

#include <stdbool.h>
#include <stddef.h>

#include "tui/field.h"
#include "tui/input.h"
#include "tui/model.h"

struct ui;

enum prompt_kind { PROMPT_NONE, PROMPT_ASK, PROMPT_TEXT };

struct prompt {
	enum prompt_kind kind;
	unsigned nth; /* of those that were opened */
	char label[256]; /* the question, or what stands before the text */
	struct field field;
	/* The guest it is about: it may be gone when the answer comes. */
	char name[MODEL_NAME_MAX + 1];
	void (*yes)(struct ui *ui, const char *name);
	void (*changed)(struct ui *ui, const char *text); /* may be NULL */
	void (*done)(struct ui *ui, const char *text); /* may be NULL */
	void (*cancelled)(struct ui *ui); /* may be NULL */
	char note[512]; /* stands above the line until the next key */
	/* A key before the line has it: true if it took it. May be NULL. */
	bool (*key)(struct ui *ui, struct key key);
};

/* Asks; "  [y/N]" is added. yes is called if that is the answer. */
void prompt_ask(struct ui *ui, const char *name,
    void (*yes)(struct ui *ui, const char *name), const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/*
 * Reads a line behind label, beginning with text. changed is told at each
 * change, and "" on esc.
 */
void prompt_text(struct ui *ui, const char *label, const char *text,
    void (*changed)(struct ui *ui, const char *text));
/* The same, but done is told once, on enter, and nobody on esc. */
void prompt_read(struct ui *ui, const char *label, const char *text,
    void (*done)(struct ui *ui, const char *text));
/* Both, and cancelled is told in place of changed on esc. */
void prompt_typed(struct ui *ui, const char *label,
    void (*changed)(struct ui *ui, const char *text),
    void (*done)(struct ui *ui, const char *text),
    void (*cancelled)(struct ui *ui));
/* What the open prompt of a text does with keys of its own. */
void prompt_keys(struct ui *ui, bool (*key)(struct ui *ui, struct key key));
/* Shows words above the line until the next key. */
void prompt_note(struct ui *ui, const char *text);
void prompt_key(struct ui *ui, struct key key);
void prompt_paste(struct ui *ui, const char *text, size_t len);
/* Draws it and puts the cursor into it. */
void prompt_draw(struct ui *ui);

#endif
