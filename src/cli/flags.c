/* SPDX-License-Identifier: Apache-2.0 */
/* Flags from the command line, by table. */
#include "cli/flags.h"

#include "base/clock.h"
#include "base/units.h"

#include <stdio.h>
#include <string.h>

#define WIDTH           100
#define HELP_COLUMN     37
#define MAX_FLAGS       32
#define MAX_DURATION_NS (365 * 24 * 3600 * HX_NS_PER_S)

static const struct hx_flag *find(const struct hx_flag *flags, const char *name, size_t len)
{
    for (const struct hx_flag *flag = flags; flag->name != NULL; flag++) {
        if (strlen(flag->name) == len && strncmp(flag->name, name, len) == 0)
            return flag;
    }
    return NULL;
}

static const struct hx_flag *find_letter(const struct hx_flag *flags, char letter)
{
    for (const struct hx_flag *flag = flags; flag->name != NULL; flag++) {
        if (flag->letter == letter)
            return flag;
    }
    return NULL;
}

/* argument is what was given, with its dashes; len of them and the name together. */
static enum hx_errcode refuse_unknown(const struct hx_flag *flags, const char *argument, size_t len,
                                      struct hx_error *err)
{
    const char *names[MAX_FLAGS + 1];
    char word[64];
    size_t n = 0;
    for (const struct hx_flag *flag = flags; flag->name != NULL && n < MAX_FLAGS; flag++)
        names[n++] = flag->name;
    names[n] = NULL;
    snprintf(word, sizeof(word), "%.*s", (int)(len < 60 ? len : 60), argument);
    const char *near = hx_suggest(word + strspn(word, "-"), names);
    if (near != NULL)
        return hx_error_set(err, HX_ERR_INVALID, "unknown flag %s (did you mean --%s?)", word,
                            near);
    return hx_error_set(err, HX_ERR_INVALID, "unknown flag %s (--help lists them)", word);
}

static enum hx_errcode set_choice(const struct hx_flag *flag, int *field, const char *value,
                                  struct hx_error *err)
{
    char list[128] = "";
    size_t used = 0;
    for (int i = 0; flag->choices[i] != NULL; i++) {
        if (strcmp(flag->choices[i], value) == 0) {
            *field = i;
            return HX_OK;
        }
        int len = snprintf(list + used, sizeof(list) - used, "%s%s", i == 0 ? "" : ", ",
                           flag->choices[i]);
        if (len > 0 && (size_t)len < sizeof(list) - used)
            used += (size_t)len;
    }
    return hx_error_set(err, HX_ERR_INVALID, "--%s=%.40s: expected one of %s", flag->name, value,
                        list);
}

/* At most a year, so that a deadline never overflows. */
static enum hx_errcode set_duration(const struct hx_flag *flag, int64_t *field, const char *value,
                                    struct hx_error *err)
{
    struct hx_error why = {0};
    int64_t ns = 0;
    enum hx_errcode code = hx_parse_duration(value, &ns, &why);
    if (code == HX_OK && ns > MAX_DURATION_NS)
        code = hx_error_set(&why, HX_ERR_LIMIT, "expected at most 365d");
    if (code != HX_OK)
        return hx_error_set(err, code, "--%s=%.40s: %s", flag->name, value, why.message);
    *field = ns;
    return HX_OK;
}

static enum hx_errcode set(const struct hx_flag *flag, void *options, const char *value,
                           struct hx_error *err)
{
    void *field = (char *)options + flag->offset;
    struct hx_flag_texts *texts = field;
    switch (flag->type) {
    case HX_FLAG_SWITCH:
        *(bool *)field = true;
        return HX_OK;
    case HX_FLAG_TEXT:
        *(const char **)field = value;
        return HX_OK;
    case HX_FLAG_TEXTS:
        if (texts->n == HX_FLAG_MAX_TEXTS)
            return hx_error_set(err, HX_ERR_LIMIT, "--%s given more than %d times", flag->name,
                                HX_FLAG_MAX_TEXTS);
        texts->items[texts->n++] = value;
        return HX_OK;
    case HX_FLAG_CHOICE:
        return set_choice(flag, field, value, err);
    case HX_FLAG_DURATION:
        return set_duration(flag, field, value, err);
    }
    return HX_ERR_INVALID;
}

/* Takes the flag at argv[*i], and its value, which may be the next argument. */
static enum hx_errcode take(const struct hx_flag *flags, int argc, char **argv, int *i,
                            void *options, struct hx_error *err)
{
    bool is_long = argv[*i][1] == '-';
    const char *name = argv[*i] + (is_long ? 2 : 1);
    size_t len = strcspn(name, "=");
    const char *value = name[len] == '=' ? name + len + 1 : NULL;
    const struct hx_flag *flag = is_long             ? find(flags, name, len)
                                 : strlen(name) == 1 ? find_letter(flags, name[0])
                                                     : NULL;
    if (flag == NULL)
        return refuse_unknown(flags, argv[*i], strcspn(argv[*i], "="), err);
    if (flag->type == HX_FLAG_SWITCH && value != NULL)
        return hx_error_set(err, HX_ERR_INVALID, "--%s takes no value", flag->name);
    if (flag->type != HX_FLAG_SWITCH && value == NULL && *i + 1 < argc)
        value = argv[++*i];
    if (flag->type != HX_FLAG_SWITCH && (value == NULL || value[0] == '\0'))
        return hx_error_set(err, HX_ERR_INVALID, "--%s needs a value: --%s=%s", flag->name,
                            flag->name, flag->value);
    return set(flag, options, value, err);
}

enum hx_errcode hx_flags_parse(const struct hx_flag *flags, int argc, char **argv, void *options,
                               char **arguments, size_t *n, struct hx_error *err)
{
    bool is_ended = false;
    *n = 0;
    for (int i = 1; i < argc; i++) {
        if (is_ended || argv[i][0] != '-' || argv[i][1] == '\0') {
            arguments[(*n)++] = argv[i];
        } else if (strcmp(argv[i], "--") == 0) {
            is_ended = true;
        } else {
            enum hx_errcode code = take(flags, argc, argv, &i, options, err);
            if (code != HX_OK)
                return code;
        }
    }
    return HX_OK;
}

/* The help in lines of at most WIDTH columns, all behind the flags' column. */
static void write_help(const char *help, struct hx_strbuf *out)
{
    size_t column = HELP_COLUMN;
    while (*help != '\0') {
        size_t len = strcspn(help, " ");
        if (column > HELP_COLUMN && column + 1 + len > WIDTH) {
            hx_strbuf_printf(out, "\n%*s", HELP_COLUMN, "");
            column = HELP_COLUMN;
        } else if (column > HELP_COLUMN) {
            hx_strbuf_putc(out, ' ');
            column++;
        }
        hx_strbuf_append(out, help, len);
        column += len;
        help += len + (help[len] == ' ');
    }
    hx_strbuf_putc(out, '\n');
}

void hx_flags_write(const struct hx_flag *flags, struct hx_strbuf *out)
{
    for (const struct hx_flag *flag = flags; flag->name != NULL; flag++) {
        char left[64];
        snprintf(left, sizeof(left), "  %s--%s%s%s", flag->letter == 'h' ? "-h, " : "", flag->name,
                 flag->value == NULL ? "" : "=", flag->value == NULL ? "" : flag->value);
        hx_strbuf_printf(out, "%-*s ", HELP_COLUMN - 1, left);
        if (strlen(left) >= HELP_COLUMN)
            hx_strbuf_printf(out, "\n%*s", HELP_COLUMN, "");
        write_help(flag->help, out);
    }
}
