/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Expands a text in two passes of one scanner: the first measures, the second writes. So the result
 * is allocated once, in the tree's arena, and no copy of what may be a secret is left behind by a
 * growing buffer.
 */
#include "config/expand.h"

#include <stdlib.h>
#include <string.h>

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_"
#define DIGITS  "0123456789"

/* Where the result goes. out is NULL while it is measured. The second pass never writes more than
 * the first has measured: another thread of the service may have set a variable in between. */
struct writer {
    char *out;
    size_t size;
    size_t len;
    char *variable; /* takes the first name, HX_VARIABLE_SIZE bytes */
};

static void put(struct writer *writer, const char *text, size_t len)
{
    if (writer->out == NULL) {
        writer->len += len;
    } else if (len <= writer->size - writer->len) {
        memcpy(writer->out + writer->len, text, len);
        writer->len += len;
    }
}

static enum hx_errcode form_error(struct hx_error *err)
{
    return hx_error_set(err, HX_ERR_INVALID,
                        "expected ${NAME} or ${NAME:-default}; write $$ for a dollar sign");
}

/* Writes what the variable stands for. fallback is NULL when there is none. */
static enum hx_errcode put_variable(struct writer *writer, const char *name, const char *fallback,
                                    size_t fallback_len, struct hx_error *err)
{
    if (writer->variable[0] == '\0') {
        memcpy(writer->variable, name, strlen(name) + 1);
    }
    const char *value = getenv(name);
    bool is_missing = value == NULL || (fallback != NULL && value[0] == '\0');
    if (!is_missing) {
        put(writer, value, strlen(value));
    } else if (fallback != NULL) {
        put(writer, fallback, fallback_len);
    } else {
        return hx_error_set(err, HX_ERR_NOTFOUND, "environment variable %s is not set", name);
    }
    return HX_OK;
}

/* Takes the "${...}" that text begins with, and moves text behind it. */
static enum hx_errcode scan_variable(struct writer *writer, const char **text, struct hx_error *err)
{
    const char *begin = *text + 2;
    const char *end = strchr(begin, '}');
    size_t name_len = strspn(begin, LETTERS DIGITS);
    if (end == NULL || name_len == 0 || strchr(DIGITS, begin[0]) != NULL) {
        return form_error(err);
    }
    if (name_len >= HX_VARIABLE_SIZE) {
        return hx_error_set(err, HX_ERR_LIMIT, "the name of a variable is too long");
    }
    char name[HX_VARIABLE_SIZE] = "";
    memcpy(name, begin, name_len);
    const char *fallback = NULL;
    const char *rest = begin + name_len;
    if (strncmp(rest, ":-", 2) == 0) {
        fallback = rest + 2;
        rest = end;
    }
    if (rest != end) {
        return form_error(err);
    }
    size_t fallback_len = fallback == NULL ? 0 : (size_t)(end - fallback);
    if (fallback != NULL && memmem(fallback, fallback_len, "${", 2) != NULL) {
        return hx_error_set(err, HX_ERR_UNSUPPORTED, "${...} inside ${...} is not supported");
    }
    *text = end + 1;
    return put_variable(writer, name, fallback, fallback_len, err);
}

static enum hx_errcode scan(struct writer *writer, const char *text, struct hx_error *err)
{
    enum hx_errcode code = HX_OK;
    while (*text != '\0' && code == HX_OK) {
        size_t plain = strcspn(text, "$");
        put(writer, text, plain);
        text += plain;
        if (strncmp(text, "${", 2) == 0) {
            code = scan_variable(writer, &text, err);
        } else if (*text == '$') {
            put(writer, "$", 1);
            text += text[1] == '$' ? 2 : 1;
        }
    }
    return code;
}

enum hx_errcode hx_expand(struct hx_tree *tree, const char *text, struct hx_expansion *expansion,
                          struct hx_error *err)
{
    expansion->variable[0] = '\0';
    expansion->text = text;
    if (strchr(text, '$') == NULL) {
        return HX_OK;
    }
    struct writer writer = {.variable = expansion->variable};
    enum hx_errcode code = scan(&writer, text, err);
    if (code != HX_OK) {
        return code;
    }
    char *out = hx_tree_alloc(tree, writer.len + 1);
    if (out == NULL) {
        return hx_error_set(err, HX_ERR_NOMEM, "out of memory");
    }
    expansion->text = out;
    writer = (struct writer){.out = out, .size = writer.len, .variable = expansion->variable};
    return scan(&writer, text, err);
}
