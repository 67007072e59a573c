/* SPDX-License-Identifier: Apache-2.0 */
/* The closed lists that metrics, JSON and logs share: their texts, and what they mean. */
#include "health_exporter/check.h"

#include <errno.h>

const char *hx_reason_text(enum hx_reason reason)
{
    switch (reason) {
#define X(name, text)      \
    case HX_REASON_##name: \
        return text;
        HX_REASON_MAP(X)
#undef X
    }
    return "";
}

const char *hx_state_text(enum hx_state state)
{
    switch (state) {
#define X(name, text)     \
    case HX_STATE_##name: \
        return text;
        HX_STATE_MAP(X)
#undef X
    }
    return "";
}

const char *hx_phase_text(enum hx_phase phase)
{
    switch (phase) {
#define X(name, text)     \
    case HX_PHASE_##name: \
        return text;
        HX_PHASE_MAP(X)
#undef X
    }
    return "";
}

bool hx_reason_is_ours(enum hx_reason reason)
{
    return reason == HX_REASON_BLOCKED || reason == HX_REASON_STALE || reason == HX_REASON_INTERNAL;
}

enum hx_reason hx_reason_from_errno(int error)
{
    switch (error) {
    case ECONNREFUSED:
    case ENOENT:
        return HX_REASON_REFUSED;
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EHOSTDOWN:
    case ENETDOWN:
    case ENONET:
        return HX_REASON_UNREACHABLE;
    case ETIMEDOUT:
        return HX_REASON_TIMEOUT;
    case ECONNRESET:
    case EPIPE:
    case ECONNABORTED:
    case ENOTCONN:
    case ESHUTDOWN:
        return HX_REASON_CLOSED;
    case EPROTO:
    case EBADMSG:
    case EMSGSIZE:
    case EILSEQ:
        return HX_REASON_PROTOCOL;
    default:
        /* Local policy too: a route `prohibit` gives EACCES, a route `blackhole` EINVAL. */
        return HX_REASON_INTERNAL;
    }
}
