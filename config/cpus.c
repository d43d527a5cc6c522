/* Lists of the host's CPUs, as in pin = 0-3,8. */
#include <string.h>

#include "config/config.h"

static const char *
read_cpu(const char *p, unsigned *n)
{
	if (*p < '0' || *p > '9')
		return NULL;
	for (*n = 0; *p >= '0' && *p <= '9'; p++) {
		*n = *n * 10 + (unsigned)(*p - '0');
		if (*n >= CONFIG_PIN_MAX)
			return NULL;
	}
	return p;
}

static int
add(struct config_pins *pins, unsigned cpu, struct error *err)
{
	unsigned i;

	for (i = 0; i < pins->n; i++)
		if (pins->cpu[i] == cpu)
			return error_set(err, "CPU %u is in it twice", cpu);
	if (pins->n == CONFIG_CPUS_MAX)
		return error_set(err,
		    "it has more CPUs than a guest can have, which is %d",
		    CONFIG_CPUS_MAX);
	pins->cpu[pins->n++] = (uint16_t)cpu;
	return 0;
}

int
config_pins_parse(const char *text, struct config_pins *pins, struct error *err)
{
	const char *p = text;
	unsigned first, last;

	pins->n = 0;
	for (;;) {
		p += strspn(p, " \t");
		p = read_cpu(p, &first);
		last = first;
		if (p != NULL && *p == '-')
			p = read_cpu(p + 1, &last);
		if (p == NULL || last < first)
			break;
		for (; first <= last; first++)
			if (add(pins, first, err) == -1)
				return -1;
		p += strspn(p, " \t");
		if (*p == '\0')
			return 0;
		if (*p++ != ',')
			break;
	}
	return error_set(err,
	    "write numbers of the host's CPUs from 0 to %d, such as 0-3 or "
	    "0,2,8-11",
	    CONFIG_PIN_MAX - 1);
}
