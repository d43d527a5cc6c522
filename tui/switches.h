/*
 * switches.h: the switches and what is plugged into them, as the backend last
 * said, with what each member sends and gets as the host counts it. Asked for
 * while somebody looks. Main thread.
 */
#ifndef TUI_SWITCHES_H
#define TUI_SWITCHES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event;
struct ui;

#define SWITCHES_NAME      64
#define SWITCHES_ADDRESSES 160

struct switch_port {
	char name[SWITCHES_NAME + 1]; /* of the host's interface */
	uint64_t from, to; /* bytes ever that came from it, went to it */
	bool counted; /* those are known */
	int64_t when; /* of them, monotonic ms */
	double from_rate, to_rate; /* bytes a second; -1: not known */
	unsigned heard; /* hardware addresses that are heard from there */
	char addresses[SWITCHES_ADDRESSES]; /* of them: "10.0.0.2 fd00::2" */
};

struct switch_row {
	char name[SWITCHES_NAME + 1];
	char state[16]; /* "up", "down", "absent" */
	struct switch_port bridge;
	struct switch_port *port;
	size_t ports;
};

struct switches {
	struct switch_row *row;
	size_t rows;
	bool heard; /* an answer came */
	struct event *timer; /* NULL: nobody looks */
	unsigned visit;
	unsigned asked; /* the visit of which a question waits; 0: none */
	unsigned ticks;
};

/* Somebody looks, or no more. */
void switches_begin(struct ui *ui);
void switches_end(struct ui *ui);
/* Asks again. */
void switches_ask(struct ui *ui);

/* Takes an answer to "switches"; counts of members that stay are kept. */
void switches_take(struct switches *s, const json_t *answer);
/* A count at a time: the rates follow from the one before. */
void switches_count(
    struct switch_port *port, uint64_t from, uint64_t to, int64_t now_ms);

#endif
