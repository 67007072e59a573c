/* SPDX-License-Identifier: Apache-2.0 */
/* Whole small files, read without ever waiting for one. */
#ifndef HX_CONFIG_FILE_H
#define HX_CONFIG_FILE_H

#include "health_exporter/error.h"

#include <stddef.h>

/* Reads a regular file of at most max_bytes; *data is NUL-terminated behind *len and given back
 * with hx_file_free(). Directories, FIFOs, sockets and devices are refused, not opened for reading.
 * The message is a sentence without the path. */
enum hx_errcode hx_file_read(const char *path, size_t max_bytes, char **data, size_t *len,
                             struct hx_error *err) HX_MUST_CHECK;

/* Overwrites the data (files hold secrets), then frees it. Takes NULL. */
void hx_file_free(char *data, size_t len);

#endif
