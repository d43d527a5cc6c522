/* backend/virtio/scsi and cdrom: a CD-ROM drive as its driver sees it. */
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/virtio_rig.h"
#include "tests/unit/image.h"

#define SIZE     64
#define REQUEST  0x200000u
#define RESPONSE 0x201000u
#define DATA     0x210000u
#define BLOCKS   100u

#define CONTROL  0
#define EVENTS   1
#define COMMANDS 2
#define EVENT    0x202000u

/* What became of a command. */
struct answer {
	uint8_t response, status, key;
	unsigned asc, residual, len; /* len of the used element */
	const uint8_t *data;
};

struct fixture {
	struct pci_bus *bus;
	struct virtio_dev *dev;
	struct event_base *base;
	struct ring r, control, events;
	char path[64];
	unsigned changes; /* that the device told of */
};

static void
changed(void *arg)
{
	struct fixture *f = arg;

	f->changes++;
}

static void
wait_used(struct fixture *f, struct ring *r, uint32_t *len)
{
	time_t end = time(NULL) + 20;

	while (!ring_used(r, NULL, len)) {
		assert_true(time(NULL) < end);
		event_base_loop(f->base, EVLOOP_NONBLOCK);
		usleep(100);
	}
}

/* A command to a target and unit, with room bytes for data. */
static struct answer
send_to(struct fixture *f, unsigned target, unsigned lun, const uint8_t *cdb,
    uint32_t room)
{
	struct buf b[3] = {
	    {REQUEST, 51, false}, {RESPONSE, 108, true}, {DATA, room, true}};
	uint8_t *h = ram(f->bus, REQUEST), *r = ram(f->bus, RESPONSE);
	struct answer a;
	uint32_t word;

	memset(h, 0, 51);
	h[0] = 1;
	h[1] = (uint8_t)target;
	h[2] = (uint8_t)(0x40 | lun >> 8);
	h[3] = (uint8_t)lun;
	memcpy(h + 19, cdb, 16);
	memset(r, 0xee, 108);
	memset(ram(f->bus, DATA), 0xee, 0x20000);
	f->r.next_desc = 0;
	ring_add(&f->r, b, room > 0 ? 3 : 2);
	modern_kick(f->bus, COMMANDS);
	wait_used(f, &f->r, &word);
	a.len = word;
	memcpy(&word, r + 4, 4);
	a.residual = word;
	a.status = r[10];
	a.response = r[11];
	a.key = r[14] & 15;
	a.asc = (unsigned)r[24] << 8 | r[25];
	a.data = ram(f->bus, DATA);
	return a;
}

static struct answer
command(struct fixture *f, const char *cdb, uint32_t room)
{
	uint8_t bytes[16] = {0};
	unsigned i, n = 0;

	/* "28 0 0": bytes in hexadecimal */
	for (i = 0; i < 16 && *cdb != '\0'; i++) {
		bytes[i] = (uint8_t)strtoul(cdb, (char **)&cdb, 16);
		n++;
	}
	assert_true(n > 0);
	return send_to(f, 0, 0, bytes, room);
}

static void
is_good(struct answer a)
{
	assert_int_equal(a.response, 0);
	assert_int_equal(a.status, 0);
}

static void
is_refused(struct answer a, uint8_t key, unsigned asc)
{
	assert_int_equal(a.response, 0);
	assert_int_equal(a.status, 2);
	assert_int_equal(a.key, key);
	assert_int_equal(a.asc, asc);
}

static uint8_t
byte_at(size_t i)
{
	return (uint8_t)(i * 13 + i / 2048);
}

