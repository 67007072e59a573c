/* SPDX-License-Identifier: Apache-2.0 */
/* Filling struct hx_error: a sentence that is too long is cut between characters and says so. */
#include "health_exporter/error.h"

#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char ELLIPSIS[] = "...";

const char *hx_errcode_text(enum hx_errcode code)
{
    switch (code) {
#define X(name, text)   \
    case HX_ERR_##name: \
        return text;
        HX_ERRCODE_MAP(X)
#undef X
    }
    return "unknown error";
}

/* Marks a message of which full_len bytes were wanted as cut, when they did not fit. */
static void mark_cut(struct hx_error *err, int full_len)
{
    if (full_len >= (int)sizeof err->message) {
        size_t cut = hx_utf8_cut(err->message, sizeof err->message - sizeof ELLIPSIS);
        memcpy(err->message + cut, ELLIPSIS, sizeof ELLIPSIS);
    }
}

enum hx_errcode hx_error_set(struct hx_error *err, enum hx_errcode code, const char *format, ...)
{
    if (err == NULL) {
        return code;
    }
    /* Written aside first: the arguments may be parts of err itself. */
    struct hx_error set = {.code = code};
    va_list args;
    va_start(args, format);
    int len = vsnprintf(set.message, sizeof set.message, format, args);
    va_end(args);
    mark_cut(&set, len);
    *err = set;
    return code;
}

enum hx_errcode hx_error_wrap(struct hx_error *err, enum hx_errcode code, const char *format, ...)
{
    if (err == NULL) {
        return code;
    }
    struct hx_error wrapped = {.code = err->code};
    va_list args;
    va_start(args, format);
    int len = vsnprintf(wrapped.message, sizeof wrapped.message, format, args);
    va_end(args);
    if (len >= 0 && len < (int)sizeof wrapped.message) {
        len += snprintf(wrapped.message + len, sizeof wrapped.message - (size_t)len, ": %s",
                        err->message);
    }
    mark_cut(&wrapped, len);
    *err = wrapped;
    return err->code;
}
