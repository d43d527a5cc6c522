/*
 * images_own.h: what the files of the view of images share: questions about
 * an image and the commands that follow. Questions are of the image that was
 * selected when they were asked. Main thread.
 */
#ifndef TUI_IMAGES_OWN_H
#define TUI_IMAGES_OWN_H

#include "tui/tasks.h"

struct image_question;
struct image_row;

/* The image that the question is about. */
struct image_question *image_about(struct ui *ui);
/* Makes that the selected one. Returns it, or NULL if there is none. */
const struct image_row *image_ask(struct ui *ui);
/* A path in words for people; a part of path or buf. */
const char *image_short(
    const struct ui *ui, const char *path, char *buf, size_t len);
/*
 * Puts a path as it was typed into path, absolute as the configuration's are.
 * Returns false after saying why not.
 */
bool image_path(struct ui *ui, const char *text, char *path, size_t len);
/* Asks for one, with the tab key. */
void image_read_path(struct ui *ui, const char *label, const char *text,
    void (*done)(struct ui *ui, const char *text));
/* task_start() with words up to a (char *)NULL. */
struct task *image_run(
    struct ui *ui, const char *doing, const char *path, task_ended *ended, ...);

/* What keys ask for: an empty image, one based on the selected, a copy. */
void image_new(struct ui *ui);
void image_new_based(struct ui *ui);
void image_convert(struct ui *ui);

#endif
