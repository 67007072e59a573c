/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A number of shards without an ordinal is refused: several processes that are all shard 0 by
 * default would leave most dependencies unchecked, and no message would say so.
 */
#include "cli/sharing.h"

#include "base/units.h"
#include "cli/cli.h"

#include <string.h>

static enum hx_errcode read_ordinal(const char *text, int64_t *ordinal, struct hx_error *err)
{
    *ordinal = HX_SHARD_AUTO;
    if (strcmp(text, "auto") == 0 ||
        hx_parse_int(text, 0, HX_MAX_SHARDS - 1, ordinal, NULL) == HX_OK)
        return HX_OK;
    return hx_error_set(err, HX_ERR_INVALID,
                        "--shard=%.40s: expected a number from 0 to %d, or auto", text,
                        HX_MAX_SHARDS - 1);
}

static enum hx_errcode read_total(const char *text, int64_t *total, struct hx_error *err)
{
    if (hx_parse_int(text, 1, HX_MAX_SHARDS, total, NULL) == HX_OK)
        return HX_OK;
    return hx_error_set(err, HX_ERR_INVALID, "--total-shards=%.40s: expected a number from 1 to %d",
                        text, HX_MAX_SHARDS);
}

static enum hx_errcode share(struct hx_exporter *exporter, const struct hx_sharing_options *options,
                             struct hx_error *err)
{
    int64_t ordinal = 0;
    int64_t total = 1;
    enum hx_errcode code = HX_OK;
    if (options->total != NULL)
        code = read_total(options->total, &total, err);
    if (code == HX_OK && options->shard != NULL)
        code = read_ordinal(options->shard, &ordinal, err);
    if (code == HX_OK && options->shard == NULL && total > 1)
        code =
            hx_error_set(err, HX_ERR_INVALID,
                         "--total-shards=%s needs --shard: which of them this is", options->total);
    return code == HX_OK ? hx_exporter_shard(exporter, (int)ordinal, (int)total, err) : code;
}

int hx_cli_share(struct hx_exporter *exporter, const struct hx_sharing_options *options)
{
    struct hx_error err = {0};
    if (share(exporter, options, &err) == HX_OK)
        return HX_EXIT_OK;
    return hx_cli_usage_error(err.message);
}
