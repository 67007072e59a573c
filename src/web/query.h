/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the query of a probe endpoint asks for:
 *
 *     ?format=DIALECT    in which words; before the header Accept
 *     ?verbose           Kubernetes' text, a line per check; unless format says otherwise
 *     ?exclude=NAME      without that dependency; repeatable
 *     ?tag=TAG           only dependencies with that tag, or one of those tags; repeatable
 *
 * Other keys are passed over: what stands between us and a prober may add its own.
 */
#ifndef HX_WEB_QUERY_H
#define HX_WEB_QUERY_H

#include "web/exchange.h"
#include "web/probes.h"

#define HX_MAX_EXCLUDES 64
#define HX_MAX_TAGS     16

/* Borrows from the request. */
struct hx_query {
    enum hx_dialect dialect;
    const char *excludes[HX_MAX_EXCLUDES];
    size_t n_excludes;
    const char *tags[HX_MAX_TAGS];
    size_t n_tags;
};

/* Reads the query and the header Accept. NULL: it is fine. */
const struct hx_fault *hx_query_read(const struct hx_exchange *exchange, struct hx_query *query);

/* Does it ask for something else than all dependencies? */
bool hx_query_is_selective(const struct hx_query *query);

/* Finds what is asked for among the generation (may be NULL). A name to exclude that no dependency
 * has is noted and changes nothing: what is left out by mistake would be worse. NOTFOUND: no
 * dependency has the tag *unknown_tag; an empty selection would be up whatever happens. NOMEM. */
enum hx_errcode hx_query_select(struct hx_query *query, const struct hx_generation *generation,
                                struct hx_selection *selection,
                                const char **unknown_tag) HX_MUST_CHECK;
void hx_selection_fini(struct hx_selection *selection);

#endif
