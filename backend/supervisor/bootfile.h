/* bootfile.h: the files a guest boots from, opened with sentences. */
#ifndef BACKEND_SUPERVISOR_BOOTFILE_H
#define BACKEND_SUPERVISOR_BOOTFILE_H

#include "config/error.h"

/*
 * Opens a kernel or initrd (what: for the sentence) for reading. Returns a
 * descriptor, or -1 with err, which names the file in the same folder that
 * looks meant if there is one.
 */
int bootfile_open(const char *what, const char *path, struct error *err);

#endif
