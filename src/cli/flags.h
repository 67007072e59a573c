/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Flags as Prometheus' exporters spell them: --name=value or --name value, --name for a switch,
 * "--" ends them. A table says all, and --help is printed from it.
 */
#ifndef HX_CLI_FLAGS_H
#define HX_CLI_FLAGS_H

#include "base/strbuf.h"
#include "health_exporter/error.h"

#include <stdbool.h>
#include <stddef.h>

enum hx_flag_type {
    HX_FLAG_SWITCH,   /* bool */
    HX_FLAG_TEXT,     /* const char * */
    HX_FLAG_TEXTS,    /* struct hx_flag_texts; may be given several times */
    HX_FLAG_CHOICE,   /* int, the index in choices */
    HX_FLAG_DURATION, /* int64_t, nanoseconds, at most a year */
};

#define HX_FLAG_MAX_TEXTS 16

struct hx_flag_texts {
    const char *items[HX_FLAG_MAX_TEXTS];
    size_t n;
};

struct hx_flag {
    const char *name; /* without dashes; NULL ends the table */
    char letter;      /* -h; 0: none */
    enum hx_flag_type type;
    size_t offset;     /* of the field in the options */
    const char *value; /* how help names the value: "FILE" */
    const char *help;  /* one sentence, with the default */
    const char *const *choices;
};

/*
 * Takes the flags out of argv[1...]: fields of options are set, what is no flag stays, in order, in
 * arguments (room for argc), *n of them. Texts are borrowed from argv. The message names the flag,
 * what was expected, and what was perhaps meant.
 */
enum hx_errcode hx_flags_parse(const struct hx_flag *flags, int argc, char **argv, void *options,
                               char **arguments, size_t *n, struct hx_error *err) HX_MUST_CHECK;

/* Appends the table as the flags part of --help. */
void hx_flags_write(const struct hx_flag *flags, struct hx_strbuf *out);

#endif
