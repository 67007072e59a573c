/* SPDX-License-Identifier: Apache-2.0 */
/* What the program changes about its own process. */
#include "cli/environment.h"

#include "descriptors.h"

#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Names, or beginnings of names with a star, of variables that libpq, libcurl, c-ares, OpenSSL and
 * proton read. */
static const char *const unwanted[] = {
    "PG*",           "http_proxy",  "https_proxy", "all_proxy", "no_proxy",
    "HTTP_PROXY",    "HTTPS_PROXY", "ALL_PROXY",   "NO_PROXY",  "PN_TRACE_*",
    "SSLKEYLOGFILE", "RES_OPTIONS", "LOCALDOMAIN", "CARES_*",   "KRB5CCNAME",
};

/* Free memory that is kept at the end of a heap. Each connection of a client takes 32 KiB for its
 * short life: by default a few that end together would be given back to the kernel, to be asked
 * for, and zeroed, again. */
#define KEPT_BYTES (1024 * 1024)

static int is_unwanted(const char *entry)
{
    size_t name_len = strcspn(entry, "=");
    for (size_t i = 0; i < sizeof(unwanted) / sizeof(unwanted[0]); i++) {
        size_t len = strlen(unwanted[i]);
        if (unwanted[i][len - 1] == '*' ? strncmp(entry, unwanted[i], len - 1) == 0
                                        : name_len == len && strncmp(entry, unwanted[i], len) == 0)
            return 1;
    }
    return 0;
}

static void clean_environment(void)
{
    for (char **entry = environ; *entry != NULL;) {
        if (!is_unwanted(*entry)) {
            entry++;
            continue;
        }
        char *name = strndup(*entry, strcspn(*entry, "="));
        if (name == NULL)
            return;
        unsetenv(name); /* moves the entries behind it up by one */
        free(name);
    }
    setenv("KRB5_CONFIG", "/dev/null", 1);
}

/* What is closed is opened on nothing, and not for what it is there for: reading and writing fail
 * as before, but no socket takes the number, to be sent what was meant for standard error. */
static void fill_standard_descriptors(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) < 0)
            (void)open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
    }
}

void hx_environment_prepare(void)
{
    fill_standard_descriptors();
    signal(SIGPIPE, SIG_IGN);
    clean_environment();
    mallopt(M_TRIM_THRESHOLD, KEPT_BYTES);
    hx_descriptors_raise();
}

void hx_environment_hide_urls(char *const *arguments, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char *authority = strstr(arguments[i], "://");
        if (authority == NULL)
            continue;
        authority += 3;
        char *query = strchr(authority, '?');
        char *at = strrchr(authority, '@');
        if (at != NULL)
            memset(authority, '*', (size_t)(at - authority));
        if (query != NULL && (at == NULL || query > at))
            memset(query + 1, '*', strlen(query + 1));
    }
}
