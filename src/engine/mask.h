/* SPDX-License-Identifier: Apache-2.0 */
/* The one place through which every message about a dependency passes before anybody sees it. */
#ifndef HX_ENGINE_MASK_H
#define HX_ENGINE_MASK_H

#include "health_exporter/check.h"

#include <stddef.h>

/*
 * Copies the message for people: each of the dependency's secrets (the URL's password, options of
 * type SECRET, values of a MAP that is not public), or the first 16 bytes and more of one, becomes
 * "<secret>", control characters and invalid UTF-8 become "?", and what does not fit ends in "...".
 * size >= 8; NULL is "". The rest of text is zeroed, so that it may be compared and published as a
 * block.
 */
void hx_mask_message(const struct hx_dependency *dependency, const char *message, char *text,
                     size_t size);

#endif
