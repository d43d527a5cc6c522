/*
 * gate.h: what ring 3 may ask of ring 0, shared by start.S and cpu.h.
 */
#ifndef GUEST_GATE_H
#define GUEST_GATE_H

#define GATE_WAIT    0 /* halt until an interrupt, unless one is pending */
#define GATE_IRQ_ON  1 /* ring 3 goes on with interrupts on */
#define GATE_IRQ_OFF 2 /* and off */
#define GATE_CRASH   3 /* a triple fault */
#define GATE_HALT    4 /* halt with interrupts off, for ever */
#define GATE_LOST    5 /* go on where there is no memory to execute */
#define GATE_NOWHERE 0xd0000000 /* there */

/*
 * Vectors of interrupts: 16 of one priority class, so that this class in the
 * local APIC's task priority register holds all of them back.
 */
#define GATE_IRQ_BASE      0x40
#define GATE_TASK_PRIORITY 0xfee00080

#endif
