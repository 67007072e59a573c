/* SPDX-License-Identifier: Apache-2.0 */
/* The small JSON objects that the writing routes take: strict, every key known and a text. */
#ifndef HX_WEB_JSON_BODY_H
#define HX_WEB_JSON_BODY_H

#include "health_exporter/error.h"
#include "web/exchange.h"

#include <stddef.h>

/* A key that an object may have. take() puts the text, UTF-8 without a NUL, into `into`, or refuses
 * it with a sentence. */
struct hx_json_key {
    const char *name;
    enum hx_errcode (*take)(const char *text, void *into, struct hx_error *err);
};

/* Judges the type that is announced for a body. NULL: it is fine. */
const struct hx_fault *hx_json_body_check(struct hx_exchange *exchange);

/* Reads an object of these keys, ended by a name of NULL; all are optional, and no bytes are an
 * empty object. example: such an object, for the sentence that refuses. INVALID, NOMEM. */
enum hx_errcode hx_json_body_read(const char *body, size_t len, const struct hx_json_key *keys,
                                  const char *example, void *into,
                                  struct hx_error *err) HX_MUST_CHECK;

#endif
