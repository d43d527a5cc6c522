/*
 * bsd.c: a kernel laid out as OpenBSD's are (linked high and loaded low, with a
 * segment for random bytes and with symbols), which prints on COM1 what the
 * loader gave it, as amd64's and i386's locore and machdep read it, and goes
 * off when a key was typed. Compiled for 32 bits, since that is what such a kernel begins in, and
 * linked into files of either class (guest.mk). Freestanding.
 */
typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;

#define COM1     0x3f8
#define LSR      (COM1 + 5)
#define LSR_DR   0x01
#define LSR_THRE 0x20
#define PM1_CNT  0x604
#define SLEEP_S5 0x2000

/* Filled by the loader; its section is all of the random segment. */
__attribute__((section(".openbsd.randomdata"), used)) u32 random_words[16];
static u32 zeroes[1000]; /* must be */
static const u32 here = 0x12345678; /* must have been loaded */

extern u8 kernel_end[];
void bsd_main(const u32 *sp, u32 cs, u32 cr0);

static u8
inb(u16 port)
{
	u8 v;

	__asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static void
outb(u16 port, u8 v)
{
	__asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port));
}

static void
put(char c)
{
	while ((inb(LSR) & LSR_THRE) == 0)
		continue;
	outb(COM1, (u8)c);
}

static void
text(const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s == '\n')
			put('\r');
		put(*s);
	}
}

static void
hex(const char *name, u32 v)
{
	int shift = 28;

	text(name);
	while (shift > 0 && (v >> shift & 15) == 0)
		shift -= 4;
	for (; shift >= 0; shift -= 4)
		put("0123456789abcdef"[v >> shift & 15]);
}

static void
bytes(const char *name, const u8 *p, u32 n)
{
	text(name);
	for (; n > 0; n--, p++) {
		put("0123456789abcdef"[*p >> 4]);
		put("0123456789abcdef"[*p & 15]);
	}
	text("\n");
}

/* bios_memmap_t: address, size (64 bits each), type; type 0 ends it. */
static void
print_map(const u32 *p)
{
	for (; p[4] != 0; p += 5) {
		hex("memory ", p[1]);
		hex(":", p[0]);
		hex(" size ", p[3]);
		hex(":", p[2]);
		hex(" type ", p[4]);
		text("\n");
	}
}

/* As getbootinfo() walks them: type, size, distance to the next. */
static void
print_arguments(const u32 *p, u32 size)
{
	const u8 *end = (const u8 *)p + size;

	while (p[0] != 0xffffffff && (const u8 *)p < end) {
		switch (p[0]) {
		case 0:
			print_map(p + 3);
			break;
		case 5:
			hex("console ", p[3]);
			hex(" speed ", p[4]);
			hex(" at ", p[5]);
			hex(" of ", p[1] - 12);
			text("\n");
			break;
		case 7:
			bytes("mac ", (const u8 *)(p + 3), 6);
			break;
		case 9:
			bytes("duid ", (const u8 *)(p + 3), 8);
			break;
		default:
			hex("argument ", p[0]);
			text("\n");
		}
		p = (const u32 *)((const u8 *)p + p[2]);
	}
	text(p[0] == 0xffffffff ? "end\n" : "no end\n");
}

/* Prints this function's name, if it is among len bytes of strings. */
static void
find_name(const char *s, u32 len)
{
	static const char name[] = "bsd_main";
	u32 at, i;

	for (at = 0; at + sizeof name <= len; at++) {
		for (i = 0; i < sizeof name && s[at + i] == name[i]; i++)
			continue;
		if (i == sizeof name) {
			text(s + at);
			text("\n");
		}
	}
}

/* An ELF header lies where the kernel ends; sections behind it. */
static void
print_symbols(u32 esym)
{
	u32 start = ((u32)kernel_end + 3) & ~3u, n, size, at, len;
	const u8 *eh, *sh;
	int wide;

	if (esym == 0) {
		text("no symbols\n");
		return;
	}
	if (*(const u8 *)start != 0x7f)
		start = (start + 7) & ~7u;
	eh = (const u8 *)start;
	bytes("symbols ", eh, 4);
	wide = eh[4] == 2;
	sh = eh + *(const u32 *)(eh + (wide ? 40 : 32));
	size = *(const u16 *)(eh + (wide ? 58 : 46));
	n = *(const u16 *)(eh + (wide ? 60 : 48));
	for (; n > 0; n--, sh += size) {
		if (*(const u32 *)(sh + 4) != 3) /* a string table */
			continue;
		at = *(const u32 *)(sh + (wide ? 24 : 16));
		len = *(const u32 *)(sh + (wide ? 32 : 20));
		find_name((const char *)eh + at, len);
		if (start + at + len > esym)
			text("behind the end\n");
	}
}

void
bsd_main(const u32 *sp, u32 cs, u32 cr0)
{
	u32 i, sum = 0;

	for (i = 0; i < 16; i++)
		sum |= random_words[i];
	text(sum != 0 ? "random yes\n" : "random no\n");
	for (sum = 0, i = 0; i < sizeof zeroes / sizeof zeroes[0]; i++)
		sum |= ((volatile u32 *)zeroes)[i];
	text(sum == 0 && *(const volatile u32 *)&here == 0x12345678
		? "loaded yes\n"
		: "loaded no\n");
	hex("cs ", cs);
	hex(" cr0 ", cr0);
	text("\n");
	hex("howto ", sp[1]);
	hex(" bootdev ", sp[2]);
	hex(" api ", sp[3]);
	hex(" extmem ", sp[5]);
	hex(" basemem ", sp[6]);
	text("\n");
	print_arguments((const u32 *)sp[8], sp[7]);
	print_symbols(sp[4]);
	text("done\n");
	while ((inb(LSR) & LSR_DR) == 0)
		continue;
	__asm__ volatile("outw %0, %1"
			 :
			 : "a"((u16)SLEEP_S5), "Nd"((u16)PM1_CNT));
	for (;;)
		__asm__ volatile("hlt");
}
