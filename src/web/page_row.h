/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One dependency on the status page. What the page shows of it is taken from its record once; the
 * ETag of the page is a hash over that, and the row is rendered from it while the page is sent.
 */
#ifndef HX_WEB_PAGE_ROW_H
#define HX_WEB_PAGE_ROW_H

#include "engine/record.h"
#include "web/page_history.h"
#include "web/page_query.h"

/* Without padding: it is hashed as it lies in memory. */
struct hx_page_row {
    const struct hx_record *record; /* the generation's */
    int64_t section;                /* see page_list.h */
    int64_t state, reason;          /* enum hx_state, enum hx_reason */
    int64_t since_wall_ns;          /* 0: never */
    int64_t latency_ns;             /* of the last check, rounded; -1: none */
    int64_t is_detailed;            /* it may tell what is for operators */
    char message[208];              /* only then */
    struct hx_page_history history;
};

/* Takes what is known at now_ns, into zeroed memory. Without is_detailed no message is in it. */
void hx_page_row_take(struct hx_page_row *row, const struct hx_record *record, int64_t now_ns,
                      bool is_detailed);

/* <tr>. query: what the links of the row keep. The first tag is left out under its own heading. */
void hx_page_row_put(struct hx_strbuf *buf, const struct hx_page_row *row,
                     const struct hx_page_query *query, bool has_history);

#endif
