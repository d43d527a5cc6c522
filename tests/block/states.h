/*
 * states.h: what a power cut leaves of a recorded file.
 *
 * The states are made in order of their cuts: what is safe by then is in the
 * file for good, and of what is not a random part is laid over it and taken
 * away again.
 */
#ifndef TESTS_BLOCK_STATES_H
#define TESTS_BLOCK_STATES_H

#include <stdint.h>

struct states;

/*
 * The file at path, a copy of the recorded one as it was in the beginning,
 * becomes one state after the other.
 */
struct states *states_new(unsigned file, const char *path);
void states_free(struct states *s);
/* Makes a state of a cut at that time, never earlier than the last one. */
void states_make(struct states *s, uint64_t cut);
/* Back to what is safe. */
void states_undo(struct states *s);
/* The file's bytes and how many they are. */
const uint8_t *states_bytes(const struct states *s, uint64_t *len);

#endif
