/*
 * dsdt.h: the body of the DSDT, in AML: the PCI bus with its windows and
 * interrupt routing, the devices that cannot be probed (COM2 among them if
 * serial2 says so), and soft-off.
 */
#ifndef BACKEND_BOOT_DSDT_H
#define BACKEND_BOOT_DSDT_H

#include "backend/boot/aml.h"

void dsdt_write(struct aml *a, bool serial2);

#endif
