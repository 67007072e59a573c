# SPDX-License-Identifier: Apache-2.0
# health_exporter: `make run` and `make test` do all the set-up; `make help` lists the rest.
MAKEFLAGS += --no-builtin-rules
.SUFFIXES:
.DELETE_ON_ERROR:

VERSION  := 0.1.0
REVISION := $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)

BUILD   ?= build
CC      := $(if $(filter default undefined,$(origin CC)),gcc,$(CC))
PREFIX  ?= /usr/local
LIBDIR  ?= $(PREFIX)/lib
DESTDIR ?=
ARGS    ?=
# The layers that are built, lowest first; `make layers` checks who includes whom.
LAYERS  ?= base metrics net engine kinds config web .

# ---- what it is built with -----------------------------------------------------------------
PACKAGES := libuv libcares openssl libpq hiredis libcurl libmicrohttpd gnutls libcrypt \
    libfyaml libpcre2-8 json-c libisal
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
ALL_CPPFLAGS = -D_GNU_SOURCE -Iinclude -iquote src $(PKG_CFLAGS) $(CPPFLAGS)
ALL_CFLAGS   = -std=c11 $(OPTIMIZE) -g -pipe -pthread -fPIC -fno-common -fvisibility=hidden \
    -ffunction-sections $(WARNINGS) $(WERROR) $(HARDEN) $(FORTIFY) $(CFLAGS)
ALL_LDFLAGS  = -pthread -Wl,-z,relro,-z,now -Wl,-z,noexecstack -Wl,--as-needed \
    -Wl,--gc-sections $(if $(SANITIZE),-fsanitize=$(SANITIZE)) $(LDFLAGS)

# `make V=1` shows the commands whole.
V ?=
say = $(if $(V),,@echo '  $(1)  $@';)

