/*
 * image.h: the commands on disk images, `vmtui create` and `vmtui image`.
 *
 * The process that runs them is the one that a person started: it has their
 * rights and their terminal, asks the backend nothing, and keeps guests and
 * other programs off the image with the image's own locks (backend/block).
 * For tui/main.c, which lends it to the command line.
 */
#ifndef BACKEND_IMAGE_IMAGE_H
#define BACKEND_IMAGE_IMAGE_H

/*
 * Does what the arguments say; config is the path of the configuration (NULL:
 * the default one), command is "create" or "image", argv[0] what getopt() is
 * to begin its complaints with. Prints results
 * on the standard output, progress and "vmtui: reason" on the standard error
 * output. Returns the exit status: 0, 1 (it failed, the old state is intact),
 * or 2 if the command was used in a wrong way; then how it is used has still
 * to be printed. The process has no other threads.
 */
int image_main(const char *config, const char *command, int argc, char **argv);

#endif
