/*
 * The table of keys: the checker, the forms, the editor and the manual read
 * it. A new key is a line here and a member in its struct.
 */
#include <string.h>

#include "config/check.h"
#include "config/item.h"

#define KIB (UINT64_C(1) << 10)
#define MIB (UINT64_C(1) << 20)
#define TIB (UINT64_C(1) << 40)

static const char *const boots[] = {"disk", "cdrom", "net", NULL};
static const char *const restarts[] = {"no", "on-failure", "always", NULL};
/* In the order of CONFIG_ALLOW_... */
static const char *const allows[] = {"title", "clipboard", NULL};
static const char *const formats[] = {"auto", "raw", "qcow2", NULL};
static const char *const discs[] = {CONFIG_EMPTY, NULL};
static const char *const buses[] = {"virtio", "scsi", NULL};
static const char *const caches[] = {"writeback", "none", "unsafe", NULL};

#define AT(member) .offset = offsetof(struct config_disk, member)
static const struct config_key disk_options[] = {
    {.name = "format",
	.kind = CONFIG_K_CHOICE,
	AT(format),
	.choices = formats,
	.value = "raw | qcow2",
	.fallback = "auto",
	.help = "What the image is; auto looks at its first bytes"},
    {.name = "readonly",
	.kind = CONFIG_K_FLAG,
	AT(readonly),
	.help = "The guest can read the disk but not write it"},
    {.name = "bus",
	.kind = CONFIG_K_CHOICE,
	AT(bus),
	.choices = buses,
	.value = "virtio | scsi",
	.fallback = "virtio",
	.help = "How the guest reaches the disk: virtio-blk, or a target of a "
		"virtio-scsi host"},
    {.name = "cache",
	.kind = CONFIG_K_CHOICE,
	AT(cache),
	.choices = caches,
	.value = "writeback | none | unsafe",
	.fallback = "writeback",
	.help = "none goes around the host's cache; unsafe waits for no "
		"flush: a crash of the host may lose all of the image"},
    {0},
};
#undef AT

#define AT(member) .offset = offsetof(struct item_words, member)
static const struct config_key interface_options[] = {
    {.name = "switch",
	.kind = CONFIG_K_SWITCH,
	AT(nic.switch_name),
	.value = "NAME",
	.help = "The [switch] that the interface is plugged into"},
    {.name = "lladdr",
	.kind = CONFIG_K_LLADDR,
	AT(nic.lladdr),
	.value = "00:20:91:00:00:01",
	.help = "The hardware address; without it one that stays the same "
		"is derived from the guest's name"},
    {.name = "locked",
	.kind = CONFIG_K_FLAG,
	AT(nic.locked),
	.help = "The guest can send from its own lladdr only"},
    {.name = "tap",
	.kind = CONFIG_K_IFNAME,
	AT(nic.tap),
	.value = "NAME",
	.help = "The name of the host's end; without it one is picked"},
    {.name = "vhost",
	.kind = CONFIG_K_BOOL,
	AT(nic.vhost),
	.value = "yes | no",
	.fallback = "yes",
	.help = "Frames are moved by the host's vhost-net, where it has one"},
    {.name = "local",
	.kind = CONFIG_K_FLAG,
	AT(local),
	.help = "A network of the guest and the host alone"},
    {.name = "user",
	.kind = CONFIG_K_FLAG,
	AT(user),
	.help = "User-mode networking: out to the world without privileges"},
    {.name = "forward",
	.kind = CONFIG_K_FORWARD,
	.repeats = true,
	.value = "tcp:HOSTPORT:GUESTPORT",
	.help = "With user: a port of the host that leads to the guest's"},
    {0},
};
#undef AT

