/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors of the program itself: what it could not do, and why, in words a person can act on.
 * A dependency that is not well is no error but a result, see health_exporter/check.h.
 */
#ifndef HEALTH_EXPORTER_ERROR_H
#define HEALTH_EXPORTER_ERROR_H

#if defined(__GNUC__)
#define HX_API          __attribute__((visibility("default")))
#define HX_MUST_CHECK   __attribute__((warn_unused_result))
#define HX_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define HX_API
#define HX_MUST_CHECK
#define HX_PRINTF(f, a)
#endif

/* One list makes the enum and the texts. */
#define HX_ERRCODE_MAP(X)              \
    X(OK, "success")                   \
    X(NOMEM, "out of memory")          \
    X(INVALID, "invalid value")        \
    X(NOTFOUND, "not found")           \
    X(EXISTS, "exists already")        \
    X(PERMISSION, "permission denied") \
    X(LIMIT, "limit exceeded")         \
    X(BUSY, "busy")                    \
    X(UNSUPPORTED, "not supported")    \
    X(SYSTEM, "system error")

enum hx_errcode {
#define X(name, text) HX_ERR_##name,
    HX_ERRCODE_MAP(X)
#undef X
};

/* The value of success, spelled as it is compared. */
#define HX_OK HX_ERR_OK

/* A code and a sentence. Functions fill it only when they fail; the caller owns the storage. */
struct hx_error {
    enum hx_errcode code;
    char message[256]; /* NUL-terminated; a longer text ends in "..." */
};

/* The constant text of a code, for example "out of memory". Any thread. */
HX_API const char *hx_errcode_text(enum hx_errcode code);

/* Fills err (when not NULL) with the code and the formatted sentence; returns the code, so that a
 * function can end with `return hx_error_set(err, ...)`. Any thread. */
HX_API enum hx_errcode hx_error_set(struct hx_error *err, enum hx_errcode code, const char *format,
                                    ...) HX_PRINTF(3, 4);

/* Puts "context: " in front of the sentence that err (may be NULL) holds; returns err's code, or
 * the given code when err is NULL. */
HX_API enum hx_errcode hx_error_wrap(struct hx_error *err, enum hx_errcode code, const char *format,
                                     ...) HX_PRINTF(3, 4);

#endif
