/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CURLcode to reason. A table gives the answer that the code alone allows; codes that stand for
 * several causes are told apart by errno or, where curl keeps nothing else, by its text (the texts
 * are those of 7.88 to 8.x; a text that is not known leaves the table's answer).
 */
#include "kinds/http_reason.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

/* Newer than the headers of 7.88. */
enum { CODE_TOO_LARGE = 100, CODE_ECH_REQUIRED = 101 };

/* What is not listed is the exporter's own trouble: a wrong option, no memory, a code that no
 * transfer of ours ends with. */
static const uint8_t BY_CODE[] = {
    [CURLE_UNSUPPORTED_PROTOCOL] = HX_REASON_PROTOCOL, /* a reply without a status line */
    [CURLE_COULDNT_RESOLVE_PROXY] = HX_REASON_DNS,
    [CURLE_COULDNT_RESOLVE_HOST] = HX_REASON_DNS,
    [CURLE_COULDNT_CONNECT] = HX_REASON_REFUSED,
    [CURLE_WEIRD_SERVER_REPLY] = HX_REASON_PROTOCOL,
    [CURLE_REMOTE_ACCESS_DENIED] = HX_REASON_AUTH,
    [CURLE_HTTP2] = HX_REASON_PROTOCOL,
    [CURLE_PARTIAL_FILE] = HX_REASON_CLOSED,
    [CURLE_HTTP_RETURNED_ERROR] = HX_REASON_STATUS,
    [CURLE_OPERATION_TIMEDOUT] = HX_REASON_TIMEOUT,
    [CURLE_SSL_CONNECT_ERROR] = HX_REASON_TLS,
    [CURLE_INTERFACE_FAILED] = HX_REASON_REFUSED,
    [CURLE_TOO_MANY_REDIRECTS] = HX_REASON_LIMIT,
    [CURLE_GOT_NOTHING] = HX_REASON_CLOSED,
    [CURLE_SSL_ENGINE_NOTFOUND] = HX_REASON_TLS,
    [CURLE_SSL_ENGINE_SETFAILED] = HX_REASON_TLS,
    [CURLE_SEND_ERROR] = HX_REASON_CLOSED,
    [CURLE_RECV_ERROR] = HX_REASON_CLOSED,
    [CURLE_SSL_CERTPROBLEM] = HX_REASON_TLS,
    [CURLE_SSL_CIPHER] = HX_REASON_TLS,
    [CURLE_PEER_FAILED_VERIFICATION] = HX_REASON_TLS,
    [CURLE_BAD_CONTENT_ENCODING] = HX_REASON_PROTOCOL,
    [CURLE_FILESIZE_EXCEEDED] = HX_REASON_LIMIT,
    [CURLE_USE_SSL_FAILED] = HX_REASON_TLS,
    [CURLE_SSL_ENGINE_INITFAILED] = HX_REASON_TLS,
    [CURLE_LOGIN_DENIED] = HX_REASON_AUTH,
    [CURLE_SSL_CACERT_BADFILE] = HX_REASON_TLS,
    [CURLE_SSL_SHUTDOWN_FAILED] = HX_REASON_TLS,
    [CURLE_SSL_CRL_BADFILE] = HX_REASON_TLS,
    [CURLE_SSL_ISSUER_ERROR] = HX_REASON_TLS,
    [CURLE_FTP_PRET_FAILED] = HX_REASON_PROTOCOL,
    [CURLE_RTSP_CSEQ_ERROR] = HX_REASON_PROTOCOL,
    [CURLE_RTSP_SESSION_ERROR] = HX_REASON_PROTOCOL,
    [CURLE_FTP_BAD_FILE_LIST] = HX_REASON_PROTOCOL,
    [CURLE_CHUNK_FAILED] = HX_REASON_PROTOCOL,
    [CURLE_SSL_PINNEDPUBKEYNOTMATCH] = HX_REASON_TLS,
    [CURLE_SSL_INVALIDCERTSTATUS] = HX_REASON_TLS,
    [CURLE_HTTP2_STREAM] = HX_REASON_PROTOCOL,
    [CURLE_AUTH_ERROR] = HX_REASON_AUTH,
    [CURLE_HTTP3] = HX_REASON_PROTOCOL,
    [CURLE_QUIC_CONNECT_ERROR] = HX_REASON_PROTOCOL,
    [CURLE_PROXY] = HX_REASON_CLOSED,
    [CURLE_SSL_CLIENTCERT] = HX_REASON_TLS,
    [CODE_TOO_LARGE] = HX_REASON_LIMIT,
    [CODE_ECH_REQUIRED] = HX_REASON_TLS,
};

static enum hx_reason by_code(CURLcode code)
{
    size_t index = (size_t)code;
    if (code == CURLE_OK)
        return HX_REASON_NONE;
    if (index >= sizeof(BY_CODE) || BY_CODE[index] == HX_REASON_NONE)
        return HX_REASON_INTERNAL;
    return (enum hx_reason)BY_CODE[index];
}

static bool has(const struct hx_http_failure *failure, const char *words)
{
    return failure->text != NULL && strstr(failure->text, words) != NULL;
}

/* A peer that goes away while TLS is spoken: OpenSSL tells of it in two ways. */
static bool is_end_of_tls(const struct hx_http_failure *failure)
{
    return has(failure, "unexpected eof") || has(failure, "SSL_ERROR_SYSCALL");
}

static enum hx_reason of_handshake(const struct hx_http_failure *failure)
{
    if (failure->os_errno != 0 && failure->os_errno != EAGAIN)
        return hx_reason_from_errno((int)failure->os_errno);
    return is_end_of_tls(failure) ? HX_REASON_CLOSED : HX_REASON_TLS;
}

/* With TLS 1.3 a server refuses the client's certificate only after the handshake. */
static enum hx_reason of_connection(const struct hx_http_failure *failure)
{
    if (has(failure, "SSL routines") && !is_end_of_tls(failure))
        return HX_REASON_TLS;
    if (has(failure, "Too large response headers"))
        return HX_REASON_LIMIT;
    if (has(failure, "chunk"))
        return HX_REASON_PROTOCOL;
    if (failure->os_errno != 0 && failure->os_errno != EAGAIN)
        return hx_reason_from_errno((int)failure->os_errno);
    return HX_REASON_CLOSED;
}

static enum hx_reason of_connect(const struct hx_http_failure *failure)
{
    if (failure->os_errno == 0)
        return HX_REASON_REFUSED;
    return hx_reason_from_errno((int)failure->os_errno);
}

enum hx_reason hx_http_reason(const struct hx_http_failure *failure)
{
    int code = (int)failure->code;
    if (code == CURLE_COULDNT_CONNECT || code == CURLE_INTERFACE_FAILED)
        return of_connect(failure);
    if (code == CURLE_SSL_CONNECT_ERROR)
        return of_handshake(failure);
    if (code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR)
        return of_connection(failure);
    /* How curl tells of a header line above its own 100 KiB; it has no other word for memory that
     * is really short just then. */
    if (code == CURLE_OUT_OF_MEMORY && failure->is_reading_headers)
        return HX_REASON_LIMIT;
    return by_code(failure->code);
}
