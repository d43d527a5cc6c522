/*
 * check.h: what one value alone cannot tell: names that must be there, names
 * and addresses that must differ, templates. Private to config/.
 */
#ifndef CONFIG_CHECK_H
#define CONFIG_CHECK_H

#include "config/config.h"

/* Checks the model and fills in what guests have from their templates. */
void check_model(struct config *, struct config_mistakes *);

#endif
