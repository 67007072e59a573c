/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bodies of the probe endpoints: what is on the board at one moment, for everybody to read. So
 * they hold states, reasons of the closed list and latencies, and never a message, an address or a
 * version of a dependency.
 */
#ifndef HX_WEB_PROBES_H
#define HX_WEB_PROBES_H

#include "base/strbuf.h"
#include "engine/board.h"
#include "web/dialect.h"

enum hx_probe { HX_PROBE_LIVEZ, HX_PROBE_READYZ, HX_PROBE_STARTUPZ, HX_PROBE_DEPENDENCY };

/* Whose health it is; what is not known is NULL or empty. */
struct hx_service {
    const char *name, *version, *commit;
};

/* Of the generation (may be NULL); borrowed from it. */
struct hx_service hx_service_of(const struct hx_generation *generation);

/* Which dependencies are asked about: all, but those that are left out. */
struct hx_selection {
    bool *is_left_out;          /* one for each of the generation's; NULL: none is */
    const char *const *ignored; /* names to leave out that no dependency has */
    size_t n_ignored;
};

/* What is asked, in which words, at which moment. */
struct hx_question {
    enum hx_probe probe;
    enum hx_dialect dialect;
    const struct hx_generation *generation; /* NULL: nothing is configured yet */
    const struct hx_selection *selection;   /* NULL: all */
    const struct hx_verdict *verdict;       /* over the selection; not for DEPENDENCY */
    const struct hx_record *record;         /* for DEPENDENCY */
    int64_t now_ns;
};

/* What goes with a body. */
struct hx_reply {
    unsigned status;
    int64_t retry_after_seconds; /* 0: not said */
    int64_t valid_until_ns;      /* the last moment at which, if nothing changes, it is true */
};

/* Appends the body. Out of memory marks buf. */
struct hx_reply hx_probe_answer(struct hx_strbuf *buf, const struct hx_question *question);

#endif
