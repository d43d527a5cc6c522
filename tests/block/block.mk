# Programs that put backend/block to the test, beside qemu-img and qemu-io.

BLOCK_B = build/asan/tests/block
BLOCK_TESTS = $(BLOCK_B)/powercut $(BLOCK_B)/toolcut $(BLOCK_B)/driver \
	$(BLOCK_B)/damage
POWERCUT = powercut program recorder smallcache states strict walk workload
TOOLCUT = toolcut toolcut_record program recorder smallcache states walk
STRICT = -Wl,--wrap=direct_measure -Wl,--wrap=block_step_next
WRAP = -Wl,--wrap=block_uring_new -Wl,--wrap=cache_init

ifeq ($(VARIANT),asan)
$(BLOCK_B)/powercut: $(POWERCUT:%=$(BLOCK_B)/%.o) $(B)/libvmtui.a
	@$(SAY) "  LINK  $@"
	$(Q)$(CC) $(LDFLAGS) $(WRAP) $(STRICT) -o $@ \
	    $(POWERCUT:%=$(BLOCK_B)/%.o) $(B)/libvmtui.a $(LDLIBS)

$(BLOCK_B)/toolcut: $(TOOLCUT:%=$(BLOCK_B)/%.o) $(B)/libvmtui.a
	@$(SAY) "  LINK  $@"
	$(Q)$(CC) $(LDFLAGS) $(WRAP) -Wl,--wrap=pwrite -Wl,--wrap=fsync \
	    -Wl,--wrap=fallocate -o $@ $(TOOLCUT:%=$(BLOCK_B)/%.o) \
	    $(B)/libvmtui.a $(LDLIBS)

DRIVER = $(BLOCK_B)/driver.o $(BLOCK_B)/smallcache.o $(BLOCK_B)/strict.o
$(BLOCK_B)/driver: $(DRIVER) $(B)/libvmtui.a
	@$(SAY) "  LINK  $@"
	$(Q)$(CC) $(LDFLAGS) -Wl,--wrap=cache_init $(STRICT) -o $@ \
	    $(DRIVER) $(B)/libvmtui.a $(LDLIBS)

DAMAGE = $(BLOCK_B)/damage.o $(BLOCK_B)/recorder.o $(BLOCK_B)/smallcache.o \
	build/asan/tests/fuzz/fuzz_qcow2.o
$(BLOCK_B)/damage: $(DAMAGE) $(B)/libvmtui.a
	@$(SAY) "  LINK  $@"
	$(Q)$(CC) $(LDFLAGS) $(WRAP) -o $@ $(DAMAGE) \
	    $(B)/libvmtui.a $(LDLIBS)

blocktests: $(BLOCK_TESTS)
endif

.PHONY: blocktests
-include $(wildcard $(BLOCK_B)/*.d) build/asan/tests/fuzz/fuzz_qcow2.d