static void
begin(struct fixture *f)
{
	modern_begin(f->bus, F_VERSION_1);
	modern_queue(f->bus, &f->control, CONTROL, SIZE);
	modern_queue(f->bus, &f->events, EVENTS, SIZE);
	modern_queue(f->bus, &f->r, COMMANDS, SIZE);
	modern_ready(f->bus);
	f->bus->fn.msix = true;
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	/* The last block is not whole. */
	size_t size = BLOCKS * 2048 - 1000, i;
	uint8_t *bytes = malloc(size);
	struct block *b;
	struct error err;
	int fd;

	f->bus = rig_new();
	f->base = event_base_new();
	snprintf(f->path, sizeof f->path, "/tmp/vmtui-cd.XXXXXX");
	fd = mkstemp(f->path);
	for (i = 0; i < size; i++)
		bytes[i] = byte_at(i);
	assert_int_equal(write(fd, bytes, size), size);
	free(bytes);
	close(fd);
	fd = image_open(f->path, true, &err);
	assert_int_equal(block_attach_raw(fd, f->path, true, 8, &b, &err), 0);
	assert_int_equal(
	    virtio_scsi_create(f->bus, f->base, b, changed, f, &f->dev, &err),
	    0);
	begin(f);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	rig_free(f->bus);
	event_base_free(f->base);
	unlink(f->path);
	free(f);
	return 0;
}

/* Gets rid of the attention that a reset leaves. */
static void
attend(struct fixture *f)
{
	is_refused(command(f, "0", 0), 6, 0x2900);
	is_good(command(f, "0", 0));
}

static void
test_scsi_finds_one_drive_and_says_what_it_is(void **state)
{
	static const uint8_t inquiry[16] = {0x12, 0, 0, 0, 96};
	static const uint8_t ready[16] = {0};
	struct fixture *f = *state;
	struct answer a;

	a = send_to(f, 0, 0, inquiry, 96);
	is_good(a);
	assert_int_equal(a.data[0], 5);
	assert_int_equal(a.data[1], 0x80);
	assert_memory_equal(a.data + 8, "VMTUI   CD-ROM          ", 24);
	assert_int_equal(a.residual, 96 - 36);
	assert_int_equal(a.len, 108 + 36);
	assert_int_equal(send_to(f, 1, 0, inquiry, 96).response, 3);
	a = send_to(f, 0, 1, inquiry, 96);
	is_good(a);
	assert_int_equal(a.data[0], 0x7f);
	is_refused(send_to(f, 0, 1, ready, 0), 5, 0x2500);
	a = command(f, "a0 0 0 0 0 0 0 0 0 10", 16);
	is_good(a);
	assert_int_equal(a.data[3], 8);
	/* The driver's room is not overrun, nor what it allows. */
	a = send_to(f, 0, 0, inquiry, 5);
	assert_int_equal(a.len, 108 + 5);
	assert_int_equal(a.data[5], 0xee);
	a = command(f, "12 0 0 0 4", 96);
	assert_int_equal(a.data[4], 0xee);
}

static void
test_cdrom_reads_its_medium(void **state)
{
	struct fixture *f = *state;
	struct answer a;
	size_t i;

	attend(f);
	a = command(f, "25", 8);
	is_good(a);
	assert_memory_equal(a.data, "\0\0\0\x63\0\0\x08\0", 8);
	a = command(f, "28 0 0 0 0 5 0 0 3", 3 * 2048);
	is_good(a);
	assert_int_equal(a.residual, 0);
	for (i = 0; i < 3 * 2048; i++)
		assert_int_equal(a.data[i], byte_at(5 * 2048 + i));
	/* READ (12), READ CD; zeroes behind the image's end. */
	a = command(f, "a8 0 0 0 0 63 0 0 0 1", 2048);
	is_good(a);
	assert_int_equal(a.data[1047], byte_at(99 * 2048 + 1047));
	assert_int_equal(a.data[1048], 0);
	assert_int_equal(a.data[2047], 0);
	a = command(f, "be 0 0 0 0 7 0 0 1 10", 2048);
	is_good(a);
	assert_int_equal(a.data[0], byte_at(7 * 2048));
	/* Less room than was asked for; none; nothing asked for. */
	a = command(f, "28 0 0 0 0 5 0 0 3", 100);
	assert_int_equal(a.len, 208);
	assert_int_equal(a.data[100], 0xee);
	is_good(command(f, "28 0 0 0 0 5 0 0 3", 0));
	is_good(command(f, "28 0 0 0 0 5 0 0 0", 2048));
	is_refused(command(f, "28 0 0 0 0 62 0 0 3", 3 * 2048), 5, 0x2100);
	is_refused(command(f, "28 0 ff ff ff ff 0 ff ff", 2048), 5, 0x2100);
	is_refused(command(f, "a8 0 0 0 0 1 ff ff ff ff", 2048), 5, 0x2100);
	is_refused(command(f, "be 0 0 0 0 7 0 0 1 f8", 2352), 5, 0x2400);
	is_refused(command(f, "2a 0 0 0 0 5 0 0 3", 0), 5, 0x2000);
}

