/* SPDX-License-Identifier: Apache-2.0 */
/* Copies of known length, and the end of a secret. */
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

char *hx_strndup(const char *text, size_t len)
{
    char *copy = malloc(len + 1);
    if (copy == NULL) {
        return NULL;
    }
    if (len > 0) {
        memcpy(copy, text, len);
    }
    copy[len] = '\0';
    return copy;
}

void hx_secret_free(char *secret)
{
    if (secret != NULL) {
        /* Not memset: a compiler may leave out a write before free(). */
        explicit_bzero(secret, strlen(secret));
        free(secret);
    }
}
