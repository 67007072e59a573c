/* SPDX-License-Identifier: Apache-2.0 */
/* Host names: their form, checked before they are asked for. */
#include "net/host_name.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

bool hx_host_name_copy(char name[HX_HOST_NAME_SIZE], const char *host)
{
    size_t len = strlen(host);
    bool has_last_dot = len > 0 && host[len - 1] == '.';
    if (len - has_last_dot > HX_HOST_NAME_SIZE - 2) {
        return false;
    }
    for (size_t i = 0; i <= len; i++) {
        name[i] = (char)tolower((unsigned char)host[i]);
    }
    return true;
}

/* WHATWG's "ends in a number": such a host is an old spelling of an IPv4 address (127.1,
 * 0x7f.0.0.1), which some resolvers take for one; no domain name ends so. */
static bool ends_in_number(const char *name)
{
    size_t end = strlen(name);
    end -= end > 0 && name[end - 1] == '.';
    size_t start = end;
    while (start > 0 && name[start - 1] != '.') {
        start--;
    }
    const char *digits = "0123456789";
    if (end - start >= 2 && name[start] == '0' && name[start + 1] == 'x') {
        digits = "0123456789abcdef";
        start += 2;
    }
    return strspn(name + start, digits) >= end - start;
}

const char *hx_host_name_defect(const char *name)
{
    /* c-ares would read a backslash as an escape. */
    if (strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != strlen(name)) {
        return "it has characters that no host name has";
    }
    if (name[0] == '\0' || name[0] == '.' || strstr(name, "..") != NULL) {
        return "it has an empty label";
    }
    return ends_in_number(name) ? "it is neither an address nor a name" : NULL;
}
