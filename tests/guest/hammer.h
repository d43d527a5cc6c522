/*
 * hammer.h: where hammer.S and hostile_storm.c meet, in the first 64 KiB.
 */
#ifndef GUEST_HAMMER_H
#define GUEST_HAMMER_H

#define HAMMER_CODE  0x3000 /* the page that wakes it up */
#define HAMMER_STOP  0x3100 /* 16 bits: 1 to stop it, 0 when it has */
#define HAMMER_COUNT 0x3102 /* 16 bits: times that it did all of the list */
#define HAMMER_LIST  0x3200 /* port, bytes (16 bits each), value (32 bits) */

#endif
