/*
 * scsi_sizes.c: how long a command and its sense data are. The driver may
 * write both into the device configuration (virtio 1.2, 5.6.4), by bytes at the
 * legacy face, and all that follows them in a request moves with them.
 */
#include <endian.h>
#include <stddef.h>

#include "backend/virtio/device.h"
#include "backend/virtio/scsi_wire.h"

#define SENSE_AT offsetof(struct scsi_config, sense_size)
#define CDB_AT   offsetof(struct scsi_config, cdb_size)
#define SIZE_END (CDB_AT + sizeof(uint32_t))
/* Longer ones than SCSI has are no use to anybody (SPC-4, 4.2.3 and 4.5). */
#define SIZE_MOST 260u

static uint32_t
size_at(const struct virtio_dev *dev, size_t at)
{
	uint32_t n;

	memcpy(&n, dev->config + at, sizeof n);
	n = le32toh(n);
	return n < SIZE_MOST ? n : SIZE_MOST;
}

static void
set_size(struct virtio_dev *dev, size_t at, uint32_t n)
{
	n = htole32(n);
	memcpy(dev->config + at, &n, sizeof n);
}

size_t
scsi_response_len(const struct virtio_dev *dev)
{
	return offsetof(struct scsi_response, sense) + size_at(dev, SENSE_AT);
}

int
scsi_take_request(const struct virtio_dev *dev, struct virtq_chain *c,
    struct scsi_request *request)
{
	uint8_t bytes[offsetof(struct scsi_request, cdb) + SIZE_MOST] = {0};

	if (virtq_take_out(c, bytes,
		offsetof(struct scsi_request, cdb) + size_at(dev, CDB_AT)) ==
	    -1)
		return -1;
	memcpy(request, bytes, sizeof *request);
	return 0;
}

size_t
scsi_put_response(
    const struct iovec *iov, unsigned n, size_t len, struct scsi_response *r)
{
	size_t room = len - offsetof(struct scsi_response, sense);

	if (le32toh(r->sense_len) > room)
		r->sense_len = htole32((uint32_t)room);
	return virtq_copy_in(iov, n, 0, r, len < sizeof *r ? len : sizeof *r);
}

void
scsi_sizes_reset(struct virtio_dev *dev)
{
	set_size(dev, SENSE_AT, SCSI_SENSE_SIZE);
	set_size(dev, CDB_AT, SCSI_CDB_SIZE);
}

void
scsi_sizes_write(
    struct virtio_dev *dev, unsigned offset, unsigned size, uint64_t value)
{
	for (; size > 0; size--, offset++, value >>= 8)
		if (offset >= SENSE_AT && offset < SIZE_END)
			dev->config[offset] = (uint8_t)value;
}

void
scsi_sizes_save(const struct virtio_dev *dev, struct state_writer *w)
{
	state_put_bytes(w, dev->config + SENSE_AT, SIZE_END - SENSE_AT);
}

void
scsi_sizes_load(struct virtio_dev *dev, struct state_reader *r)
{
	state_get_bytes(r, dev->config + SENSE_AT, SIZE_END - SENSE_AT);
}
