/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The files that a configuration was read from, and whether they have changed since. What a path
 * leads to is looked at, so that the swap of a symbolic link, which is how Kubernetes changes a
 * mounted file, is seen; and what it holds decides, so that a touch or another file of the same
 * content is no change.
 */
#ifndef HX_CONFIG_FILES_H
#define HX_CONFIG_FILES_H

#include "health_exporter/error.h"

#include <stddef.h>
#include <stdint.h>

struct hx_known_file;

/* Zeroed it is empty. */
struct hx_files {
    struct hx_known_file *items; /* sorted by path */
    size_t n, capacity;
};

/* As hx_file_read(), and remembers what the file held, or why it could not be read. files may be
 * NULL. */
enum hx_errcode hx_files_read(struct hx_files *files, const char *path, size_t max_bytes,
                              char **data, size_t *len, struct hx_error *err) HX_MUST_CHECK;

/* Looks at each of them. The path of one that holds something else than when it was read first, and
 * has been the same since the look before; NULL: there is none. Borrowed. */
const char *hx_files_changed(struct hx_files *files);

void hx_files_fini(struct hx_files *files);

#endif
