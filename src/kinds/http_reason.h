/* SPDX-License-Identifier: Apache-2.0 */
/* Why a transfer of libcurl failed, in the words of the closed list. */
#ifndef HX_KINDS_HTTP_REASON_H
#define HX_KINDS_HTTP_REASON_H

#include "health_exporter/check.h"

#include <curl/curl.h>

/* What is known of a failed transfer. */
struct hx_http_failure {
    CURLcode code;
    long os_errno;           /* CURLINFO_OS_ERRNO; 0: not known */
    const char *text;        /* the error buffer, may be empty */
    bool is_reading_headers; /* a status line has come, the headers had not ended */
};

enum hx_reason hx_http_reason(const struct hx_http_failure *failure);

#endif