static void
test_cdrom_answers_what_installers_ask(void **state)
{
	struct fixture *f = *state;
	struct answer a;

	attend(f);
	a = command(f, "43 0 0 0 0 0 0 0 ff", 255);
	is_good(a);
	assert_memory_equal(
	    a.data, "\0\x12\1\1\0\x14\1\0\0\0\0\0\0\x14\xaa\0\0\0\0\x64", 20);
	a = command(f, "43 2 0 0 0 0 aa 0 ff", 255);
	/* 100 blocks and 150: 3 seconds, 25 frames */
	assert_memory_equal(a.data, "\0\x0a\1\1\0\x14\xaa\0\0\0\3\x19", 12);
	a = command(f, "43 0 1 0 0 0 0 0 ff", 255);
	assert_memory_equal(a.data, "\0\x0a\1\1\0\x14\1\0\0\0\0\0", 12);
	a = command(f, "46 0 0 0 0 0 0 0 ff", 255);
	is_good(a);
	assert_int_equal(a.data[7], 0x08);
	assert_int_equal(a.data[3], 255 - a.residual - 4);
	a = command(f, "46 2 0 10 0 0 0 0 ff", 255);
	assert_memory_equal(a.data + 8, "\0\x10\3\x08\0\0\x08\0", 8);
	a = command(f, "5a 0 2a 0 0 0 0 0 ff", 255);
	is_good(a);
	assert_int_equal(a.data[1], 26);
	assert_int_equal(a.data[8], 0x2a);
	assert_int_equal(a.data[14] & 0x29, 0x29);
	a = command(f, "1a 0 3f 0 ff", 255);
	is_good(a);
	assert_int_equal(a.data[0], 35);
	is_refused(command(f, "1a 0 8 0 ff", 255), 5, 0x2400);
	a = command(f, "4a 1 0 0 10 0 0 0 ff", 255);
	is_good(a);
	assert_memory_equal(a.data, "\0\6\4\x10\0\2", 6);
	is_good(command(f, "51 0 0 0 0 0 0 0 ff", 255));
	is_good(command(f, "bd 0 0 0 0 0 0 0 0 8", 8));
}

static void
test_cdrom_tray_opens_unless_it_is_locked(void **state)
{
	struct fixture *f = *state;
	struct answer a;

	attend(f);
	is_good(command(f, "1e 0 0 0 1", 0));
	is_refused(command(f, "1b 0 0 0 2", 0), 5, 0x5302);
	is_good(command(f, "1e 0 0 0 0", 0));
	is_good(command(f, "1b 0 0 0 2", 0));
	is_refused(command(f, "0", 0), 2, 0x3a02);
	is_refused(command(f, "28 0 0 0 0 5 0 0 3", 6144), 2, 0x3a02);
	a = command(f, "4a 1 0 0 10 0 0 0 ff", 255);
	assert_memory_equal(a.data, "\0\6\4\x10\3\1", 6);
	a = command(f, "46 0 0 0 0 0 0 0 ff", 255);
	assert_int_equal(a.data[7], 0);
	a = command(f, "3 0 0 0 12", 18);
	assert_int_equal(a.data[2], 2);
	is_good(command(f, "1b 0 0 0 3", 0));
	is_good(command(f, "0", 0));
	a = command(f, "4a 1 0 0 10 0 0 0 ff", 255);
	assert_memory_equal(a.data, "\0\6\4\x10\2\2", 6);
}

