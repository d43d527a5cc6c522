/*
 * scsi.c: see scsi.h.
 */
#include "console.h"
#include "lib.h"
#include "scsi.h"

static int
scsi_start(struct virtio *v)
{
	return 0;
}

static void
scsi_describe(struct virtio *v)
{
	print("a SCSI host");
}

void
scsi_address(struct scsi_request *r, unsigned target)
{
	memset(r, 0, sizeof(*r));
	r->lun[0] = 1;
	r->lun[1] = (uint8_t)target;
	r->lun[2] = 0x40;
}

const struct virtio_driver scsi_driver = {
    .type = VIRTIO_SCSI,
    .name = "scsi",
    .queues = 3,
    .start = scsi_start,
    .describe = scsi_describe,
};
