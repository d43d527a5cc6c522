/*
 * program.h: other programs, and places for their files.
 */
#ifndef TESTS_BLOCK_PROGRAM_H
#define TESTS_BLOCK_PROGRAM_H

/*
 * Runs a program in a folder (qemu-img looks for data files from there)
 * without its output; its exit status.
 */
int run_program(const char *folder, const char *const argv[]);
/* Copies a file with its holes; ends the test if that cannot be. */
void copy_file(const char *from, const char *to);
/* A new folder, where writing takes no time; NULL if there can be none. */
const char *temporary_folder(void);

#endif
