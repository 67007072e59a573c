/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Targets: the URL that curl gets, made of parts that were parsed here, and redirects, which are a
 * stranger's word on where to go next.
 *
 * Every URL is parsed twice, by us (who look the host up) and by curl (who asks it). Where the two
 * do not agree on scheme, host and port, the URL is refused.
 */
#include "kinds/http_target.h"

#include "base/mem.h"
#include "base/quote.h"
#include "base/url.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool is_https(const struct hx_url *url)
{
    return strcmp(url->scheme, "https") == 0;
}

uint16_t hx_http_port(const struct hx_url *url)
{
    if (url->port != 0)
        return url->port;
    return is_https(url) ? 443 : 80;
}

const char *hx_http_sent_host(const struct hx_dependency *dependency)
{
    const char *server_name = dependency->policy.tls.server_name;
    return server_name != NULL && is_https(&dependency->url) ? server_name : dependency->url.host;
}

void hx_http_put_host(struct hx_strbuf *text, const char *host, uint16_t port)
{
    if (strchr(host, ':') != NULL)
        hx_strbuf_printf(text, "[%s]", host);
    else
        hx_strbuf_puts(text, host);
    if (port != 0)
        hx_strbuf_printf(text, ":%u", (unsigned)port);
}

/* The URL with another host in it; NULL when out of memory. */
static char *write_url(const struct hx_url *url, const char *host)
{
    struct hx_strbuf text;
    hx_strbuf_init(&text);
    hx_strbuf_printf(&text, "%s://", url->scheme);
    hx_http_put_host(&text, host, url->port);
    hx_strbuf_puts(&text, url->raw_path);
    if (url->query != NULL) {
        hx_strbuf_putc(&text, '?');
        hx_strbuf_puts(&text, url->query);
    }
    char *written = hx_strbuf_take(&text);
    hx_strbuf_fini(&text);
    return written;
}

static bool part_is(CURLU *parsed, CURLUPart part, const char *expected)
{
    char *text = NULL;
    bool is_equal = curl_url_get(parsed, part, &text, CURLU_DEFAULT_PORT) == CURLUE_OK &&
                    strcasecmp(text, expected) == 0;
    curl_free(text);
    return is_equal;
}

/* Does curl read the same scheme, host and port out of the text? */
static bool does_curl_agree(const char *text, const struct hx_url *url, const char *host)
{
    char port_text[8];
    struct hx_strbuf host_text;
    CURLU *parsed = curl_url();
    snprintf(port_text, sizeof(port_text), "%u", (unsigned)hx_http_port(url));
    hx_strbuf_init(&host_text);
    hx_http_put_host(&host_text, host, 0);
    bool is_same = parsed != NULL && !host_text.is_failed &&
                   curl_url_set(parsed, CURLUPART_URL, text, CURLU_DISALLOW_USER) == CURLUE_OK &&
                   part_is(parsed, CURLUPART_SCHEME, url->scheme) &&
                   part_is(parsed, CURLUPART_HOST, hx_strbuf_text(&host_text)) &&
                   part_is(parsed, CURLUPART_PORT, port_text);
    hx_strbuf_fini(&host_text);
    curl_url_cleanup(parsed);
    return is_same;
}

enum hx_errcode hx_http_target_init(struct hx_http_target *target,
                                    const struct hx_dependency *dependency,
                                    const struct hx_url *url, bool is_own_origin,
                                    struct hx_error *err)
{
    const char *host = is_own_origin ? hx_http_sent_host(dependency) : url->host;
    const char *looked_up = is_own_origin ? dependency->url.host : url->host;
    *target = (struct hx_http_target){
        .url = write_url(url, host),
        .host = hx_strndup(looked_up, strlen(looked_up)),
        .port = hx_http_port(url),
        .is_https = is_https(url),
        .is_own_origin = is_own_origin,
    };
    enum hx_errcode code = HX_OK;
    if (target->url == NULL || target->host == NULL)
        code = hx_error_set(err, HX_ERR_NOMEM, "out of memory");
    else if (!does_curl_agree(target->url, url, host))
        code = hx_error_set(err, HX_ERR_INVALID, "libcurl reads another host out of it");
    if (code != HX_OK)
        hx_http_target_fini(target);
    return code;
}

void hx_http_target_fini(struct hx_http_target *target)
{
    hx_secret_free(target->url);
    free(target->host);
    *target = (struct hx_http_target){0};
}

/* ------------------------------------------------------------------------------- redirects -- */

static bool refuse(struct hx_http_verdict *verdict, enum hx_reason reason, const char *why)
{
    verdict->reason = reason;
    snprintf(verdict->message, sizeof(verdict->message), "redirect refused: %s", why);
    return false;
}

/* A fragment is the reader's business and is not sent. */
static bool parse_location(const char *location, struct hx_url *url,
                           struct hx_http_verdict *verdict)
{
    struct hx_error err;
    char *text = hx_strndup(location, strcspn(location, "#"));
    if (text == NULL)
        return refuse(verdict, HX_REASON_INTERNAL, "out of memory");
    enum hx_errcode code = hx_url_parse(text, url, &err);
    hx_secret_free(text);
    if (code == HX_ERR_NOMEM)
        return refuse(verdict, HX_REASON_INTERNAL, "out of memory");
    if (code != HX_OK)
        return refuse(verdict, HX_REASON_PROTOCOL, err.message);
    return true;
}

static bool is_allowed(const struct hx_http_target *from, const struct hx_url *url,
                       struct hx_http_verdict *verdict)
{
    char why[HX_QUOTE_SIZE + 32];
    char quoted[HX_QUOTE_SIZE];
    if (strcmp(url->scheme, "http") != 0 && strcmp(url->scheme, "https") != 0) {
        snprintf(why, sizeof(why), "to the scheme %s", hx_quote(url->scheme, quoted));
        return refuse(verdict, HX_REASON_BLOCKED, why);
    }
    if (url->host == NULL)
        return refuse(verdict, HX_REASON_PROTOCOL, "the Location has no host");
    if (url->user != NULL || url->password != NULL)
        return refuse(verdict, HX_REASON_BLOCKED, "the Location has a user in it");
    if (from->is_https && !is_https(url))
        return refuse(verdict, HX_REASON_BLOCKED, "from https to http");
    return true;
}

static bool is_own_origin(const struct hx_dependency *dependency, const struct hx_url *url)
{
    const struct hx_url *own = &dependency->url;
    return strcmp(url->scheme, own->scheme) == 0 && hx_http_port(url) == hx_http_port(own) &&
           (strcasecmp(url->host, own->host) == 0 ||
            strcasecmp(url->host, hx_http_sent_host(dependency)) == 0);
}

bool hx_http_target_redirect(const struct hx_dependency *dependency,
                             const struct hx_http_target *from, const char *location,
                             struct hx_http_target *target, struct hx_http_verdict *verdict)
{
    struct hx_url url;
    struct hx_error err;
    if (!parse_location(location, &url, verdict))
        return false;
    bool is_taken = is_allowed(from, &url, verdict);
    if (is_taken) {
        enum hx_errcode code =
            hx_http_target_init(target, dependency, &url, is_own_origin(dependency, &url), &err);
        is_taken = code == HX_OK;
        if (!is_taken)
            refuse(verdict, code == HX_ERR_NOMEM ? HX_REASON_INTERNAL : HX_REASON_PROTOCOL,
                   err.message);
    }
    hx_url_fini(&url);
    return is_taken;
}
