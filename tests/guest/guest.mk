# The project's own guest: testguest.elf, a kernel image with drivers and a
# prompt, and first.elf, which only shows that it runs. Freestanding: nothing
# of the host's C library or of the top Makefile's flags goes into them.

GUEST_B = build/tests/guest
GUEST_SRC = $(filter-out tests/guest/bsd.c,$(sort $(wildcard tests/guest/*.c)))
GUEST_OBJ = $(GUEST_B)/start.o $(GUEST_B)/hammer.o \
	$(GUEST_SRC:tests/guest/%.c=$(GUEST_B)/%.o)
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
guest: $(GUEST_B)/testguest.elf $(GUEST_B)/first.elf \
	$(GUEST_B)/bsd32.elf $(GUEST_B)/bsd64.elf

$(GUEST_B)/testguest.elf: $(GUEST_OBJ) tests/guest/guest.ld
	@$(SAY) "  LINK  $@"
	$(Q)gcc $(GUEST_LDFLAGS) -o $@ $(GUEST_OBJ)

$(GUEST_B)/first.elf: $(GUEST_B)/first.o tests/guest/guest.ld
	@$(SAY) "  LINK  $@"
	$(Q)gcc $(GUEST_LDFLAGS) -o $@ $<

# A kernel as OpenBSD's are, in files of both classes: 32-bit code, compiled to
# assembly once and assembled for either.
BSD_LDFLAGS = -nostdlib -static -no-pie -T tests/guest/bsd.ld \
	--build-id=none -z noexecstack --no-warn-rwx-segments

$(GUEST_B)/bsd.s: tests/guest/bsd.c tests/guest/guest.mk
	@mkdir -p $(@D)
	@$(SAY) "  CC    $<"
	$(Q)gcc -m32 $(filter-out -g -mno-red-zone -MMD -MP,$(GUEST_CFLAGS)) \
	    -S -o - $< | sed '1s/^/.code32\n/' >$@

$(GUEST_B)/bsd%.elf: $(GUEST_B)/bsd.s tests/guest/bsd_start.S tests/guest/bsd.ld
	@$(SAY) "  LINK  $@"
	$(Q)as --$* -o $(GUEST_B)/bsd_c$*.o $<
	$(Q)as --$* -o $(GUEST_B)/bsd_start$*.o tests/guest/bsd_start.S
	$(Q)ld -m $(if $(filter 32,$*),elf_i386,elf_x86_64) \
	    $(BSD_LDFLAGS) -o $@ \
	    $(GUEST_B)/bsd_start$*.o $(GUEST_B)/bsd_c$*.o
	$(Q)tests/guest/raise $@

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