/* An image of so many blocks, each full of fill. */
static int
make_disc(unsigned blocks, uint8_t fill)
{
	uint8_t block[2048];
	char path[] = "/tmp/vmtui-disc.XXXXXX";
	int fd = mkstemp(path);

	assert_true(fd != -1);
	unlink(path);
	memset(block, fill, sizeof block);
	while (blocks-- > 0)
		assert_int_equal(write(fd, block, sizeof block), sizeof block);
	return fd;
}

static void
insert(struct fixture *f, unsigned blocks, uint8_t fill)
{
	struct error err;

	assert_int_equal(virtio_scsi_exchange(f->dev, make_disc(blocks, fill),
			     "/disc", false, &err),
	    0);
}

static int
eject(struct fixture *f, bool force)
{
	struct error err;
	int rc = virtio_scsi_exchange(f->dev, -1, "", force, &err);

	if (rc == -1)
		assert_non_null(strstr(err.text, "locked"));
	return rc;
}

static void
test_cdrom_disc_is_changed_while_the_guest_runs(void **state)
{
	struct fixture *f = *state;
	struct answer a;

	attend(f);
	assert_int_equal(eject(f, false), 0);
	assert_false(virtio_scsi_look(f->dev).inside);
	is_refused(command(f, "0", 0), 2, 0x3a02);
	is_refused(command(f, "28 0 0 0 0 0 0 0 1", 2048), 2, 0x3a02);
	a = command(f, "4a 1 0 0 10 0 0 0 ff", 255);
	assert_memory_equal(a.data, "\0\6\4\x10\3\1", 6);
	/* The guest may close an empty tray. */
	is_good(command(f, "1b 0 0 0 3", 0));
	is_refused(command(f, "25", 8), 2, 0x3a01);
	insert(f, 7, 0x77);
	assert_true(virtio_scsi_look(f->dev).inside);
	is_refused(command(f, "0", 0), 6, 0x2800);
	is_good(command(f, "0", 0));
	a = command(f, "4a 1 0 0 10 0 0 0 ff", 255);
	assert_memory_equal(a.data, "\0\6\4\x10\2\2", 6);
	a = command(f, "25", 8);
	assert_memory_equal(a.data, "\0\0\0\6\0\0\x08\0", 8);
	a = command(f, "28 0 0 0 0 6 0 0 1", 2048);
	is_good(a);
	assert_int_equal(a.data[2047], 0x77);
	is_refused(command(f, "28 0 0 0 0 7 0 0 1", 2048), 5, 0x2100);
	/* One for another, without a word between. */
	insert(f, 5, 0x55);
	is_refused(command(f, "28 0 0 0 0 0 0 0 1", 2048), 6, 0x2800);
	a = command(f, "28 0 0 0 0 4 0 0 1", 2048);
	assert_int_equal(a.data[0], 0x55);
	is_refused(command(f, "28 0 0 0 0 6 0 0 1", 2048), 5, 0x2100);
}

static void
test_cdrom_that_is_locked_keeps_its_disc(void **state)
{
	struct fixture *f = *state;
	struct answer a;
	struct error err;

	attend(f);
	is_good(command(f, "1e 0 0 0 1", 0));
	assert_true(virtio_scsi_look(f->dev).locked);
	assert_int_equal(f->changes, 1);
	assert_int_equal(eject(f, false), -1);
	assert_int_equal(
	    virtio_scsi_exchange(f->dev, make_disc(3, 3), "/d", false, &err),
	    -1);
	/* The system is told that somebody would like to have it. */
	a = command(f, "4a 1 0 0 10 0 0 0 ff", 255);
	assert_memory_equal(a.data, "\0\6\4\x10\1\2", 6);
	a = command(f, "28 0 0 0 0 5 0 0 1", 2048);
	is_good(a);
	assert_int_equal(a.data[7], byte_at(5 * 2048 + 7));
	assert_int_equal(eject(f, true), 0);
	is_refused(command(f, "0", 0), 2, 0x3a02);
	is_good(command(f, "1e 0 0 0 0", 0));
	assert_int_equal(eject(f, false), 0);
}

