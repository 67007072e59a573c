/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Prepared bodies: rendered when the board has changed and somebody asks, then reused as they are.
 * A change of a verdict shows at once; a new latency alone may be 100 ms late, so that an engine
 * which finishes a thousand checks a second does not make every probe render anew.
 *
 * On the web thread only, hence without a lock. The cache holds the generation that its bodies are
 * of: after a reload the one before lives until the next request.
 */
#ifndef HX_WEB_BODIES_H
#define HX_WEB_BODIES_H

#include "engine/board.h"
#include "web/probes.h"
#include "web/reply.h"

#include <microhttpd.h>

enum hx_page_kind { HX_PAGE_READYZ, HX_PAGE_STARTUPZ };
#define HX_N_PAGE_KINDS (HX_PAGE_STARTUPZ + 1)

struct hx_body {
    struct MHD_Response *response; /* NULL: not made yet */
    unsigned status;
    bool is_closing; /* it has Connection: close */
    uint64_t version, verdict_version;
    int64_t made_ns, valid_until_ns;
};

struct hx_bodies {
    struct hx_board *board;
    struct hx_generation *generation; /* held, or NULL */
    uint64_t verdict_version;         /* up to which generation is known to be the current one */
    struct hx_body pages[HX_N_PAGE_KINDS][HX_N_DIALECTS];
    struct hx_body *dependencies; /* one per dependency of the generation, in our own JSON */
};

void hx_bodies_init(struct hx_bodies *bodies, struct hx_board *board);
void hx_bodies_fini(struct hx_bodies *bodies);

/* The generation that is current, borrowed until the next call of any of these; NULL before the
 * first. */
const struct hx_generation *hx_bodies_follow(struct hx_bodies *bodies);

/* The body of that page as it is now; borrowed until the next call. NULL when out of memory. */
const struct hx_body *hx_bodies_page(struct hx_bodies *bodies, enum hx_page_kind kind,
                                     enum hx_dialect dialect, int64_t now_ns, bool is_closing);

/* The body of one dependency in our own JSON. HX_ERR_NOTFOUND: there is none of that name. */
enum hx_errcode hx_bodies_dependency(struct hx_bodies *bodies, const char *name, int64_t now_ns,
                                     bool is_closing, const struct hx_body **body);

/* An answer that is not kept, with all its header fields: for the questions that few ask. NULL when
 * out of memory. */
struct MHD_Response *hx_bodies_answer(const struct hx_question *question, bool is_closing,
                                      struct hx_reply *reply);

#endif
