/*
 * cmd_raw.c: registers and memory as they are, for trying out devices.
 */
#include "command.h"
#include "console.h"
#include "cpu.h"
#include "pci.h"

static int
size_argument(const char *text, uint64_t max, uint64_t *size)
{
	if (command_number(text, "SIZE", 1, max, size) != 0)
		return -1;
	if ((*size & (*size - 1)) == 0)
		return 0;
	print("SIZE is 1, 2, 4 or 8 bytes\n");
	return -1;
}

static void
value_print(uint64_t value, uint64_t size)
{
	switch (size) {
	case 1:
		print("%02lx\n", value);
		break;
	case 2:
		print("%04lx\n", value);
		break;
	case 4:
		print("%08lx\n", value);
		break;
	default:
		print("%016lx\n", value);
	}
}

static int
address_argument(char **argv, uint64_t *addr, uint64_t *size)
{
	if (command_number(argv[1], "ADDR", 0, UINT64_MAX, addr) != 0 ||
	    size_argument(argv[2], 8, size) != 0)
		return -1;
	if (cpu_map(*addr) == 0)
		return 0;
	print("address %lx is out of reach\n", *addr);
	return -1;
}

static void
run_peek(int argc, char **argv)
{
	uint64_t addr, size;

	if (address_argument(argv, &addr, &size) != 0)
		return;
	value_print(mmio_read(addr, (unsigned)size), size);
}

static void
run_poke(int argc, char **argv)
{
	uint64_t addr, size, value;

	if (address_argument(argv, &addr, &size) != 0 ||
	    command_number(argv[3], "VALUE", 0, UINT64_MAX, &value) != 0)
		return;
	mmio_write(addr, (unsigned)size, value);
}

static void
run_in(int argc, char **argv)
{
	uint64_t port, size;

	if (command_number(argv[1], "PORT", 0, 0xffff, &port) != 0 ||
	    size_argument(argv[2], 4, &size) != 0)
		return;
	value_print(port_in((uint16_t)port, (unsigned)size), size);
}

static void
run_out(int argc, char **argv)
{
	uint64_t port, size, value;

	if (command_number(argv[1], "PORT", 0, 0xffff, &port) != 0 ||
	    size_argument(argv[2], 4, &size) != 0 ||
	    command_number(argv[3], "VALUE", 0, UINT32_MAX, &value) != 0)
		return;
	port_out((uint16_t)port, (unsigned)size, value);
}

static void
run_pci(int argc, char **argv)
{
	uint64_t dev, fn, off, size = 4, value;
	unsigned addr;

	if (command_number(argv[1], "DEV", 0, 31, &dev) != 0 ||
	    command_number(argv[2], "FN", 0, 7, &fn) != 0 ||
	    command_number(argv[3], "OFF", 0, 255, &off) != 0 ||
	    (argc > 4 && size_argument(argv[4], 4, &size) != 0))
		return;
	addr = (unsigned)PCI_ADDR(dev, fn);
	if (argc <= 5) {
		value_print(size == 1 ? pci_read8(addr, (unsigned)off)
			: size == 2   ? pci_read16(addr, (unsigned)off)
				      : pci_read32(addr, (unsigned)off),
		    size);
		return;
	}
	if (command_number(argv[5], "VALUE", 0, UINT32_MAX, &value) != 0)
		return;
	if (size == 1)
		pci_write8(addr, (unsigned)off, (uint8_t)value);
	else if (size == 2)
		pci_write16(addr, (unsigned)off, (uint16_t)value);
	else
		pci_write32(addr, (unsigned)off, (uint32_t)value);
}

static const struct command commands[] = {
    {"peek", "ADDR SIZE", "read memory or a register", 2, 2, run_peek},
    {"poke", "ADDR SIZE VALUE", "write it", 3, 3, run_poke},
    {"in", "PORT SIZE", "read an I/O port", 2, 2, run_in},
    {"out", "PORT SIZE VALUE", "write it", 3, 3, run_out},
    {"pci", "DEV FN OFF [SIZE [VALUE]]", "PCI configuration", 3, 5, run_pci},
    {0},
};

const struct command_group cmd_raw = {"raw registers", 1, commands};