static void
test_cdrom_takes_no_pipe_for_a_disc(void **state)
{
	struct fixture *f = *state;
	struct error err;
	int pipes[2];

	attend(f);
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(
	    virtio_scsi_exchange(f->dev, pipes[0], "/pipe", true, &err), -1);
	close(pipes[1]);
	/* What was in it still is, and nobody noticed anything. */
	is_good(command(f, "0", 0));
	is_good(command(f, "28 0 0 0 0 5 0 0 1", 2048));
	assert_int_equal(f->changes, 0);
}

static void
test_cdrom_tray_stays_open_over_a_reset(void **state)
{
	struct fixture *f = *state;

	attend(f);
	is_good(command(f, "1e 0 0 0 1", 0));
	assert_int_equal(eject(f, true), 0);
	insert(f, 4, 4);
	is_refused(command(f, "0", 0), 6, 0x2800);
	is_good(command(f, "1e 0 0 0 0", 0));
	assert_int_equal(f->changes, 4);
	is_good(command(f, "1b 0 0 0 2", 0));
	f->bus->fn.ops->reset(f->bus->fn.arg);
	assert_true(virtio_scsi_look(f->dev).open);
	assert_true(virtio_scsi_look(f->dev).inside);
	assert_false(virtio_scsi_look(f->dev).locked);
}

/* The next event, if there is one. */
static bool
took_event(struct fixture *f, uint32_t *event, uint32_t *reason)
{
	uint32_t len;

	event_base_loop(f->base, EVLOOP_NONBLOCK);
	if (!ring_used(&f->events, NULL, &len))
		return false;
	assert_int_equal(len, 16);
	memcpy(event, ram(f->bus, EVENT), 4);
	memcpy(reason, ram(f->bus, EVENT) + 12, 4);
	assert_memory_equal(ram(f->bus, EVENT) + 4, "\1\0\0\0", 4);
	return true;
}

static void
test_scsi_tells_of_media_only_who_subscribed(void **state)
{
	struct fixture *f = *state;
	struct buf an[2] = {{REQUEST, 16, false}, {RESPONSE, 5, true}};
	struct buf b = {EVENT, 16, true};
	uint32_t event, reason, len;

	ring_add(&f->events, &b, 1);
	modern_kick(f->bus, EVENTS);
	insert(f, 4, 4);
	assert_false(took_event(f, &event, &reason));
	memset(ram(f->bus, REQUEST), 0, 16);
	ram(f->bus, REQUEST)[0] = 2;
	ram(f->bus, REQUEST)[12] = 0x7e;
	ring_add(&f->control, an, 2);
	modern_kick(f->bus, CONTROL);
	wait_used(f, &f->control, &len);
	assert_int_equal(len, 5);
	assert_memory_equal(ram(f->bus, RESPONSE), "\x10\0\0\0\0", 5);
	insert(f, 5, 5);
	assert_true(took_event(f, &event, &reason));
	assert_int_equal(event, 2);
	assert_int_equal(reason, 16);
	/* Without a buffer it is lost, which is said with the next one. */
	insert(f, 6, 6);
	assert_false(took_event(f, &event, &reason));
	ring_add(&f->events, &b, 1);
	modern_kick(f->bus, EVENTS);
	assert_true(took_event(f, &event, &reason));
	assert_int_equal(event, 0x80000000u);
	assert_int_equal(reason, 0);
}

