/* SPDX-License-Identifier: Apache-2.0 */
/* Compression of a reply while it is sent (RFC 1952). */
#ifndef HX_WEB_GZIP_H
#define HX_WEB_GZIP_H

#include <stdbool.h>
#include <stddef.h>

struct hx_gzip;

/* A stream, some 360 kB; NULL when out of memory. Free takes NULL. */
struct hx_gzip *hx_gzip_new(void);
void hx_gzip_free(struct hx_gzip *gzip);

/* Reads up to in_len bytes from in, *taken of them, and writes up to size bytes; gives how many.
 * is_last: nothing follows what is in `in`. It may need several calls for one piece, and, behind
 * the last one, until hx_gzip_is_ended(). */
size_t hx_gzip_write(struct hx_gzip *gzip, const char *in, size_t in_len, bool is_last, char *out,
                     size_t size, size_t *taken);

/* The end of the stream was written. */
bool hx_gzip_is_ended(const struct hx_gzip *gzip);

#endif
