# What tests/man/run holds the manuals and completions against.

build/rel/tests/man/tables: build/rel/tests/man/tables.o build/rel/libvmtui.a
	@$(SAY) "  LINK  $@"
	$(Q)$(CC) $(LDFLAGS) -o $@ $< build/rel/libvmtui.a $(LDLIBS)