#define AT(member) .offset = offsetof(struct config_vm, member)
static const struct config_key vm_keys[] = {
    {.name = "memory",
	.kind = CONFIG_K_SIZE,
	AT(memory),
	.unit = "bytes",
	.min = 2 * MIB,
	.max = 16 * TIB,
	.value = "SIZE",
	.fallback = "512M",
	.help = "How much memory the guest has, such as 512M or 4G"},
    {.name = "cpus",
	.kind = CONFIG_K_NUMBER,
	AT(cpus),
	.unit = "CPUs",
	.min = 1,
	.max = CONFIG_CPUS_MAX,
	.value = "1-64",
	.fallback = "1",
	.help = "How many virtual CPUs the guest has"},
    {.name = "pin",
	.kind = CONFIG_K_CPUS,
	AT(pin),
	.value = "CPU[-CPU][,...]",
	.help = "The host's CPUs that its virtual CPUs are bound to, one "
		"after the other; without it they run anywhere"},
    {.name = "kernel",
	.kind = CONFIG_K_PATH,
	AT(kernel),
	.value = "PATH",
	.help = "A kernel to boot: Linux, OpenBSD or any with a PVH entry; "
		"without it the firmware boots the disk or the CD-ROM"},
    {.name = "initrd",
	.kind = CONFIG_K_PATH,
	AT(initrd),
	.value = "PATH",
	.help = "The initial RAM disk for the kernel"},
    {.name = "cmdline",
	.kind = CONFIG_K_TEXT,
	AT(cmdline),
	.repeats = true,
	.max = 4 * KIB - 1,
	.value = "TEXT",
	.help = "The kernel's command line; several are joined with a space"},
    {.name = "boot",
	.kind = CONFIG_K_CHOICE,
	AT(boot),
	.choices = boots,
	.value = "disk | cdrom | net",
	.fallback = "disk",
	.help = "What the firmware boots first where no kernel is given, and "
		"what an OpenBSD kernel is told it was booted from"},
    {.name = "firmware",
	.kind = CONFIG_K_PATH,
	AT(firmware),
	.value = "PATH",
	.help = "The BIOS where no kernel is given; without it SeaBIOS, from "
		"where the package puts it"},
    {.name = "firmware-log",
	.kind = CONFIG_K_BOOL,
	AT(firmware_log),
	.value = "yes | no",
	.fallback = "no",
	.help = "Whether the firmware says in the guest's log what it does"},
    {.name = "serial2",
	.kind = CONFIG_K_BOOL,
	AT(serial2),
	.value = "yes | no",
	.fallback = "no",
	.help = "Whether the guest has a second serial port, ttyS1"},
    {.name = "disk",
	.kind = CONFIG_K_DISK,
	AT(disks),
	.repeats = true,
	.options = disk_options,
	.value = "PATH[, OPTION]...",
	.help = "A disk image"},
    {.name = "cdrom",
	.kind = CONFIG_K_PATH,
	AT(cdrom),
	.at_once = true,
	.choices = discs,
	.value = "PATH | empty",
	.help = "A CD-ROM drive with this ISO image in it, or with none; "
		"while the guest runs the disc is changed at once, and a "
		"drive comes or goes with its next start"},
    {.name = "interface",
	.kind = CONFIG_K_INTERFACE,
	AT(interfaces),
	.repeats = true,
	.options = interface_options,
	.value = "OPTION[, OPTION]...",
	.help = "A network interface"},
    {.name = "enable",
	.kind = CONFIG_K_BOOL,
	AT(enable),
	.at_once = true,
	.value = "yes | no",
	.fallback = "no",
	.help = "Whether the guest starts with the backend"},
    {.name = "restart",
	.kind = CONFIG_K_CHOICE,
	AT(restart),
	.at_once = true,
	.choices = restarts,
	.value = "no | on-failure | always",
	.fallback = "no",
	.help = "Whether a guest that ended is started again"},
    {.name = "owner",
	.kind = CONFIG_K_OWNER,
	AT(owner_user),
	.at_once = true,
	.value = "USER[:GROUP]",
	.help = "Who besides root may start, stop and use the guest"},
    {.name = "instance-of",
	.kind = CONFIG_K_VM,
	AT(instance_of),
	.value = "NAME",
	.help = "Another guest that gives whatever is not said here"},
    {.name = "balloon",
	.kind = CONFIG_K_BOOL,
	AT(balloon),
	.value = "yes | no",
	.fallback = "no",
	.help = "Whether memory can be taken back from the running guest"},
    {.name = "hugepages",
	.kind = CONFIG_K_BOOL,
	AT(hugepages),
	.value = "yes | no",
	.fallback = "no",
	.help = "Whether the guest's memory comes from the host's reserved "
		"huge pages"},
    {.name = "allow",
	.kind = CONFIG_K_WORDS,
	AT(allow),
	.at_once = true,
	.choices = allows,
	.value = "title, clipboard | none",
	.fallback = "none",
	.help = "What the guest may do to the terminal of who has its "
		"console: name it, write to its clipboard"},
    {0},
};
#undef AT

