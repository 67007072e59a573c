/* SPDX-License-Identifier: Apache-2.0 */
/* The state of the process that must be right before the first thread and the first library call.
 */
#ifndef HX_CLI_ENVIRONMENT_H
#define HX_CLI_ENVIRONMENT_H

/* Ignores SIGPIPE, raises the descriptor limit, tells the allocator to keep some free memory, and
 * takes the variables out of the environment by which client libraries would be told something that
 * is not in our configuration (proxies, PGPASSWORD, resolver options, key logs). */
void hx_environment_prepare(void);

/* Overwrites user, password and query of every URL among the arguments, so that the process list
 * does not show them. After the arguments have been copied. */
void hx_environment_hide_urls(int argc, char **argv);

#endif
