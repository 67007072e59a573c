/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a file has changed since it was read. What its path leads to is looked at, so that the
 * swap of a symbolic link, which is how Kubernetes changes a mounted file, is seen; and what it
 * holds decides, so that a touch or another file of the same content is no change.
 */
#ifndef HX_WATCH_H
#define HX_WATCH_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

struct hx_watch {
    const char *path; /* borrowed; NULL: watches nothing */
    struct stat seen; /* zeroed when there was no file */
    uint64_t hash;    /* of the content */
};

/* Remembers the file as it is now; to be called before it is read, so that a change in between is
 * seen. */
void hx_watch_mark(struct hx_watch *watch, const char *path);

/* Has it another content now? Then that is remembered, and the next answer is no. */
bool hx_watch_has_changed(struct hx_watch *watch);

#endif