#define AT(member) .offset = offsetof(struct config_switch, member)
static const struct config_key switch_keys[] = {
    {.name = "interface",
	.kind = CONFIG_K_IFNAME,
	AT(interface),
	.value = "NAME",
	.help = "The bridge on the host, made if it is not there; without "
		"it the name is derived from the switch's"},
    {.name = "add",
	.kind = CONFIG_K_IFNAMES,
	AT(adds),
	.repeats = true,
	.value = "NAME",
	.help = "An interface of the host that is plugged in as well"},
    {.name = "address",
	.kind = CONFIG_K_ADDRESS,
	AT(address),
	.value = "10.0.0.1/24",
	.help = "The host's own address on the switch; turns on the DHCP "
		"server"},
    {.name = "nat",
	.kind = CONFIG_K_BOOL,
	AT(nat),
	.value = "yes | no",
	.fallback = "no",
	.help = "Whether the host translates the guests' addresses on their "
		"way out"},
    {.name = "locked",
	.kind = CONFIG_K_BOOL,
	AT(locked),
	.at_once = true,
	.value = "yes | no",
	.fallback = "no",
	.help = "Whether all guests on it can send from their own lladdr "
		"only"},
    {.name = "enable",
	.kind = CONFIG_K_BOOL,
	AT(enable),
	.at_once = true,
	.value = "yes | no",
	.fallback = "yes",
	.help = "Whether the switch is up"},
    {0},
};
#undef AT

#define AT(member) .offset = offsetof(struct config_global, member)
static const struct config_key vmtui_keys[] = {
    {.name = "group",
	.kind = CONFIG_K_NAME,
	AT(group),
	.value = "NAME",
	.help = "The group whose members may use a backend run by root"},
    {.name = "start-parallel",
	.kind = CONFIG_K_NUMBER,
	AT(start_parallel),
	.at_once = true,
	.unit = "guests",
	.max = 1024,
	.value = "NUMBER",
	.fallback = "0",
	.help = "How many guests are started at once with the backend; 0 is "
		"as many as the host has CPUs"},
    {.name = "start-delay",
	.kind = CONFIG_K_NUMBER,
	AT(start_delay),
	.at_once = true,
	.unit = "seconds",
	.max = 3600,
	.value = "SECONDS",
	.fallback = "10",
	.help = "How long to wait before the next ones are started"},
    {.name = "shutdown-timeout",
	.kind = CONFIG_K_NUMBER,
	AT(shutdown_timeout),
	.at_once = true,
	.unit = "seconds",
	.max = 3600,
	.value = "SECONDS",
	.fallback = "30",
	.help = "How long guests have to shut down when the backend ends, "
		"before they are stopped"},
    {0},
};
#undef AT

static const struct config_key no_keys[] = {{0}};

_Static_assert(sizeof vm_keys / sizeof *vm_keys <= CONFIG_KEYS_MAX, "vm");
_Static_assert(
    sizeof switch_keys / sizeof *switch_keys <= CONFIG_KEYS_MAX, "switch");

static const struct {
	const char *word;
	const struct config_key *keys;
} tables[CONFIG_SECTIONS] = {
    [CONFIG_VMTUI] = {"vmtui", vmtui_keys},
    [CONFIG_SWITCH] = {"switch", switch_keys},
    [CONFIG_VM] = {"vm", vm_keys},
    [CONFIG_KEYS] = {"keys", no_keys},
    [CONFIG_THEME] = {"theme", no_keys},
};

static const struct config_screen *screen;

void
config_screen(const struct config_screen *s)
{
	screen = s;
}

void
keys_judge(const struct config *cfg,
    void (*say)(void *arg, int line, const char *text), void *arg)
{
	if (screen != NULL)
		screen->judge(cfg, say, arg);
}

const struct config_key *
config_keys(enum config_section_kind kind)
{
	if (screen != NULL && (kind == CONFIG_KEYS || kind == CONFIG_THEME))
		return screen->keys(kind);
	return tables[kind].keys;
}

const char *
config_section_word(enum config_section_kind kind)
{
	return tables[kind].word;
}

const struct config_key *
config_key_find(const struct config_key *table, const char *name)
{
	for (; table->name != NULL; table++)
		if (strcmp(table->name, name) == 0)
			return table;
	return NULL;
}
