/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The HTTP client of the subcommands that ask a running exporter: TLS, unix sockets, basic
 * authentication, one deadline over all. It asks what it was told and nobody else: no proxy, no
 * redirect, no configuration of its own.
 */
#ifndef HX_CLI_CLIENT_H
#define HX_CLI_CLIENT_H

#include "base/strbuf.h"
#include "cli/flags.h"
#include "health_exporter/error.h"

#include <stdbool.h>
#include <stdint.h>

/* What the command line says; texts borrowed, NULL when not given. */
struct hx_client_options {
    const char *ca_file;
    bool is_insecure;
    const char *unix_socket;
    const char *user;
    const char *password_file;
};

/* The rows of a flag table for the options that lie in the member `client` of the type. */
#define HX_CLIENT_FLAGS(type)                                                                       \
    {"unix-socket", 0,                                                                              \
     HX_FLAG_TEXT,  offsetof(type, client.unix_socket),                                             \
     "FILE",        "Connect to this unix socket instead of the URL's host.",                       \
     NULL},                                                                                         \
        {"tls.ca-file", 0,                                                                          \
         HX_FLAG_TEXT,  offsetof(type, client.ca_file),                                             \
         "FILE",        "PEM file of the authorities to trust instead of the system's.",            \
         NULL},                                                                                     \
        {"tls.insecure-skip-verify", 0,   HX_FLAG_SWITCH, offsetof(type, client.is_insecure), NULL, \
         "Take any certificate.",    NULL},                                                         \
        {"user",       0,                                                                           \
         HX_FLAG_TEXT, offsetof(type, client.user),                                                 \
         "NAME",       "Authenticate as this user (basic authentication); needs --password-file.",  \
         NULL},                                                                                     \
    {                                                                                               \
        "password-file", 0, HX_FLAG_TEXT, offsetof(type, client.password_file), "FILE",             \
            "File that holds the user's password; never given as an argument.", NULL                \
    }

struct hx_client;

/* Makes a client for one endpoint, see cli/endpoint.h for text and route; reads the password. A
 * failure is one of usage. */
enum hx_errcode hx_client_new(const struct hx_client_options *options, const char *text,
                              const char *route, struct hx_client **client,
                              struct hx_error *err) HX_MUST_CHECK;
void hx_client_free(struct hx_client *client);

/* What is asked, for people. Borrowed from the client. */
const char *hx_client_shown(const struct hx_client *client);

/* Asks; any status is an answer. The body is appended (cut at 1 MiB), or printed to standard output
 * when body is NULL. An error says why there was no answer; HX_ERR_LIMIT: none within the time. */
enum hx_errcode hx_client_get(struct hx_client *client, int64_t timeout_ns, long *status,
                              struct hx_strbuf *body, struct hx_error *err) HX_MUST_CHECK;

#endif