static void
test_scsi_control_queue_answers(void **state)
{
	struct fixture *f = *state;
	struct buf b[2] = {{REQUEST, 24, false}, {RESPONSE, 5, true}};
	uint32_t len;

	memset(ram(f->bus, REQUEST), 0, 24);
	ring_add(&f->control, b, 2);
	modern_kick(f->bus, CONTROL);
	wait_used(f, &f->control, &len);
	assert_int_equal(len, 1);
	*ram(f->bus, REQUEST) = 1;
	ring_add(&f->control, b, 2);
	modern_kick(f->bus, CONTROL);
	wait_used(f, &f->control, &len);
	assert_int_equal(len, 5);
	assert_memory_equal(ram(f->bus, RESPONSE), "\0\0\0\0\0", 5);
	/* Nothing to be read, nothing to be written. */
	ring_add(&f->control, b + 1, 1);
	modern_kick(f->bus, CONTROL);
	wait_used(f, &f->control, &len);
	assert_int_equal(len, 0);
}

static void
test_scsi_command_without_response_breaks_the_queue(void **state)
{
	struct fixture *f = *state;
	struct buf b[2] = {{REQUEST, 51, false}, {RESPONSE, 107, true}};
	unsigned i;

	ring_add(&f->r, b, 2);
	modern_kick(f->bus, COMMANDS);
	for (i = 0; i < 1000 && !(modern_status(f->bus) & S_NEEDS_RESET); i++)
		event_base_loop(f->base, EVLOOP_NONBLOCK);
	assert_true(modern_status(f->bus) & S_NEEDS_RESET);
}

static void
subscribe(struct fixture *f)
{
	const struct buf an[2] = {{REQUEST, 16, false}, {RESPONSE, 5, true}};
	uint32_t len;

	memset(ram(f->bus, REQUEST), 0, 16);
	ram(f->bus, REQUEST)[0] = 2;
	ram(f->bus, REQUEST)[12] = 0x10;
	ring_add(&f->control, an, 2);
	modern_kick(f->bus, CONTROL);
	wait_used(f, &f->control, &len);
}

/* What an event finds instead of a buffer. */
static void
test_scsi_event_without_a_place_breaks_the_queue(void **state)
{
	static const struct guest_desc bad[] = {{0xe0000000, 16, WRITE, 0},
	    {EVENT, 0xffffffff, WRITE, 0}, {EVENT, 16, WRITE | NEXT, 0},
	    {EVENT, 16, WRITE | NEXT, SIZE}, {EVENT, 16, INDIRECT, 0}};
	const struct buf b = {EVENT, 16, true};
	struct fixture *f = *state;
	uint32_t event, reason;
	unsigned i;

	for (i = 0; i < sizeof bad / sizeof *bad; i++) {
		begin(f);
		subscribe(f);
		f->events.desc[0] = bad[i];
		ring_offer(&f->events, 0);
		modern_kick(f->bus, EVENTS);
		insert(f, 4 + i, 4);
		assert_true(modern_status(f->bus) & S_NEEDS_RESET);
		assert_false(took_event(f, &event, &reason));
		begin(f);
		subscribe(f);
		ring_add(&f->events, &b, 1);
		insert(f, 40 + i, 5);
		assert_true(took_event(f, &event, &reason));
		assert_int_equal(reason, 16);
	}
}

static void
test_cdrom_has_commands_and_sense_data_as_long_as_the_driver_says(void **state)
{
	static const uint8_t inquiry[6] = {0x12, 0, 0, 0, 36};
	struct fixture *f = *state;
	struct buf b[2] = {
	    {REQUEST, 19 + 12, false}, {DATA, 12 + 4 + 36, true}};
	uint8_t *h = ram(f->bus, REQUEST), *in = ram(f->bus, DATA);
	uint32_t len;

	attend(f);
	bar_out(f->bus, MODERN, CONFIG + 20, 4, 4);
	bar_out(f->bus, MODERN, CONFIG + 24, 4, 12);
	memset(h, 0, 51);
	h[0] = 1;
	memcpy(h + 19, inquiry, sizeof inquiry);
	ring_add(&f->r, b, 2);
	modern_kick(f->bus, COMMANDS);
	wait_used(f, &f->r, &len);
	assert_int_equal(len, 12 + 4 + 36);
	assert_int_equal(in[10], 0);
	assert_int_equal(in[16], 5); /* a CD-ROM's first byte */
	h[19] = 0xff;
	ring_add(&f->r, b, 2);
	modern_kick(f->bus, COMMANDS);
	wait_used(f, &f->r, &len);
	assert_int_equal(in[10], 2);
	assert_int_equal(in[0], 4);
	assert_int_equal(in[12], 0x70);
}

