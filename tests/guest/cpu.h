/*
 * cpu.h: the processor, as ring 3 sees it: ports, cpuid, the time stamp, and
 * the calls into ring 0. Everything here may be called from anywhere in the
 * program; there is one thread.
 */
#ifndef GUEST_CPU_H
#define GUEST_CPU_H

#include <stddef.h>
#include <stdint.h>

#include "gate.h"

struct cpuid {
	uint32_t a, b, c, d;
};

/* Calls ring 0; start.S. request is one of GATE_*. */
void gate(unsigned request);

/* Points the interrupt table at start.S's stubs and lets interrupts in. */
void cpu_init(void);

/*
 * Maps the 1 GiB around a physical address at the same virtual one. The first
 * 4 GiB are mapped always. Returns -1 if the address is beyond 512 GiB or
 * eight such pieces are mapped already.
 */
int cpu_map(uint64_t addr);

/* Where the page tables are that map the first 4 GiB, a page each. */
uint64_t cpu_tables(void);

struct cpuid cpu_id(uint32_t leaf, uint32_t subleaf);

/*
 * Page-aligned, cleared memory for drivers; NULL if there is no more. All of it
 * is given back at once, by arena_release().
 */
void *arena_take(size_t bytes);
void arena_release(void);

static inline uint8_t
in8(uint16_t port)
{
	uint8_t v;

	__asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port) : "memory");
	return v;
}

static inline uint16_t
in16(uint16_t port)
{
	uint16_t v;

	__asm__ volatile("inw %1, %0" : "=a"(v) : "Nd"(port) : "memory");
	return v;
}

static inline uint32_t
in32(uint16_t port)
{
	uint32_t v;

	__asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port) : "memory");
	return v;
}

static inline void
out8(uint16_t port, uint8_t v)
{
	__asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port) : "memory");
}

static inline void
out16(uint16_t port, uint16_t v)
{
	__asm__ volatile("outw %0, %1" : : "a"(v), "Nd"(port) : "memory");
}

static inline void
out32(uint16_t port, uint32_t v)
{
	__asm__ volatile("outl %0, %1" : : "a"(v), "Nd"(port) : "memory");
}

static inline uint64_t
rdtsc(void)
{
	uint32_t lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return (uint64_t)hi << 32 | lo;
}

static inline void
relax(void)
{
	__asm__ volatile("pause");
}

/* Memory-mapped registers: exactly one access of that size. */
static inline uint8_t
mmio_r8(uint64_t addr)
{
	uint8_t v;

	__asm__ volatile("movb (%1), %0" : "=a"(v) : "r"(addr) : "memory");
	return v;
}

static inline uint16_t
mmio_r16(uint64_t addr)
{
	uint16_t v;

	__asm__ volatile("movw (%1), %0" : "=a"(v) : "r"(addr) : "memory");
	return v;
}

static inline uint32_t
mmio_r32(uint64_t addr)
{
	uint32_t v;

	__asm__ volatile("movl (%1), %0" : "=a"(v) : "r"(addr) : "memory");
	return v;
}

static inline uint64_t
mmio_r64(uint64_t addr)
{
	uint64_t v;

	__asm__ volatile("movq (%1), %0" : "=a"(v) : "r"(addr) : "memory");
	return v;
}

static inline void
mmio_w8(uint64_t addr, uint8_t v)
{
	__asm__ volatile("movb %0, (%1)" : : "a"(v), "r"(addr) : "memory");
}

static inline void
mmio_w16(uint64_t addr, uint16_t v)
{
	__asm__ volatile("movw %0, (%1)" : : "a"(v), "r"(addr) : "memory");
}

static inline void
mmio_w32(uint64_t addr, uint32_t v)
{
	__asm__ volatile("movl %0, (%1)" : : "a"(v), "r"(addr) : "memory");
}

static inline void
mmio_w64(uint64_t addr, uint64_t v)
{
	__asm__ volatile("movq %0, (%1)" : : "a"(v), "r"(addr) : "memory");
}

/* The same, of a size that is found out as it goes: 1, 2, 4 or (memory) 8. */
uint64_t port_in(uint16_t port, unsigned size);
void port_out(uint16_t port, unsigned size, uint64_t value);
uint64_t mmio_read(uint64_t addr, unsigned size);
void mmio_write(uint64_t addr, unsigned size, uint64_t value);

#endif
