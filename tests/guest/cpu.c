/*
 * cpu.c: the interrupt table, the page tables above 4 GiB, memory for
 * drivers. All of it is plain memory to ring 3.
 */
#include "cpu.h"
#include "lib.h"

#define PAGE 4096u

/* start.S and guest.ld */
extern uint8_t idt[], exception_stubs[], irq_stubs[], spurious_stub[];
extern uint64_t pdpt[];
extern uint8_t arena_start[], arena_end[];

static uint8_t *arena_next = arena_start;
static _Alignas(4096) uint64_t high_tables[8][512];
static unsigned high_count;

/* A 64-bit interrupt gate: present, ring 0, interrupts off inside. */
static void
idt_set(unsigned vector, const void *stub)
{
	uint64_t addr = (uintptr_t)stub;
	uint64_t low = (addr & 0xffff) | 0x08u << 16 | 0x8e00ull << 32 |
	    (addr >> 16 & 0xffff) << 48;
	uint64_t high = addr >> 32;

	memcpy(idt + vector * 16, &low, 8);
	memcpy(idt + vector * 16 + 8, &high, 8);
}

void
cpu_init(void)
{
	unsigned i;

	for (i = 0; i < 32; i++)
		idt_set(i, exception_stubs + i * 16);
	for (i = 0; i < 16; i++)
		idt_set(GATE_IRQ_BASE + i, irq_stubs + i * 16);
	idt_set(0xff, spurious_stub);
	/* The PICs stay silent: every interrupt comes by the local APIC. */
	out8(0x21, 0xff);
	out8(0xa1, 0xff);
	gate(GATE_IRQ_ON);
}

int
cpu_map(uint64_t addr)
{
	uint64_t gib = addr >> 30, *table, i;

	if (gib >= 512)
		return -1;
	if (pdpt[gib] & 1)
		return 0;
	if (high_count == sizeof(high_tables) / sizeof(high_tables[0]))
		return -1;
	table = high_tables[high_count++];
	for (i = 0; i < 512; i++)
		table[i] = gib << 30 | i << 21 | 0x87;
	pdpt[gib] = (uintptr_t)table | 7;
	return 0;
}

uint64_t
cpu_tables(void)
{
	return pdpt[0] & ~(uint64_t)(PAGE - 1);
}

struct cpuid
cpu_id(uint32_t leaf, uint32_t subleaf)
{
	struct cpuid r;

	__asm__ volatile("cpuid"
			 : "=a"(r.a), "=b"(r.b), "=c"(r.c), "=d"(r.d)
			 : "a"(leaf), "c"(subleaf));
	return r;
}

void *
arena_take(size_t bytes)
{
	uint8_t *p = arena_next;

	bytes = (bytes + PAGE - 1) & ~(size_t)(PAGE - 1);
	if (bytes > (size_t)(arena_end - p))
		return NULL;
	arena_next = p + bytes;
	memset(p, 0, bytes);
	return p;
}

void
arena_release(void)
{
	arena_next = arena_start;
}

uint64_t
port_in(uint16_t port, unsigned size)
{
	return size == 1 ? in8(port) : size == 2 ? in16(port) : in32(port);
}

void
port_out(uint16_t port, unsigned size, uint64_t value)
{
	if (size == 1)
		out8(port, (uint8_t)value);
	else if (size == 2)
		out16(port, (uint16_t)value);
	else
		out32(port, (uint32_t)value);
}

uint64_t
mmio_read(uint64_t addr, unsigned size)
{
	return size == 1 ? mmio_r8(addr)
	    : size == 2  ? mmio_r16(addr)
	    : size == 4  ? mmio_r32(addr)
			 : mmio_r64(addr);
}

void
mmio_write(uint64_t addr, unsigned size, uint64_t value)
{
	if (size == 1)
		mmio_w8(addr, (uint8_t)value);
	else if (size == 2)
		mmio_w16(addr, (uint16_t)value);
	else if (size == 4)
		mmio_w32(addr, (uint32_t)value);
	else
		mmio_w64(addr, value);
}
