/*
 * regs.c: see regs.h.
 */
#include "console.h"
#include "cpu.h"
#include "pci.h"
#include "regs.h"

#define SHOWN 12 /* failures printed, of all */

unsigned regs_pci, regs_done, regs_wrong;

void
port_ins(uint16_t port, unsigned size, void *to)
{
	uint64_t n = 2;

	switch (size) {
	case 1:
		__asm__ volatile("rep insb"
				 : "+D"(to), "+c"(n)
				 : "d"(port)
				 : "memory");
		break;
	case 2:
		__asm__ volatile("rep insw"
				 : "+D"(to), "+c"(n)
				 : "d"(port)
				 : "memory");
		break;
	default:
		__asm__ volatile("rep insl"
				 : "+D"(to), "+c"(n)
				 : "d"(port)
				 : "memory");
	}
}

void
port_outs(uint16_t port, unsigned size, const void *from)
{
	uint64_t n = 2;

	switch (size) {
	case 1:
		__asm__ volatile("rep outsb"
				 : "+S"(from), "+c"(n)
				 : "d"(port)
				 : "memory");
		break;
	case 2:
		__asm__ volatile("rep outsw"
				 : "+S"(from), "+c"(n)
				 : "d"(port)
				 : "memory");
		break;
	default:
		__asm__ volatile("rep outsl"
				 : "+S"(from), "+c"(n)
				 : "d"(port)
				 : "memory");
	}
}

static uint64_t
config_read(unsigned at, unsigned size)
{
	return size == 1 ? pci_read8(regs_pci, at)
	    : size == 2  ? pci_read16(regs_pci, at)
			 : pci_read32(regs_pci, at);
}

static void
config_write(unsigned at, unsigned size, uint64_t value)
{
	if (size == 1)
		pci_write8(regs_pci, at, (uint8_t)value);
	else if (size == 2)
		pci_write16(regs_pci, at, (uint16_t)value);
	else
		pci_write32(regs_pci, at, (uint32_t)value);
}

static void
wrong(
    const char *table, const struct reg_step *s, uint64_t got, const char *what)
{
	if (++regs_wrong <= SHOWN)
		print("%s, line %u: %u bytes of %s%x are %lx, not %lx\n", table,
		    s->line, s->size, what, s->at, got, s->value & s->mask);
}

static uint64_t
all(unsigned size)
{
	return size == 8 ? UINT64_MAX : (1ull << size * 8) - 1;
}

/* Both elements of a string have to be what is wanted. */
static void
string_in(const char *table, const struct reg_step *s, uint16_t port)
{
	uint64_t mask = s->mask & all(s->size), got = 0;
	uint8_t bytes[8];
	unsigned i, k;

	port_ins(port, s->size, bytes);
	for (i = 0; i < 2; i++) {
		for (k = s->size, got = 0; k-- > 0;)
			got = got << 8 | bytes[i * s->size + k];
		if ((got & mask) != (s->value & mask))
			wrong(table, s, got & mask, "+");
	}
}

static void
string_out(const struct reg_step *s, uint16_t port)
{
	uint8_t bytes[8];
	unsigned i;

	for (i = 0; i < 2 * s->size; i++)
		bytes[i] = (uint8_t)(s->value >> i % s->size * 8);
	port_outs(port, s->size, bytes);
}

static void
step(const char *table, const struct reg_step *s, uint64_t base)
{
	uint64_t at = base + s->at, got = s->value;

	switch (s->op) {
	case REG_IN:
		got = port_in((uint16_t)at, s->size);
		break;
	case REG_OUT:
		port_out((uint16_t)at, s->size, s->value);
		break;
	case REG_INS:
		string_in(table, s, (uint16_t)at);
		break;
	case REG_OUTS:
		string_out(s, (uint16_t)at);
		break;
	case REG_READ:
		got = mmio_read(at, s->size);
		break;
	case REG_WRITE:
		mmio_write(at, s->size, s->value);
		break;
	case REG_CFG_READ:
		got = config_read(s->at, s->size);
		break;
	case REG_CFG_WRITE:
		config_write(s->at, s->size, s->value);
		break;
	}
	if (((got ^ s->value) & s->mask & all(s->size)) != 0)
		wrong(table, s, got & s->mask, "+");
}

void
regs_run(const char *table, const struct reg_step *steps, uint64_t base)
{
	for (; steps->op != REG_END; steps++, regs_done++)
		step(table, steps, base);
}

void
regs_check(const char *what, uint64_t got, uint64_t want)
{
	regs_done++;
	if (got != want && ++regs_wrong <= SHOWN)
		print("%s is %lx, not %lx\n", what, got, want);
}
