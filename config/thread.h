/*
 * thread.h: what every thread of a guest process begins with: its name, and
 * the confinement of its kind.
 *
 * Devices and processors make their threads in folders that know nothing of
 * confinement; backend/guest/ says what it is before there are any.
 */
#ifndef CONFIG_THREAD_H
#define CONFIG_THREAD_H

enum thread_kind {
	THREAD_MAIN, /* the loop: console, control, a tap's first queue */
	THREAD_VCPU,
	THREAD_DISK,
	THREAD_NET, /* a pair of a network card's queues */
	THREAD_KINDS
};

/*
 * Called by a thread, first of all: takes the name (15 bytes of it) and gives
 * up whatever its kind does not need. Where nobody said what that is (a unit
 * test), it only takes the name.
 */
void thread_begin(enum thread_kind kind, const char *name);

/*
 * What thread_begin() calls from now on, on the thread that begins. Before
 * there are threads.
 */
void thread_confine_with(void (*confine)(enum thread_kind kind));

#endif
