/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which dependencies stand on a page, and in what order: those of each first tag together, in the
 * order of the configuration, those without any last. When nothing is filtered, what is not up
 * stands before all others, the worst first.
 *
 * The order is found by counting, in one walk over all: ten thousand take a millisecond or two.
 */
#ifndef HX_WEB_PAGE_LIST_H
#define HX_WEB_PAGE_LIST_H

#include "engine/board.h"
#include "web/page_query.h"

#include <stdint.h>

#define HX_PAGE_ROWS    200
#define HX_PAGE_REASONS 3 /* why the service is not up: so many are named */

struct hx_page_entry {
    uint32_t index;   /* of the generation */
    uint32_t section; /* HX_PAGE_NOT_UP, a tag's, or the last: what has none */
};

#define HX_PAGE_NOT_UP       0
#define HX_PAGE_SECTION(tag) ((uint32_t)(tag) + 1)

struct hx_page_list {
    size_t n_all;
    size_t n_in_state[HX_STATE_DOWN + 1];
    size_t n_matching;
    size_t n_pages; /* at least 1 */
    struct hx_page_entry entries[HX_PAGE_ROWS];
    size_t n_entries;
    size_t begin;      /* how many stand on the pages before */
    const char **tags; /* all there are, in order of appearance; the texts are the generation's */
    size_t n_tags;
    bool has_not_up; /* some stand in the section HX_PAGE_NOT_UP, on any page */
    /* The worst of those that are not up, and how many there are of them; only critical ones when
     * the service is down. */
    uint32_t worst[HX_PAGE_REASONS];
    size_t n_worst, n_not_up;
};

/* Borrows from the generation (may be NULL). NOMEM. */
enum hx_errcode hx_page_list_init(struct hx_page_list *list, const struct hx_generation *generation,
                                  const struct hx_page_query *query, enum hx_readiness readiness,
                                  int64_t now_ns) HX_MUST_CHECK;
void hx_page_list_fini(struct hx_page_list *list);

#endif
