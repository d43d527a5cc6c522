/*
 * smallcache.c: an image's tables in a cache of a few slices, so that a small
 * image makes it overflow (block.mk: --wrap=cache_init).
 */
#include "backend/block/qcow2_image.h"
#include "tests/block/smallcache.h"

unsigned smallcache_slices;

int __wrap_cache_init(struct cache *c, size_t bytes, unsigned most);
int __real_cache_init(struct cache *c, size_t bytes, unsigned most);

int
__wrap_cache_init(struct cache *c, size_t bytes, unsigned most)
{
	return __real_cache_init(
	    c, bytes, smallcache_slices != 0 ? smallcache_slices : most);
}
