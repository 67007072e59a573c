/* SPDX-License-Identifier: Apache-2.0 */
/* The state of the process that must be right before the first thread and the first library call.
 */
#ifndef HX_CLI_ENVIRONMENT_H
#define HX_CLI_ENVIRONMENT_H

#include <stddef.h>

/* Fills the standard descriptors that are closed, ignores SIGPIPE, raises the descriptor limit,
 * tells the allocator to keep some free memory, and takes the variables out of the environment by
 * which client libraries would be told something that is not in our configuration (proxies,
 * PGPASSWORD, resolver options, key logs). */
void hx_environment_prepare(void);

/* Overwrites user, password and query of every URL in the arguments, n of argv, so that the process
 * list does not show them. After they have been copied. */
void hx_environment_hide_urls(char *const *arguments, size_t n);

#endif
