/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From options to what a check needs: the URL for curl, the list of headers, the TLS context, the
 * compiled expectations. All that can be wrong with them is found here, before anything is sent.
 */
#include "kinds/http_settings.h"

#include "base/quote.h"
#include "base/strbuf.h"
#include "kinds/credentials.h"
#include "net/tls_resume.h"

#include <openssl/evp.h>
#include <string.h>
#include <strings.h>

/* These frame the request, and that is curl's work. */
static const char *const FRAMING[] = {"Content-Length", "Transfer-Encoding", "Expect", "Upgrade"};

/* --------------------------------------------------------------------------------- headers -- */

/* A token of RFC 9110. */
static bool is_header_name(const char *name)
{
    static const char ALLOWED[] = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    return *name != '\0' && name[strspn(name, ALLOWED)] == '\0';
}

/* No line may end inside, nor any control character stand there but the tab. */
static bool is_header_value(const char *value)
{
    for (; *value != '\0'; value++) {
        unsigned char c = (unsigned char)*value;
        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

static bool is_framing(const char *name)
{
    for (size_t i = 0; i < sizeof(FRAMING) / sizeof(FRAMING[0]); i++)
        if (strcasecmp(name, FRAMING[i]) == 0)
            return true;
    return false;
}

static enum hx_errcode check_header(const struct hx_map_item *item, struct hx_error *err)
{
    char quoted[HX_QUOTE_SIZE];
    if (!is_header_name(item->name))
        return hx_error_set(err, HX_ERR_INVALID, "headers: %s is not a header's name",
                            hx_quote(item->name, quoted));
    if (is_framing(item->name))
        return hx_error_set(err, HX_ERR_INVALID, "headers: %s cannot be set", item->name);
    if (!is_header_value(item->value))
        return hx_error_set(err, HX_ERR_INVALID,
                            "headers: the value of %s has a line end or control character",
                            item->name);
    return HX_OK;
}

static bool has_header(const struct hx_map *headers, const char *name)
{
    for (size_t i = 0; i < headers->n; i++)
        if (strcasecmp(headers->items[i].name, name) == 0)
            return true;
    return false;
}

/* Such a buffer is made as large as it must be at once: growing would leave copies behind. */
static void wipe(struct hx_strbuf *secret)
{
    if (secret->data != NULL)
        explicit_bzero(secret->data, secret->size);
    hx_strbuf_fini(secret);
}

static enum hx_errcode append_header(struct curl_slist **list, const char *name, const char *value,
                                     struct hx_error *err)
{
    struct hx_strbuf line;
    struct curl_slist *longer = NULL;
    hx_strbuf_init(&line);
    hx_strbuf_reserve(&line, strlen(name) + strlen(value) + sizeof(": "));
    /* curl's way to write a header that is empty; with ':' it would leave it out. */
    if (*value == '\0')
        hx_strbuf_printf(&line, "%s;", name);
    else
        hx_strbuf_printf(&line, "%s: %s", name, value);
    if (!line.is_failed)
        longer = curl_slist_append(*list, hx_strbuf_text(&line));
    wipe(&line);
    if (longer == NULL)
        return hx_error_set(err, HX_ERR_NOMEM, "out of memory");
    *list = longer;
    return HX_OK;
}

/* With another name in the URL, for TLS, the request still names the host that was configured. */
static enum hx_errcode append_host(const struct hx_dependency *dependency,
                                   struct hx_http_settings *settings, struct hx_error *err)
{
    const struct hx_url *url = &dependency->url;
    if (hx_http_sent_host(dependency) == url->host || has_header(&settings->headers, "Host"))
        return HX_OK;
    struct hx_strbuf host;
    hx_strbuf_init(&host);
    hx_http_put_host(&host, url->host, url->port);
    enum hx_errcode code =
        host.is_failed ? hx_error_set(err, HX_ERR_NOMEM, "out of memory")
                       : append_header(&settings->header_list, "Host", hx_strbuf_text(&host), err);
    hx_strbuf_fini(&host);
    return code;
}

/* Basic authentication (RFC 7617). Not by CURLOPT_USERNAME: curl would write user and password into
 * the URL that it reports for a relative redirect. */
static enum hx_errcode append_credentials(const struct hx_credentials *credentials,
                                          struct hx_http_settings *settings, struct hx_error *err)
{
    const char *password = credentials->password != NULL ? credentials->password : "";
    struct hx_strbuf plain, value;
    if (credentials->user == NULL)
        return HX_OK;
    hx_strbuf_init(&plain);
    hx_strbuf_init(&value);
    hx_strbuf_reserve(&plain, strlen(credentials->user) + strlen(password) + 2);
    hx_strbuf_printf(&plain, "%s:%s", credentials->user, password);
    hx_strbuf_puts(&value, "Basic ");
    bool is_made = !plain.is_failed && hx_strbuf_reserve(&value, plain.len * 4 / 3 + 4);
    if (is_made)
        EVP_EncodeBlock((unsigned char *)value.data + value.len, (const unsigned char *)plain.data,
                        (int)plain.len);
    enum hx_errcode code =
        is_made ? append_header(&settings->header_list, "Authorization", value.data, err)
                : hx_error_set(err, HX_ERR_NOMEM, "out of memory");
    wipe(&plain);
    wipe(&value);
    return code;
}

static enum hx_errcode make_headers(const struct hx_dependency *dependency,
                                    const struct hx_credentials *credentials,
                                    struct hx_http_settings *settings, struct hx_error *err)
{
    enum hx_errcode code = append_host(dependency, settings, err);
    if (code == HX_OK)
        code = append_credentials(credentials, settings, err);
    for (size_t i = 0; i < settings->headers.n && code == HX_OK; i++) {
        const struct hx_map_item *item = &settings->headers.items[i];
        code = check_header(item, err);
        if (code == HX_OK)
            code = append_header(&settings->header_list, item->name, item->value, err);
    }
    return code;
}

static void free_headers(struct curl_slist *list)
{
    for (struct curl_slist *item = list; item != NULL; item = item->next)
        explicit_bzero(item->data, strlen(item->data));
    curl_slist_free_all(list);
}

/* -------------------------------------------------------------------------------- the rest -- */

static enum hx_errcode check_credentials(const struct hx_credentials *credentials,
                                         const struct hx_http_settings *settings,
                                         struct hx_error *err)
{
    if (credentials->user == NULL)
        return credentials->password == NULL
                   ? HX_OK
                   : hx_error_set(err, HX_ERR_INVALID, "a password is given, but no user");
    /* What stands before the first ':' of the header is the user (RFC 7617). */
    if (strchr(credentials->user, ':') != NULL)
        return hx_error_set(err, HX_ERR_INVALID, "the user holds a ':'");
    if (has_header(&settings->headers, "Authorization"))
        return hx_error_set(err, HX_ERR_INVALID,
                            "both a user and the header Authorization are given");
    return HX_OK;
}

static enum hx_errcode make_tls(const struct hx_dependency *dependency,
                                struct hx_http_settings *settings, struct hx_error *err)
{
    /* http may be redirected to https. */
    if (!settings->target.is_https && settings->max_redirects == 0)
        return HX_OK;
    return hx_tls_resuming_context_new(&dependency->policy, &settings->tls, err);
}

static enum hx_errcode make_expectations(struct hx_http_settings *settings, struct hx_error *err)
{
    enum hx_errcode code = hx_http_expect_prepare(&settings->expect, err);
    if (code == HX_OK && settings->method == HX_HTTP_HEAD &&
        hx_http_expect_needs_body(&settings->expect))
        code = hx_error_set(err, HX_ERR_INVALID,
                            "a reply to HEAD has no body: expect only a status, or use GET");
    return code;
}

enum hx_errcode hx_http_settings_prepare(struct hx_dependency *dependency, struct hx_error *err)
{
    struct hx_http_settings *settings = dependency->settings;
    struct hx_credentials credentials;
    if (dependency->url.host == NULL)
        return hx_error_set(err, HX_ERR_INVALID, "expected a URL such as %s://host/path",
                            dependency->url.scheme);
    enum hx_errcode code = hx_credentials_pick(&dependency->url, settings->user, settings->password,
                                               &credentials, err);
    if (code == HX_OK)
        code = check_credentials(&credentials, settings, err);
    if (code == HX_OK)
        code = hx_http_target_init(&settings->target, dependency, &dependency->url, true, err);
    if (code == HX_OK)
        code = make_headers(dependency, &credentials, settings, err);
    if (code == HX_OK)
        code = make_expectations(settings, err);
    if (code == HX_OK)
        code = make_tls(dependency, settings, err);
    if (code != HX_OK)
        hx_http_settings_release(dependency);
    return code;
}

void hx_http_settings_release(struct hx_dependency *dependency)
{
    struct hx_http_settings *settings = dependency->settings;
    hx_http_target_fini(&settings->target);
    hx_http_expect_release(&settings->expect);
    free_headers(settings->header_list);
    settings->header_list = NULL;
    SSL_CTX_free(settings->tls);
    settings->tls = NULL;
}