# ---- what is built -------------------------------------------------------------------------
LIB_SRC  := $(sort $(filter-out src/main.c,$(foreach l,$(LAYERS),$(wildcard src/$(l)/*.c))) \
    $(if $(filter .,$(LAYERS)),$(filter-out src/main.c,$(wildcard src/*.c))))
LIB_SRC  := $(sort $(patsubst src/./%,src/%,$(filter-out src/./main.c,$(LIB_SRC))))
PROG_SRC := src/main.c $(wildcard src/cli/*.c)
LIB_OBJ  := $(LIB_SRC:src/%.c=$(BUILD)/obj/%.o)
ifneq ($(filter web,$(LAYERS)),)
LIB_OBJ  += $(BUILD)/obj/web/openapi.o $(BUILD)/obj/web/page_files.o
endif
PROG_OBJ := $(PROG_SRC:src/%.c=$(BUILD)/obj/%.o) $(BUILD)/obj/cli/packed_alerts.o \
    $(BUILD)/obj/cli/packed_dashboard.o

LIB_A    := $(BUILD)/libhealth_exporter.a
# The command line without main, for its tests; not installed.
CLI_A    := $(BUILD)/cli.a
SONAME   := libhealth_exporter.so.0
LIB_SO   := $(BUILD)/$(SONAME)
PROG     := $(BUILD)/health_exporter

UNIT_SRC  := $(wildcard tests/unit/test_*.c)
UNIT_HELP := $(filter-out $(UNIT_SRC),$(wildcard tests/unit/*.c))
UNIT      := $(UNIT_SRC:tests/unit/%.c=$(BUILD)/unit/%)
# `make unit TESTS="test_state test_url"` builds and runs only those.
TESTS     ?= $(notdir $(UNIT))

.PHONY: all run test unit system bench bench-smoke install uninstall help clean setup setup-build \
    setup-test setup-lint setup-bench format format-check tidy cppcheck layers banned asan tsan \
    promtool-golden docs-check alerts-check dashboards-check deploy-check man deb

all: $(PROG) $(LIB_SO)

$(PROG): $(PROG_OBJ) $(LIB_A)
	$(call say,LD)$(CC) $(ALL_LDFLAGS) -pie -o $@ $^ $(PKG_LIBS) -lm

$(LIB_A): $(LIB_OBJ)
	@rm -f $@
	$(call say,AR)$(AR) rcs $@ $^

$(CLI_A): $(filter-out %/main.o,$(PROG_OBJ))
	@rm -f $@
	$(call say,AR)$(AR) rcs $@ $^

$(LIB_SO): $(LIB_OBJ)
	$(call say,LD)$(CC) $(ALL_LDFLAGS) -shared -Wl,-soname,$(SONAME) -o $@ $^ $(PKG_LIBS) -lm
	@ln -sf $(SONAME) $(BUILD)/libhealth_exporter.so

$(BUILD)/obj/%.o: src/%.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# The command line runs once, and so does what reads the web configuration and explains what is wrong
# with a file: there size is worth more than speed.
RUNS_ONCE := $(PROG_OBJ) $(patsubst %,$(BUILD)/obj/config/%.o,web_config web_config_tls describe \
    diagnostics excerpt unknown useless names schema schema_option schema_type)
ifeq ($(SANITIZE),)
$(RUNS_ONCE): OPTIMIZE := -Os
endif

VERSION_FLAGS := -DHX_VERSION='"$(VERSION)"' -DHX_REVISION='"$(REVISION)"'
# The description of the HTTP routes, as an array: a text of its length is beyond what C promises.
$(BUILD)/obj/web/openapi.c: src/web/openapi.json $(BUILD)/revision
	@mkdir -p $(@D)
	@{ echo '#include "web/openapi.h"'; \
	  echo 'const char hx_openapi_text[] = {'; \
	  sed 's/@VERSION@/$(VERSION)/; s/^ *//' $< | od -An -v -tu1 | sed 's/[0-9][0-9]*/&,/g'; \
	  echo '};'; \
	  echo 'const size_t hx_openapi_len = sizeof(hx_openapi_text);'; } >$@
$(BUILD)/obj/web/openapi.o: $(BUILD)/obj/web/openapi.c $(BUILD)/flags
	$(call say,CC)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -c -o $@ $<

# The files of the status page, each as an array.
PAGE_FILES := src/web/page/page.html src/web/page/style.css src/web/page/script.js
$(BUILD)/obj/web/page_files.c: $(PAGE_FILES)
	@mkdir -p $(@D)
	@{ echo '#include "web/page_files.h"'; \
	  for file in $^; do name=hx_page_$${file##*.}; \
	      echo "const unsigned char $$name[] = {"; \
	      od -An -v -tu1 $$file | sed 's/[0-9][0-9]*/&,/g'; \
	      echo '};'; \
	      echo "const size_t $${name}_len = sizeof($$name);"; done; } >$@
$(BUILD)/obj/web/page_files.o: $(BUILD)/obj/web/page_files.c $(BUILD)/flags
	$(call say,CC)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -c -o $@ $<

# What --print-alert-rules and --print-dashboard make to measure, packed.
$(BUILD)/obj/cli/packed_alerts.c: alerts/dependencies.yml
$(BUILD)/obj/cli/packed_dashboard.c: src/cli/dashboard.json.in
$(BUILD)/obj/cli/packed_%.c:
	@mkdir -p $(@D)
	@{ echo '#include "cli/packed.h"'; \
	  echo 'static const unsigned char bytes[] = {'; \
	  gzip -9 -n <$< | od -An -v -tu1 | sed 's/[0-9][0-9]*/&,/g'; \
	  echo '};'; \
	  echo 'const struct hx_packed hx_packed_$* = {bytes, sizeof(bytes)};'; } >$@
$(BUILD)/obj/cli/packed_%.o: $(BUILD)/obj/cli/packed_%.c $(BUILD)/flags
	$(call say,CC)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -c -o $@ $<

$(BUILD)/obj/version.o: CPPFLAGS += $(VERSION_FLAGS)
$(BUILD)/obj/version.o: $(BUILD)/revision

$(BUILD)/unit/%: tests/unit/%.c $(UNIT_HELP) $(CLI_A) $(LIB_A) $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(ALL_CPPFLAGS) -Itests/unit $(ALL_CFLAGS) -Wno-unused-macros -Wno-missing-prototypes \
	    $(ALL_LDFLAGS) -MMD -MP -MF $@.d -o $@ $< $(UNIT_HELP) $(CLI_A) $(LIB_A) \
	    $(PKG_LIBS) -lcmocka -lm \
	    $(shell sed -n 's,^/\* link: \(.*\) \*/$$,\1,p' $<)

# Files that change only when what they name changes: a new flag or commit rebuilds what it must.
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS)' | cmp -s - $@ || echo '$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS)' >$@
$(BUILD)/revision: FORCE
	@mkdir -p $(@D)
	@echo '$(VERSION) $(REVISION)' | cmp -s - $@ || echo '$(VERSION) $(REVISION)' >$@
FORCE:

-include $(LIB_OBJ:.o=.d) $(PROG_OBJ:.o=.d) $(UNIT:=.d) $(wildcard $(BUILD)/bench/*.d)

# ---- manual pages: sources with what the program says of its flags and options ---------------
MAN1 := $(BUILD)/man/health_exporter.1
MAN5 := $(BUILD)/man/health_exporter.yml.5
man: $(MAN1) $(MAN5)
$(MAN1) $(MAN5): $(BUILD)/man/%: deploy/man/%.in deploy/man/write $(PROG)
	@mkdir -p $(@D)
	deploy/man/write $(PROG) $(VERSION) $< >$@

# ---- tests ---------------------------------------------------------------------------------
unit: $(TESTS:%=$(BUILD)/unit/%)
	@tests/unit/run $(TESTS:%=$(BUILD)/unit/%)

# They mostly wait; the tests of a file share servers, and stay together.
TWO_AT_A_TIME := -n 2 --dist loadfile
system: $(PROG) $(LIB_SO)
	HX_PROGRAM=$(abspath $(PROG)) /usr/bin/python3 -m pytest -q -p no:cacheprovider --durations=12 \
	    $(if $(filter tests/%,$(PYTEST_ARGS)),,tests/system) $(PYTEST_ARGS)

test: setup-test
	@$(MAKE) --no-print-directory all
	@$(MAKE) --no-print-directory -k unit promtool-golden docs-check alerts-check dashboards-check \
	    deploy-check system PYTEST_ARGS="$(TWO_AT_A_TIME) $(PYTEST_ARGS)"

promtool-golden:
	@tests/lint/promtool_golden

docs-check: $(PROG)
	@tests/lint/check_docs $(PROG)

alerts-check: $(PROG)
	@tests/lint/check_alerts $(PROG)

dashboards-check: $(PROG)
	@tests/lint/check_dashboards $(PROG)

deploy-check: $(PROG) man
	@tests/lint/check_deploy $(PROG) $(MAN1) $(MAN5)

# The same tests in builds that watch memory, undefined behaviour and threads; what tests other tools
# more than this program's memory is left to the plain build, and so is what loads the library.
ASAN_LEAVES_OUT := web_tools alerts_end_to_end dashboards dashboard_rules print_alert_rules \
    completion schema haproxy gates formats_fuzz page_browser
asan:
	$(MAKE) --no-print-directory BUILD=build/asan SANITIZE=address,undefined all unit
	HX_SLOW=1 $(MAKE) --no-print-directory BUILD=build/asan SANITIZE=address,undefined system \
	    PYTEST_ARGS="$(TWO_AT_A_TIME) $(ASAN_LEAVES_OUT:%=--ignore=tests/system/test_%.py) $(PYTEST_ARGS)"
tsan:
	$(MAKE) --no-print-directory BUILD=build/tsan SANITIZE=thread CC=clang unit TESTS="$(TSAN_TESTS)"
# The border: everything that more than one thread touches.
TSAN_TESTS ?= test_board test_log test_histogram test_registry test_web test_engine test_engines \
    test_web_access test_hasher test_handover test_keeper test_reload test_native test_protobuf test_lifecycle \
    test_probe_routes test_detailed

# ---- benchmarks ----------------------------------------------------------------------------
BENCH := $(patsubst tests/bench/%.c,$(BUILD)/bench/%,$(wildcard tests/bench/*.c))
$(BUILD)/bench/%: tests/bench/%.c $(LIB_A) $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -Wno-missing-prototypes $(ALL_LDFLAGS) -MMD -MP -MF $@.d -o $@ $< $(LIB_A) \
	    $(PKG_LIBS) -lz -lm
# A peer's exporter, with Debian's Go packages. Without Go its row is left out.
$(BUILD)/bench/client_golang: tests/bench/peers/client_golang.go
	@mkdir -p $(@D)
	@if command -v go >/dev/null; then echo '  GO  $@'; GO111MODULE=off GOPATH=/usr/share/gocode \
	    GOCACHE=$(abspath $(BUILD))/bench/go go build -o $@ $<; fi
bench: setup-bench $(PROG) $(BENCH) $(BUILD)/bench/client_golang
	tests/bench/run --program $(PROG) --build $(BUILD)/bench --out $(BUILD)/bench $(ROWS)
bench-smoke: $(PROG) $(BENCH) $(BUILD)/bench/client_golang
	tests/bench/run --smoke --program $(PROG) --build $(BUILD)/bench --out $(BUILD)/bench

# ---- what guards the source ----------------------------------------------------------------
C_FILES := $(shell git ls-files '*.c' '*.h' 2>/dev/null)
format:
	clang-format -i $(C_FILES)
format-check:
	clang-format --dry-run -Werror $(C_FILES)
layers:
	@tests/lint/layers
banned:
	@tests/lint/banned
TIDY := $(LIB_SRC:%=$(BUILD)/tidy/%) $(PROG_SRC:%=$(BUILD)/tidy/%)
tidy: $(TIDY)
$(BUILD)/tidy/%: % .clang-tidy $(BUILD)/flags
	@mkdir -p $(@D)
	@clang-tidy --quiet --warnings-as-errors='*' $< -- -std=c11 $(ALL_CPPFLAGS) $(VERSION_FLAGS) 2>$@.log \
	    || { cat $@.log; exit 1; }
	@touch $@
cppcheck:
	cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,portability --inline-suppr \
	    --suppressions-list=.ci/cppcheck-suppressions -Iinclude -Isrc -j2 src

# ---- set-up --------------------------------------------------------------------------------
setup setup-build:
	@.ci/setup build
setup-test:
	@.ci/setup build test
setup-lint:
	@.ci/setup build test lint
setup-bench:
	@.ci/setup build test bench

run: setup-build
	@$(MAKE) --no-print-directory $(PROG)
	$(PROG) $(ARGS)

COMPLETION := $(PREFIX)/share/bash-completion/completions
MANDIR     := $(PREFIX)/share/man
install: all man
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(LIBDIR)/pkgconfig \
	    $(DESTDIR)$(PREFIX)/include/health_exporter
	install -m 755 $(PROG) $(DESTDIR)$(PREFIX)/bin/health_exporter
	install -m 644 $(LIB_A) $(DESTDIR)$(LIBDIR)/libhealth_exporter.a
	install -m 644 $(LIB_SO) $(DESTDIR)$(LIBDIR)/$(SONAME)
	ln -sf $(SONAME) $(DESTDIR)$(LIBDIR)/libhealth_exporter.so
	install -d $(DESTDIR)$(COMPLETION)
	install -m 644 deploy/completion/health_exporter.bash $(DESTDIR)$(COMPLETION)/health_exporter
	install -d $(DESTDIR)$(MANDIR)/man1 $(DESTDIR)$(MANDIR)/man5
	install -m 644 $(MAN1) $(DESTDIR)$(MANDIR)/man1/
	install -m 644 $(MAN5) $(DESTDIR)$(MANDIR)/man5/
	install -m 644 include/health_exporter.h $(DESTDIR)$(PREFIX)/include/
	install -m 644 include/health_exporter/*.h $(DESTDIR)$(PREFIX)/include/health_exporter/
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(VERSION)|' \
	    -e 's|@LIBDIR@|$(patsubst $(PREFIX)/%,$${prefix}/%,$(LIBDIR))|' \
	    -e 's|@PACKAGES@|$(PACKAGES)|' deploy/health_exporter.pc.in \
	    >$(DESTDIR)$(LIBDIR)/pkgconfig/health_exporter.pc
	@# Without it programs would find the library only later.
	@[ -n '$(DESTDIR)' ] || PATH=$$PATH:/sbin ldconfig 2>/dev/null || true

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/health_exporter $(DESTDIR)$(LIBDIR)/libhealth_exporter.* \
	    $(DESTDIR)$(LIBDIR)/pkgconfig/health_exporter.pc \
	    $(DESTDIR)$(PREFIX)/include/health_exporter.h $(DESTDIR)$(COMPLETION)/health_exporter \
	    $(DESTDIR)$(MANDIR)/man1/health_exporter.1 $(DESTDIR)$(MANDIR)/man5/health_exporter.yml.5
	rm -rf $(DESTDIR)$(PREFIX)/include/health_exporter

# The Debian packages, in $(BUILD)/deb.
deb:
	@.ci/setup build deb
	@deploy/debian/build-packages $(VERSION) $(REVISION) $(BUILD)/deb

clean:
	rm -rf $(BUILD)

help:
	@echo 'make run            set up, build, and run (ARGS="cache=redis://127.0.0.1:6379" to say what)'
	@echo 'make test           set up, build, and pass every test'
	@echo 'make                build build/health_exporter and the library'
	@echo 'make unit           the unit tests         (TESTS="test_state test_url" for some)'
	@echo 'make system         the system tests       (PYTEST_ARGS="-k redis", or a file, for some)'
	@echo 'make asan tsan      the tests under sanitizers'
	@echo 'make bench          benchmarks, as a table (ROWS="tcp redis" for some); bench-smoke is short'
	@echo 'make install        DESTDIR, PREFIX and LIBDIR are honoured; uninstall undoes it'
	@echo 'make deb            Debian packages, into build/deb'
	@echo 'make format-check layers banned tidy cppcheck docs-check alerts-check dashboards-check deploy-check'
	@echo '                    what guards the source'
	@echo 'make setup          only install what the build needs; setup-test, setup-lint: the tools too'
	@echo 'make clean'
