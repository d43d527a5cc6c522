/*
 * check.h: what one value alone cannot tell: names that must be there, names
 * and addresses that must differ, templates. Private to config/.
 */
#ifndef CONFIG_CHECK_H
#define CONFIG_CHECK_H

#include "config/config.h"

/* Checks the model and fills in what guests have from their templates. */
void check_model(struct config *, struct config_mistakes *);

/* The part of that which is about [keys] and [theme]. */
void check_screen(const struct config *, struct config_mistakes *);

/* keys.c: what the screen has to say of [keys] and [theme], if there is one. */
void keys_judge(const struct config *cfg,
    void (*say)(void *arg, int line, const char *text), void *arg);

#endif
