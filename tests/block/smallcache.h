/*
 * smallcache.h: how many slices of tables the images that are opened from now
 * on keep in memory: a power of two, or 0 for as many as usual.
 */
#ifndef TESTS_BLOCK_SMALLCACHE_H
#define TESTS_BLOCK_SMALLCACHE_H

extern unsigned smallcache_slices;

#endif
