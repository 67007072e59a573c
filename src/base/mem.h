/* SPDX-License-Identifier: Apache-2.0 */
/* What libc lacks: copies of known length, and the end of a secret. */
#ifndef HX_BASE_MEM_H
#define HX_BASE_MEM_H

#include <stddef.h>

/* A NUL-terminated copy of len bytes; NULL when out of memory. */
char *hx_strndup(const char *text, size_t len);

/* Overwrites the text, then frees it. Takes NULL. */
void hx_secret_free(char *secret);

#endif
