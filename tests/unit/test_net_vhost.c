/*
 * backend/net/vhost.c: what it tells the kernel, and in which order: a kernel
 * of pretence takes its place behind ioctl().
 */
#include <errno.h>
#include <linux/vhost.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>

#include "tests/unit/unit.h"
#include "backend/net/vhost.h"

#define FD    7
#define TAP   8
#define CALLS 16

/* What was asked, and which of it is refused. */
static struct {
	unsigned long request[CALLS];
	unsigned calls;
	unsigned long refused;
	__u64 features;
	struct vhost_memory_region region[2];
	unsigned regions;
	struct vhost_vring_state num, base;
	struct vhost_vring_addr addr;
	struct vhost_vring_file kick, call, error, backend;
} kernel;

/* Keeps what it is told; true: that is all it does with it. */
static bool
keep(unsigned long request, const void *arg)
{
	const struct vhost_memory *memory = arg;
	const struct {
		unsigned long request;
		void *to;
		size_t len;
	} kept[] = {
	    {VHOST_SET_FEATURES, &kernel.features, sizeof kernel.features},
	    {VHOST_SET_VRING_NUM, &kernel.num, sizeof kernel.num},
	    {VHOST_SET_VRING_BASE, &kernel.base, sizeof kernel.base},
	    {VHOST_SET_VRING_ADDR, &kernel.addr, sizeof kernel.addr},
	    {VHOST_SET_VRING_KICK, &kernel.kick, sizeof kernel.kick},
	    {VHOST_SET_VRING_CALL, &kernel.call, sizeof kernel.call},
	    {VHOST_SET_VRING_ERR, &kernel.error, sizeof kernel.error},
	    {VHOST_NET_SET_BACKEND, &kernel.backend, sizeof kernel.backend},
	};
	size_t i;

	for (i = 0; i < sizeof kept / sizeof *kept; i++)
		if (kept[i].request == request) {
			memcpy(kept[i].to, arg, kept[i].len);
			return true;
		}
	if (request != VHOST_SET_MEM_TABLE)
		return false;
	assert_true(memory->nregions <= 2);
	kernel.regions = memory->nregions;
	memcpy(kernel.region, memory->regions,
	    memory->nregions * sizeof *memory->regions);
	return true;
}

int
ioctl(int fd, unsigned long request, ...)
{
	struct vhost_vring_state *state;
	va_list ap;
	void *arg;

	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	assert_int_equal(fd, FD);
	assert_true(kernel.calls < CALLS);
	kernel.request[kernel.calls++] = request;
	if (request == kernel.refused) {
		errno = EINVAL;
		return -1;
	}
	if (keep(request, arg) || request == VHOST_SET_OWNER)
		return 0;
	if (request == VHOST_GET_FEATURES) {
		*(__u64 *)arg = 0x123456789abcULL;
		return 0;
	}
	assert_int_equal(request, VHOST_GET_VRING_BASE);
	state = arg;
	state->num = 0x4321;
	return 0;
}

/* Exactly these, and from now on others. */
static void
asked(const unsigned long *request, unsigned n)
{
	unsigned i;

	assert_int_equal(kernel.calls, n);
	for (i = 0; i < n; i++)
		assert_int_equal(kernel.request[i], request[i]);
	kernel.calls = 0;
}
#define ASKED(...)                                         \
	asked((const unsigned long[]){__VA_ARGS__},        \
	    sizeof((const unsigned long[]){__VA_ARGS__}) / \
		sizeof(unsigned long))

static int
setup(void **state)
{
	memset(&kernel, 0, sizeof kernel);
	return 0;
}

static uint8_t ram[2][4096];

static struct vhost_ring
ring(void)
{
	return (struct vhost_ring){
	    .size = 256,
	    .next_avail = 77,
	    .desc = ram[0],
	    .avail = ram[0] + 1024,
	    .used = ram[1],
	    .kick_fd = 10,
	    .call_fd = 11,
	    .error_fd = 12,
	};
}

static void
test_vhost_is_given_ram_below_and_above_the_hole(void **state)
{
	struct guestmem mem = {
	    .regions = 2,
	    .region = {{0, 3ULL << 30, 0, ram[0]},
		{4ULL << 30, 1ULL << 30, 3ULL << 30, ram[1]}},
	};
	uint64_t features;
	struct error err;

	assert_int_equal(vhost_own(FD, &mem, &features, &err), 0);
	ASKED(VHOST_SET_OWNER, VHOST_GET_FEATURES, VHOST_SET_MEM_TABLE);
	assert_int_equal(features, 0x123456789abcULL);
	assert_int_equal(kernel.regions, 2);
	assert_int_equal(kernel.region[0].guest_phys_addr, 0);
	assert_int_equal(kernel.region[0].memory_size, 3ULL << 30);
	assert_int_equal(
	    kernel.region[0].userspace_addr, (uint64_t)(uintptr_t)ram[0]);
	assert_int_equal(kernel.region[1].guest_phys_addr, 4ULL << 30);
	assert_int_equal(kernel.region[1].memory_size, 1ULL << 30);
	assert_int_equal(
	    kernel.region[1].userspace_addr, (uint64_t)(uintptr_t)ram[1]);
	/* A small guest has one piece. */
	mem.regions = 1;
	assert_int_equal(vhost_own(FD, &mem, &features, &err), 0);
	assert_int_equal(kernel.regions, 1);
}