static void
test_scsi_is_the_same_after_save_and_load(void **state)
{
	struct fixture *f = *state;
	struct state_writer w = {0};
	struct state_reader r = {0};
	struct error err;

	attend(f);
	is_good(command(f, "1b 0 0 0 2", 0));
	state_begin(&w, "card", 1);
	f->bus->fn.ops->save(f->bus->fn.arg, &w);
	state_end(&w);
	f->bus->fn.ops->reset(f->bus->fn.arg);
	r.data = w.data;
	r.len = r.end = w.len;
	assert_int_equal(state_open(&r, "card"), 1);
	assert_int_equal(f->bus->fn.ops->load(f->bus->fn.arg, &r, &err), 0);
	assert_int_equal(state_close(&r, "card", &err), 0);
	is_refused(command(f, "0", 0), 2, 0x3a02);
	state_writer_free(&w);
}

static void
test_cdrom_loaded_with_another_disc_says_so(void **state)
{
	struct fixture *f = *state;
	struct state_writer w = {0};
	struct state_reader r = {0};
	struct error err;

	attend(f);
	state_begin(&w, "card", 1);
	f->bus->fn.ops->save(f->bus->fn.arg, &w);
	state_end(&w);
	insert(f, 9, 9);
	f->bus->fn.ops->reset(f->bus->fn.arg);
	r.data = w.data;
	r.len = r.end = w.len;
	assert_int_equal(state_open(&r, "card"), 1);
	assert_int_equal(f->bus->fn.ops->load(f->bus->fn.arg, &r, &err), 0);
	is_refused(command(f, "0", 0), 6, 0x2800);
	is_good(command(f, "28 0 0 0 0 8 0 0 1", 2048));
	state_writer_free(&w);
}

/* Whatever the command, an answer comes, and no more data than there is room.
 */
static void
test_cdrom_survives_any_command(void **state)
{
	struct fixture *f = *state;
	uint8_t cdb[16];
	unsigned i, n;
	uint32_t room;
	struct answer a;

	srand(5);
	for (i = 0; i < 4000; i++) {
		for (n = 0; n < 16; n++)
			cdb[n] = rand() % 3 == 0 ? (uint8_t)rand() : 0;
		cdb[0] = (uint8_t)(i / 15);
		room = (uint32_t)(rand() % 4000);
		a = send_to(f, 0, 0, cdb, room);
		assert_true(a.len >= 108 && a.len <= 108 + room);
		assert_int_equal(a.residual, room - (a.len - 108));
		assert_int_equal(a.data[room], 0xee);
	}
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_scsi_finds_one_drive_and_says_what_it_is),
	    TEST(test_cdrom_reads_its_medium),
	    TEST(test_cdrom_answers_what_installers_ask),
	    TEST(test_cdrom_tray_opens_unless_it_is_locked),
	    TEST(test_cdrom_disc_is_changed_while_the_guest_runs),
	    TEST(test_cdrom_that_is_locked_keeps_its_disc),
	    TEST(test_cdrom_takes_no_pipe_for_a_disc),
	    TEST(test_cdrom_tray_stays_open_over_a_reset),
	    TEST(test_scsi_tells_of_media_only_who_subscribed),
	    TEST(test_cdrom_loaded_with_another_disc_says_so),
	    TEST(test_scsi_control_queue_answers),
	    TEST(test_scsi_command_without_response_breaks_the_queue),
	    TEST(test_scsi_event_without_a_place_breaks_the_queue),
	    TEST(
		test_cdrom_has_commands_and_sense_data_as_long_as_the_driver_says),
	    TEST(test_scsi_is_the_same_after_save_and_load),
	    TEST(test_cdrom_survives_any_command),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
