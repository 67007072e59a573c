/* SPDX-License-Identifier: Apache-2.0 */
/* The flags --shard and --total-shards, as kube-state-metrics spells them. */
#ifndef HX_CLI_SHARING_H
#define HX_CLI_SHARING_H

#include "health_exporter/exporter.h"

struct hx_sharing_options {
    const char *shard; /* "auto" or a number; NULL: not given */
    const char *total; /* NULL: not given */
};

#define HX_HELP_SHARD                                                                             \
    "Check only the dependencies of this shard: a number from 0, or auto, the number at the end " \
    "of the host's name. Default: 0."
#define HX_HELP_TOTAL_SHARDS \
    "How many processes share the configuration, each with its own --shard. Default: 1."

/* Applies them; says what is wrong and returns the exit code. */
int hx_cli_share(struct hx_exporter *exporter, const struct hx_sharing_options *options);

#endif
