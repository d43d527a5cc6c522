# The project's own guest: testguest.elf, a kernel image with drivers and a
# prompt, and first.elf, which only shows that it runs. Freestanding: nothing
# of the host's C library or of the top Makefile's flags goes into them.

GUEST_B = build/tests/guest
GUEST_SRC = $(sort $(wildcard tests/guest/*.c))
GUEST_OBJ = $(GUEST_B)/start.o $(GUEST_SRC:tests/guest/%.c=$(GUEST_B)/%.o)
GUEST_CFLAGS = -std=c11 -O2 -g -ffreestanding -fno-pic -mno-red-zone \
	-mgeneral-regs-only -fno-stack-protector -fcf-protection=none \
	-fno-asynchronous-unwind-tables -fno-tree-loop-distribute-patterns \
	-Wall -Wextra -Werror -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wpointer-arith -Wwrite-strings -Wundef -Wvla \
	-Wno-unused-parameter -MMD -MP
GUEST_LDFLAGS = -nostdlib -static -no-pie -Wl,-T,tests/guest/guest.ld \
	-Wl,--build-id=none -Wl,-z,max-page-size=4096 -Wl,-z,noexecstack \
	-Wl,--no-warn-rwx-segments

.PHONY: guest
guest: $(GUEST_B)/testguest.elf $(GUEST_B)/first.elf

$(GUEST_B)/testguest.elf: $(GUEST_OBJ) tests/guest/guest.ld
	@$(SAY) "  LINK  $@"
	$(Q)gcc $(GUEST_LDFLAGS) -o $@ $(GUEST_OBJ)

$(GUEST_B)/first.elf: $(GUEST_B)/first.o tests/guest/guest.ld
	@$(SAY) "  LINK  $@"
	$(Q)gcc $(GUEST_LDFLAGS) -o $@ $<

$(GUEST_B)/%.o: tests/guest/%.c tests/guest/guest.mk
	@mkdir -p $(@D)
	@$(SAY) "  CC    $<"
	$(Q)gcc $(GUEST_CFLAGS) -c -o $@ $<

$(GUEST_B)/%.o: tests/guest/%.S tests/guest/guest.mk
	@mkdir -p $(@D)
	@$(SAY) "  CC    $<"
	$(Q)gcc $(GUEST_CFLAGS) -c -o $@ $<

.PHONY: guest

-include $(GUEST_OBJ:.o=.d)
