/* SPDX-License-Identifier: Apache-2.0 */
/* What can be the name of a host, and what only looks like one. */
#ifndef HX_NET_HOST_NAME_H
#define HX_NET_HOST_NAME_H

#include <stdbool.h>

/* 253 characters (RFC 1035), a last dot, and the NUL. */
#define HX_HOST_NAME_SIZE 255

/* Copies host in lower case; false when it is too long. */
bool hx_host_name_copy(char name[HX_HOST_NAME_SIZE], const char *host);

/* Why the text, in lower case, can be no host name; NULL when it can. Constant. */
const char *hx_host_name_defect(const char *name);

#endif