static void
test_vhost_gets_the_tap_when_all_else_is_set(void **state)
{
	struct vhost_ring r = ring();
	struct error err;

	assert_int_equal(
	    vhost_start(FD, VHOST_TX, 0x100008000ULL, &r, TAP, &err), 0);
	ASKED(VHOST_SET_FEATURES, VHOST_SET_VRING_NUM, VHOST_SET_VRING_BASE,
	    VHOST_SET_VRING_ADDR, VHOST_SET_VRING_ERR, VHOST_SET_VRING_CALL,
	    VHOST_SET_VRING_KICK, VHOST_NET_SET_BACKEND);
	assert_int_equal(kernel.features, 0x100008000ULL);
	assert_int_equal(kernel.num.index, VHOST_TX);
	assert_int_equal(kernel.num.num, 256);
	assert_int_equal(kernel.base.index, VHOST_TX);
	assert_int_equal(kernel.base.num, 77);
	assert_int_equal(kernel.addr.index, VHOST_TX);
	assert_int_equal(kernel.addr.flags, 0);
	assert_int_equal(
	    kernel.addr.desc_user_addr, (uint64_t)(uintptr_t)ram[0]);
	assert_int_equal(
	    kernel.addr.avail_user_addr, (uint64_t)(uintptr_t)(ram[0] + 1024));
	assert_int_equal(
	    kernel.addr.used_user_addr, (uint64_t)(uintptr_t)ram[1]);
	assert_int_equal(kernel.kick.fd, 10);
	assert_int_equal(kernel.call.fd, 11);
	assert_int_equal(kernel.error.fd, 12);
	assert_int_equal(kernel.backend.index, VHOST_TX);
	assert_int_equal(kernel.backend.fd, TAP);
}

static void
test_vhost_says_where_it_stopped_when_it_has_let_go(void **state)
{
	struct error err;
	uint16_t next = 0;

	assert_int_equal(vhost_stop(FD, VHOST_RX, &next, &err), 0);
	/* The tap first: it waits for the kernel's thread. */
	ASKED(VHOST_NET_SET_BACKEND, VHOST_SET_VRING_KICK, VHOST_SET_VRING_CALL,
	    VHOST_GET_VRING_BASE);
	assert_int_equal(kernel.backend.fd, -1);
	assert_int_equal(kernel.kick.fd, -1);
	assert_int_equal(kernel.call.fd, -1);
	assert_int_equal(next, 0x4321);
}

static void
test_vhost_that_refuses_is_left_without_tap_and_kicks(void **state)
{
	static const unsigned long refusals[] = {VHOST_SET_VRING_NUM,
	    VHOST_SET_VRING_BASE, VHOST_SET_VRING_ADDR, VHOST_SET_VRING_ERR};
	struct vhost_ring r = ring();
	struct error err;
	size_t i;

	for (i = 0; i < sizeof refusals / sizeof *refusals; i++) {
		memset(&kernel, 0, sizeof kernel);
		kernel.refused = refusals[i];
		kernel.backend.fd = kernel.kick.fd = kernel.call.fd = 99;
		assert_int_equal(
		    vhost_start(FD, VHOST_RX, 0, &r, TAP, &err), -1);
		assert_non_null(strstr(err.text, "refused"));
		assert_int_equal(kernel.backend.fd, -1);
		assert_int_equal(kernel.kick.fd, -1);
		assert_int_equal(kernel.call.fd, -1);
	}
}

static void
test_vhost_that_will_not_be_owned_is_told(void **state)
{
	static const unsigned long refusals[] = {
	    VHOST_SET_OWNER, VHOST_GET_FEATURES, VHOST_SET_MEM_TABLE};
	struct guestmem mem = {.regions = 1, .region = {{.hva = ram[0]}}};
	uint64_t features;
	struct error err;
	size_t i;

	for (i = 0; i < sizeof refusals / sizeof *refusals; i++) {
		memset(&kernel, 0, sizeof kernel);
		kernel.refused = refusals[i];
		assert_int_equal(vhost_own(FD, &mem, &features, &err), -1);
		assert_non_null(strstr(err.text, "refused"));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(
		test_vhost_is_given_ram_below_and_above_the_hole, setup),
	    cmocka_unit_test_setup(
		test_vhost_gets_the_tap_when_all_else_is_set, setup),
	    cmocka_unit_test_setup(
		test_vhost_says_where_it_stopped_when_it_has_let_go, setup),
	    cmocka_unit_test_setup(
		test_vhost_that_refuses_is_left_without_tap_and_kicks, setup),
	    cmocka_unit_test_setup(
		test_vhost_that_will_not_be_owned_is_told, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
