# health_exporter: `make run` and `make test` do all the set-up; `make help` lists the rest.
MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.DELETE_ON_ERROR:

VERSION  := 0.1.0
REVISION := $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)

BUILD   ?= build
CC      := $(if $(filter default undefined,$(origin CC)),gcc,$(CC))
PREFIX  ?= /usr/local
DESTDIR ?=
ARGS    ?=
# The layers that are built, lowest first; `make layers` checks who includes whom.
LAYERS  ?= base metrics net engine kinds config web .

# ---- what it is built with -----------------------------------------------------------------
PACKAGES := libuv libcares openssl libpq hiredis libcurl libmicrohttpd libfyaml libpcre2-8 json-c
PKG_CFLAGS := $(subst -I,-isystem ,$(shell pkg-config --cflags $(PACKAGES) 2>/dev/null))
PKG_LIBS   := $(shell pkg-config --libs $(PACKAGES) 2>/dev/null)

IS_CLANG := $(findstring clang,$(shell $(CC) --version 2>/dev/null | head -n 1))
WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes \
    -Wmissing-prototypes -Wold-style-definition -Wvla -Wwrite-strings -Wpointer-arith -Wcast-qual \
    -Wcast-align -Wundef -Wformat=2 -Wimplicit-fallthrough -Wswitch-enum -Wnull-dereference \
    -Wdouble-promotion -Wunused-macros
ifeq ($(IS_CLANG),)
WARNINGS += -Wlogical-op -Wduplicated-cond -Wduplicated-branches -Wjump-misses-init
else
WARNINGS += -Wcomma -Wloop-analysis -Wassign-enum -Wconditional-uninitialized \
    -Wunreachable-code-aggressive
endif
WERROR   ?= $(if $(CI),-Werror,)
HARDEN   := -fstack-protector-strong -fstack-clash-protection -fcf-protection=full \
    -fno-strict-aliasing -fno-delete-null-pointer-checks
SANITIZE ?=
# A sanitized build keeps its own directory and leaves out what gets in a sanitizer's way.
ifeq ($(SANITIZE),)
OPTIMIZE ?= -O2
FORTIFY  := -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=$(if $(IS_CLANG),2,3)
else
OPTIMIZE ?= -O1
FORTIFY  := -fno-omit-frame-pointer -fno-sanitize-recover=all -fsanitize=$(SANITIZE)
endif
CFLAGS   ?=
CPPFLAGS ?=
LDFLAGS  ?=
ALL_CPPFLAGS = -D_GNU_SOURCE -Iinclude -Isrc $(PKG_CFLAGS) $(CPPFLAGS)
ALL_CFLAGS   = -std=c11 $(OPTIMIZE) -g -pipe -pthread -fPIC -fno-common -fvisibility=hidden \
    $(WARNINGS) $(WERROR) $(HARDEN) $(FORTIFY) $(CFLAGS)
ALL_LDFLAGS  = -pthread -Wl,-z,relro,-z,now -Wl,-z,noexecstack -Wl,--as-needed \
    $(if $(SANITIZE),-fsanitize=$(SANITIZE)) $(LDFLAGS)

# ---- what is built -------------------------------------------------------------------------
LIB_SRC  := $(sort $(filter-out src/main.c,$(foreach l,$(LAYERS),$(wildcard src/$(l)/*.c))) \
    $(if $(filter .,$(LAYERS)),$(filter-out src/main.c,$(wildcard src/*.c))))
LIB_SRC  := $(sort $(patsubst src/./%,src/%,$(filter-out src/./main.c,$(LIB_SRC))))
PROG_SRC := src/main.c $(wildcard src/cli/*.c)
LIB_OBJ  := $(LIB_SRC:src/%.c=$(BUILD)/obj/%.o)
PROG_OBJ := $(PROG_SRC:src/%.c=$(BUILD)/obj/%.o)

LIB_A    := $(BUILD)/libhealth_exporter.a
SONAME   := libhealth_exporter.so.0
LIB_SO   := $(BUILD)/$(SONAME)
PROG     := $(BUILD)/health_exporter

UNIT_SRC  := $(wildcard tests/unit/test_*.c)
UNIT_HELP := $(filter-out $(UNIT_SRC),$(wildcard tests/unit/*.c))
UNIT      := $(UNIT_SRC:tests/unit/%.c=$(BUILD)/unit/%)
# `make unit TESTS="test_state test_url"` builds and runs only those.
TESTS     ?= $(notdir $(UNIT))

.PHONY: all run test unit system bench bench-smoke install uninstall help clean setup setup-build \
    setup-test setup-lint format format-check tidy cppcheck layers asan tsan

all: $(PROG) $(LIB_SO)

$(PROG): $(PROG_OBJ) $(LIB_A)
	$(CC) $(ALL_LDFLAGS) -pie -o $@ $^ $(PKG_LIBS) -lm

$(LIB_A): $(LIB_OBJ)
	@rm -f $@
	$(AR) rcs $@ $^

$(LIB_SO): $(LIB_OBJ)
	$(CC) $(ALL_LDFLAGS) -shared -Wl,-soname,$(SONAME) -o $@ $^ $(PKG_LIBS) -lm
	@ln -sf $(SONAME) $(BUILD)/libhealth_exporter.so

$(BUILD)/obj/%.o: src/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/obj/version.o: CPPFLAGS += -DHX_VERSION='"$(VERSION)"' -DHX_REVISION='"$(REVISION)"'
$(BUILD)/obj/version.o: $(BUILD)/revision

$(BUILD)/unit/%: tests/unit/%.c $(UNIT_HELP) $(LIB_A) $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(ALL_CPPFLAGS) -Itests/unit $(ALL_CFLAGS) -Wno-unused-macros -Wno-missing-prototypes \
	    $(ALL_LDFLAGS) -MMD -MP -MF $@.d -o $@ $< $(UNIT_HELP) $(LIB_A) $(PKG_LIBS) -lcmocka -lm \
	    $(shell sed -n 's,^/\* link: \(.*\) \*/$$,\1,p' $<)

# Files that change only when what they name changes: a new flag or commit rebuilds what it must.
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS)' | cmp -s - $@ || echo '$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS)' >$@
$(BUILD)/revision: FORCE
	@mkdir -p $(@D)
	@echo '$(VERSION) $(REVISION)' | cmp -s - $@ || echo '$(VERSION) $(REVISION)' >$@
FORCE:

-include $(LIB_OBJ:.o=.d) $(PROG_OBJ:.o=.d) $(UNIT:=.d)

# ---- tests ---------------------------------------------------------------------------------
unit: $(TESTS:%=$(BUILD)/unit/%)
	@tests/unit/run $(TESTS:%=$(BUILD)/unit/%)
