/*
 * dev.h: the small hardware of a PC, one file a device.
 *
 * Each function makes its device, adds its ports to the machine's bus and
 * gives the device to the machine (reset, save, load, destroy). Main thread,
 * before the machine runs. The PCI bus has its own header, pci.h.
 */
#ifndef BACKEND_DEV_DEV_H
#define BACKEND_DEV_DEV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backend/dev/pci.h"
#include "backend/vmm/machine.h"
#include "config/error.h"

/*
 * 16550A serial port with 16-byte FIFOs at port base, IRQ irq (COM1: 0x3F8, 4;
 * COM2: 0x2F8, 3). name, a constant, is what its saved state goes by.
 *
 * To the host: output() gets every byte the guest sends, on a vcpu thread. It
 * returns how many of len it took; the port keeps the rest in its FIFO, does
 * not report "transmitter empty", and serial_kick() makes it try again. It
 * never drops a byte: a guest that writes without asking waits in its OUT
 * until there is room or the machine is stopped.
 * From the host: serial_input() fills the receive FIFO. Any thread.
 */
struct serial;
struct serial_ops {
	size_t (*output)(const uint8_t *data, size_t len, void *arg);
	/* There is room in the receive FIFO again after it was full. */
	void (*input_ready)(void *arg);
};
int serial_create(struct machine *m, const char *name, uint16_t base,
    unsigned irq, const struct serial_ops *ops, void *arg,
    struct serial **serial, struct error *err);
/* Any thread: the host side has room again. */
void serial_kick(struct serial *s);
/*
 * Any thread: offers len bytes, returns how many fit. After fewer than len,
 * input_ready() tells when to go on.
 */
size_t serial_input(struct serial *s, const uint8_t *data, size_t len);
/* A break condition on the line (LSR bit 4). Any thread. */
void serial_break(struct serial *s);

/*
 * MC146818 clock and CMOS at 0x70/0x71, in UTC, memory sizes in CMOS. Its
 * periodic, alarm and update interrupts (IRQ 8) come from base's loop.
 */
struct event_base;
int rtc_create(struct machine *m, struct event_base *base, struct error *err);

/*
 * Reset lines: i8042 command 0xFE at 0x64 (the rest of the controller is as
 * one without a keyboard: self test and status answer, so that drivers finish
 * their probing) and port 0x92 bit 0 (bit 1, A20, reads back). Port 0xCF9 is
 * the PIIX3's, in pci.c.
 */
int reset_create(struct machine *m, struct error *err);

/* The firmware's debug port at 0x402: what it says goes to the log. */
int debugport_create(struct machine *m, struct error *err);

/*
 * The PIIX4 power function at 00:01.3: PM1a event and control block, ACPI PM
 * 24-bit timer, GPE0, SMI command port, at fixed ports that the FADT names; SCI is
 * IRQ 9. Writing SLP_EN with SLP_TYP of S5 powers off.
 */
#define PM_BASE      0x600 /* PM1a_EVT +0, PM1a_CNT +4, PM_TMR +8 */
#define PM_GPE0_BASE 0x620 /* 4 bytes: status, enable */
#define PM_SMI_CMD   0xB2 /* ACPI is on from the start; the two below work */
#define PM_ACPI_ON   0xF1
#define PM_ACPI_OFF  0xF0
#define PM_SCI_IRQ   9
#define PM_S5_TYPE   0 /* SLP_TYP that means off, as the DSDT's \_S5 says */
#define PM_RESET_REG 0xCF9
#define PM_RESET_VAL 0x06
struct pm;
int pm_create(struct pci_bus *bus, struct pm **pm, struct error *err);
/* Presses the power button: PWRBTN_STS, and SCI if the guest enabled it. */
void pm_power_button(struct pm *pm);

#endif
